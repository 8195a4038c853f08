#include "framework/daemon/broker/broker_options.hpp"

#include <algorithm>

#include "framework/daemon/broker/broker_config.hpp"

namespace stillframe::daemon {

Result<BrokerOptions> parse_broker_options(const std::vector<std::string>& arguments) {
  BrokerOptions options;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& word = arguments[i];
    if (word == "--help" || word == "-h") {
      options.help = true;
    } else if (word == "--version") {
      options.version = true;
    } else if (word == "--check-config") {
      options.check_config = true;
    } else if (word == "--config" || word == "--socket" || word == "--daemon-user") {
      if (i + 1 == arguments.size() || arguments[i + 1].empty()) {
        return Error(Errc::invalid_argument, word + " needs a value; see --help");
      }
      const std::string& value = arguments[++i];
      if (word == "--config") options.config = value;
      if (word == "--socket") options.socket = value;
      if (word == "--daemon-user") options.daemon_user = value;
    } else {
      return Error(Errc::invalid_argument,
                   "'" + escape_path(word) + "' is no option of this program; see --help");
    }
  }
  return options;
}

CommandHelp broker_help() {
  CommandHelp help;
  help.program = "stillframe-broker";
  help.section = 8;
  VerbHelp program;
  program.summary = "holds the privileges that stillframed does without";
  program.usage = "stillframe-broker [--config FILE] [--socket PATH] [--daemon-user USER]";
  program.options = {
      {"--config", "FILE",
       std::string("read this file, which nobody but root may be able to change (default: ") +
           kBrokerConfigFile + ", if it is there)"},
      {"--check-config", "", "say whether the configuration is good, and end"},
      {"--socket", "PATH",
       std::string("listen here (default: ") + kBrokerSocket +
           "); a socket named broker that a service manager listened on goes before"},
      {"--daemon-user", "USER", "who may connect, beside root (default: stillframe)"},
      {"-h,--help", "", "show this text"},
      {"--version", "", "show the version"},
  };
  program.examples = {
      "# Before a restart:",
      "stillframe-broker --check-config",
      "# By hand, for a daemon of the user backup:",
      "stillframe-broker --config /etc/stillframe/broker.toml --daemon-user backup",
  };
  help.verbs = {program};
  help.statuses = {{0, "ended on request, or the configuration is good"},
                   {1, "could not start, or the configuration is not good"},
                   {2, "wrong usage"}};
  return help;
}

std::string broker_help_text() {
  const CommandHelp help = broker_help();
  const VerbHelp& program = help.verbs.front();
  std::string text = "usage: " + program.usage + "\n\nThe broker " + program.summary +
                     ". It carries out what its own configuration allows and nothing else.\n\n";
  for (const OptionHelp& option : program.options) {
    const std::string names = option.names + (option.value.empty() ? "" : " " + option.value);
    text += "  " + names + std::string(22 - std::min<std::size_t>(names.size(), 20), ' ') +
            option.help + "\n";
  }
  text += "\nexamples:\n";
  for (const std::string& line : program.examples) text += "  " + line + "\n";
  return text;
}

}  // namespace stillframe::daemon
