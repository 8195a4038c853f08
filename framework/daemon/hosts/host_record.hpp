// What the supervisor knows of one host, and the rules that need nothing else.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <stillframe/descriptor.hpp>
#include <stillframe/requestor.hpp>

#include "framework/base/child_process.hpp"
#include "framework/daemon/hosts/host_spec.hpp"
#include "framework/daemon/hosts/quarantine_file.hpp"
#include "framework/daemon/hosts/restart_policy.hpp"

namespace stillframe::daemon {

struct ProviderProcess {
  pid_t pid = 0;
  Descriptor end;  // readable once it has ended
  bool runs() const;
};

struct HostRecord {
  HostRecord(HostSpec wanted, const RestartLimits& limits, const Clock& clock);

  bool is_provider() const noexcept { return spec.kind == HostKind::plugin_provider; }
  void enter(PluginState next, WallTime now);
  void start_at(BootTime at, WallTime now);  // not for providers, which start when they are asked
  // By what an earlier run wrote down.
  void resume_quarantine(const QuarantineEntry& entry);
  QuarantineEntry quarantine_entry() const;
  void add_provider(ProviderProcess process);
  PluginInfo info(const Clock& clock) const;

  HostSpec spec;  // as it is wanted now
  RestartPolicy policy;
  PluginState state = PluginState::stopped;
  WallTime since;
  std::string reason;           // of the last end
  std::optional<BootTime> due;  // the next start
  std::uint32_t crashes_at_quarantine = 0;
  bool removed = false;  // from the configuration; forgotten once its process has ended
  BootTime begun;        // of the process that runs or ran last

  // A writer's process.
  std::unique_ptr<ChildProcess> child;
  HostSpec running;                 // what it was started as
  std::optional<BootTime> kill_at;  // it was asked to end
  bool killed = false;

  // A provider's processes belong to its ProgramProviders; every session may have one of its own.
  std::vector<ProviderProcess> providers;
};

// "exit code 3: what it said last", of bounded length.
std::string end_reason(const ExitStatus& status, const std::string& complaints);
// By its exit code a host says that what it was told to load cannot be loaded: nothing a restart
// could change.
bool cannot_load(const ExitStatus& status) noexcept;
// The same of whoever should have started it.
bool is_lasting(Errc code) noexcept;

}  // namespace stillframe::daemon
