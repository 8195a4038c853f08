#include "framework/daemon/doctor/doctor_handler.hpp"

#include <nlohmann/json.hpp>
#include <unistd.h>

#include "framework/daemon/doctor/broker_check.hpp"
#include "framework/daemon/doctor/config_checks.hpp"
#include "framework/daemon/doctor/event_checks.hpp"
#include "framework/daemon/doctor/freeze_checks.hpp"
#include "framework/model/json_codec.hpp"

namespace stillframe::daemon {

Result<std::unique_ptr<DoctorHandler>> DoctorHandler::make(RequestorHandler& next,
                                                           const EventRing& ring,
                                                           DoctorOptions options) {
  auto worker = coordinator::Worker::start("sf-doctor");
  if (!worker.ok()) return worker.error();
  std::unique_ptr<DoctorHandler> handler(new DoctorHandler(next, ring, std::move(options)));
  handler->worker_ = std::move(worker).value();
  return handler;
}

void DoctorHandler::handle(ConnectionId connection, std::string method, std::string params_json,
                           ReplyHandler reply) {
  if (method != "doctor")
    return next_.handle(connection, std::move(method), std::move(params_json), std::move(reply));
  worker_->post([this, reply = std::move(reply)] {
    reply(ChannelReply{dump_json(findings_to_json(look())), {}});
  });
}

Findings DoctorHandler::look() const {
  const DaemonConfig running = options_.running();
  const uid_t user = ::geteuid();
  Findings findings;
  check_config_counts(running, options_.written(), options_.config_file, ::getpid(), findings);
  check_limits(running, options_.config_file, findings);
  check_access(running, options_.config_file, findings);
  check_folders(options_.folders, user, findings);
  check_journal_place(options_.folders.state, findings);
  check_held_records(options_.folders.runtime + "/held", running.helper_dir, findings);
  check_broker(running.broker, user, findings);
  check_events(ring_, findings);
  return findings;
}

}  // namespace stillframe::daemon
