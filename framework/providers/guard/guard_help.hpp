// What stillframe-guard says about itself.
#pragma once

#include <string>

#include "framework/base/command_help.hpp"

namespace stillframe::guard {

// Where a coordinator that runs as root records what it holds.
inline constexpr const char* kDefaultRecordDirectory = "/run/stillframe/held";

CommandHelp guard_help();
std::string guard_help_text();

}  // namespace stillframe::guard
