// The way to another machine's coordinator.
#pragma once

#include <memory>

#include <stillframe/requestor.hpp>

#include "framework/remote/arrival.hpp"
#include "framework/remote/remote_address.hpp"
#include "framework/remote/tls_session.hpp"

namespace stillframe {

struct RemoteOptions {
  RemoteAddress address;  // its certificate must be for `host`
  TlsFiles tls;
  std::chrono::milliseconds timeout{5'000};
  std::string requestor_name;
};

struct RemoteCoordinator {
  std::unique_ptr<RequestorChannel> channel;
  // The other machine's boot clock is ahead of ours by at most this: a deadline of it that is
  // turned back by it is never later than it was meant.
  Duration clock_ahead{0};
};

// access_denied when either side does not accept the other's certificate, and what connect_tcp()
// says.
Result<RemoteCoordinator> connect_coordinator(const RemoteOptions& options);

// A connection of its own to a mover, which must show the certificate with that digest.
Result<TlsSession> connect_mover(const RemoteOptions& options, const MoverName& mover,
                                 const Sha256Digest& certificate);

}  // namespace stillframe
