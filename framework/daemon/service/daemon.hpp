// The coordinator as a service: its sockets, who may use them, what it writes down.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "framework/daemon/config/daemon_config.hpp"
#include "framework/daemon/notify/activated_sockets.hpp"
#include "framework/daemon/observe/event_hub.hpp"
#include "framework/daemon/observe/metrics.hpp"

namespace stillframe::daemon {

// Ids of its events; docs/events.md says what each means.
inline constexpr int kEventStarted = 2110;
inline constexpr int kEventStopping = 2111;
inline constexpr int kEventReloaded = 2112;
inline constexpr int kEventReloadFailed = 2113;
inline constexpr int kEventNeedsRestart = 2114;
inline constexpr int kEventManagerNotTold = 2115;

// Names of the sockets, in the socket directory and in FileDescriptorName= of a unit.
inline constexpr const char* kWriterSocket = "writer.sock";
inline constexpr const char* kRequestorSocket = "requestor.sock";
inline constexpr const char* kStatusSocket = "status.sock";

// Where the configuration comes from, for whoever asks what is wrong with it.
struct ConfigOrigin {
  BytePath file;
  std::function<Result<DaemonConfig>()> read_again;  // any thread
};

class Daemon {
 public:
  // Thaws and cleans up what an earlier run left, then listens. `sockets` gives those that are
  // there already. `events` and `metrics` outlive the daemon.
  static Result<std::unique_ptr<Daemon>> start(DaemonConfig config, ConfigOrigin origin,
                                               ActivatedSockets& sockets, EventHub& events,
                                               const Metrics& metrics);
  virtual ~Daemon() = default;  // ends sessions, thaws, joins

  // Takes over what can change while sessions run: who may do what. An event names what else is
  // different and waits for a restart.
  virtual void reload(DaemonConfig config) = 0;

  // Whether the daemon does its work: what a watchdog asks. Always true while a writer is held,
  // because whoever is killed then costs the set; a hold has limits of its own.
  virtual bool healthy(std::chrono::milliseconds patience) = 0;
};

}  // namespace stillframe::daemon
