#include "writers/ese/instance/path_lock.hpp"

#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>

#include "framework/base/posix_error.hpp"
#include "framework/io/file.hpp"

namespace stillframe::ese {

namespace {

// False if somebody else holds it.
Result<bool> lock_path(const Descriptor& file, int how, const BytePath& path) {
  while (::flock(file.get(), how | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return false;
    if (errno != EINTR) return posix_error(errno, "lock", path);
  }
  return true;
}

}  // namespace

Result<std::optional<PathLock>> PathLock::take(const BytePath& path) {
  auto opened = open_file(path, O_RDONLY);
  if (!opened.ok()) return opened.error();
  const auto got = lock_path(opened.value(), LOCK_EX, path);
  if (!got.ok()) return got.error();
  if (!got.value()) return std::optional<PathLock>();
  return std::optional<PathLock>(PathLock(std::move(opened).value()));
}

Result<bool> PathLock::is_taken(const BytePath& path) {
  auto opened = open_file(path, O_RDONLY);
  if (!opened.ok()) return opened.error();
  const auto got = lock_path(opened.value(), LOCK_SH, path);
  if (!got.ok()) return got.error();
  return !got.value();
}

}  // namespace stillframe::ese
