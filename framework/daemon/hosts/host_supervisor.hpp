// Keeps the host processes of plug-ins and declarative writers running: starts them, sees them end,
// starts them again with back-off, and gives up on what crashes again and again until somebody
// releases it.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <stillframe/requestor.hpp>

#include "framework/base/child_process.hpp"
#include "framework/base/event_sink.hpp"
#include "framework/daemon/hosts/host_spec.hpp"
#include "framework/daemon/hosts/restart_policy.hpp"
#include "framework/providers/host/program_provider.hpp"

namespace stillframe::daemon {

struct HostSupervisorOptions {
  BytePath state_dir;  // keeps plugin-quarantine.json; on no file system that is ever frozen
  RestartLimits restart;
  // How long a host that is asked to end has to thaw and do so. More than the limit of a hold, so
  // that none is ever killed in mid-hold.
  std::chrono::milliseconds stop_patience{65'000};
  ProviderTimeouts provider_timeouts;
  EventSink* events = nullptr;           // not owned; null: dropped
  const Clock* clock = &system_clock();  // not owned
};

// Every call from any thread.
class HostSupervisor {
 public:
  // Starts the process of one spec. A lasting error (not_found, access_denied, invalid_argument,
  // not_supported) is the configuration's; any other is tried again.
  using Starter = std::function<Result<std::unique_ptr<ChildProcess>>(const HostSpec&)>;

  // Starts every writer; a provider's process starts with the provider.
  static Result<std::unique_ptr<HostSupervisor>> start(const std::vector<HostSpec>& specs,
                                                       Starter starter,
                                                       HostSupervisorOptions options);
  // Asks every host to end and waits for that, for as long as `stop_patience`.
  virtual ~HostSupervisor() = default;

  virtual std::vector<PluginInfo> status() const = 0;
  // Starts it at once and forgets its crashes. not_found names those there are.
  virtual Status release(const std::string& name) = 0;
  // What is not in `specs` any more ends, what is new starts, a writer whose spec changed ends and
  // starts; the rest is left alone, quarantine included. A provider's new spec is that of its next
  // start. Returns at once.
  virtual void reload(const std::vector<HostSpec>& specs) = 0;
  // One more object of the provider of that name, with a process of its own. What ends by itself
  // counts here, and in quarantine all of them refuse. Must not outlive the supervisor.
  virtual Result<std::unique_ptr<ProgramProvider>> provider(const std::string& name) = 0;
};

}  // namespace stillframe::daemon
