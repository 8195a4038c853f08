// What stillframed is told when it is started.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include <stillframe/byte_path.hpp>

#include "framework/base/command_help.hpp"
#include "framework/daemon/config/daemon_config.hpp"

namespace stillframe::daemon {

struct CommandLine {
  ConfigFiles config;
  // Before what the configuration says; empty: what it says.
  BytePath state_dir, runtime_dir, socket_dir, helper_dir;
  bool check_config = false;
  bool diagnose = false;
};

// The program ends at once: with a text for standard output, or for standard error.
struct Answer {
  std::string text;
  bool to_stderr = false;
  int exit_code = 0;
};

// What the manual page says.
CommandHelp daemon_help();

std::variant<CommandLine, Answer> parse_command_line(const std::vector<std::string>& arguments);

}  // namespace stillframe::daemon
