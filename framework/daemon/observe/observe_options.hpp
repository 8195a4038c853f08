// What the configuration says about events and metrics. docs/operations.md is the reference for
// people.
#pragma once

#include <optional>
#include <string>

#include <stillframe/byte_path.hpp>

#include "framework/base/config.hpp"
#include "framework/daemon/observe/event_hub.hpp"

namespace stillframe::daemon {

// Where metrics are served: a port of this machine alone, or a Unix socket.
struct MetricsAddress {
  BytePath socket;      // empty: `address` and `port`
  std::string address;  // a loopback address
  int port = 0;
  friend bool operator==(const MetricsAddress&, const MetricsAddress&) = default;
};

// "127.0.0.1:9823", "[::1]:9823" or "unix:/run/stillframe/metrics.sock". Whoever reaches the port
// reads all, so an address that other machines reach is invalid_argument.
Result<MetricsAddress> parse_metrics_address(const std::string& text);

struct ObserveOptions {
  BytePath event_file;                           // empty: none
  bool journald = true;                          // where it is there
  bool to_stderr = true;                         // unless it leads to the journal anyhow
  std::size_t events_max = 16'384;               // in memory
  std::size_t bytes_max = std::size_t{8} << 20;  // likewise
  std::optional<MetricsAddress> metrics;         // empty: not served
  friend bool operator==(const ObserveOptions&, const ObserveOptions&) = default;
};

// The tables [events] and [metrics]; mistakes are noted in `table`.
//
//   [events]                                        [metrics]
//   file = "/var/log/stillframe/events.jsonl"       listen = "127.0.0.1:9823"
//   journald = true
//   stderr = false
//   memory_events = 16384
//   memory_kib = 8192
ObserveOptions read_observe_options(ConfigTable& table);

// As the hub takes them: standard error as a descriptor of its own.
EventHubOptions hub_options(const ObserveOptions& options);

}  // namespace stillframe::daemon
