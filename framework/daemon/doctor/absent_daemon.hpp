// What can be said of a daemon that does not answer, from its configuration and its folders.
#pragma once

#include "framework/daemon/config/daemon_config.hpp"
#include "framework/wire/finding.hpp"

namespace stillframe::daemon {

// `files` as the daemon reads them; `config` is what they and the command line say, or why not.
// Changes nothing. As root it looks through the eyes of the state folder's owner, as whom the
// daemon is taken to run.
Findings diagnose_absent(const ConfigFiles& files, const Result<DaemonConfig>& config);

}  // namespace stillframe::daemon
