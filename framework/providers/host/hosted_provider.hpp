// A built-in provider in a process of its own, so that one that hangs in the kernel or crashes is a
// failed call and not a coordinator that misses its leases.
#pragma once

#include <memory>
#include <string>

#include "framework/providers/builtin.hpp"
#include "framework/providers/host/program_provider.hpp"

namespace stillframe {

struct HostedProviderOptions {
  BytePath helper_dir;  // where stillframe-provider-host is; empty: find_helper()'s places
  ProviderTimeouts timeouts;
  // Who starts the host, where this process may not: a broker. It decides by itself which
  // directories and limits the host gets.
  ProcessStarter starter;
};

// The command line that runs the provider `name`, for whoever starts it.
Result<ChildOptions> provider_host_program(const std::string& name,
                                           const ProviderEnvironment& environment,
                                           const BytePath& helper_dir);

// `name` as make_provider() takes it. The environment's directories, limits and host name go to the
// host process; its event sink is told of the host's deaths; its clock and fault points stay here.
Result<std::unique_ptr<ProgramProvider>> start_hosted_provider(
    const std::string& name, const ProviderEnvironment& environment,
    const HostedProviderOptions& options = {});

}  // namespace stillframe
