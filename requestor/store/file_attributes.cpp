// The part of copy_file.hpp that is about everything but content.
#include <cerrno>
#include <optional>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "framework/base/posix_error.hpp"
#include "requestor/store/copy_file.hpp"

namespace stillframe::requestor {
namespace {

constexpr std::int64_t kNanosecondsPerSecond = 1'000'000'000;
constexpr std::uint32_t kSetIdBits = S_ISUID | S_ISGID;

std::int64_t to_ns(const timespec& time) {
  return std::int64_t{time.tv_sec} * kNanosecondsPerSecond + time.tv_nsec;
}

timespec to_timespec(std::int64_t ns) {
  std::int64_t seconds = ns / kNanosecondsPerSecond, rest = ns % kNanosecondsPerSecond;
  if (rest < 0) {
    --seconds;
    rest += kNanosecondsPerSecond;
  }
  return {static_cast<time_t>(seconds), static_cast<long>(rest)};
}

FileAttributes from_stat(const struct stat& info) {
  FileAttributes attributes;
  attributes.mode = info.st_mode & 07777;
  attributes.uid = info.st_uid;
  attributes.gid = info.st_gid;
  attributes.modified_ns = to_ns(info.st_mtim);
  attributes.accessed_ns = to_ns(info.st_atim);
  return attributes;
}

// Nothing when the attribute is gone meanwhile or not ours to see.
Result<std::optional<std::string>> read_xattr(int fd, const char* name, const BytePath& file) {
  std::string value(256, '\0');
  while (true) {
    const ssize_t got = fgetxattr(fd, name, value.data(), value.size());
    if (got >= 0) {
      value.resize(static_cast<std::size_t>(got));
      return std::optional<std::string>(std::move(value));
    }
    if (errno == ENODATA || errno == EPERM) return std::optional<std::string>();
    if (errno != ERANGE) return posix_error(errno, "read extended attribute of", file);
    const ssize_t size = fgetxattr(fd, name, nullptr, 0);
    if (size < 0) return posix_error(errno, "read extended attribute of", file);
    value.resize(static_cast<std::size_t>(size) + 1);
  }
}

Status read_xattrs(int fd, FileAttributes& attributes, const BytePath& file) {
  const ssize_t size = flistxattr(fd, nullptr, 0);
  if (size < 0 && errno == ENOTSUP) return Ok{};
  if (size < 0) return posix_error(errno, "list extended attributes of", file);
  if (size == 0) return Ok{};
  std::string names(static_cast<std::size_t>(size) + 4096, '\0');
  const ssize_t got = flistxattr(fd, names.data(), names.size());
  if (got < 0) return posix_error(errno, "list extended attributes of", file);
  names.resize(static_cast<std::size_t>(got));
  for (std::size_t at = 0; at < names.size();) {
    const char* name = names.data() + at;
    at += std::string_view(name).size() + 1;
    auto value = read_xattr(fd, name, file);
    if (!value.ok()) return value.error();
    if (value.value()) attributes.xattrs[name] = std::move(*value.value());
  }
  return Ok{};
}

Status apply_xattrs(int fd, const FileAttributes& attributes, OwnerPolicy owner,
                    const BytePath& name) {
  for (const auto& [key, value] : attributes.xattrs) {
    if (fsetxattr(fd, key.c_str(), value.data(), value.size(), 0) == 0) continue;
    const bool not_ours = errno == EPERM && !key.starts_with("user.");
    if (not_ours && owner == OwnerPolicy::best_effort) continue;
    return posix_error(errno, "set extended attribute " + escape_path(key) + " of", name);
  }
  return Ok{};
}

}  // namespace

Result<FileAttributes> read_attributes(int fd, const BytePath& name) {
  struct stat info {};
  if (fstat(fd, &info) != 0) return posix_error(errno, "stat", name);
  FileAttributes attributes = from_stat(info);
  if (Status s = read_xattrs(fd, attributes, name); !s.ok()) return s.error();
  return attributes;
}

Status apply_attributes(int fd, const FileAttributes& attributes, OwnerPolicy owner,
                        const BytePath& name) {
  std::uint32_t mode = attributes.mode;
  if (fchown(fd, attributes.uid, attributes.gid) != 0) {
    if (owner == OwnerPolicy::required || errno != EPERM) {
      return posix_error(errno, "set the owner of", name);
    }
    mode &= ~kSetIdBits;
  }
  // An ACL changes the mode's group bits and the mode changes the ACL's mask: ACLs first.
  if (Status s = apply_xattrs(fd, attributes, owner, name); !s.ok()) return s;
  if (fchmod(fd, mode) != 0) return posix_error(errno, "set the mode of", name);
  const timespec times[2] = {to_timespec(attributes.accessed_ns),
                             to_timespec(attributes.modified_ns)};
  if (futimens(fd, times) != 0) return posix_error(errno, "set the times of", name);
  return Ok{};
}

Result<FileAttributes> read_link_attributes(int directory, const BytePath& link) {
  struct stat info {};
  if (fstatat(directory, link.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
    return posix_error(errno, "stat", link);
  }
  return from_stat(info);
}

Status apply_link_attributes(int directory, const BytePath& link, const FileAttributes& attributes,
                             OwnerPolicy owner) {
  if (fchownat(directory, link.c_str(), attributes.uid, attributes.gid, AT_SYMLINK_NOFOLLOW) != 0 &&
      (owner == OwnerPolicy::required || errno != EPERM)) {
    return posix_error(errno, "set the owner of", link);
  }
  const timespec times[2] = {to_timespec(attributes.accessed_ns),
                             to_timespec(attributes.modified_ns)};
  if (utimensat(directory, link.c_str(), times, AT_SYMLINK_NOFOLLOW) != 0) {
    return posix_error(errno, "set the times of", link);
  }
  return Ok{};
}

Status apply_node_attributes(int directory, const BytePath& node, const FileAttributes& attributes,
                             OwnerPolicy owner) {
  if (Status s = apply_link_attributes(directory, node, attributes, owner); !s.ok()) return s;
  if (fchmodat(directory, node.c_str(), attributes.mode & 0777, AT_SYMLINK_NOFOLLOW) != 0) {
    return posix_error(errno, "set the mode of", node);
  }
  return Ok{};
}

}  // namespace stillframe::requestor
