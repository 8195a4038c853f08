#include "writers/dedup/engine/volume_on_device.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>

#include <sys/stat.h>
#include <sys/sysmacros.h>

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
    if (!same_number && !same_source) continue;
    return Error(Errc::in_use, quoted_path(device) + " is mounted on " +
                                   quoted_path(mount.mount_point) +
                                   ", where its files can be changed past the view: unmount it");
  }
  return Ok{};
}

Result<Descriptor> mount_root(const BytePath& device) {
  if (!may_read_marks()) {
    return Error(Errc::access_denied, "a deduplicated volume needs CAP_SYS_ADMIN: run as root");
  }
  if (Status s = expect_not_mounted(device); !s.ok()) return s.error();
  constexpr std::array<const char*, 3> kTypes{"ext4", "xfs", "btrfs"};
  for (const char* type : kTypes) {
    auto root = mount_detached(type, device, {});
    if (root.ok()) return root;
    // Of another type, or one that this kernel does not have; all else is its own type's word.
    const Errc code = root.error().code();
    if (code == Errc::invalid_argument || code == Errc::not_found) continue;
    return root.error().while_doing("mounting " + quoted_path(device) + " as " + type);
  }
  return Error(
      Errc::volume_not_supported,
      quoted_path(device) + " has no file system of ext4, XFS or btrfs that can be mounted");
}

Result<FileLock> lock_engine(const BytePath& folder, const BytePath& device) {
  return FileLock::take(folder + "/" + kEngineLockFileName, "the volume on " + quoted_path(device));
}

}  // namespace

Status VolumeOnDevice::enable(const BytePath& device, std::optional<VolumeSettings> wanted,
                              std::optional<chunkstore::ChunkProfile> profile) {
  const auto root = mount_root(device);
  if (!root.ok()) return root.error();
  const auto files = posix_files();
  const BytePath folder = own_folder_below(root.value().get());
  if (Status s = make_directories(folder, 0700); !s.ok()) return s;
  const auto lock = lock_engine(folder, device);
  if (!lock.ok()) return lock.error();
  return make_volume(*files, folder, std::move(wanted), profile);
}

Result<std::unique_ptr<VolumeOnDevice>> VolumeOnDevice::open(const BytePath& device) {
  auto root = mount_root(device);
  if (!root.ok()) return root.error();
  const BytePath folder = own_folder_below(root.value().get());
  if (!exists(folder + "/" + kSettingsFileName)) {
    return Error(Errc::not_found, "the volume on " + quoted_path(device) +
                                      " is not deduplicated: dedupctl enable makes it so");
  }
  auto lock = lock_engine(folder, device);
  if (!lock.ok()) return lock.error();
  std::unique_ptr<VolumeOnDevice> volume(
      new VolumeOnDevice(device, std::move(root).value(), std::move(lock).value()));
  if (Status s = volume->load(); !s.ok()) return s.error();
  return volume;
}

Status VolumeOnDevice::load() {
  const BytePath folder = own_folder();
  files_ = posix_files();
  auto settings = read_settings(*files_, folder + "/" + kSettingsFileName);
  if (!settings.ok()) return settings.error();
  settings_ = std::move(settings).value();
  if (exists(folder + "/" + kHistoryFileName)) {
    // No reason to keep anybody from the files: the next job writes it anew.
    const auto text = read_file(folder + "/" + kHistoryFileName, kConfigBytesMax);
    auto history = text.ok() ? parse_history(text.value()) : Result<JobHistory>(text.error());
    if (history.ok()) history_ = std::move(history).value();
    if (!history.ok()) history_trouble_ = history.error().what();
  }
  auto store = chunkstore::Store::open(*files_, folder + "/" + kStoreFolder);
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
