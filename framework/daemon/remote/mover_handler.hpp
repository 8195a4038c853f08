// Gives sessions of requestors on other machines what a descriptor or a path gives local ones: a
// mover that reads their snapshots and passes on their writers' streams.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <set>

#include "framework/base/event_sink.hpp"
#include "framework/daemon/broker/work_lane.hpp"
#include "framework/daemon/remote/mover_registry.hpp"
#include "framework/transport/requestor_handler.hpp"

namespace stillframe::daemon {

struct MoverHandlerOptions {
  BytePath helper_dir;  // where stillframe-mover is; empty: find_helper()'s places
  std::chrono::milliseconds ticket_valid{30'000};
};

// Stands behind the door that checks rights. Answers "backup.mover" by itself; takes the descriptor
// of a stream out of the answer and gives it to the session's mover; stops a mover before the
// session's end is asked for, so that it keeps no snapshot from being released. What starts and
// ends processes has threads of its own: no transport waits for it.
class MoverHandler final : public RequestorHandler {
 public:
  // All outlive the handler.
  MoverHandler(RequestorHandler& next, MoverRegistry& registry, EventSink& events,
               MoverHandlerOptions options);
  ~MoverHandler() override;

  Status connection_opened(const RequestorPeer& peer, EventPush push) override;
  void handle(ConnectionId connection, std::string method, std::string params_json,
              ReplyHandler reply) override;
  void connection_closed(ConnectionId connection) override;

  // Stops the movers of those whom `allowed` does not name any more. Any thread.
  void stop_unless(const std::function<bool(const PeerCredentials&)>& allowed);

 private:
  struct Session;
  struct Guest;
  using SharedSession = std::shared_ptr<Session>;

  SharedSession find(ConnectionId connection, const std::string& session);
  void begun(ConnectionId connection, const std::string& result_json);
  void post(std::function<void()> work);
  void stop_soon(const SharedSession& session);
  void stop(const SharedSession& session);
  void noticed(const SharedSession& session, std::string_view event_json);

  void answer_mover(const SharedSession& session, const ReplyHandler& reply);
  Result<ChannelReply> admit(const SharedSession& session);
  Result<ChannelReply> pass_stream(const SharedSession& session, ChannelReply reply);
  Status ensure_mover(const SharedSession& session);
  void end_after_stop(ConnectionId connection, std::string method, std::string params_json,
                      const SharedSession& session, ReplyHandler reply);
  void report(int id, EventLevel level, const Session& session, std::string message);

  RequestorHandler& next_;
  MoverRegistry& registry_;
  EventSink& events_;
  const MoverHandlerOptions options_;
  std::mutex mutex_;  // guards the guests and which sessions they have
  std::map<ConnectionId, std::shared_ptr<Guest>> guests_;
  std::unique_ptr<WorkLane> lane_;  // last: its work uses the rest
};

}  // namespace stillframe::daemon
