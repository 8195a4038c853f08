#include "framework/io/device_names.hpp"

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

#include <stillframe/ids.hpp>

#include "framework/base/path.hpp"
#include "framework/base/posix_error.hpp"
#include "framework/io/file.hpp"
#include "framework/io/walk.hpp"

namespace stillframe {
namespace {

constexpr std::size_t kSysfsBytesMax = 8192;
constexpr long kXfsMagic = 0x58465342;

// Kernel interfaces newer than Debian 12's headers, or in headers of packages we do not need.
struct GenericUuid {
  std::uint8_t length;
  std::uint8_t uuid[16];
};
struct ExtUuid {
  std::uint32_t length;
  std::uint32_t flags;
  std::uint8_t uuid[16];
};
struct XfsGeometryV1 {
  std::uint32_t before[8];
  std::uint64_t blocks[4];
  std::uint8_t uuid[16];
  std::uint32_t after[8];
};
static_assert(sizeof(GenericUuid) == 17 && sizeof(ExtUuid) == 24 && sizeof(XfsGeometryV1) == 112);
const unsigned long kGetGenericUuid = _IOR(0x15, 0, GenericUuid);
// Declared with the size of its two leading integers only.
const unsigned long kGetExtUuid = _IOC(_IOC_READ, 'f', 44, 8);
const unsigned long kGetXfsGeometry = _IOR('X', 100, XfsGeometryV1);

std::string text_of(const std::uint8_t* bytes) {
  UuidBytes uuid;
  std::copy(bytes, bytes + uuid.size(), uuid.begin());
  return uuid == UuidBytes{} ? std::string() : uuid_to_string(uuid);
}

std::string ask_btrfs(int fd) {
  btrfs_ioctl_fs_info_args info{};
  return ::ioctl(fd, BTRFS_IOC_FS_INFO, &info) == 0 ? text_of(info.fsid) : std::string();
}

std::string ask_xfs(int fd) {
  XfsGeometryV1 geometry{};
  return ::ioctl(fd, kGetXfsGeometry, &geometry) == 0 ? text_of(geometry.uuid) : std::string();
}

std::string ask_generic(int fd) {
  GenericUuid generic{};
  if (::ioctl(fd, kGetGenericUuid, &generic) == 0 && generic.length == 16) {
    return text_of(generic.uuid);
  }
  return {};
}

std::string ask_ext4(int fd) {
  ExtUuid ext{};
  ext.length = 16;
  return ::ioctl(fd, kGetExtUuid, &ext) == 0 && ext.length == 16 ? text_of(ext.uuid)
                                                                 : std::string();
}

std::string ask_udev(const BytePath& device) {
  struct stat wanted {};
  if (device.empty() || ::stat(device.c_str(), &wanted) != 0 || !S_ISBLK(wanted.st_mode)) return {};
  auto links = open_directory("/dev/disk/by-uuid");
  if (!links.ok()) return {};
  auto names = list_names(links.value().get());
  if (!names.ok()) return {};
  for (const auto& name : names.value()) {
    struct stat st {};
    const bool same = ::fstatat(links.value().get(), name.c_str(), &st, 0) == 0 &&
                      S_ISBLK(st.st_mode) && st.st_rdev == wanted.st_rdev;
    if (same && is_safe_relative(name)) return name;
  }
  return {};
}

}  // namespace

std::string file_system_uuid(int fd, const BytePath& device) {
  struct statfs kind {};
  if (::fstatfs(fd, &kind) != 0) return {};
  const auto magic = static_cast<long>(kind.f_type);
  // An ioctl number means what the file system says it means, so each is asked only of its own.
  std::string uuid;
  if (magic == BTRFS_SUPER_MAGIC) uuid = ask_btrfs(fd);
  if (magic == kXfsMagic) uuid = ask_xfs(fd);
  if (uuid.empty()) uuid = ask_generic(fd);
  if (uuid.empty() && magic == EXT4_SUPER_MAGIC) uuid = ask_ext4(fd);
  return uuid.empty() ? ask_udev(device) : uuid;
}

Result<std::uint64_t> subvolume_id_of(int fd) {
  btrfs_ioctl_ino_lookup_args args{};
  args.objectid = BTRFS_FIRST_FREE_OBJECTID;
  if (::ioctl(fd, BTRFS_IOC_INO_LOOKUP, &args) == 0) return std::uint64_t{args.treeid};
  return posix_error(errno, "find the subvolume of", "an open file");
}

Result<BytePath> subvolume_path_of(int fd, std::uint64_t subvolume_id) {
  char* path = nullptr;
  const auto failed = btrfs_util_subvolume_path_fd(fd, subvolume_id, &path);
  if (failed != BTRFS_UTIL_OK) {
    const Errc code = failed == BTRFS_UTIL_ERROR_SUBVOLUME_NOT_FOUND ? Errc::not_found : Errc::io;
    return Error(code, "find the path of subvolume " + std::to_string(subvolume_id) + ": " +
                           btrfs_util_strerror(failed));
  }
  BytePath result = "/";
  result += path;
  ::free(path);
  return result;
}

BytePath loop_backing_file(const BytePath& device) {
  char* resolved = ::realpath(device.c_str(), nullptr);
  if (resolved == nullptr) return {};
  const BytePath name = last_component(resolved);
  ::free(resolved);
  if (name.rfind("loop", 0) != 0) return {};
  auto file = read_file("/sys/block/" + name + "/loop/backing_file", kSysfsBytesMax);
  if (!file.ok()) return {};
  BytePath path = std::move(file).value();
  if (!path.empty() && path.back() == '\n') path.pop_back();
  return path;
}

}  // namespace stillframe
