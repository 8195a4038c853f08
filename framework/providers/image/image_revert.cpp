#include "framework/providers/image/image_revert.hpp"

#include <cerrno>
#include <optional>
#include <sstream>

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "framework/base/path.hpp"
#include "framework/base/posix_error.hpp"
#include "framework/io/copy_data.hpp"
#include "framework/io/file.hpp"
#include "framework/io/mount_namespaces.hpp"
#include "framework/io/mountinfo.hpp"
#include "framework/io/mounts.hpp"
#include "framework/providers/image/image_cut.hpp"
#include "framework/providers/image/loop_device.hpp"

namespace stillframe {

namespace {

Error in_use(const Volume& volume, const std::string& who) {
  return {Errc::in_use, "'" + escape_path(volume.mount_point) + "' is held by " + who +
                            "; end that, or unmount it, then revert again"};
}

// The one mount of the volume's device, or none.
Result<std::optional<MountEntry>> find_mount(const Volume& volume) {
  auto mounts = read_mountinfo();
  if (!mounts.ok()) return mounts.error();
  std::optional<MountEntry> found;
  for (const MountEntry& mount : mounts.value()) {
    if (mount.source != volume.device) continue;
    if (found) return in_use(volume, "a second mount at '" + escape_path(mount.mount_point) + "'");
    found = mount;
  }
  return found;
}

unsigned long flags_of(const MountEntry& mount) {
  constexpr std::pair<const char*, unsigned long> kFlags[] = {
      {"ro", MS_RDONLY},         {"nosuid", MS_NOSUID},   {"nodev", MS_NODEV},
      {"noexec", MS_NOEXEC},     {"noatime", MS_NOATIME}, {"nodiratime", MS_NODIRATIME},
      {"relatime", MS_RELATIME}, {"sync", MS_SYNCHRONOUS}};
  unsigned long flags = 0;
  for (const auto& [name, flag] : kFlags) {
    if (has_mount_option(mount.options, name)) flags |= flag;
  }
  return flags;
}

Status mount_again(const MountEntry& mount) {
  std::string data, option;
  for (std::istringstream options(mount.super_options); std::getline(options, option, ',');) {
    if (option != "rw" && option != "ro") data += (data.empty() ? "" : ",") + option;
  }
  const auto attempt = [&](const char* with) {
    return ::mount(mount.source.c_str(), mount.mount_point.c_str(), mount.fs_type.c_str(),
                   flags_of(mount), with) == 0;
  };
  // What a kernel shows is not always what it takes.
  if (attempt(data.c_str()) || attempt(nullptr)) return Ok{};
  return posix_error(errno, "mount again", mount.mount_point);
}

Status unmount_volume(const Volume& volume, const MountEntry& mount) {
  Status done = unmount(mount.mount_point);
  if (!done.ok() && done.error().code() == Errc::in_use) {
    return in_use(volume, holders_of_mount(mount.mount_point));
  }
  return done;
}

// Unmounting takes only our view away. Blocks must not change beneath a file system that lives on
// in another mount namespace: it would write its old state over the new one.
Result<Descriptor> claim_volume(const Volume& volume) {
  auto claimed = claim_device(volume.device);
  if (claimed.ok() || claimed.error().code() != Errc::in_use) return claimed;
  const std::string who =
      mount_namespaces_with([&](const MountEntry& entry) { return entry.source == volume.device; });
  return in_use(volume, who.empty() ? "somebody who cannot be seen from here" : who);
}

Status set_step(StoredSnapshot& snapshot, RevertStep step) {
  snapshot.record.revert = step;
  return write_snapshot_record(snapshot.directory, snapshot.record);
}

Status share_in_place(const WorkEnvironment& environment, const Descriptor& source,
                      const Volume& volume) {
  auto target = open_file(volume.backing_image, O_RDWR);
  if (!target.ok()) return target.error();
  if (Status s = clone_data(source.get(), target.value().get(), volume.backing_image); !s.ok()) {
    return s;
  }
  if (Status s = environment.at("revert.shared"); !s.ok()) return s;
  if (Status s = sync_file(target.value().get(), volume.backing_image); !s.ok()) return s;
  // The device may remember blocks of the old image.
  auto device = open_file(volume.device, O_RDONLY);
  if (!device.ok()) return device.error();
  if (::ioctl(device.value().get(), BLKFLSBUF, 0) != 0) {
    return posix_error(errno, "flush", volume.device);
  }
  return Ok{};
}

Status revert_attached(const WorkEnvironment& environment, StoredSnapshot& snapshot,
                       const Descriptor& source) {
  const Volume& volume = snapshot.record.info.volume;
  auto mount = find_mount(volume);
  if (!mount.ok()) return mount.error();
  if (mount.value()) {
    if (Status s = unmount_volume(volume, *mount.value()); !s.ok()) return s;
  }
  auto claimed = claim_volume(volume);
  Status done = claimed.ok() ? environment.at("revert.unmounted") : Status(claimed.error());
  if (done.ok()) done = set_step(snapshot, RevertStep::swapping);
  if (done.ok()) done = share_in_place(environment, source, volume);
  if (done.ok()) done = set_step(snapshot, RevertStep::none);
  // Also when it failed: what the volume holds now is better seen than hidden, and the record says
  // that it is not finished.
  if (claimed.ok()) claimed.value().reset();
  if (mount.value()) {
    Status mounted = mount_again(*mount.value());
    if (done.ok()) done = mounted;
  }
  return done;
}

Status revert_detached(const WorkEnvironment& environment, StoredSnapshot& snapshot,
                       const Descriptor& source) {
  const BytePath& image = snapshot.record.info.volume.backing_image;
  const BytePath fresh = image + ".stillframe-revert";
  if (Status s = remove_file(fresh); !s.ok()) return s;  // of a revert that a crash ended
  auto target = open_file(fresh, O_CREAT | O_EXCL | O_RDWR, 0600);
  if (!target.ok()) return target.error();
  copy_no_cow(source.get(), target.value().get());
  struct stat old {};
  const bool known = ::stat(image.c_str(), &old) == 0;
  Status done = clone_data(source.get(), target.value().get(), image);
  if (done.ok()) done = environment.at("revert.cloned");
  if (done.ok() && known &&
      (::fchown(target.value().get(), old.st_uid, old.st_gid) != 0 ||
       ::fchmod(target.value().get(), old.st_mode & 07777) != 0)) {
    done = posix_error(errno, "set owner and mode of", fresh);
  }
  if (done.ok()) done = sync_file(target.value().get(), fresh);
  if (!done.ok()) {
    (void)remove_file(fresh);
    return done;
  }
  if (::rename(fresh.c_str(), image.c_str()) != 0) return posix_error(errno, "replace", image);
  if (Status s = sync_directory(parent_path(image)); !s.ok()) return s;
  return snapshot.record.revert == RevertStep::none ? Status(Ok{})
                                                    : set_step(snapshot, RevertStep::none);
}

}  // namespace

Status revert_image(const WorkEnvironment& environment, StoredSnapshot& snapshot) {
  const Volume& volume = snapshot.record.info.volume;
  const Descriptor root(::open(join_path(snapshot.directory, kImageRoot).c_str(),
                               O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (root.valid()) ::syncfs(root.get());  // a snapshot that was made writable
  auto source = open_file(join_path(snapshot.directory, kImageName), O_RDONLY);
  if (!source.ok()) return source.error();
  const std::vector<BytePath> loops = loops_showing(volume.backing_image);
  if (loops.empty()) return revert_detached(environment, snapshot, source.value());
  for (const BytePath& loop : loops) {
    if (loop != volume.device) {
      return in_use(volume, "the loop device '" + escape_path(loop) + "', which shows its image");
    }
  }
  return revert_attached(environment, snapshot, source.value());
}

}  // namespace stillframe
