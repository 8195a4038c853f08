// The [remote] table of stillframe.toml:
//
//   [remote]
//   listen = "0.0.0.0:7836"        # absent: nobody on another machine is served
//   certificate = "/etc/stillframe/remote/server.pem"
//   key = "/etc/stillframe/remote/server.key"
//   client_ca = "/etc/stillframe/remote/ca.pem"
//
// Whom a certificate of that authority allows what, the [[allow]] tables say.
#pragma once

#include <chrono>
#include <optional>

#include "framework/base/config.hpp"
#include "framework/remote/remote_address.hpp"
#include "framework/remote/tls_context.hpp"

namespace stillframe::daemon {

struct RemoteSettings {
  std::optional<RemoteAddress> listen;
  TlsFiles tls;
  std::size_t connections_max = 32;
  std::chrono::milliseconds handshake{5'000};  // from the first byte to the welcome
  std::chrono::milliseconds ticket{30'000};    // how long a ticket for a mover is good
  friend bool operator==(const RemoteSettings&, const RemoteSettings&) = default;
};

// Mistakes are noted in `table`. The files are not looked at.
RemoteSettings read_remote_settings(ConfigTable table);

}  // namespace stillframe::daemon
