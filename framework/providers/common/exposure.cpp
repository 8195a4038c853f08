#include "framework/providers/common/exposure.hpp"

#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "framework/base/path.hpp"
#include "framework/base/posix_error.hpp"
#include "framework/io/file.hpp"
#include "framework/io/mounts.hpp"
#include "framework/io/walk.hpp"

namespace stillframe {
namespace {

Error unfit(const BytePath& place, const char* why) {
  return Error(
      Errc::invalid_argument,
      "expose at '" + escape_path(place) + "': " + why +
          "; name an empty directory, or one that does not exist yet, by an absolute path");
}

Result<bool> make_place(const BytePath& place) {
  if (place.empty() || place.front() != '/' || tidy_path(place) != place || place == "/" ||
      !is_safe_relative(place.substr(1))) {
    return unfit(place, "not a plain absolute path");
  }
  const bool there = exists(place);
  if (Status s = make_directories(place, 0700); !s.ok()) return s.error();
  auto open = open_file(place, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (!open.ok()) return unfit(place, "not a directory");
  auto names = list_names(open.value().get());
  if (!names.ok()) return names.error();
  if (!names.value().empty()) return unfit(place, "it is not empty");
  auto mounted = is_mount_point(place);
  if (!mounted.ok()) return mounted.error();
  if (mounted.value()) {
    return Error(Errc::already_exists, "expose at '" + escape_path(place) +
                                           "': something is mounted there; choose another place");
  }
  if (::fchmod(open.value().get(), 0700) != 0) return posix_error(errno, "set mode of", place);
  return !there;
}

Status forget_exposure(StoredSnapshot& snapshot) {
  const BytePath place = snapshot.record.info.exposed_at;
  if (snapshot.record.place_made) (void)::rmdir(place.c_str());
  snapshot.record.info.exposed_at.clear();
  snapshot.record.place_made = false;
  return write_snapshot_record(snapshot.directory, snapshot.record);
}

// The mount at `place` shows the snapshot and not something mounted there later by others.
bool shows(const BytePath& place, const BytePath& root) {
  struct stat there {
  }, ours{};
  return ::stat(place.c_str(), &there) == 0 && ::stat(root.c_str(), &ours) == 0 &&
         there.st_dev == ours.st_dev && there.st_ino == ours.st_ino;
}

}  // namespace

BytePath exposed_now(const SnapshotRecord& record) {
  const BytePath& place = record.info.exposed_at;
  if (place.empty()) return {};
  auto mounted = is_mount_point(place);
  return mounted.ok() && mounted.value() && shows(place, record.info.root) ? place : BytePath();
}

Status expose_snapshot(StoredSnapshot& snapshot, const BytePath& place) {
  if (const BytePath now = exposed_now(snapshot.record); !now.empty()) {
    return Error(Errc::already_exists, "snapshot " + snapshot.record.info.snapshot.to_string() +
                                           " is exposed at '" + escape_path(now) +
                                           "'; unexpose it first");
  }
  auto root = open_directory(snapshot.record.info.root);
  if (!root.ok()) return root.error().while_doing("expose");
  auto made = make_place(place);
  if (!made.ok()) return made.error();
  snapshot.record.info.exposed_at = place;
  snapshot.record.place_made = made.value();
  if (Status s = write_snapshot_record(snapshot.directory, snapshot.record); !s.ok()) return s;
  Status mounted = bind_mount_sealed(root.value().get(), place);
  if (!mounted.ok()) (void)forget_exposure(snapshot);
  return mounted;
}

Status unexpose_snapshot(StoredSnapshot& snapshot) {
  if (snapshot.record.info.exposed_at.empty()) {
    return Error(Errc::wrong_state, "unexpose: snapshot " +
                                        snapshot.record.info.snapshot.to_string() +
                                        " is not exposed; expose, remove and revert are possible");
  }
  if (const BytePath now = exposed_now(snapshot.record); !now.empty()) {
    if (Status s = unmount(now); !s.ok()) return s;
  }
  return forget_exposure(snapshot);
}

}  // namespace stillframe
