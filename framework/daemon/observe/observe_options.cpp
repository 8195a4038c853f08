#include "framework/daemon/observe/observe_options.hpp"

#include <array>
#include <charconv>

#include <arpa/inet.h>
#include <fcntl.h>
#include <unistd.h>

namespace stillframe::daemon {
namespace {

constexpr const char* kUnix = "unix:";
constexpr const char* kJournaldSocket = "/run/systemd/journal/socket";

bool is_loopback(const std::string& address) {
  in_addr four{};
  in6_addr six{};
  if (::inet_pton(AF_INET, address.c_str(), &four) == 1)
    return ntohl(four.s_addr) >> 24 == IN_LOOPBACKNET;
  return ::inet_pton(AF_INET6, address.c_str(), &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six);
}

std::optional<int> parse_port(std::string_view text) {
  int port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return port > 0 && port < 65'536 ? std::optional(port) : std::nullopt;
}

}  // namespace

Result<MetricsAddress> parse_metrics_address(const std::string& text) {
  MetricsAddress address;
  if (text.starts_with(kUnix)) {
    address.socket = text.substr(std::string_view(kUnix).size());
    constexpr std::size_t kSocketPathMax = 107;
    if (address.socket.empty() || address.socket.front() != '/' ||
        address.socket.size() > kSocketPathMax)
      return Error(Errc::invalid_argument,
                   "a socket is an absolute path of at most 107 bytes, 'unix:/run/...'");
    return address;
  }
  const auto colon = text.rfind(':');
  const auto port = colon == std::string::npos
                        ? std::nullopt
                        : parse_port(std::string_view(text).substr(colon + 1));
  if (!port)
    return Error(Errc::invalid_argument, "'" + text + "' is neither ADDRESS:PORT nor unix:/PATH");
  address.port = *port;
  address.address = text.substr(0, colon);
  if (address.address.size() > 2 && address.address.front() == '[' && address.address.back() == ']')
    address.address = address.address.substr(1, address.address.size() - 2);
  if (!is_loopback(address.address))
    return Error(Errc::invalid_argument,
                 "'" + address.address +
                     "' is not a loopback address such as 127.0.0.1 or [::1]; other machines "
                     "reach the metrics through a proxy that knows who may");
  return address;
}

ObserveOptions read_observe_options(ConfigTable& table) {
  ObserveOptions options;
  ConfigTable events = table.table("events");
  options.event_file = events.text("file");
  if (!options.event_file.empty() && options.event_file.front() != '/')
    events.reject("file", "must be an absolute path");
  options.journald = events.flag("journald", options.journald);
  // Set by a service manager for what it connected to the journal.
  options.to_stderr = events.flag("stderr", std::getenv("JOURNAL_STREAM") == nullptr);
  constexpr std::int64_t kKibibyte = 1024;
  options.events_max = static_cast<std::size_t>(events.number(
      "memory_events", static_cast<std::int64_t>(options.events_max), 100, 1'000'000));
  options.bytes_max = static_cast<std::size_t>(
      events.number("memory_kib", static_cast<std::int64_t>(options.bytes_max) / kKibibyte, 64,
                    262'144) *
      kKibibyte);
  ConfigTable metrics = table.table("metrics");
  if (const std::string listen = metrics.text("listen"); !listen.empty()) {
    auto address = parse_metrics_address(listen);
    if (address.ok()) {
      options.metrics = std::move(address).value();
    } else {
      metrics.reject("listen", address.error().what());
    }
  }
  return options;
}

EventHubOptions hub_options(const ObserveOptions& options) {
  EventHubOptions hub;
  hub.ring = {options.events_max, options.bytes_max};
  hub.file = options.event_file;
  if (options.journald) hub.journald_socket = kJournaldSocket;
  if (options.to_stderr) hub.stream = Descriptor(::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3));
  return hub;
}

}  // namespace stillframe::daemon
