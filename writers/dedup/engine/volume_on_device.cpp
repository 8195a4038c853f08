#include "writers/dedup/engine/volume_on_device.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <string>

#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "framework/base/config.hpp"
#include "framework/base/path.hpp"
#include "framework/base/posix_error.hpp"
#include "framework/io/file.hpp"
#include "framework/io/mountinfo.hpp"
#include "framework/io/mounts.hpp"
#include "writers/dedup/engine/volume_making.hpp"
#include "writers/dedup/volume/layout.hpp"
#include "writers/dedup/volume/posix_lower_file.hpp"

namespace stillframe::dedup {

namespace {

BytePath own_folder_below(int root) {
  return "/proc/self/fd/" + std::to_string(root) + "/" + kVolumeFolder;
}

// Where a session of the writer shows it to whoever copies it: nobody changes files there.
bool is_backup_place(const BytePath& mount_point) {
  const BytePath folder = parent_path(mount_point);
  struct stat about {};
  return last_component(folder) == kBackupPlaces && ::stat(folder.c_str(), &about) == 0 &&
         about.st_uid == ::geteuid() && (about.st_mode & (S_IRWXG | S_IRWXO)) == 0;
}

// What is mounted can be changed past the view. A view of ours has the device's name but a number
// of its own, and its engine the lock.
Status expect_not_mounted(const BytePath& device) {
  struct stat about {};
  if (::stat(device.c_str(), &about) != 0) return posix_error(errno, "examine", device);
  if (!S_ISBLK(about.st_mode)) {
    return Error(Errc::invalid_argument, quoted_path(device) + " is no block device");
  }
  const auto mounts = read_mountinfo();
  if (!mounts.ok()) return mounts.error();
  for (const MountEntry& mount : mounts.value()) {
    struct stat source {};
    const bool same_number =
        mount.major == major(about.st_rdev) && mount.minor == minor(about.st_rdev);
    const bool same_source = mount.fs_type == "btrfs" &&
                             ::stat(mount.source.c_str(), &source) == 0 &&
                             source.st_rdev == about.st_rdev;
    if ((!same_number && !same_source) || is_backup_place(mount.mount_point)) continue;
    return Error(Errc::in_use, quoted_path(device) + " is mounted on " +
                                   quoted_path(mount.mount_point) +
                                   ", where its files can be changed past the view: unmount it");
  }
  return Ok{};
}

Result<Descriptor> mount_root(const BytePath& device) {
  if (Status s = expect_not_mounted(device); !s.ok()) return s.error();
  return mount_volume(device);
}

// Half a restore is neither the old volume nor the new one.
Status expect_no_restore(const BytePath& folder, const BytePath& device) {
  if (!exists(folder + "/" + kRestoreRecordName)) return Ok{};
  return Error(Errc::interlocked, "a restore of the volume on " + quoted_path(device) +
                                      " is under way, or was cut short: let it end, or restore "
                                      "the volume again");
}

Status expect_enabled(const BytePath& folder, const BytePath& device) {
  if (Status s = expect_no_restore(folder, device); !s.ok()) return s;
  if (exists(folder + "/" + kSettingsFileName)) return Ok{};
  return Error(Errc::not_found, "the volume on " + quoted_path(device) +
                                    " is not deduplicated: dedupctl enable makes it so");
}

}  // namespace

Result<Descriptor> mount_volume(const BytePath& device) {
  if (!may_read_marks()) {
    return Error(Errc::access_denied, "a deduplicated volume needs CAP_SYS_ADMIN: run as root");
  }
  constexpr std::array<const char*, 3> kTypes{"ext4", "xfs", "btrfs"};
  std::optional<Error> busy;
  for (const char* type : kTypes) {
    auto root = mount_detached(type, device, {});
    if (root.ok()) return root;
    const Error error = root.error().while_doing("mounting " + quoted_path(device) + " as " + type);
    switch (error.code()) {
      case Errc::invalid_argument:  // of another type
      case Errc::not_found:         // or one that this kernel does not have
        break;
      case Errc::in_use:  // of another type that is mounted, or somebody has the device itself
        busy = error;
        break;
      default:
        return error;
    }
  }
  if (busy) return *busy;
  return Error(
      Errc::volume_not_supported,
      quoted_path(device) + " has no file system of ext4, XFS or btrfs that can be mounted");
}

Result<FileLock> lock_volume(const BytePath& own_folder, const BytePath& device) {
  return FileLock::take(own_folder + "/" + kEngineLockFileName,
                        "the volume on " + quoted_path(device));
}

Status VolumeOnDevice::enable(const BytePath& device, std::optional<VolumeSettings> wanted,
                              std::optional<chunkstore::ChunkProfile> profile) {
  const auto root = mount_root(device);
  if (!root.ok()) return root.error();
  const auto files = posix_files();
  const BytePath folder = own_folder_below(root.value().get());
  if (Status s = make_directories(folder, 0700); !s.ok()) return s;
  const auto lock = lock_volume(folder, device);
  if (!lock.ok()) return lock.error();
  if (Status s = expect_no_restore(folder, device); !s.ok()) return s;
  return make_volume(*files, folder, std::move(wanted), profile);
}

Result<std::unique_ptr<VolumeOnDevice>> VolumeOnDevice::open(const BytePath& device,
                                                             const BytePath& key_file) {
  auto root = mount_root(device);
  if (!root.ok()) return root.error();
  const BytePath folder = own_folder_below(root.value().get());
  if (Status s = expect_enabled(folder, device); !s.ok()) return s.error();
  auto lock = lock_volume(folder, device);
  if (!lock.ok()) return lock.error();
  std::unique_ptr<VolumeOnDevice> volume(
      new VolumeOnDevice(device, std::move(root).value(), std::move(lock).value()));
  if (Status s = volume->load(key_file); !s.ok()) return s.error();
  return volume;
}

Status VolumeOnDevice::change_key(const BytePath& device, const BytePath& key_file) {
  const auto root = mount_root(device);
  if (!root.ok()) return root.error();
  const BytePath folder = own_folder_below(root.value().get());
  if (Status s = expect_enabled(folder, device); !s.ok()) return s;
  const auto lock = lock_volume(folder, device);
  if (!lock.ok()) return lock.error();
  return change_volume_key(*posix_files(), folder, key_file);
}

Status VolumeOnDevice::load(const BytePath& key_file) {
  const BytePath folder = own_folder();
  files_ = posix_files();
  auto settings = read_settings(*files_, folder + "/" + kSettingsFileName);
  if (!settings.ok()) return settings.error();
  settings_ = std::move(settings).value();
  if (!key_file.empty()) settings_.key_file = key_file;
  if (exists(folder + "/" + kHistoryFileName)) {
    // No reason to keep anybody from the files: the next job writes it anew.
    const auto text = read_file(folder + "/" + kHistoryFileName, kConfigBytesMax);
    auto history = text.ok() ? parse_history(text.value()) : Result<JobHistory>(text.error());
    if (history.ok()) history_ = std::move(history).value();
    if (!history.ok()) history_trouble_ = history.error().what();
  }
  const auto options = options_for_store(settings_);
  if (!options.ok()) return options.error();
  auto store = chunkstore::Store::open(*files_, folder + "/" + kStoreFolder, options.value());
  if (!store.ok()) return store.error();
  store_ = std::move(store).value();
  auto table = FileTable::open(*files_, folder, settings_.store);
  if (!table.ok()) return table.error();
  table_ = std::move(table).value();
  return Ok{};
}

BytePath VolumeOnDevice::own_folder() const {
  return own_folder_below(root_.get());
}

bool VolumeOnDevice::disabled() const {
  return exists(own_folder() + "/" + kDisabledFileName);
}

Status VolumeOnDevice::set_disabled(bool disabled) {
  const BytePath file = own_folder() + "/" + kDisabledFileName;
  const Status done = disabled ? write_file_durably(file, "") : remove_file(file);
  return done.ok() ? sync_directory(own_folder()) : done;
}

JobHistory VolumeOnDevice::history() const {
  const std::lock_guard lock(mutex_);
  return history_;
}

std::string VolumeOnDevice::history_trouble() const {
  const std::lock_guard lock(mutex_);
  return history_trouble_;
}

Status VolumeOnDevice::record(JobKind kind, JobRecord record) {
  const std::lock_guard lock(mutex_);
  history_[kind] = std::move(record);
  history_trouble_.clear();
  return write_file_durably(own_folder() + "/" + kHistoryFileName, format_history(history_));
}

}  // namespace stillframe::dedup
