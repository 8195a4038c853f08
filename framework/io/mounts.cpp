#include "framework/io/mounts.hpp"

#include <algorithm>
#include <cerrno>

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "framework/base/posix_error.hpp"
#include "framework/io/busy.hpp"
#include "framework/io/file.hpp"
#include "framework/io/mount_namespaces.hpp"
#include "framework/io/mountinfo.hpp"
#include "framework/io/open_files.hpp"
#include "framework/io/walk.hpp"

namespace stillframe {
namespace {

bool on_mount(const std::string& link, std::uint64_t mount) {
  Descriptor there(::open(link.c_str(), O_PATH | O_CLOEXEC));
  return there.valid() && mount_id_of(there.get()) == mount;
}

unsigned attributes_of(std::string_view options) {
  constexpr std::pair<std::string_view, unsigned> kKnown[] = {
      {"ro", MOUNT_ATTR_RDONLY},
      {"nosuid", MOUNT_ATTR_NOSUID},
      {"nodev", MOUNT_ATTR_NODEV},
      {"noexec", MOUNT_ATTR_NOEXEC},
      {"noatime", MOUNT_ATTR_NOATIME},
      {"strictatime", MOUNT_ATTR_STRICTATIME},
      {"nodiratime", MOUNT_ATTR_NODIRATIME}};
  // What the kernel does not list is what it was told first: strictatime has no name there.
  const bool lazy = options.empty() || has_mount_option(options, "relatime") ||
                    has_mount_option(options, "noatime");
  unsigned attributes = lazy ? 0 : MOUNT_ATTR_STRICTATIME;
  for (const auto& [name, bit] : kKnown) {
    if (has_mount_option(options, name)) attributes |= bit;
  }
  return attributes;
}

// Who else shows the file system that is mounted at `place`.
std::string other_namespaces_showing(const BytePath& place) {
  auto entries = read_mountinfo();
  if (!entries.ok()) return {};
  const auto here =
      std::find_if(entries.value().rbegin(), entries.value().rend(),
                   [&](const MountEntry& entry) { return entry.mount_point == place; });
  if (here == entries.value().rend()) return {};
  return mount_namespaces_with([&](const MountEntry& entry) {
    return entry.major == here->major && entry.minor == here->minor;
  });
}

std::uint64_t mount_id_at(const BytePath& place) {
  Descriptor there(::open(place.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  return there.valid() ? mount_id_of(there.get()) : 0;
}

}  // namespace

Result<Descriptor> mount_detached(const std::string& fs_type, const BytePath& device,
                                  const std::vector<std::pair<std::string, std::string>>& options,
                                  std::string_view mount_options) {
  Descriptor context(::fsopen(fs_type.c_str(), FSOPEN_CLOEXEC));
  if (!context.valid()) return posix_error(errno, "prepare a mount of", device);
  const int fd = context.get();
  if (::fsconfig(fd, FSCONFIG_SET_STRING, "source", device.c_str(), 0) != 0) {
    return posix_error(errno, "prepare a mount of", device);
  }
  for (const auto& [key, value] : options) {
    const bool flag = value.empty();
    if (::fsconfig(fd, flag ? FSCONFIG_SET_FLAG : FSCONFIG_SET_STRING, key.c_str(),
                   flag ? nullptr : value.c_str(), 0) != 0) {
      return posix_error(errno, "use mount option " + key + " for", device);
    }
  }
  if (::fsconfig(fd, FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0) {
    return posix_error(errno, "mount", device);
  }
  const int mounted = ::fsmount(fd, FSMOUNT_CLOEXEC, attributes_of(mount_options));
  if (mounted < 0) return posix_error(errno, "mount", device);
  return Descriptor(mounted);
}

Status attach_mount(int mount, const BytePath& place) {
  if (::move_mount(mount, "", AT_FDCWD, place.c_str(), MOVE_MOUNT_F_EMPTY_PATH) == 0) return Ok{};
  return posix_error(errno, "mount at", place);
}

Status bind_mount(const BytePath& source, const BytePath& place) {
  Descriptor tree(::open_tree(AT_FDCWD, source.c_str(), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
  if (!tree.valid()) return posix_error(errno, "prepare a view of", source);
  return attach_mount(tree.get(), place);
}

Status bind_mount_sealed(int source, const BytePath& place, bool writable) {
  Descriptor tree(::open_tree(source, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
  if (!tree.valid()) return posix_error(errno, "prepare a view for", place);
  mount_attr attributes{};
  attributes.attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC |
                        (writable ? 0u : static_cast<unsigned>(MOUNT_ATTR_RDONLY));
  attributes.propagation = MS_PRIVATE;
  if (::mount_setattr(tree.get(), "", AT_EMPTY_PATH, &attributes, sizeof attributes) != 0) {
    return posix_error(errno, "seal the view for", place);
  }
  return attach_mount(tree.get(), place);
}

Status unmount(const BytePath& place) {
  auto mounted = is_mount_point(place);
  if (!mounted.ok()) return mounted.error();
  if (!mounted.value()) {
    return Error(Errc::not_found, "unmount '" + escape_path(place) + "': nothing is mounted there");
  }
  const int failed =
      while_busy([&] { return ::umount2(place.c_str(), UMOUNT_NOFOLLOW) == 0 ? 0 : errno; });
  if (failed == 0) return Ok{};
  if (failed != EBUSY) return posix_error(failed, "unmount", place);
  return Error(Errc::in_use, "unmount '" + escape_path(place) + "': busy, held by " +
                                 holders_of_mount(place) + "; end that and try again");
}

Status seal_file_system(const BytePath& place) {
  const Descriptor context(
      ::fspick(AT_FDCWD, place.c_str(), FSPICK_CLOEXEC | FSPICK_SYMLINK_NOFOLLOW));
  if (!context.valid()) return posix_error(errno, "look at the file system at", place);
  if (::fsconfig(context.get(), FSCONFIG_SET_FLAG, "ro", nullptr, 0) != 0) {
    return posix_error(errno, "seal the file system at", place);
  }
  const int failed = while_busy([&] {
    const int done = ::fsconfig(context.get(), FSCONFIG_CMD_RECONFIGURE, nullptr, nullptr, 0);
    return done == 0 ? 0 : errno;
  });
  if (failed == 0) return Ok{};
  if (failed != EBUSY) return posix_error(failed, "seal the file system at", place);
  return Error(Errc::in_use, "seal the file system at '" + escape_path(place) +
                                 "': files are open for writing or were deleted while open, by " +
                                 holders_of_mount(place) + "; end that and try again");
}

Result<bool> is_mount_point(const BytePath& place) {
  auto entries = read_mountinfo();
  if (!entries.ok()) return entries.error();
  return std::any_of(entries.value().begin(), entries.value().end(),
                     [&](const MountEntry& entry) { return entry.mount_point == place; });
}

Status flush_file_system(const BytePath& place) {
  const Descriptor directory(::open(place.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory.valid()) return posix_error(errno, "cannot open for flushing", place);
  if (::syncfs(directory.get()) != 0) return posix_error(errno, "cannot flush", place);
  return Ok{};
}

std::string holders_of_mount(const BytePath& place) {
  const std::uint64_t mount = mount_id_at(place);
  std::string text;
  if (auto entries = read_mountinfo(); entries.ok()) {
    for (const auto& entry : entries.value()) {
      if (mount == 0 || entry.parent != mount) continue;
      text += (text.empty() ? "" : ", ") + ("the mount at " + escape_path(entry.mount_point));
    }
  }
  const std::string processes =
      mount == 0
          ? std::string()
          : processes_that_hold([&](const std::string& link) { return on_mount(link, mount); });
  if (!processes.empty()) text += (text.empty() ? "" : ", ") + processes;
  if (text.empty()) text = other_namespaces_showing(place);
  return text.empty() ? "somebody who cannot be seen from here" : text;
}

}  // namespace stillframe
