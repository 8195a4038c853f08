#include "framework/io/copy_metadata.hpp"

#include <algorithm>
#include <cerrno>

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <stillframe/descriptor.hpp>

#include "framework/base/posix_error.hpp"

namespace stillframe {
namespace {

constexpr std::size_t kXattrBytesMax = std::size_t{64} << 10;  // the kernel's own limit
constexpr int kGrowTries = 8;

// The l*xattr() calls take paths only; through /proc the path stays short however deep the entry
// lies, and the last component is not followed.
std::string by_proc(EntryAt entry) {
  return "/proc/self/fd/" + std::to_string(entry.directory) + "/" + entry.name;
}

Result<std::vector<std::string>> list_xattrs(const std::string& path, const BytePath& name) {
  std::string block(kXattrBytesMax, '\0');
  const ssize_t got = ::llistxattr(path.c_str(), block.data(), block.size());
  if (got < 0 && (errno == ENOTSUP || errno == EPERM)) return std::vector<std::string>{};
  if (got < 0) return posix_error(errno, "list attributes of", name);
  std::vector<std::string> names;
  for (std::size_t at = 0; at < static_cast<std::size_t>(got);) {
    names.emplace_back(block.data() + at);
    at += names.back().size() + 1;
  }
  return names;
}

// Nothing when the attribute went away meanwhile or may not be read.
bool get_xattr(const std::string& path, const std::string& attribute, std::string& value) {
  value.resize(1024);
  for (int tries = 0; tries < kGrowTries; ++tries) {
    const ssize_t got = ::lgetxattr(path.c_str(), attribute.c_str(), value.data(), value.size());
    if (got >= 0) {
      value.resize(static_cast<std::size_t>(got));
      return true;
    }
    if (errno != ERANGE) return false;
    value.resize(kXattrBytesMax);
  }
  return false;
}

bool is_refusal(int error_number) {
  return error_number == EPERM || error_number == EACCES || error_number == ENOTSUP ||
         error_number == EINVAL;
}

Status copy_xattrs(EntryAt from, EntryAt to, std::vector<std::string>& not_kept) {
  const std::string source = by_proc(from), target = by_proc(to);
  auto wanted = list_xattrs(source, from.name);
  if (!wanted.ok()) return wanted.error();
  auto there = list_xattrs(target, to.name);
  if (!there.ok()) return there.error();
  std::string value, old;
  for (const auto& attribute : wanted.value()) {
    if (!get_xattr(source, attribute, value)) {
      not_kept.push_back(attribute);
      continue;
    }
    if (get_xattr(target, attribute, old) && old == value) continue;
    if (::lsetxattr(target.c_str(), attribute.c_str(), value.data(), value.size(), 0) == 0)
      continue;
    if (!is_refusal(errno))
      return posix_error(errno, "set attribute " + attribute + " of", to.name);
    not_kept.push_back(attribute);
  }
  // Inherited from a default ACL, or left from before the source changed.
  for (const auto& attribute : there.value()) {
    const auto& keep = wanted.value();
    if (std::find(keep.begin(), keep.end(), attribute) != keep.end()) continue;
    if (attribute != "security.selinux") ::lremovexattr(target.c_str(), attribute.c_str());
  }
  return Ok{};
}

Status make_symlink_like(EntryAt from, EntryAt to) {
  BytePath target(kBytePathBytesMax, '\0');
  const ssize_t got = ::readlinkat(from.directory, from.name.c_str(), target.data(), target.size());
  if (got < 0) return posix_error(errno, "read link", from.name);
  target.resize(static_cast<std::size_t>(got));
  if (::symlinkat(target.c_str(), to.directory, to.name.c_str()) == 0) return Ok{};
  return posix_error(errno, "create link", to.name);
}

Status make_file_like(EntryAt from, EntryAt to) {
  Descriptor made(::openat(to.directory, to.name.c_str(),
                           O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!made.valid()) return posix_error(errno, "create", to.name);
  Descriptor source(::openat(from.directory, from.name.c_str(),
                             O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!source.valid()) return posix_error(errno, "open", from.name);
  const bool want = has_nocow(source.get()), have = has_nocow(made.get());
  if (want && !have) {
    Status set = set_nocow(made.get(), to.name);
    if (!set.ok() && set.error().code() != Errc::not_supported) return set;
  }
  return Ok{};
}

}  // namespace

bool has_nocow(int fd) {
  int flags = 0;
  return ::ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0 && (flags & FS_NOCOW_FL) != 0;
}

Status set_nocow(int fd, std::string_view name) {
  int flags = 0;
  if (::ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0) {
    flags |= FS_NOCOW_FL;
    if (::ioctl(fd, FS_IOC_SETFLAGS, &flags) == 0) return Ok{};
  }
  if (errno == ENOTTY || errno == EOPNOTSUPP) {
    return Error(Errc::not_supported, posix_error(errno, "set no-copy-on-write of", name).what());
  }
  return posix_error(errno, "set no-copy-on-write of", name);
}

Status make_entry_like(EntryAt from, const struct stat& status, EntryAt to) {
  if (S_ISREG(status.st_mode)) return make_file_like(from, to);
  if (S_ISLNK(status.st_mode)) return make_symlink_like(from, to);
  if (S_ISDIR(status.st_mode)) {
    if (::mkdirat(to.directory, to.name.c_str(), 0700) == 0) return Ok{};
    return posix_error(errno, "create directory", to.name);
  }
  if (S_ISSOCK(status.st_mode)) {
    return Error(Errc::not_supported, "'" + escape_path(from.name) + "' is a socket");
  }
  const mode_t kind = status.st_mode & S_IFMT;
  if (::mknodat(to.directory, to.name.c_str(), kind | 0600, status.st_rdev) == 0) return Ok{};
  return posix_error(errno, "create node", to.name);
}

Status set_times(EntryAt entry, const struct stat& status) {
  const timespec times[2] = {status.st_atim, status.st_mtim};
  if (::utimensat(entry.directory, entry.name.c_str(), times, AT_SYMLINK_NOFOLLOW) == 0)
    return Ok{};
  return posix_error(errno, "set times of", entry.name);
}

Status copy_metadata(EntryAt from, const struct stat& status, EntryAt to,
                     std::vector<std::string>& not_kept, const MetadataOptions& options) {
  const char* name = to.name.c_str();
  // The owner first: a change of owner clears set-id bits and file capabilities.
  if (options.owner &&
      ::fchownat(to.directory, name, status.st_uid, status.st_gid, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno != EPERM) return posix_error(errno, "set owner of", to.name);
    not_kept.push_back("owner");
  }
  // The mode before the ACL: chmod would rewrite the ACL's mask.
  if (!S_ISLNK(status.st_mode) && ::fchmodat(to.directory, name, status.st_mode & 07777, 0) != 0) {
    return posix_error(errno, "set mode of", to.name);
  }
  if (Status s = copy_xattrs(from, to, not_kept); !s.ok()) return s;
  return options.times ? set_times(to, status) : Status(Ok{});
}

}  // namespace stillframe
