#include "writers/dedup/writer/volume_replacement.hpp"

#include <cerrno>
#include <filesystem>
#include <set>
#include <system_error>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <stillframe/writer_host.hpp>

#include "framework/base/path.hpp"
#include "framework/base/posix_error.hpp"
#include "framework/chunkstore/store.hpp"
#include "framework/io/file.hpp"
#include "framework/io/files.hpp"
#include "framework/io/mounts.hpp"
#include "framework/io/volumes.hpp"
#include "framework/io/walk.hpp"
#include "writers/dedup/engine/control_socket.hpp"
#include "writers/dedup/engine/volume_making.hpp"
#include "writers/dedup/engine/volume_on_device.hpp"
#include "writers/dedup/volume/layout.hpp"

namespace stillframe::dedup {

namespace {

Result<std::vector<BytePath>> names_in(const BytePath& folder) {
  const auto open = open_directory(folder);
  if (!open.ok()) return open.error();
  return list_names(open.value().get());
}

// What the volume consists of in its own folder; locks, the record and what was replaced before
// stay.
bool is_of_the_volume(const BytePath& name) {
  static const std::set<BytePath> kNames{kStoreFolder, kTableFileName, kSettingsFileName,
                                         kHistoryFileName, kDisabledFileName};
  return kNames.contains(name) || name == BytePath(kTableFileName) + ".new" ||
         name.starts_with(kTableIndexFileName) ||
         name == BytePath(kSettingsFileName) + ".unfinished";
}

bool is_of_the_users(const BytePath& name) {
  return name != kVolumeFolder && name != kStoreName && name != "lost+found";
}

// The root's own attributes come back with the folder that stood in for it.
Status copy_folder_attributes(const BytePath& from, const BytePath& to) {
  struct stat about {};
  if (::stat(from.c_str(), &about) != 0) return posix_error(errno, "examine", from);
  const timespec times[2] = {about.st_atim, about.st_mtim};
  if (::chown(to.c_str(), about.st_uid, about.st_gid) != 0 ||
      ::chmod(to.c_str(), about.st_mode & 07777) != 0 ||
      ::utimensat(AT_FDCWD, to.c_str(), times, 0) != 0) {
    return posix_error(errno, "set the attributes of", to);
  }
  return Ok{};
}

Status remove_tree(const BytePath& path) {
  std::error_code failed;
  std::filesystem::remove_all(path, failed);
  if (!failed) return Ok{};
  return posix_error(failed.value(), "remove", path);
}

}  // namespace

Result<std::unique_ptr<VolumeReplacement>> VolumeReplacement::begin(const BackedUpVolume& volume,
                                                                    const SessionId& session,
                                                                    const std::string& store) {
  std::unique_ptr<VolumeReplacement> it(new VolumeReplacement(volume, session, store));
  const auto socket = control_socket_path(volume.run_folder, volume.device);
  if (!socket.ok()) return socket.error();
  if (const auto engine = ControlClient::connect(socket.value()); engine.ok()) {
    return Error(Errc::in_use, "volume '" + volume.name + "' is mounted, by process " +
                                   std::to_string(engine.value().peer()) +
                                   ": dedupctl unmount it, then restore it");
  }
  auto mounted = MountedPlace::make(volume.device, it->places_.mount);
  if (!mounted.ok()) return mounted.error();
  it->mounted_ = std::move(mounted).value();
  if (Status s = make_directories(it->places_.own); !s.ok()) return s.error();
  auto lock = lock_volume(it->places_.own, volume.device);
  if (!lock.ok()) return lock.error();
  it->lock_ = std::move(lock).value();
  if (Status s = it->expect_store_fits(); !s.ok()) return s.error();
  return it;
}

Status VolumeReplacement::expect_store_fits() const {
  const auto settings = read_settings(*posix_files(), join_path(places_.own, kSettingsFileName));
  if (!settings.ok()) {
    return settings.error().code() == Errc::not_found ? Status(Ok{}) : Status(settings.error());
  }
  const std::string there = uuid_to_string(settings.value().store);
  if (store_.empty() || store_ == there) return Ok{};
  return Error(Errc::wrong_state,
               "volume '" + volume_.name + "' has store " + there +
                   ", and the backup is of another, " + store_ +
                   ": restore onto the volume that it is of, or onto a new file system");
}

Status VolumeReplacement::make_room(const RestoreRegistration& registration) {
  if (stage_ != Stage::begun) return Ok{};
  // Of a session that is over, since nobody else has the lock.
  if (const auto earlier = read_interlock(places_.own); earlier.ok()) {
    if (Status s = remove_interlock(places_.own); !s.ok()) return s;
  }
  if (Status s = remove_tree(places_.incoming); !s.ok()) return s;
  InterlockRecord record;
  record.session = session_;
  record.target = "deduplicated volume '" + volume_.name + "'";
  record.registration = registration;
  record.since = system_clock().wall_now();
  at("register");
  if (Status s = register_interlock(places_.own, record); !s.ok()) return s;
  stage_ = Stage::made_room;
  return move_own_files(places_.own, aside_ + "/" + kVolumeFolder);
}

Status VolumeReplacement::move_name(const BytePath& from, const BytePath& to,
                                    const BytePath& name) const {
  at("move");
  const BytePath source = join_path(from, name), target = join_path(to, name);
  if (::renameat2(AT_FDCWD, source.c_str(), AT_FDCWD, target.c_str(), RENAME_NOREPLACE) == 0) {
    return Ok{};
  }
  return posix_error(errno, "move aside", source);
}

Status VolumeReplacement::move_own_files(const BytePath& from, const BytePath& to) const {
  const auto names = names_in(from);
  if (!names.ok()) return names.error();
  for (const BytePath& name : names.value()) {
    if (!is_of_the_volume(name)) continue;
    if (Status s = make_directories(to); !s.ok()) return s;
    if (Status s = move_name(from, to, name); !s.ok()) return s;
  }
  return flush_file_system(places_.mount);
}

Status VolumeReplacement::files_came(const Status& copied) {
  if (stage_ != Stage::made_room) return Ok{};
  auto record = read_interlock(places_.own);
  if (!record.ok()) return record.error();
  record.value().state =
      copied.ok() ? InterlockRecord::State::copied : InterlockRecord::State::failed;
  if (!copied.ok()) record.value().failure = copied.error().what();
  at("note");
  if (Status s = update_interlock(places_.own, record.value()); !s.ok()) return s;
  if (copied.ok()) stage_ = Stage::came;
  return Ok{};
}

// Store and table are opened as an engine does it, so what a crash would leave is put right.
Status VolumeReplacement::check_what_came() const {
  const auto settings = read_settings(*posix_files(), join_path(places_.own, kSettingsFileName));
  if (!settings.ok()) return settings.error();
  const std::string came = uuid_to_string(settings.value().store);
  if (!store_.empty() && came != store_) {
    return Error(Errc::corrupt,
                 "the settings that came back are of store " + came + ", not of " + store_);
  }
  const auto files = posix_files();
  const auto store = chunkstore::Store::open(*files, join_path(places_.own, kStoreFolder));
  if (!store.ok()) return store.error();
  const auto table = FileTable::open(*files, places_.own, settings.value().store);
  return table.ok() ? Status(Ok{}) : Status(table.error());
}

Status VolumeReplacement::swap_users_files() const {
  const auto there = names_in(places_.mount);
  if (!there.ok()) return there.error();
  for (const BytePath& name : there.value()) {
    if (!is_of_the_users(name)) continue;
    if (Status s = make_directories(aside_); !s.ok()) return s;
    if (Status s = move_name(places_.mount, aside_, name); !s.ok()) return s;
  }
  if (!exists(places_.incoming)) return Ok{};  // there were none
  const auto came = names_in(places_.incoming);
  if (!came.ok()) return came.error();
  for (const BytePath& name : came.value()) {
    if (!is_of_the_users(name)) continue;
    if (Status s = move_name(places_.incoming, places_.mount, name); !s.ok()) return s;
  }
  at("attributes");
  if (Status s = copy_folder_attributes(places_.incoming, places_.mount); !s.ok()) return s;
  return remove_tree(places_.incoming);
}

Status VolumeReplacement::put_in_place() {
  if (stage_ != Stage::came) {
    return Error(Errc::interlocked, "the restore of volume '" + volume_.name + "' is not complete");
  }
  if (Status s = check_what_came(); !s.ok()) {
    return s.error().while_doing("checking the store that was restored");
  }
  stage_ = Stage::swapping;
  if (Status s = swap_users_files(); !s.ok()) return s;
  if (Status s = flush_file_system(places_.mount); !s.ok()) return s;
  at("open");
  if (Status s = remove_interlock(places_.own); !s.ok()) return s;
  stage_ = Stage::in_place;
  return Ok{};
}

// A requestor that failed has taken back what it wrote. What came whole and was not wanted after
// all is a copy, and goes.
Status VolumeReplacement::put_back() const {
  const auto left = names_in(places_.own);
  if (!left.ok()) return left.error();
  for (const BytePath& name : left.value()) {
    if (!is_of_the_volume(name)) continue;
    if (Status s = remove_tree(join_path(places_.own, name)); !s.ok()) return s;
  }
  const BytePath kept = aside_ + "/" + kVolumeFolder;
  if (exists(kept)) {
    if (Status s = move_own_files(kept, places_.own); !s.ok()) return s;
    (void)::rmdir(kept.c_str());
    (void)::rmdir(aside_.c_str());
  }
  if (Status s = remove_tree(places_.incoming); !s.ok()) return s;
  if (Status s = flush_file_system(places_.mount); !s.ok()) return s;
  return remove_interlock(places_.own);
}

Status VolumeReplacement::end() {
  const bool unwanted = stage_ == Stage::made_room || stage_ == Stage::came;
  const Status done = unwanted ? put_back() : Status(Ok{});
  lock_.reset();
  mounted_.reset();
  return done;
}

}  // namespace stillframe::dedup
