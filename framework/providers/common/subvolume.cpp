#include "framework/providers/common/subvolume.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <btrfsutil.h>
#include <fcntl.h>
#include <linux/btrfs.h>
#include <linux/btrfs_tree.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <stillframe/descriptor.hpp>

#include "framework/base/posix_error.hpp"
#include "framework/io/beneath.hpp"
#include "framework/io/remove_tree.hpp"

namespace stillframe {
namespace {

// libbtrfsutil keeps errno of the call that failed.
Error util_error(enum btrfs_util_error failed, int error_number, std::string_view operation,
                 const BytePath& name) {
  const Error by_errno = posix_error(error_number, operation, name);
  return Error(by_errno.code(), by_errno.what() + " (" + btrfs_util_strerror(failed) + ")");
}

Result<Descriptor> open_subvolume(int directory, const BytePath& name) {
  return open_beneath(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
}

Status unseal(int directory, const BytePath& name) {
  Status s = set_subvolume_read_only(directory, name, false);
  return !s.ok() && s.error().code() == Errc::not_found ? Status(Ok{}) : s;
}

}  // namespace

bool is_subvolume(int directory, const BytePath& name) {
  struct stat st {};
  if (::fstatat(directory, name.c_str(), &st, AT_SYMLINK_NOFOLLOW) != 0) return false;
  if (!S_ISDIR(st.st_mode) || st.st_ino != BTRFS_FIRST_FREE_OBJECTID) return false;
  Descriptor root(::openat(directory, name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  struct statfs kind {};
  return root.valid() && ::fstatfs(root.get(), &kind) == 0 &&
         static_cast<long>(kind.f_type) == BTRFS_SUPER_MAGIC;
}

Status snapshot_subvolume(int source, int directory, const BytePath& name, bool read_only) {
  btrfs_ioctl_vol_args_v2 args{};
  if (name.size() > BTRFS_SUBVOL_NAME_MAX) {
    return Error(Errc::invalid_argument, "snapshot name '" + escape_path(name) + "' is too long");
  }
  args.fd = source;
  args.flags = read_only ? BTRFS_SUBVOL_RDONLY : 0;
  std::memcpy(args.name, name.data(), name.size());
  if (::ioctl(directory, BTRFS_IOC_SNAP_CREATE_V2, &args) == 0) return Ok{};
  return posix_error(errno, "snapshot a subvolume to", name);
}

Status set_subvolume_read_only(int directory, const BytePath& path, bool read_only) {
  auto root = open_subvolume(directory, path);
  if (!root.ok()) return root.error();
  const auto failed = btrfs_util_set_subvolume_read_only_fd(root.value().get(), read_only);
  if (failed == BTRFS_UTIL_OK) return Ok{};
  return util_error(failed, errno, read_only ? "seal subvolume" : "unseal subvolume", path);
}

Status delete_subvolume(int directory, const BytePath& name) {
  // A sealed parent would refuse the deletion of what is nested in it.
  if (Status s = unseal(directory, name); !s.ok()) return s;
  auto root = open_subvolume(directory, name);
  if (!root.ok()) return root.error();
  auto nested = nested_subvolumes(root.value().get());
  if (!nested.ok()) return nested.error();
  for (const auto& path : nested.value()) {
    if (Status s = unseal(root.value().get(), path); !s.ok()) return s;
  }
  for (auto path = nested.value().rbegin(); path != nested.value().rend(); ++path) {
    auto parent = open_parent_beneath(root.value().get(), *path);
    if (!parent.ok()) return parent.error();
    const int at = ::openat(parent.value().directory.get(), ".", O_RDONLY | O_CLOEXEC);
    const Descriptor readable(at);
    const auto failed = btrfs_util_delete_subvolume_fd(at, parent.value().name.c_str(), 0);
    if (failed != BTRFS_UTIL_OK) return util_error(failed, errno, "delete subvolume", *path);
  }
  root.value().reset();
  const auto failed = btrfs_util_delete_subvolume_fd(directory, name.c_str(), 0);
  if (failed == BTRFS_UTIL_OK) return Ok{};
  return util_error(failed, errno, "delete subvolume", name);
}

Result<std::vector<BytePath>> nested_subvolumes(int root) {
  btrfs_util_subvolume_iterator* iterator = nullptr;
  // 0: those below the subvolume that `root` is in.
  auto failed = btrfs_util_create_subvolume_iterator_fd(root, 0, 0, &iterator);
  if (failed != BTRFS_UTIL_OK)
    return util_error(failed, errno, "list subvolumes of", "a subvolume");
  std::vector<BytePath> paths;
  for (;;) {
    char* path = nullptr;
    failed = btrfs_util_subvolume_iterator_next(iterator, &path, nullptr);
    if (failed != BTRFS_UTIL_OK) break;
    paths.emplace_back(path);
    ::free(path);
  }
  const int error_number = errno;
  btrfs_util_destroy_subvolume_iterator(iterator);
  if (failed != BTRFS_UTIL_ERROR_STOP_ITERATION) {
    return util_error(failed, error_number, "list subvolumes of", "a subvolume");
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

Status remove_entry(int directory, const BytePath& name) {
  if (is_subvolume(directory, name)) return delete_subvolume(directory, name);
  return remove_tree(directory, name);
}

}  // namespace stillframe
