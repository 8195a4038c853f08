// Serves requestors on other machines, as the [remote] table says.
#pragma once

#include <memory>

#include "framework/base/event_sink.hpp"
#include "framework/daemon/access/access_handler.hpp"
#include "framework/daemon/remote/remote_settings.hpp"
#include "framework/transport/requestor_handler.hpp"

namespace stillframe::daemon {

struct RemoteServiceOptions {
  RemoteSettings settings;  // with `listen`
  BytePath helper_dir;
};

class RemoteService {
 public:
  // All three outlive the service.
  static Result<std::unique_ptr<RemoteService>> start(RemoteServiceOptions options,
                                                      RequestorHandler& next,
                                                      const SharedPolicy& policy,
                                                      EventSink& events);
  virtual ~RemoteService() = default;  // closes every connection, stops every mover

  virtual std::uint16_t port() const = 0;  // that it listens on

  // Reads the certificates again, for connections that come from now on, and stops what the policy
  // does not allow any more. An error: what was read before stays.
  virtual Status reload(const RemoteSettings& settings) = 0;
};

}  // namespace stillframe::daemon
