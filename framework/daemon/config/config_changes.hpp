// What differs between two configurations, and what it takes for the later one to count.
#pragma once

#include <string>
#include <vector>

#include "framework/daemon/config/daemon_config.hpp"

namespace stillframe::daemon {

// Keys that a running daemon does not take over from a new configuration.
std::vector<std::string> needs_restart(const DaemonConfig& now, const DaemonConfig& next);
// Tables that it does, at SIGHUP.
std::vector<std::string> needs_reload(const DaemonConfig& now, const DaemonConfig& next);

}  // namespace stillframe::daemon
