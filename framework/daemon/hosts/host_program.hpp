// The program that a plug-in or a declarative writer is run in, ready to be started by whoever may.
#pragma once

#include "framework/base/account.hpp"
#include "framework/base/child_process.hpp"
#include "framework/daemon/hosts/host_spec.hpp"

namespace stillframe::daemon {

struct HostStarterOptions {
  BytePath helper_dir;  // where stillframe-plugin-host is; empty: find_helper()'s places
  BytePath socket_dir;  // where hosts find writer.sock
};

// The whole of what a host process of `spec` is started with, but for its user.
Result<ChildOptions> host_program(const HostSpec& spec, const HostStarterOptions& options);

// Makes the program run as somebody else, with what they expect to find in the environment.
void run_as(ChildOptions& program, const Account& account);

}  // namespace stillframe::daemon
