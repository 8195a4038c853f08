// Answers what a requestor may ask about events, metrics and the daemon itself, and hands every
// other method on.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "framework/daemon/observe/event_followers.hpp"
#include "framework/daemon/observe/event_hub.hpp"
#include "framework/daemon/observe/metrics.hpp"

namespace stillframe::daemon {

class ObserveHandler final : public RequestorHandler {
 public:
  // All three outlive the handler.
  static Result<std::unique_ptr<ObserveHandler>> make(RequestorHandler& next, const EventHub& hub,
                                                      const Metrics& metrics, std::string version);

  Status connection_opened(const RequestorPeer& peer, EventPush push) override;
  void handle(ConnectionId connection, std::string method, std::string params_json,
              ReplyHandler reply) override;
  void connection_closed(ConnectionId connection) override;

 private:
  ObserveHandler(RequestorHandler& next, const EventHub& hub, const Metrics& metrics,
                 std::string version);
  using Method = void (ObserveHandler::*)(ConnectionId, const std::string&, const ReplyHandler&);
  static const std::map<std::string, Method, std::less<>>& methods();

  void events(ConnectionId connection, const std::string& params, const ReplyHandler& reply);
  void follow(ConnectionId connection, const std::string& params, const ReplyHandler& reply);
  void metrics(ConnectionId connection, const std::string& params, const ReplyHandler& reply);
  void status(ConnectionId connection, const std::string& params, const ReplyHandler& reply);

  RequestorHandler& next_;
  const EventHub& hub_;
  const Metrics& metrics_;
  const std::string version_;
  const WallTime since_;
  std::unique_ptr<EventFollowers> followers_;
  std::mutex mutex_;
  std::map<ConnectionId, EventPush> pushes_;
};

}  // namespace stillframe::daemon
