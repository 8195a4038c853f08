#include "framework/daemon/notify/service_notifier.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <stillframe/byte_path.hpp>

#include "framework/base/posix_error.hpp"

namespace stillframe::daemon {
namespace {

constexpr std::size_t kStatusBytesMax = 1024;

// The watchdog is meant for one process; a program that it starts inherits the variable.
std::optional<std::chrono::microseconds> watchdog_for_us(const Variables& variables) {
  if (const char* pid = variables("WATCHDOG_PID"); pid != nullptr) {
    if (std::to_string(::getpid()) != pid) return std::nullopt;
  }
  const char* text = variables("WATCHDOG_USEC");
  if (text == nullptr) return std::nullopt;
  const char* end = text + std::strlen(text);
  std::int64_t microseconds = 0;
  const auto [last, error] = std::from_chars(text, end, microseconds);
  if (error != std::errc() || last != end || microseconds <= 0) return std::nullopt;
  return std::chrono::microseconds(microseconds);
}

std::int64_t monotonic_microseconds() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return std::int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1000;
}

}  // namespace

Variables own_environment() {
  return [](const char* name) -> const char* { return ::secure_getenv(name); };
}

Result<ServiceNotifier> ServiceNotifier::from(const Variables& variables) {
  ServiceNotifier notifier;
  notifier.limit_ = watchdog_for_us(variables);
  const char* name = variables("NOTIFY_SOCKET");
  if (name == nullptr || *name == '\0') return notifier;
  notifier.address_ = name;
  if ((*name != '/' && *name != '@') || notifier.address_.size() < 2 ||
      notifier.address_.size() >= sizeof(sockaddr_un::sun_path)) {
    return Error(Errc::invalid_argument, "NOTIFY_SOCKET is '" + escape_path(notifier.address_) +
                                             "', which is no absolute path and no abstract name; "
                                             "unset it to run without a service manager");
  }
  if (*name == '@') notifier.address_[0] = '\0';
  notifier.socket_ = Descriptor(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!notifier.socket_.valid()) return posix_error(errno, "create", "a notification socket");
  return notifier;
}

Status ServiceNotifier::send(std::string_view message) const {
  if (!active()) return Ok{};
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  std::memcpy(to.sun_path, address_.data(), address_.size());
  const auto bytes = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address_.size());
  ssize_t sent;
  do {
    sent = ::sendto(socket_.get(), message.data(), message.size(), MSG_NOSIGNAL,
                    reinterpret_cast<const sockaddr*>(&to), bytes);
  } while (sent < 0 && errno == EINTR);
  if (sent < 0) return posix_error(errno, "notify the service manager at", address_);
  return Ok{};
}

Status ServiceNotifier::ready() const {
  return send("READY=1");
}

Status ServiceNotifier::reloading() const {
  return send("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(monotonic_microseconds()));
}

Status ServiceNotifier::stopping() const {
  return send("STOPPING=1");
}

Status ServiceNotifier::status(std::string_view text) const {
  std::string line(text.substr(0, kStatusBytesMax));
  // A second line would be a second statement to the manager.
  std::replace(line.begin(), line.end(), '\n', ' ');
  return send("STATUS=" + line);
}

Status ServiceNotifier::watchdog() const {
  return send("WATCHDOG=1");
}

}  // namespace stillframe::daemon
