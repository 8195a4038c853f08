#include "framework/io/file_lock.hpp"

#include <cerrno>

#include <fcntl.h>
#include <unistd.h>

#include "framework/base/path.hpp"
#include "framework/base/posix_error.hpp"
#include "framework/io/file.hpp"

namespace stillframe {
namespace {

constexpr std::size_t kHolderBytesMax = 64;

// OFD locks have no owner that the kernel could tell, so the holder writes its pid into the file.
std::string holder_of(int fd) {
  char text[kHolderBytesMax];
  const ssize_t got = ::pread(fd, text, sizeof text, 0);
  std::string pid;
  for (ssize_t i = 0; i < got && text[i] >= '0' && text[i] <= '9'; ++i) pid += text[i];
  return pid.empty() ? "a process that has not said which it is" : "process " + pid;
}

}  // namespace

Result<FileLock> FileLock::take(const BytePath& path, const std::string& what) {
  auto file = open_file(path, O_RDWR | O_CREAT | O_NOFOLLOW, 0600);
  if (!file.ok()) return file.error().while_doing("lock " + what);
  const int fd = file.value().get();
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  if (::fcntl(fd, F_OFD_SETLK, &lock) != 0) {
    if (errno != EAGAIN && errno != EACCES) return posix_error(errno, "lock", path);
    return Error(Errc::in_progress, "lock " + what + ": held by " + holder_of(fd) + " ('" +
                                        escape_path(path) + "'); try again when it is done");
  }
  const std::string pid = std::to_string(::getpid()) + "\n";
  if (::ftruncate(fd, 0) != 0) return posix_error(errno, "empty", path);
  if (Status s = write_all_at(fd, pid, 0, path); !s.ok()) return s.error();
  return FileLock(std::move(file).value());
}

Result<FileLock> lock_file_system(const BytePath& runtime_directory, const std::string& key) {
  if (key.empty() || key.find('/') != std::string::npos || !is_safe_relative(key)) {
    return Error(Errc::invalid_argument, "lock key '" + escape_path(key) + "' is no file name");
  }
  const BytePath directory = join_path(runtime_directory, "lock");
  if (Status s = make_directories(directory, 0755); !s.ok()) return s.error();
  return FileLock::take(join_path(directory, key), "file system " + key);
}

}  // namespace stillframe
