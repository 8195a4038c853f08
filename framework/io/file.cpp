#include "framework/io/file.hpp"

#include <cerrno>

#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <unistd.h>

#include "framework/base/path.hpp"
#include "framework/base/posix_error.hpp"

namespace stillframe {
namespace {

constexpr std::size_t kReadBytes = std::size_t{64} << 10;

int open_retrying(const char* path, int flags, mode_t mode) {
  int fd = -1;
  do fd = ::open(path, flags | O_CLOEXEC, mode);
  while (fd < 0 && errno == EINTR);
  return fd;
}

}  // namespace

Result<Descriptor> open_file(const BytePath& path, int flags, mode_t mode) {
  const int fd = open_retrying(path.c_str(), flags, mode);
  if (fd < 0) return posix_error(errno, "open", path);
  return Descriptor(fd);
}

Result<Descriptor> open_directory(const BytePath& path) {
  return open_file(path, O_RDONLY | O_DIRECTORY);
}

Status write_all(int fd, std::string_view bytes, std::string_view name) {
  while (!bytes.empty()) {
    const ssize_t put = ::write(fd, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return posix_error(errno, "write", name);
    bytes.remove_prefix(static_cast<std::size_t>(put));
  }
  return Ok{};
}

Status write_all_at(int fd, std::string_view bytes, std::uint64_t offset, std::string_view name) {
  while (!bytes.empty()) {
    const ssize_t put = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return posix_error(errno, "write", name);
    bytes.remove_prefix(static_cast<std::size_t>(put));
    offset += static_cast<std::uint64_t>(put);
  }
  return Ok{};
}

Result<std::string> read_all(int fd, std::size_t bytes_max, std::string_view name) {
  std::string bytes;
  for (;;) {
    const std::size_t had = bytes.size();
    bytes.resize(had + kReadBytes);
    const ssize_t got = ::read(fd, bytes.data() + had, kReadBytes);
    bytes.resize(had + (got > 0 ? static_cast<std::size_t>(got) : 0));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return posix_error(errno, "read", name);
    if (bytes.size() > bytes_max) {
      return Error(Errc::limit_reached, "read '" + escape_path(name) + "': longer than " +
                                            std::to_string(bytes_max) + " bytes");
    }
    if (got == 0) return bytes;
  }
}

Result<std::string> read_file(const BytePath& path, std::size_t bytes_max) {
  auto file = open_file(path, O_RDONLY);
  if (!file.ok()) return file.error();
  return read_all(file.value().get(), bytes_max, path);
}

Status sync_file(int fd, std::string_view name) {
  if (::fsync(fd) != 0) return posix_error(errno, "sync", name);
  return Ok{};
}

Status sync_directory(const BytePath& path) {
  auto directory = open_directory(path);
  if (!directory.ok()) return directory.error();
  return sync_file(directory.value().get(), path);
}

Status write_file_durably(const BytePath& path, std::string_view bytes, mode_t mode) {
  // One fixed temporary name: what a crash left behind is overwritten by the next try.
  const BytePath temporary = path + ".new";
  auto file = open_file(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, mode);
  if (!file.ok()) return file.error();
  const int fd = file.value().get();
  if (::fchmod(fd, mode) != 0) return posix_error(errno, "set the mode of", temporary);
  if (Status s = write_all(fd, bytes, temporary); !s.ok()) return s;
  if (Status s = sync_file(fd, temporary); !s.ok()) return s;
  if (::rename(temporary.c_str(), path.c_str()) != 0) return posix_error(errno, "replace", path);
  return sync_directory(parent_path(path));
}

Status publish_directory(const BytePath& made, const BytePath& final_name) {
  if (Status s = sync_directory(made); !s.ok()) return s;
  if (::renameat2(AT_FDCWD, made.c_str(), AT_FDCWD, final_name.c_str(), RENAME_NOREPLACE) != 0) {
    return posix_error(errno, "publish", final_name);
  }
  return sync_directory(parent_path(final_name));
}

Status make_directories(const BytePath& path, mode_t mode) {
  if (::mkdir(path.c_str(), mode) == 0) return Ok{};
  if (errno == ENOENT && parent_path(path) != path) {
    if (Status s = make_directories(parent_path(path), mode); !s.ok()) return s;
    if (::mkdir(path.c_str(), mode) == 0) return Ok{};
  }
  const int failed = errno;
  struct stat st {};
  if (failed == EEXIST && ::stat(path.c_str(), &st) == 0 && S_ISDIR(st.st_mode)) return Ok{};
  return posix_error(failed, "create directory", path);
}

bool exists(const BytePath& path) {
  struct stat st {};
  return ::lstat(path.c_str(), &st) == 0;
}

Status remove_file(const BytePath& path) {
  if (::unlink(path.c_str()) == 0 || errno == ENOENT) return Ok{};
  return posix_error(errno, "remove", path);
}

}  // namespace stillframe
