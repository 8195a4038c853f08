#include "requestor/restore/disk_probe.hpp"

#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "framework/base/path.hpp"
#include "framework/base/posix_error.hpp"

namespace stillframe::requestor {
namespace {

// chattr +i and +a: not even root may rename over it.
bool is_immutable(const BytePath& path) {
  struct statx info {};
  if (statx(AT_FDCWD, path.c_str(), AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, &info) != 0) {
    return false;
  }
  return (info.stx_attributes & (STATX_ATTR_IMMUTABLE | STATX_ATTR_APPEND)) != 0;
}

}  // namespace

Result<bool> DiskProbe::exists(const BytePath& path) {
  struct stat info {};
  if (lstat(path.c_str(), &info) == 0) return true;
  if (errno == ENOENT || errno == ENOTDIR) return false;
  return posix_error(errno, "look at", path);
}

Result<bool> DiskProbe::can_replace(const BytePath& path) {
  struct stat info {};
  if (lstat(path.c_str(), &info) != 0) return posix_error(errno, "look at", path);
  std::string why;
  if (S_ISDIR(info.st_mode)) {
    why = "it is a directory";
  } else if (faccessat(AT_FDCWD, parent_path(path).c_str(), W_OK | X_OK, AT_EACCESS) != 0) {
    why = posix_error(errno, "write into", parent_path(path)).what();
  } else if (is_immutable(path)) {
    why = "it is marked immutable or append-only (chattr)";
  } else if (is_open({info.st_dev, info.st_ino})) {
    why = "it is open in " + holders_of_files({{info.st_dev, info.st_ino}});
  }
  if (why.empty()) return true;
  obstacle_ = "'" + escape_path(path) + "': " + why;
  return false;
}

bool DiskProbe::is_open(const FileIdentity& file) {
  if (!open_) {
    open_.emplace();
    (void)processes_that_hold([this](const std::string& link) {
      struct stat info {};
      if (stat(link.c_str(), &info) == 0) open_->insert({info.st_dev, info.st_ino});
      return false;  // everything is collected, nobody is named
    });
  }
  return open_->contains(file);
}

}  // namespace stillframe::requestor
