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
                                                                    const std::string& store,
                                                                    const BytePath& key_file) {
  std::unique_ptr<VolumeReplacement> it(new VolumeReplacement(volume, session, store, key_file));
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

Result<std::unique_ptr<VolumeReplacement>> VolumeReplacement::find_unfinished(
    const BackedUpVolume& volume) {
  // Not at its place, where a session of another process may have it.
  const auto root = mount_volume(volume.device);
  if (!root.ok()) return root.error();
  const BytePath own = "/proc/self/fd/" + std::to_string(root.value().get()) + "/" + kVolumeFolder;
  if (!exists(join_path(own, kRestoreRecordName))) return std::unique_ptr<VolumeReplacement>();
  auto lock = lock_volume(own, volume.device);
  if (!lock.ok()) return lock.error();
  const VolumePlaces places = VolumePlaces::of(volume);
  auto mounted = MountedPlace::make(volume.device, places.mount);
  if (!mounted.ok()) return mounted.error();
  const auto record = read_interlock(places.own);
  if (!record.ok()) return record.error();
  std::unique_ptr<VolumeReplacement> it(
      new VolumeReplacement(volume, record.value().session, "", volume.key_file));
  it->mounted_ = std::move(mounted).value();
  it->lock_ = std::move(lock).value();
  it->stage_ = Stage::made_room;
  return it;
}

Result<bool> VolumeReplacement::carry_on() {
  const auto record = read_interlock(places_.own);
  if (!record.ok() && record.error().code() != Errc::not_found) return record.error();
  // Abandoned, and the target was allowed to start.
  const bool gone = !record.ok();
  const bool copied = !gone && record.value().state == InterlockRecord::State::copied;
  const bool failed = gone || record.value().state == InterlockRecord::State::failed;
  Status done = Ok{};
  if (copied || exists(arriving_)) {  // from where there is no way back
    done = put_in_place_what_came();
  } else if (failed) {
    done = put_back();
  } else {
    return false;
  }
  if (!done.ok()) return done.error();
  return true;
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
  for (const BytePath& left : {places_.incoming, arriving_}) {
    if (Status s = remove_tree(left); !s.ok()) return s;
  }
  InterlockRecord record;
  record.session = session_;
  record.target = "deduplicated volume '" + volume_.name + "'";
  record.registration = registration;
  record.since = system_clock().wall_now();
  at("register");
  if (Status s = register_interlock(places_.own, record); !s.ok()) return s;
  stage_ = Stage::made_room;
  if (Status s = make_directories(moving_); !s.ok()) return s;
  if (Status s = move_own_files(places_.own, moving_); !s.ok()) return s;
  // From here on what is in the volume's own folder is what came, and nothing of before.
  if (Status s = make_directories(aside_); !s.ok()) return s;
  return rename_folder(moving_, kept_);
}

// Durable on return; nothing that is there gives way.
Status VolumeReplacement::rename_folder(const BytePath& from, const BytePath& to) const {
  at("turn");
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) != 0) {
    return posix_error(errno, "rename", from);
  }
  return flush_file_system(places_.mount);
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
    if (Status s = move_name(from, to, name); !s.ok()) return s;
  }
  return flush_file_system(places_.mount);
}

Status VolumeReplacement::move_users_files(const BytePath& from, const BytePath& to) const {
  const auto names = names_in(from);
  if (!names.ok()) return names.error();
  for (const BytePath& name : names.value()) {
    if (!is_of_the_users(name)) continue;
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
  auto settings = read_settings(*posix_files(), join_path(places_.own, kSettingsFileName));
  if (!settings.ok()) return settings.error();
  const std::string came = uuid_to_string(settings.value().store);
  if (!store_.empty() && came != store_) {
    return Error(Errc::corrupt,
                 "the settings that came back are of store " + came + ", not of " + store_);
  }
  const auto files = posix_files();
  const BytePath said = settings.value().key_file;
  if (!said.empty() && !key_file_.empty()) settings.value().key_file = key_file_;
  const auto options = options_for_store(settings.value());
  if (!options.ok()) return options.error();
  {
    const auto store =
        chunkstore::Store::open(*files, join_path(places_.own, kStoreFolder), options.value());
    if (!store.ok()) return store.error();
    const auto table = FileTable::open(*files, places_.own, settings.value().store);
    if (!table.ok()) return table.error();
  }
  // Whoever opens the volume next finds its key file, and so does who goes on here after a crash.
  if (settings.value().key_file == said) return Ok{};
  return change_volume_key(*files, places_.own, settings.value().key_file);
}

// The folder's second name says that the old files are all aside: whoever goes on after a crash
// must not take what arrived for them.
Status VolumeReplacement::swap_users_files() const {
  if (!exists(arriving_)) {
    if (Status s = move_users_files(places_.mount, aside_); !s.ok()) return s;
    if (!exists(places_.incoming)) return Ok{};  // there were none
    if (Status s = rename_folder(places_.incoming, arriving_); !s.ok()) return s;
  }
  if (Status s = move_users_files(arriving_, places_.mount); !s.ok()) return s;
  at("attributes");
  return copy_folder_attributes(arriving_, places_.mount);
}

Status VolumeReplacement::put_in_place() {
  if (stage_ != Stage::came) {
    return Error(Errc::interlocked, "the restore of volume '" + volume_.name + "' is not complete");
  }
  return put_in_place_what_came();
}

Status VolumeReplacement::put_in_place_what_came() {
  if (Status s = check_what_came(); !s.ok()) {
    return s.error().while_doing("checking the store that was restored");
  }
  stage_ = Stage::swapping;
  if (Status s = swap_users_files(); !s.ok()) return s;
  if (Status s = flush_file_system(places_.mount); !s.ok()) return s;
  at("open");
  if (Status s = remove_interlock(places_.own); !s.ok()) return s;
  stage_ = Stage::in_place;
  return remove_tree(arriving_);  // which is empty
}

// A requestor that failed has taken back what it wrote. What came whole and was not wanted after
// all is a copy, and goes.
Status VolumeReplacement::put_back() const {
  if (exists(kept_)) {
    const auto came = names_in(places_.own);
    if (!came.ok()) return came.error();
    for (const BytePath& name : came.value()) {
      if (!is_of_the_volume(name)) continue;
      at("remove");
      if (Status s = remove_tree(join_path(places_.own, name)); !s.ok()) return s;
    }
    if (Status s = flush_file_system(places_.mount); !s.ok()) return s;
    if (Status s = rename_folder(kept_, moving_); !s.ok()) return s;
  }
  if (Status s = take_old_files_back(); !s.ok()) return s;
  if (Status s = remove_tree(places_.incoming); !s.ok()) return s;
  if (Status s = flush_file_system(places_.mount); !s.ok()) return s;
  at("open");
  return remove_interlock(places_.own);
}

Status VolumeReplacement::take_old_files_back() const {
  if (exists(moving_)) {
    if (Status s = move_own_files(moving_, places_.own); !s.ok()) return s;
    (void)::rmdir(moving_.c_str());
  }
  if (!exists(aside_)) return Ok{};
  if (Status s = move_users_files(aside_, places_.mount); !s.ok()) return s;
  (void)::rmdir(aside_.c_str());
  return Ok{};
}

Status VolumeReplacement::end() {
  const bool unwanted = stage_ == Stage::made_room || stage_ == Stage::came;
  const Status done = unwanted ? put_back() : Status(Ok{});
  lock_.reset();
  mounted_.reset();
  return done;
}

}  // namespace stillframe::dedup
