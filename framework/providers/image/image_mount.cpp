#include "framework/providers/image/image_mount.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <string>

#include <sys/mount.h>
#include <sys/utsname.h>

#include "framework/base/posix_error.hpp"
#include "framework/io/busy.hpp"
#include "framework/io/mount_namespaces.hpp"
#include "framework/io/mounts.hpp"
#include "framework/providers/image/loop_device.hpp"

namespace stillframe {

namespace {

std::string options_for(const Volume& volume) {
  // The copy has the original's UUID, which XFS would refuse to mount twice.
  if (volume.fs_type == "xfs") return "nouuid";
  if (volume.fs_type == "btrfs" && volume.subvolume_id != 0) {
    return "subvolid=" + std::to_string(volume.subvolume_id);
  }
  return {};
}

// Two file systems that write to one image would destroy it. A sealed one that lives on in another
// mount namespace would be read while it changes.
Status refuse_if_shown(const BytePath& image) {
  std::vector<BytePath> loops;
  const int shown = while_busy([&] {
    loops = loops_showing(image);
    return loops.empty() ? 0 : EBUSY;
  });
  if (shown == 0) return Ok{};
  const std::string who = mount_namespaces_with([&](const MountEntry& entry) {
    return std::find(loops.begin(), loops.end(), entry.source) != loops.end();
  });
  return Error(Errc::in_use, "mount the image '" + escape_path(image) + "' for writing: '" +
                                 escape_path(loops.front()) + "' shows it" +
                                 (who.empty() ? "" : ", for " + who) + "; end that and try again");
}

}  // namespace

Status mount_image(const BytePath& image, const BytePath& place, const Volume& volume,
                   ImageAccess access) {
  const bool sealed = access == ImageAccess::sealed;
  if (!sealed) {
    if (Status s = refuse_if_shown(image); !s.ok()) return s;
  }
  auto loop = attach_loop(image, sealed);
  if (!loop.ok()) return loop.error();
  const unsigned long flags =
      MS_NOSUID | MS_NODEV | MS_NOEXEC | (sealed ? static_cast<unsigned long>(MS_RDONLY) : 0);
  const std::string options = options_for(volume);
  if (::mount(loop.value().path.c_str(), place.c_str(), volume.fs_type.c_str(), flags,
              options.c_str()) != 0) {
    return posix_error(errno, "mount the image", image);
  }
  return Ok{};
}

Status unmount_image(const BytePath& place) {
  auto mounted = is_mount_point(place);
  if (!mounted.ok()) {
    return mounted.error().code() == Errc::not_found ? Status(Ok{}) : Status(mounted.error());
  }
  if (!mounted.value()) return Ok{};
  return unmount(place);
}

Status can_mount_copy(const Volume& volume) {
  if (volume.fs_type != "btrfs") return Ok{};
  utsname name{};
  int major = 0, minor = 0;
  if (::uname(&name) != 0 || std::sscanf(name.release, "%d.%d", &major, &minor) != 2 || major < 6 ||
      (major == 6 && minor < 7)) {
    return Error(Errc::volume_not_supported,
                 std::string("Linux ") + name.release +
                     " cannot mount a second copy of a btrfs; 6.7 and later can. Use the btrfs "
                     "provider, which needs no copy");
  }
  return Ok{};
}

}  // namespace stillframe
