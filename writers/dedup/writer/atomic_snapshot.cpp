#include "writers/dedup/writer/atomic_snapshot.hpp"

#include <cerrno>
#include <cstring>

#include <linux/btrfs.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "framework/base/posix_error.hpp"
#include "framework/io/device_names.hpp"
#include "framework/io/file.hpp"

namespace stillframe::dedup {

namespace {

struct OpenRoot {
  Descriptor root;
  struct stat status {};
};

Result<OpenRoot> open_root(const BytePath& path) {
  auto root = open_directory(path);
  if (!root.ok()) return root.error();
  OpenRoot open{std::move(root).value(), {}};
  if (::fstat(open.root.get(), &open.status) != 0) return posix_error(errno, "examine", path);
  return open;
}

bool is_snapshot_of_subvolume(int snapshot, int volume) {
  btrfs_ioctl_get_subvol_info_args cut{}, from{};
  return ::ioctl(snapshot, BTRFS_IOC_GET_SUBVOL_INFO, &cut) == 0 &&
         ::ioctl(volume, BTRFS_IOC_GET_SUBVOL_INFO, &from) == 0 &&
         std::memcmp(cut.parent_uuid, from.uuid, sizeof cut.parent_uuid) == 0;
}

bool is_on_btrfs(int root) {
  struct statfs about {};
  return ::fstatfs(root, &about) == 0 && about.f_type == BTRFS_SUPER_MAGIC;
}

}  // namespace

Result<bool> shows_one_instant(const BytePath& snapshot, const BytePath& volume) {
  const auto cut = open_root(snapshot), from = open_root(volume);
  if (!cut.ok()) return cut.error();
  if (!from.ok()) return from.error();
  // A folder on the volume itself, or of a file system of its own.
  if (cut.value().status.st_dev == from.value().status.st_dev) return false;
  const int cut_root = cut.value().root.get(), from_root = from.value().root.get();
  if (is_on_btrfs(from_root) && is_snapshot_of_subvolume(cut_root, from_root)) return true;
  const std::string uuid = file_system_uuid(from_root, "");
  return !uuid.empty() && uuid == file_system_uuid(cut_root, "") &&
         cut.value().status.st_ino == from.value().status.st_ino;
}

}  // namespace stillframe::dedup
