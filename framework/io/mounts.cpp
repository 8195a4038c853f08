#include "framework/io/mounts.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "framework/base/posix_error.hpp"
#include "framework/io/file.hpp"
#include "framework/io/mountinfo.hpp"
#include "framework/io/walk.hpp"

namespace stillframe {
namespace {

constexpr std::size_t kCommBytesMax = 64;

bool all_digits(const std::string& text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
}

bool on_mount(const std::string& link, std::uint64_t mount) {
  Descriptor there(::open(link.c_str(), O_PATH | O_CLOEXEC));
  return there.valid() && mount_id_of(there.get()) == mount;
}

bool process_holds(const std::string& process, std::uint64_t mount) {
  for (const char* link : {"/cwd", "/root"}) {
    if (on_mount(process + link, mount)) return true;
  }
  for (const char* directory : {"/fd", "/map_files"}) {
    auto open = open_directory(process + directory);
    if (!open.ok()) continue;  // ended meanwhile, or not ours to look at
    auto names = list_names(open.value().get());
    if (!names.ok()) continue;
    for (const auto& name : names.value()) {
      if (on_mount(process + directory + "/" + name, mount)) return true;
    }
  }
  return false;
}

std::uint64_t mount_id_at(const BytePath& place) {
  Descriptor there(::open(place.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  return there.valid() ? mount_id_of(there.get()) : 0;
}

}  // namespace

Result<Descriptor> mount_detached(const std::string& fs_type, const BytePath& device,
                                  const std::vector<std::pair<std::string, std::string>>& options,
                                  bool read_only) {
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
  if (read_only && ::fsconfig(fd, FSCONFIG_SET_FLAG, "ro", nullptr, 0) != 0) {
    return posix_error(errno, "use mount option ro for", device);
  }
  if (::fsconfig(fd, FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0) {
    return posix_error(errno, "mount", device);
  }
  const int mounted = ::fsmount(fd, FSMOUNT_CLOEXEC, read_only ? MOUNT_ATTR_RDONLY : 0);
  if (mounted < 0) return posix_error(errno, "mount", device);
  return Descriptor(mounted);
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
  if (::move_mount(tree.get(), "", AT_FDCWD, place.c_str(), MOVE_MOUNT_F_EMPTY_PATH) != 0) {
    return posix_error(errno, "mount at", place);
  }
  return Ok{};
}

Status unmount(const BytePath& place) {
  auto mounted = is_mount_point(place);
  if (!mounted.ok()) return mounted.error();
  if (!mounted.value()) {
    return Error(Errc::not_found, "unmount '" + escape_path(place) + "': nothing is mounted there");
  }
  if (::umount2(place.c_str(), UMOUNT_NOFOLLOW) == 0) return Ok{};
  if (errno != EBUSY) return posix_error(errno, "unmount", place);
  return Error(Errc::in_use, "unmount '" + escape_path(place) + "': busy, held by " +
                                 holders_of_mount(place) + "; end that and try again");
}

Result<bool> is_mount_point(const BytePath& place) {
  auto entries = read_mountinfo();
  if (!entries.ok()) return entries.error();
  return std::any_of(entries.value().begin(), entries.value().end(),
                     [&](const MountEntry& entry) { return entry.mount_point == place; });
}

std::string holders_of_mount(const BytePath& place, std::size_t names_max) {
  const std::uint64_t mount = mount_id_at(place);
  std::vector<std::string> holders;
  if (auto entries = read_mountinfo(); entries.ok()) {
    for (const auto& entry : entries.value()) {
      if (entry.parent == mount)
        holders.push_back("the mount at " + escape_path(entry.mount_point));
    }
  }
  auto proc = open_directory("/proc");
  auto names = proc.ok() ? list_names(proc.value().get()) : Result<std::vector<BytePath>>();
  if (mount != 0 && names.ok()) {
    for (const auto& pid : names.value()) {
      if (holders.size() >= names_max) break;
      if (!all_digits(pid) || !process_holds("/proc/" + pid, mount)) continue;
      auto comm = read_file("/proc/" + pid + "/comm", kCommBytesMax);
      std::string name = comm.ok() ? std::move(comm).value() : "?";
      if (!name.empty() && name.back() == '\n') name.pop_back();
      holders.push_back("process " + pid + " (" + escape_path(name) + ")");
    }
  }
  if (holders.empty()) return "somebody who cannot be seen from here (another mount namespace?)";
  std::string text;
  for (const auto& holder : holders) text += (text.empty() ? "" : ", ") + holder;
  return text;
}

}  // namespace stillframe
