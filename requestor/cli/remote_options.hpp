// --host: which machine, with which certificate, and what cannot be done from here.
#pragma once

#include "framework/remote/remote_connect.hpp"
#include "requestor/cli/invocation.hpp"

namespace stillframe::cli {

// What the environment says; empty where it says nothing.
struct RemoteEnvironment {
  BytePath certificate, key, ca;  // STILLFRAME_CERTIFICATE, STILLFRAME_KEY, STILLFRAME_CA
  BytePath config_dir;            // $XDG_CONFIG_HOME/stillframe or ~/.config/stillframe
};
RemoteEnvironment own_remote_environment();

// Each file by the first that names it: the command line, the environment, remote.toml in the
// configuration folder, and at last client.pem, client.key and ca.pem beside it.
Result<RemoteOptions> remote_options_of(const GlobalOptions& options,
                                        const RemoteEnvironment& environment);

// not_supported, with the reason, for a verb that works on this machine's files or processes;
// invalid_argument for options that name two coordinators.
Status check_host(const Invocation& invocation);

}  // namespace stillframe::cli
