#include "framework/daemon/broker/exposed_files.hpp"

#include <algorithm>
#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "framework/base/path.hpp"
#include "framework/base/posix_error.hpp"
#include "framework/io/beneath.hpp"
#include "framework/io/file.hpp"
#include "framework/io/mountinfo.hpp"
#include "framework/io/volumes.hpp"
#include "framework/io/walk.hpp"

namespace stillframe::daemon {
namespace {

Error not_exposed(const BytePath& root, const std::string& why) {
  return Error(Errc::access_denied, "open below '" + escape_path(root) + "': " + why +
                                        "; expose the snapshot where the broker's configuration "
                                        "allows it (expose_below) and name that place");
}

// Whether the directory is where a mount begins.
bool is_mount_root(int directory) {
  const Descriptor above(::openat(directory, "..", O_PATH | O_DIRECTORY | O_CLOEXEC));
  return above.valid() && mount_id_of(above.get()) != mount_id_of(directory);
}

bool is_sealed(int directory) {
  constexpr unsigned long kSealed = ST_RDONLY | ST_NOSUID | ST_NODEV;
  struct statvfs about {};
  return ::fstatvfs(directory, &about) == 0 && (about.f_flag & kSealed) == kSealed;
}

Result<Descriptor> open_root(const std::vector<BytePath>& allowed, const BytePath& root) {
  for (const BytePath& directory : allowed) {
    const auto below = path_below(root, directory);
    if (!below || below->empty() || !is_safe_relative(*below)) continue;
    auto top = open_directory(directory);
    if (!top.ok()) return top.error();
    auto open = open_beneath(top.value().get(), *below, O_PATH | O_DIRECTORY);
    if (!open.ok()) return open.error();
    if (!is_mount_root(open.value().get()) || !is_sealed(open.value().get())) {
      return not_exposed(root, "no snapshot is mounted there");
    }
    return open;
  }
  return not_exposed(root, "it is not a place for exposed snapshots");
}

// Looked at before it is opened for reading: to open a device or a fifo is to do something.
Result<Descriptor> open_regular(int root, const BytePath& path) {
  auto found = open_beneath(root, path, O_PATH | O_NOFOLLOW);
  if (!found.ok()) return found.error();
  struct stat about {};
  if (::fstat(found.value().get(), &about) != 0) return posix_error(errno, "look at", path);
  if (!S_ISREG(about.st_mode)) {
    return Error(Errc::not_supported, "'" + escape_path(path) + "' is no regular file");
  }
  if (mount_id_of(found.value().get()) != mount_id_of(root)) {
    return Error(Errc::access_denied,
                 "'" + escape_path(path) + "' is on another mount than its snapshot");
  }
  const std::string same = "/proc/self/fd/" + std::to_string(found.value().get());
  Descriptor open(::open(same.c_str(), O_RDONLY | O_CLOEXEC));
  if (!open.valid()) return posix_error(errno, "open", path);
  return open;
}

}  // namespace

Result<std::vector<Descriptor>> open_exposed_files(const std::vector<BytePath>& allowed,
                                                   const BytePath& root,
                                                   const std::vector<BytePath>& paths) {
  auto directory = open_root(allowed, root);
  if (!directory.ok()) return directory.error();
  std::vector<Descriptor> files;
  for (const BytePath& path : paths) {
    auto file = open_regular(directory.value().get(), path);
    if (!file.ok()) return file.error().while_doing("open below '" + escape_path(root) + "'");
    files.push_back(std::move(file).value());
  }
  return files;
}

Status flush_file_system(const BytePath& path) {
  auto mounts = read_mountinfo();
  if (!mounts.ok()) return mounts.error();
  std::vector<MountEntry> above;
  for (MountEntry& mount : mounts.value()) {
    if (is_within(path, mount.mount_point)) above.push_back(std::move(mount));
  }
  // The nearest first; of several at one place the last, which lies on top.
  std::reverse(above.begin(), above.end());
  std::stable_sort(above.begin(), above.end(), [](const MountEntry& a, const MountEntry& b) {
    return a.mount_point.size() > b.mount_point.size();
  });
  for (const MountEntry& mount : above) {
    if (is_kernel_file_system(mount.fs_type) || is_remote_file_system(mount.fs_type)) {
      return Error(Errc::volume_not_supported, "flush '" + escape_path(path) + "': it is on a " +
                                                   escape_path(mount.fs_type) +
                                                   " file system; only local ones are flushed");
    }
    const Descriptor at(
        ::open(mount.mount_point.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!at.valid() || mount_id_of(at.get()) != mount.id) continue;  // something hides it
    if (::syncfs(at.get()) != 0) return posix_error(errno, "flush", mount.mount_point);
    return Ok{};
  }
  return Error(Errc::not_found, "flush '" + escape_path(path) + "': no directory is mounted there");
}

}  // namespace stillframe::daemon
