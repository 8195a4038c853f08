// Serves a text to Prometheus over HTTP.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "framework/daemon/observe/observe_options.hpp"

namespace stillframe::daemon {

struct MetricsServerOptions {
  std::size_t connections_max = 16;           // more wait in the kernel's queue
  std::chrono::milliseconds time_max{5'000};  // for a whole exchange
  std::size_t request_bytes_max = 8 << 10;
  unsigned socket_mode = 0660;
};

// GET /metrics (and /) answers `text()`, which is called on the server's thread; one exchange a
// connection. HTTP/1.1 as far as that needs it: nothing is kept alive, nothing is compressed.
class MetricsServer {
 public:
  static Result<std::unique_ptr<MetricsServer>> start(const MetricsAddress& address,
                                                      std::function<std::string()> text,
                                                      MetricsServerOptions options = {});
  virtual ~MetricsServer() = default;  // closes every connection and joins
  virtual int port() const = 0;        // where it listens; 0 for a Unix socket
};

}  // namespace stillframe::daemon
