// Answers the method `doctor`: what the daemon itself finds wrong with itself; hands every other
// method on.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "framework/coordinator/runtime/worker.hpp"
#include "framework/daemon/config/daemon_config.hpp"
#include "framework/daemon/doctor/folder_checks.hpp"
#include "framework/daemon/observe/event_ring.hpp"
#include "framework/transport/requestor_handler.hpp"

namespace stillframe::daemon {

struct DoctorOptions {
  ServiceFolders folders;
  BytePath config_file;                           // for remedies
  std::function<DaemonConfig()> running;          // what counts now; any thread
  std::function<Result<DaemonConfig>()> written;  // what its files say now; any thread
};

class DoctorHandler final : public RequestorHandler {
 public:
  // Both outlive the handler.
  static Result<std::unique_ptr<DoctorHandler>> make(RequestorHandler& next, const EventRing& ring,
                                                     DoctorOptions options);

  Status connection_opened(const RequestorPeer& peer, EventPush push) override {
    return next_.connection_opened(peer, std::move(push));
  }
  void handle(ConnectionId connection, std::string method, std::string params_json,
              ReplyHandler reply) override;
  void connection_closed(ConnectionId connection) override { next_.connection_closed(connection); }

 private:
  DoctorHandler(RequestorHandler& next, const EventRing& ring, DoctorOptions options)
      : next_(next), ring_(ring), options_(std::move(options)) {}
  Findings look() const;

  RequestorHandler& next_;
  const EventRing& ring_;
  const DoctorOptions options_;
  // A look may wait for a broker that hangs. One at a time; last, so that it ends first.
  std::unique_ptr<coordinator::Worker> worker_;
};

}  // namespace stillframe::daemon
