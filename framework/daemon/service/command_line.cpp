#include "framework/daemon/service/command_line.hpp"

#include <filesystem>

#include <CLI/CLI.hpp>

#include "framework/coordinator/assembly/coordinator.hpp"

namespace stillframe::daemon {
namespace {

// What the options say.
struct Words {
  std::string config, state, runtime, socket, helper;
  bool check_config = false, diagnose = false;
};

constexpr const char* kAbout =
    "Coordinates application-consistent shadow copies: writers and requestors connect to it.\n"
    "It stays in the foreground and writes its events to standard error, a JSON object a line.\n"
    "SIGHUP reads the configuration again, SIGTERM ends it: sessions are aborted, writers thaw.";

void declare_options(CLI::App& app, Words& words) {
  app.set_version_flag("--version", std::string("stillframed ") + coordinator::kVersion);
  app.add_option("--config", words.config, "configuration file; conf.d beside it is read too")
      ->type_name("FILE");
  app.add_flag("--check-config", words.check_config, "only read the configuration and judge it");
  app.add_flag("--diagnose", words.diagnose,
               "only look for what would keep it from working, for stillframe doctor: prints JSON");
  app.add_option("--state-dir", words.state, "journal and what must survive")->type_name("DIR");
  app.add_option("--runtime-dir", words.runtime, "locks, records and exposures")->type_name("DIR");
  app.add_option("--socket-dir", words.socket, "where writers and requestors connect")
      ->type_name("DIR");
  app.add_option("--helper-dir", words.helper, "where the helper programs are")->type_name("DIR");
}

std::string examples_and_statuses() {
  const CommandHelp help = daemon_help();
  std::string text = "Examples:\n";
  for (const std::string& line : help.verbs.front().examples) text += "  " + line + "\n";
  text += "\nExit codes:";
  for (const StatusHelp& status : help.statuses)
    text += (&status == &help.statuses.front() ? " " : ", ") + std::to_string(status.code) + " " +
            status.meaning;
  return text + ".\n";
}

BytePath absolute(const std::string& path) {
  std::error_code failure;
  return path.empty() ? path : std::filesystem::absolute(path, failure).string();
}

}  // namespace

CommandHelp daemon_help() {
  CLI::App app;
  Words unused;
  declare_options(app, unused);
  VerbHelp program;
  program.summary = "coordinates application-consistent shadow copies of a machine";
  program.usage = "stillframed [--config FILE] [--check-config]";
  for (const CLI::Option* option : app.get_options()) {
    std::string names = option->get_name(false, true);
    std::string value = option->get_expected_max() > 0 ? option->get_type_name() : "";
    program.options.push_back({std::move(names), std::move(value), option->get_description()});
  }
  program.examples = {
      "# With /etc/stillframe/stillframe.toml, if it is there:",
      "stillframed",
      "# Says what is wrong with it, changes nothing:",
      "stillframed --check-config",
      "# For a user of his own:",
      "stillframed --config my.toml --state-dir /srv/sf/state --runtime-dir /srv/sf/run",
  };
  CommandHelp help;
  help.program = "stillframed";
  help.section = 8;
  help.verbs = {program};
  help.statuses = {{0, "ended as asked"}, {2, "usage or configuration"}, {1, "everything else"}};
  return help;
}

std::variant<CommandLine, Answer> parse_command_line(const std::vector<std::string>& arguments) {
  CLI::App app(kAbout, "stillframed");
  app.footer(examples_and_statuses());
  Words words;
  declare_options(app, words);
  std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
  try {
    app.parse(reversed);
  } catch (const CLI::Success& wanted) {
    const bool version = dynamic_cast<const CLI::CallForVersion*>(&wanted) != nullptr;
    return Answer{version ? std::string(wanted.what()) + "\n" : app.help(), false, 0};
  } catch (const CLI::Error& mistake) {
    return Answer{
        std::string("stillframed: ") + mistake.what() + "\nstillframed --help lists the options\n",
        true, 2};
  }
  CommandLine line;
  if (!words.config.empty()) line.config = {absolute(words.config), true};
  line.check_config = words.check_config;
  line.diagnose = words.diagnose;
  line.state_dir = absolute(words.state);
  line.runtime_dir = absolute(words.runtime);
  line.socket_dir = absolute(words.socket);
  line.helper_dir = absolute(words.helper);
  return line;
}

}  // namespace stillframe::daemon
