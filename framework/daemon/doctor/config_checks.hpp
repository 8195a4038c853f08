// A configuration that is valid and still not what its author can have meant.
#pragma once

#include "framework/daemon/config/daemon_config.hpp"
#include "framework/wire/finding.hpp"

namespace stillframe::daemon {

// `file` is where it can be changed.
void check_limits(const DaemonConfig& config, const BytePath& file, Findings& findings);
void check_access(const DaemonConfig& config, const BytePath& file, Findings& findings);

// The file cannot be read any more: the next start or reload fails.
void note_invalid_config(const Error& why, const BytePath& file, Findings& findings);

// What was written since the daemon read it. `pid` is the daemon's.
void check_config_counts(const DaemonConfig& running, const Result<DaemonConfig>& written,
                         const BytePath& file, pid_t pid, Findings& findings);

}  // namespace stillframe::daemon
