// Accepts connections from other machines: control connections become Connections once their TLS
// handshake is over, those for a mover are handed on before it.
#pragma once

#include <chrono>
#include <functional>
#include <memory>

#include "framework/remote/arrival.hpp"
#include "framework/remote/remote_address.hpp"
#include "framework/remote/tls_context.hpp"
#include "framework/transport/listener.hpp"

namespace stillframe {

struct TlsListenOptions {
  RemoteAddress address;
  // Connections whose handshake is under way, in all and from one address: who floods with halves
  // of handshakes keeps out neither others nor memory.
  std::size_t arrivals_max = 64;
  std::size_t arrivals_from_one_address_max = 16;
  std::chrono::milliseconds handshake_limit{5'000};
};

// Handshakes have a thread of their own, so that they cost those who are connected nothing.
class TlsListener {
 public:
  // Its own thread; must not block. A socket whose preamble was taken off, non-blocking.
  using MoverHandler = std::function<void(const MoverName&, Descriptor)>;
  // The same thread: why somebody was turned away, and from where.
  using RefusedHandler = std::function<void(const std::string& address, const Error&)>;

  static Result<std::unique_ptr<TlsListener>> start(TlsListenOptions options, TlsContext context,
                                                    MoverHandler mover, RefusedHandler refused);
  virtual ~TlsListener() = default;

  // For connections that come from now on.
  virtual void use(TlsContext context) = 0;
  virtual std::uint16_t port() const = 0;

  // For RequestorServerOptions::listen_elsewhere: control connections go there, on `io`, as long as
  // the answered Listener lives. Before that, and after it, they are closed.
  virtual std::unique_ptr<Listener> control_connections(IoThread& io, ConnectionOptions connection,
                                                        Listener::AcceptedHandler accepted) = 0;
};

}  // namespace stillframe
