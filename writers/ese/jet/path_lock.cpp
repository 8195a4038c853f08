#include "writers/ese/jet/path_lock.hpp"

#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>

#include "framework/base/posix_error.hpp"
#include "framework/io/file.hpp"
#include "writers/ese/jet/answer.hpp"

namespace stillframe::ese::jet {

namespace {

// False if somebody else holds it.
Result<bool> lock(const Descriptor& file, int how, const BytePath& path) {
  while (::flock(file.get(), how | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return false;
    if (errno != EINTR) return posix_error(errno, "lock", path);
  }
  return true;
}

}  // namespace

Result<PathLock> PathLock::take(const BytePath& path, JET_ERR taken) {
  auto opened = open_file(path, O_RDONLY);
  if (!opened.ok()) return opened.error();
  const auto got = lock(opened.value(), LOCK_EX, path);
  if (!got.ok()) return got.error();
  if (!got.value()) {
    return jet_error(taken, "'" + escape_path(path) + "' is used by another instance or process");
  }
  return PathLock(std::move(opened).value());
}

Result<bool> PathLock::is_taken(const BytePath& path) {
  auto opened = open_file(path, O_RDONLY);
  if (!opened.ok()) return opened.error();
  const auto got = lock(opened.value(), LOCK_SH, path);
  if (!got.ok()) return got.error();
  return !got.value();
}

}  // namespace stillframe::ese::jet
