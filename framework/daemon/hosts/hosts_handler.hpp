// The requestor's methods about plug-ins, in front of a coordinator that knows none.
#pragma once

#include "framework/daemon/hosts/host_supervisor.hpp"
#include "framework/transport/requestor_handler.hpp"

namespace stillframe::daemon {

// Answers "plugins" and "plugin.release" and hands everything else on. Who may ask is the business
// of whoever is in front of this. Both must outlive it.
class HostsHandler final : public RequestorHandler {
 public:
  // Brings back what a release is for, and says when that is done; must not block.
  using Released =
      std::function<void(const std::string& name, std::function<void(const Status&)> done)>;

  HostsHandler(RequestorHandler& next, HostSupervisor& hosts, Released released = {})
      : next_(next), hosts_(hosts), released_(std::move(released)) {}

  Status connection_opened(const RequestorPeer& peer, EventPush push) override {
    return next_.connection_opened(peer, std::move(push));
  }
  void handle(ConnectionId connection, std::string method, std::string params_json,
              ReplyHandler reply) override;
  void connection_closed(ConnectionId connection) override { next_.connection_closed(connection); }

 private:
  Result<ChannelReply> list() const;
  void release(const std::string& params_json, const ReplyHandler& reply);

  RequestorHandler& next_;
  HostSupervisor& hosts_;
  const Released released_;
};

}  // namespace stillframe::daemon
