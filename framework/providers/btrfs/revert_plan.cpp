#include "framework/providers/btrfs/revert_plan.hpp"

#include <cerrno>
#include <ctime>

#include <sys/stat.h>

#include "framework/base/path.hpp"
#include "framework/base/posix_error.hpp"
#include "framework/io/busy.hpp"
#include "framework/io/device_names.hpp"
#include "framework/io/file.hpp"
#include "framework/io/mountinfo.hpp"
#include "framework/io/open_files.hpp"
#include "framework/io/volumes.hpp"

namespace stillframe {
namespace {

std::string stamp(WallTime now) {
  const auto seconds = static_cast<std::time_t>(
      std::chrono::duration_cast<std::chrono::seconds>(now.since_epoch()).count());
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y%m%dT%H%M%SZ", &parts);
  return text;
}

// Every mount that shows the subvolume, or a directory of it, and is no view of a snapshot.
Result<std::vector<MountToKeep>> mounts_of(const BytePath& subvolume, const Volume& volume,
                                           std::string& super_options) {
  auto table = read_mountinfo();
  if (!table.ok()) return table.error();
  const MountEntry* shown = nullptr;
  for (const auto& entry : table.value()) {
    const bool ours = entry.fs_type == "btrfs" && entry.source == volume.device;
    if (ours && is_within(volume.mount_point, entry.mount_point)) shown = &entry;
  }
  if (shown == nullptr) return Error(Errc::not_found, "the volume is not mounted any more");
  super_options = shown->super_options;
  std::vector<MountToKeep> mounts;
  for (const auto& entry : table.value()) {
    if (entry.major != shown->major || entry.minor != shown->minor) continue;
    const auto below = path_below(entry.root, "/" + subvolume);
    if (!below ||
        ("/" + *below + "/").find("/" + std::string(kStoreName) + "/") != std::string::npos) {
      continue;
    }
    mounts.push_back({entry.mount_point, *below, entry.options});
  }
  return mounts;
}

}  // namespace

Status refuse_if_busy(const Volume& volume) {
  struct stat st {};
  if (::stat(volume.mount_point.c_str(), &st) != 0) {
    return posix_error(errno, "look at", volume.mount_point);
  }
  std::string holders;
  const auto look = [&] {
    holders = processes_that_hold([&](const std::string& link) {
      struct stat held {};
      return ::stat(link.c_str(), &held) == 0 && held.st_dev == st.st_dev;
    });
    return holders.empty() ? 0 : EBUSY;
  };
  if (while_busy(look, kBusyTriesOfAScan) == 0) return Ok{};
  return Error(Errc::in_use, "'" + escape_path(volume.mount_point) + "' is in use by " + holders +
                                 "; stop that, or use force");
}

Result<RevertJournal> plan_revert(const WorkEnvironment& environment,
                                  const StoredSnapshot& snapshot) {
  const Volume& volume = snapshot.record.info.volume;
  auto here = open_directory(volume.mount_point);
  if (!here.ok()) return here.error();
  auto id = subvolume_id_of(here.value().get());
  if (!id.ok()) return id.error();
  if (id.value() != volume.subvolume_id) {
    return Error(Errc::wrong_state, "'" + escape_path(volume.mount_point) + "' shows subvolume " +
                                        std::to_string(id.value()) + " now, the snapshot is of " +
                                        std::to_string(volume.subvolume_id) + "; mount that there");
  }
  auto path = subvolume_path_of(here.value().get(), id.value());
  if (!path.ok()) return path.error();
  RevertJournal journal;
  journal.snapshot = snapshot.record.info.snapshot;
  journal.device = volume.device;
  journal.fs_uuid = volume.fs_uuid;
  journal.volume = path.value().substr(1);
  const std::string suffix =
      stamp(environment.clock().wall_now()) + "-" + SnapshotId::generate().to_string().substr(0, 8);
  journal.next = journal.volume + ".next-" + suffix;
  journal.aside = journal.volume + ".before-revert-" + suffix;
  const BytePath inside = path_below(volume.mount_root, path.value()).value_or(BytePath());
  journal.store = join_path(inside, kStoreName);
  auto mounts = mounts_of(journal.volume, volume, journal.super_options);
  if (!mounts.ok()) return mounts.error();
  journal.mounts = std::move(mounts).value();
  journal.records = snapshot.store;
  journal.volume_id = volume.id;
  return journal;
}

}  // namespace stillframe
