#include "requestor/doctor/diagnosis.hpp"

#include <algorithm>
#include <cstdlib>

#include "requestor/doctor/answering_daemon.hpp"
#include "requestor/doctor/frozen_file_systems.hpp"
#include "requestor/doctor/machine.hpp"
#include "requestor/doctor/silent_daemon.hpp"

namespace stillframe::requestor {
namespace {

BytePath requestor_socket(const WhereToLook& where) {
  if (!where.socket.empty()) return where.socket;
  const char* folder = std::getenv("STILLFRAME_SOCKET_DIR");
  return std::string(folder != nullptr && *folder != '\0' ? folder : "/run/stillframe") +
         "/requestor.sock";
}

}  // namespace

Findings diagnose(const Result<std::shared_ptr<RequestorChannel>>& channel,
                  const WhereToLook& where) {
  Findings findings;
  bool holding = false;
  look_at_machine(findings);
  if (channel.ok()) {
    Client client(channel.value());
    holding = look_at_coordinator(*channel.value(), client, findings);
  } else if (where.embedded) {
    findings.push_back({Severity::problem, "embedded.failed", "embedded coordinator",
                        channel.error().what(), "", "mend what it names"});
  } else {
    look_for_daemon(requestor_socket(where), channel.error(), where.daemon_config, findings);
  }
  look_for_frozen(holding, findings);
  std::stable_sort(findings.begin(), findings.end(), [](const Finding& one, const Finding& other) {
    return one.severity > other.severity;
  });
  return findings;
}

}  // namespace stillframe::requestor
