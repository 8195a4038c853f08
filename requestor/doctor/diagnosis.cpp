#include "requestor/doctor/diagnosis.hpp"

#include <algorithm>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <stop_token>
#include <thread>

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

// Closes a channel when whoever is at its other end hangs, which ends the call under way.
class Watch {
 public:
  Watch(RequestorChannel& channel, std::chrono::milliseconds patience)
      : thread_([this, &channel, patience](const std::stop_token& stop) {
          std::unique_lock lock(mutex_);
          changed_.wait_for(lock, stop, patience, [] { return false; });
          if (stop.stop_requested()) return;
          passed_ = true;
          channel.close();
        }) {}
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  // Whether it was too long.
  bool stop() {
    thread_.request_stop();
    if (thread_.joinable()) thread_.join();
    return passed_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable_any changed_;
  bool passed_ = false;  // read after the join
  std::jthread thread_;  // last: its thread uses the rest
};

// Whether a session holds something now.
bool look_at(const std::shared_ptr<RequestorChannel>& channel, const WhereToLook& where,
             Findings& findings) {
  Findings said;
  Client client(channel);
  Watch watch(*channel, where.patience);
  const bool holding = look_at_coordinator(*channel, client, said);
  if (!watch.stop()) {
    findings.insert(findings.end(), said.begin(), said.end());
    return holding;
  }
  // What it did not answer is no finding about what was asked.
  look_for_daemon(requestor_socket(where),
                  Error(Errc::timed_out, "it took the connection and answers no more"),
                  where.daemon_config, findings);
  return false;
}

}  // namespace

Findings diagnose(const Result<std::shared_ptr<RequestorChannel>>& channel,
                  const WhereToLook& where) {
  Findings findings;
  bool holding = false;
  look_at_machine(findings);
  if (channel.ok()) {
    holding = look_at(channel.value(), where, findings);
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
