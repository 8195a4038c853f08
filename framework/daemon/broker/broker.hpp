// The privileged broker: carries out a few typed requests for an unprivileged daemon, under rules
// that come from its own configuration only. docs/security.md says what that defends.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "framework/base/event_sink.hpp"
#include "framework/coordinator/volumes/volume_source.hpp"
#include "framework/daemon/broker/broker_config.hpp"
#include "framework/daemon/broker/broker_events.hpp"
#include "framework/daemon/broker/broker_request.hpp"
#include "framework/daemon/broker/started_processes.hpp"
#include "framework/daemon/broker/work_lane.hpp"
#include "framework/transport/requestor_handler.hpp"

namespace stillframe::daemon {

class Broker final : public RequestorHandler {
 public:
  // Thaws what a dead run left frozen, so call it before anybody is let in. The sink must outlive
  // the broker.
  static Result<std::unique_ptr<Broker>> start(BrokerConfig config, EventSink& events);
  ~Broker() override;

  void tell_listening();

  Status connection_opened(const RequestorPeer& peer, EventPush push) override;
  void handle(ConnectionId connection, std::string method, std::string params_json,
              ReplyHandler reply) override;
  void connection_closed(ConnectionId connection) override;

 private:
  // Who asks for what, for the audit trail.
  struct Asked {
    ConnectionId connection{};
    PeerCredentials by;
    BrokerRequest request;
  };
  struct Carry;  // one overload for each kind of request

  Broker(BrokerConfig config, EventSink& events);

  void run_program(Asked asked, std::string name, ReplyHandler reply,
                   std::function<Result<ChildOptions>()> make_program);
  void hand_on(WorkLane& lane, Asked asked, ReplyHandler reply,
               std::function<Result<ChannelReply>()> work);
  // Writes the audit event of a request and answers it.
  void finish(const Asked& asked, Result<ChannelReply> outcome, const ReplyHandler& reply);
  Result<ChannelReply> thaw();
  void tell(BrokerEvent id, EventLevel level, std::string message,
            std::map<std::string, std::string> fields);

  const BrokerConfig config_;
  const coordinator::VolumeSourceFactory volumes_;
  EventSink& events_;
  std::mutex mutex_;
  std::map<ConnectionId, PeerCredentials> peers_;
  // Last, so that what they run ends before the rest goes.
  std::unique_ptr<StartedProcesses> processes_;
  WorkLane starts_{1, 64}, thaws_{1, 4}, flushes_{4, 64}, opens_{2, 64}, looks_{2, 64};
};

// Whether a process may use a broker that serves `daemon_uid`: the daemon, and the broker's own
// user.
Status admit_to_broker(const PeerCredentials& peer, std::int64_t daemon_uid, EventSink& events);

}  // namespace stillframe::daemon
