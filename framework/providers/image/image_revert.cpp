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

unsigned long flags_of(std::string_view options) {
  constexpr std::pair<const char*, unsigned long> kFlags[] = {
      {"ro", MS_RDONLY},         {"nosuid", MS_NOSUID},   {"nodev", MS_NODEV},
      {"noexec", MS_NOEXEC},     {"noatime", MS_NOATIME}, {"nodiratime", MS_NODIRATIME},
      {"relatime", MS_RELATIME}, {"sync", MS_SYNCHRONOUS}};
  unsigned long flags = 0;
  for (const auto& [name, flag] : kFlags) {
    if (has_mount_option(options, name)) flags |= flag;
  }
  return flags;
}

Status mount_again(const BytePath& device, const std::string& fs_type,
                   const UnmountedVolume& mount) {
  std::string data, option;
  for (std::istringstream options(mount.super_options); std::getline(options, option, ',');) {
    if (option != "rw" && option != "ro") data += (data.empty() ? "" : ",") + option;
  }
  const auto attempt = [&](const char* with) {
    return ::mount(device.c_str(), mount.mount_point.c_str(), fs_type.c_str(),
                   flags_of(mount.options), with) == 0;
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
  if (step == RevertStep::none) snapshot.record.unmounted.reset();
  return write_snapshot_record(snapshot.directory, snapshot.record);
}

// `device` shows the image; empty: nothing does.
Status share_in_place(const WorkEnvironment& environment, const Descriptor& source,
                      const BytePath& image, const BytePath& device) {
  auto target = open_file(image, O_RDWR);
  if (!target.ok()) return target.error();
  if (Status s = clone_data(source.get(), target.value().get(), image); !s.ok()) return s;
  if (Status s = environment.at("revert.shared"); !s.ok()) return s;
  if (Status s = sync_file(target.value().get(), image); !s.ok()) return s;
  if (device.empty()) return Ok{};
  // The device may remember blocks of the old image.
  auto shown = open_file(device, O_RDONLY);
  if (!shown.ok()) return shown.error();
  if (::ioctl(shown.value().get(), BLKFLSBUF, 0) != 0) return posix_error(errno, "flush", device);
  return Ok{};
}

// Takes the volume's mount away, after the record says which it was.
Status unmount_noted(const WorkEnvironment& environment, StoredSnapshot& snapshot,
                     const MountEntry& mount) {
  snapshot.record.unmounted =
      UnmountedVolume{mount.mount_point, mount.options, mount.super_options};
  if (Status s = set_step(snapshot, RevertStep::staging); !s.ok()) return s;
  if (Status s = environment.at("revert.noted"); !s.ok()) return s;
  return unmount_volume(snapshot.record.info.volume, mount);
}

// The image changes. From the first step to the last only going on helps.
Status swap_blocks(const WorkEnvironment& environment, StoredSnapshot& snapshot,
                   const Descriptor& source, const BytePath& device) {
  if (Status s = set_step(snapshot, RevertStep::swapping); !s.ok()) return s;
  if (Status s = environment.at("revert.swapping"); !s.ok()) return s;
  const BytePath& image = snapshot.record.info.volume.backing_image;
  if (Status s = share_in_place(environment, source, image, device); !s.ok()) return s;
  if (Status s = set_step(snapshot, RevertStep::staging); !s.ok()) return s;
  return environment.at("revert.swapped");
}

Status put_mount_back(const WorkEnvironment& environment, StoredSnapshot& snapshot,
                      const BytePath& device) {
  const Volume& volume = snapshot.record.info.volume;
  if (snapshot.record.unmounted) {
    Status mounted = mount_again(device, volume.fs_type, *snapshot.record.unmounted);
    if (!mounted.ok()) return mounted;
    if (Status s = environment.at("revert.mounted"); !s.ok()) return s;
  }
  return set_step(snapshot, RevertStep::none);
}

Status revert_attached(const WorkEnvironment& environment, StoredSnapshot& snapshot,
                       const Descriptor& source) {
  const Volume volume = snapshot.record.info.volume;
  auto mount = find_mount(volume);
  if (!mount.ok()) return mount.error();
  if (mount.value()) {
    Status unmounted = unmount_noted(environment, snapshot, *mount.value());
    if (!unmounted.ok()) {
      (void)set_step(snapshot, RevertStep::none);
      return unmounted;
    }
  }
  auto claimed = claim_volume(volume);
  Status done = claimed.ok() ? environment.at("revert.unmounted") : Status(claimed.error());
  if (done.ok()) done = swap_blocks(environment, snapshot, source, volume.device);
  if (claimed.ok()) claimed.value().reset();
  // A volume whose image is half changed stays away until the revert is finished.
  if (snapshot.record.revert == RevertStep::swapping) return done;
  Status mounted = put_mount_back(environment, snapshot, volume.device);
  return done.ok() ? mounted : done;
}

BytePath fresh_beside(const BytePath& image) {
  return image + ".stillframe-revert";
}

Status make_fresh(const WorkEnvironment& environment, const Descriptor& source,
                  const BytePath& image) {
  const BytePath fresh = fresh_beside(image);
  if (Status s = remove_file(fresh); !s.ok()) return s;
  auto target = open_file(fresh, O_CREAT | O_EXCL | O_RDWR, 0600);
  if (!target.ok()) return target.error();
  const int fd = target.value().get();
  copy_no_cow(source.get(), fd);
  if (Status s = clone_data(source.get(), fd, image); !s.ok()) return s;
  if (Status s = environment.at("revert.cloned"); !s.ok()) return s;
  struct stat old {};
  if (::stat(image.c_str(), &old) == 0 &&
      (::fchown(fd, old.st_uid, old.st_gid) != 0 || ::fchmod(fd, old.st_mode & 07777) != 0)) {
    return posix_error(errno, "set owner and mode of", fresh);
  }
  return sync_file(fd, fresh);
}

Status revert_detached(const WorkEnvironment& environment, StoredSnapshot& snapshot,
                       const Descriptor& source) {
  const BytePath image = snapshot.record.info.volume.backing_image;
  const BytePath fresh = fresh_beside(image);
  if (Status s = set_step(snapshot, RevertStep::staging); !s.ok()) return s;
  Status done = environment.at("revert.noted");
  if (done.ok()) done = make_fresh(environment, source, image);
  if (done.ok() && ::rename(fresh.c_str(), image.c_str()) != 0) {
    done = posix_error(errno, "replace", image);
  }
  if (!done.ok()) {
    (void)remove_file(fresh);
    (void)set_step(snapshot, RevertStep::none);
    return done;
  }
  if (Status s = sync_directory(parent_path(image)); !s.ok()) return s;
  if (Status s = environment.at("revert.replaced"); !s.ok()) return s;
  return set_step(snapshot, RevertStep::none);
}

Result<Descriptor> open_source(const StoredSnapshot& snapshot) {
  const Descriptor root(::open(join_path(snapshot.directory, kImageRoot).c_str(),
                               O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (root.valid()) ::syncfs(root.get());  // a snapshot that was made writable
  return open_file(join_path(snapshot.directory, kImageName), O_RDONLY);
}

}  // namespace

Status revert_image(const WorkEnvironment& environment, StoredSnapshot& snapshot) {
  const Volume& volume = snapshot.record.info.volume;
  auto source = open_source(snapshot);
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

Status recover_image_revert(const WorkEnvironment& environment, StoredSnapshot& snapshot) {
  if (snapshot.record.revert == RevertStep::none) return Ok{};
  const BytePath image = snapshot.record.info.volume.backing_image;
  const std::optional<UnmountedVolume>& unmounted = snapshot.record.unmounted;
  if (unmounted) {
    auto mounted = is_mount_point(unmounted->mount_point);
    if (!mounted.ok()) return mounted.error();
    if (mounted.value() && snapshot.record.revert != RevertStep::swapping) {
      return set_step(snapshot, RevertStep::none);  // before it went, or after it came back
    }
  }
  // The device it was mounted from may be gone, or be another one's by now.
  const std::vector<BytePath> loops = loops_showing(image);
  LoopDevice loop;
  if (!loops.empty()) {
    loop.path = loops.front();
  } else if (unmounted) {
    auto attached = attach_loop(image, false);
    if (!attached.ok()) return attached.error();
    loop = std::move(attached).value();
  }
  if (snapshot.record.revert == RevertStep::swapping) {
    auto source = open_source(snapshot);
    if (!source.ok()) return source.error();
    Descriptor claim;
    if (!loop.path.empty()) {
      auto claimed = claim_device(loop.path);
      if (!claimed.ok()) return claimed.error();
      claim = std::move(claimed).value();
    }
    Status done = swap_blocks(environment, snapshot, source.value(), loop.path);
    if (!done.ok()) return done;
  }
  if (Status s = remove_file(fresh_beside(image)); !s.ok()) return s;
  return put_mount_back(environment, snapshot, loop.path);
}

}  // namespace stillframe
