// Listens for requestors on a Unix socket and hands their requests to a RequestorHandler.
#pragma once

#include <functional>
#include <memory>

#include <stillframe/time.hpp>

#include "framework/transport/listener.hpp"
#include "framework/transport/requestor_handler.hpp"

namespace stillframe {

struct RequestorServerOptions {
  ListenOptions listen;
  std::size_t connections_max = 256;
  std::size_t requests_under_way_max = 64;      // per connection; more are answered limit_reached
  std::size_t send_queue_bytes_max = 64 << 20;  // per connection; overflow closes it
  std::chrono::milliseconds handshake_limit{5'000};
  // False where no request holds a document: none may be larger than wire::kHandshakeBytesMax.
  bool large_requests = true;
  // Where connections come from; empty: the Unix socket that `listen` names.
  std::function<Result<std::unique_ptr<Listener>>(IoThread&, ConnectionOptions,
                                                  Listener::AcceptedHandler)>
      listen_elsewhere;
  bool same_machine = true;  // so that both sides must have the same boot clock
};

class RequestorServer {
 public:
  // The handler must outlive the server. in_progress names the process that already listens there.
  static Result<std::unique_ptr<RequestorServer>> start(RequestorHandler& handler,
                                                        RequestorServerOptions options);
  // Closes every connection, each with its connection_closed(), and joins. Not from a handler call.
  virtual ~RequestorServer() = default;
};

// A channel that never leaves the process: same handler, same rules. The handler must outlive it.
std::unique_ptr<RequestorChannel> connect_locally(RequestorHandler& handler,
                                                  std::string requestor_name);

}  // namespace stillframe
