// Starts host processes from this one: as the daemon does where no broker holds the privileges.
#pragma once

#include "framework/daemon/hosts/host_program.hpp"
#include "framework/daemon/hosts/host_supervisor.hpp"

namespace stillframe::daemon {

// access_denied when a spec wants another user and this process is not root.
HostSupervisor::Starter direct_starter(HostStarterOptions options);

}  // namespace stillframe::daemon
