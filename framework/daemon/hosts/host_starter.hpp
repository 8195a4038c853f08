// Starts host processes from this one: as the daemon does where no broker holds the privileges.
#pragma once

#include <string>
#include <vector>

#include "framework/daemon/hosts/host_supervisor.hpp"

namespace stillframe::daemon {

struct HostStarterOptions {
  BytePath helper_dir;  // where stillframe-plugin-host is; empty: find_helper()'s places
  BytePath socket_dir;  // where hosts find writer.sock
};

// The whole of what a host process of `spec` is started with, but for its user.
Result<ChildOptions> host_program(const HostSpec& spec, const HostStarterOptions& options);

// access_denied when a spec wants another user and this process is not root.
HostSupervisor::Starter direct_starter(HostStarterOptions options);

}  // namespace stillframe::daemon
