// The broker's command line.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <stillframe/byte_path.hpp>
#include <stillframe/result.hpp>

#include "framework/base/command_help.hpp"

namespace stillframe::daemon {

struct BrokerOptions {
  std::optional<BytePath> config;
  bool check_config = false;
  std::optional<BytePath> socket;          // in place of the configuration's
  std::optional<std::string> daemon_user;  // likewise
  bool help = false;
  bool version = false;
};

// invalid_argument names the word that is wrong. `arguments` without the program's name.
Result<BrokerOptions> parse_broker_options(const std::vector<std::string>& arguments);

// What --help and the manual page say.
CommandHelp broker_help();
std::string broker_help_text();

}  // namespace stillframe::daemon
