// The program that one plug-in or declarative writer runs in.
#pragma once

#include "framework/base/command_help.hpp"

namespace stillframe::daemon {

inline constexpr const char* kPluginHostProgram = "stillframe-plugin-host";

// Its exit codes.
inline constexpr int kHostEnded = 0;       // asked to end, and ended in order
inline constexpr int kHostCannotLoad = 1;  // what it should run cannot be loaded
inline constexpr int kHostUsage = 2;

// What it is started with, and what its manual page says.
CommandHelp plugin_host_help();

}  // namespace stillframe::daemon
