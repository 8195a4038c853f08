// Tells the service manager how a service is doing: datagrams to the socket that NOTIFY_SOCKET
// names, as sd_notify(3) describes them. Where there is no such manager every call is ok and does
// nothing.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include <stillframe/descriptor.hpp>
#include <stillframe/result.hpp>

namespace stillframe::daemon {

// A variable of the environment; null when it is not set.
using Variables = std::function<const char*(const char* name)>;
// This process's.
Variables own_environment();

// Thread-safe; never blocks. An error means that the manager was not told, which no service should
// end for, but which belongs into its log.
class ServiceNotifier {
 public:
  // invalid_argument when NOTIFY_SOCKET names no socket of the kind sd_notify() knows.
  static Result<ServiceNotifier> from(const Variables& variables);

  Status ready() const;      // started, or a reload is over
  Status reloading() const;  // ready() must follow
  Status stopping() const;
  Status status(std::string_view text) const;  // one line for people
  Status watchdog() const;                     // a sign of life

  // How often the manager wants a sign of life at least; a service sends one every half of it.
  std::optional<std::chrono::microseconds> watchdog_limit() const noexcept { return limit_; }
  bool active() const noexcept { return socket_.valid(); }

 private:
  ServiceNotifier() = default;
  Status send(std::string_view message) const;

  std::string address_;  // a path, or an abstract name with '\0' in front
  Descriptor socket_;
  std::optional<std::chrono::microseconds> limit_;
};

}  // namespace stillframe::daemon
