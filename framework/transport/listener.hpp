// Accepts connections on a Unix socket and hands on those that are admitted.
#pragma once

#include <functional>
#include <memory>

#include "framework/transport/connection.hpp"
#include "framework/transport/listen_options.hpp"

namespace stillframe {

class Listener {
 public:
  // Called on the io thread with a connection that has not been started.
  using AcceptedHandler = std::function<void(std::shared_ptr<Connection>)>;

  static Result<std::unique_ptr<Listener>> start(IoThread& io, ListenOptions options,
                                                 ConnectionOptions connection,
                                                 AcceptedHandler accepted);
  // On the io thread, or after it has stopped. Nothing is accepted any more.
  virtual ~Listener() = default;
};

}  // namespace stillframe
