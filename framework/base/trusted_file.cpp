#include "framework/base/trusted_file.hpp"

#include <cerrno>
#include <cstdlib>
#include <memory>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <stillframe/descriptor.hpp>

#include "framework/base/posix_error.hpp"

namespace stillframe {

namespace {

Error refuse(const BytePath& path, const std::string& why) {
  return {Errc::access_denied, "'" + escape_path(path) + "' is not trusted: " + why};
}

Result<BytePath> resolve(const BytePath& path) {
  if (path.empty() || path.front() != '/') {
    return Error(Errc::invalid_argument,
                 "'" + escape_path(path) + "' is not an absolute path; write it from /");
  }
  const std::unique_ptr<char, void (*)(void*)> real(::realpath(path.c_str(), nullptr), std::free);
  if (!real) return posix_error(errno, "resolve", path);
  return BytePath(real.get());
}

Status check_folders(const BytePath& real, uid_t owner) {
  for (auto slash = real.rfind('/'); slash != BytePath::npos;
       slash = slash == 0 ? BytePath::npos : real.rfind('/', slash - 1)) {
    const BytePath folder = slash == 0 ? "/" : real.substr(0, slash);
    struct stat about {};
    if (::lstat(folder.c_str(), &about) != 0) return posix_error(errno, "examine", folder);
    if (about.st_uid != 0 && about.st_uid != owner) {
      return refuse(real, "the folder '" + escape_path(folder) + "' belongs to user " +
                              std::to_string(about.st_uid) + "; chown it to root");
    }
    if ((about.st_mode & 022) != 0 && (about.st_mode & S_ISVTX) == 0) {
      return refuse(real,
                    "others may write the folder '" + escape_path(folder) + "'; chmod go-w it");
    }
  }
  return Ok{};
}

Status check_open_file(const BytePath& real, int fd, uid_t owner) {
  struct stat about {};
  if (::fstat(fd, &about) != 0) return posix_error(errno, "examine", real);
  if (!S_ISREG(about.st_mode)) return refuse(real, "it is no regular file");
  if (about.st_uid != 0 && about.st_uid != owner) {
    return refuse(real, "it belongs to user " + std::to_string(about.st_uid) + "; chown it to " +
                            std::to_string(owner));
  }
  if ((about.st_mode & 022) != 0) return refuse(real, "others may write it; chmod go-w it");
  return check_folders(real, owner);
}

}  // namespace

Status check_trusted_file(const BytePath& path, uid_t owner) {
  auto real = resolve(path);
  if (!real.ok()) return real.error();
  const Descriptor file(::open(real.value().c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  if (!file.valid()) return posix_error(errno, "open", real.value());
  return check_open_file(real.value(), file.get(), owner);
}

Status check_trusted_program(const BytePath& path, uid_t owner) {
  if (Status s = check_trusted_file(path, owner); !s.ok()) return s;
  struct stat about {};
  if (::stat(path.c_str(), &about) != 0) return posix_error(errno, "examine", path);
  if ((about.st_mode & 0111) == 0) return refuse(path, "it is not executable; chmod +x it");
  return Ok{};
}

Status check_trusted_directory(const BytePath& path, uid_t owner) {
  auto real = resolve(path);
  if (!real.ok()) return real.error();
  struct stat about {};
  if (::lstat(real.value().c_str(), &about) != 0) {
    return posix_error(errno, "examine", real.value());
  }
  if (!S_ISDIR(about.st_mode)) return refuse(real.value(), "it is no directory");
  if (about.st_uid != 0 && about.st_uid != owner) {
    return refuse(real.value(), "it belongs to user " + std::to_string(about.st_uid) +
                                    "; chown it to " + std::to_string(owner));
  }
  if ((about.st_mode & 022) != 0) return refuse(real.value(), "others may write it; chmod go-w it");
  return check_folders(real.value(), owner);
}

Result<std::string> read_trusted_file(const BytePath& path, uid_t owner, std::size_t bytes_max) {
  auto real = resolve(path);
  if (!real.ok()) return real.error();
  // Opened before it is examined, so that what is read is what was examined.
  const Descriptor file(
      ::open(real.value().c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!file.valid()) return posix_error(errno, "open", real.value());
  if (Status s = check_open_file(real.value(), file.get(), owner); !s.ok()) return s.error();
  std::string content;
  char buffer[16 * 1024];
  ssize_t n;
  while ((n = ::read(file.get(), buffer, sizeof buffer)) > 0) {
    content.append(buffer, static_cast<std::size_t>(n));
    if (content.size() > bytes_max) {
      return Error(Errc::limit_reached, "'" + escape_path(path) + "' has more than " +
                                            std::to_string(bytes_max) + " bytes");
    }
  }
  if (n < 0) return posix_error(errno, "read", path);
  return content;
}

}  // namespace stillframe
