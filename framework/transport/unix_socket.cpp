#include "framework/transport/unix_socket.hpp"

#include <cerrno>
#include <cstring>
#include <thread>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "framework/base/posix_error.hpp"

namespace stillframe {
namespace {

constexpr int kBacklog = 1024;
constexpr std::chrono::milliseconds kFullBacklogPause{5};

Result<sockaddr_un> address_of(const BytePath& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path) {
    return Error(Errc::invalid_argument, "socket path '" + escape_path(path) + "' must have 1 to " +
                                             std::to_string(sizeof address.sun_path - 1) +
                                             " bytes; choose a shorter socket directory");
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

Status make_directory(const BytePath& path, unsigned mode) {
  if (::mkdir(path.c_str(), mode) == 0) {
    // Said again, because the umask may have taken bits away.
    if (::chmod(path.c_str(), mode) != 0) return posix_error(errno, "set the mode of", path);
    return Ok{};
  }
  if (errno == EEXIST) return Ok{};
  if (errno != ENOENT) return posix_error(errno, "create directory", path);
  const auto slash = path.rfind('/');
  if (slash == BytePath::npos || slash == 0) return posix_error(ENOENT, "create directory", path);
  if (Status s = make_directory(path.substr(0, slash), mode); !s.ok()) return s;
  return make_directory(path, mode);
}

// The lock tells a live server from a socket file that a dead one left.
Result<Descriptor> lock_socket(const BytePath& socket_path) {
  const BytePath path = socket_path + ".lock";
  Descriptor lock(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!lock.valid()) return posix_error(errno, "open lock file", path);
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return posix_error(errno, "lock", path);
    char holder[32] = {};
    const ssize_t n = ::pread(lock.get(), holder, sizeof holder - 1, 0);
    return Error(Errc::in_progress, "process " + std::string(n > 0 ? holder : "?") +
                                        " already listens on '" + escape_path(socket_path) +
                                        "'; stop it or choose another socket directory");
  }
  const std::string pid = std::to_string(::getpid());
  if (::ftruncate(lock.get(), 0) != 0 ||
      ::pwrite(lock.get(), pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size())) {
    return posix_error(errno, "write lock file", path);
  }
  return lock;
}

}  // namespace

Result<ListeningSocket> ListeningSocket::adopt(const ListenOptions& options) {
  const int given = options.inherited->get();
  int listens = 0;
  socklen_t size = sizeof listens;
  if (::getsockopt(given, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) != 0)
    return posix_error(errno, "use the inherited socket for", options.socket_path);
  if (listens == 0)
    return Error(Errc::invalid_argument, "the inherited socket for '" +
                                             escape_path(options.socket_path) +
                                             "' does not listen; its unit must say ListenStream=");
  Descriptor socket(::fcntl(given, F_DUPFD_CLOEXEC, 3));
  const int flags = ::fcntl(socket.get(), F_GETFL);
  if (!socket.valid() || flags < 0 || ::fcntl(socket.get(), F_SETFL, flags | O_NONBLOCK) != 0)
    return posix_error(errno, "use the inherited socket for", options.socket_path);
  return ListeningSocket({}, std::move(socket), options.socket_path);
}

Result<ListeningSocket> ListeningSocket::open(const ListenOptions& options) {
  if (options.inherited) return adopt(options);
  auto address = address_of(options.socket_path);
  if (!address.ok()) return address.error();
  if (const auto slash = options.socket_path.rfind('/'); slash != BytePath::npos && slash != 0) {
    Status made = make_directory(options.socket_path.substr(0, slash), options.directory_mode);
    if (!made.ok()) return made.error();
  }
  auto lock = lock_socket(options.socket_path);
  if (!lock.ok()) return lock.error();

  Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket.valid()) return posix_error(errno, "create", "socket");
  if (::unlink(options.socket_path.c_str()) != 0 && errno != ENOENT) {
    return posix_error(errno, "remove the old socket", options.socket_path);
  }
  // No mode but the final one is ever visible: others connect only once listen() was called.
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address.value()),
             sizeof address.value()) != 0) {
    return posix_error(errno, "bind", options.socket_path);
  }
  if (::chmod(options.socket_path.c_str(), options.socket_mode) != 0) {
    return posix_error(errno, "set the mode of", options.socket_path);
  }
  if (options.socket_owner >= 0 &&
      ::chown(options.socket_path.c_str(), static_cast<uid_t>(options.socket_owner), -1) != 0) {
    return posix_error(errno, "set the owner of", options.socket_path);
  }
  if (::listen(socket.get(), kBacklog) != 0) {
    return posix_error(errno, "listen on", options.socket_path);
  }
  return ListeningSocket(std::move(lock).value(), std::move(socket), options.socket_path);
}

ListeningSocket::~ListeningSocket() {
  // While the lock is still held. Without one the socket is somebody else's.
  if (lock_.valid()) ::unlink(path_.c_str());
}

Result<Descriptor> ListeningSocket::accept() const {
  while (true) {
    const int fd = ::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd >= 0) return Descriptor(fd);
    if (errno == EINTR || errno == ECONNABORTED) continue;
    if (errno == EAGAIN || errno == EWOULDBLOCK) return Descriptor();
    return posix_error(errno, "accept on", path_);
  }
}

Result<Descriptor> connect_unix(const BytePath& path, const Clock& clock, BootTime latest) {
  auto address = address_of(path);
  if (!address.ok()) return address.error();
  while (true) {
    Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket.valid()) return posix_error(errno, "create", "socket");
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address.value()),
                  sizeof address.value()) == 0) {
      return socket;
    }
    if (errno == EINTR) continue;
    if (errno == ENOENT || errno == ECONNREFUSED) {
      return Error(Errc::disconnected, "nobody listens on '" + escape_path(path) +
                                           "'; start stillframed, or name its socket");
    }
    if (errno != EAGAIN) return posix_error(errno, "connect to", path);
    if (clock.now() >= latest) {
      return Error(Errc::timed_out, "the coordinator behind '" + escape_path(path) +
                                        "' does not take connections; look at its log");
    }
    std::this_thread::sleep_for(kFullBacklogPause);  // its queue is full; no event says when not
  }
}

}  // namespace stillframe
