#include "framework/daemon/service/command_line.hpp"

#include <filesystem>

#include <CLI/CLI.hpp>

#include "framework/coordinator/assembly/coordinator.hpp"

namespace stillframe::daemon {
namespace {

constexpr const char* kAbout =
    "Coordinates application-consistent shadow copies: writers and requestors connect to it.\n"
    "It stays in the foreground and writes its events to standard error, a JSON object a line.\n"
    "SIGHUP reads the configuration again, SIGTERM ends it: sessions are aborted, writers thaw.";

constexpr const char* kExamples =
    "Examples:\n"
    "  stillframed                                  with /etc/stillframe/stillframe.toml, if it is "
    "there\n"
    "  stillframed --check-config                   says what is wrong with it, changes nothing\n"
    "  stillframed --config my.toml --state-dir /srv/sf/state --runtime-dir /srv/sf/run\n"
    "\n"
    "Exit codes: 0 ended as asked, 2 usage or configuration, 1 everything else.\n";

BytePath absolute(const std::string& path) {
  std::error_code failure;
  return path.empty() ? path : std::filesystem::absolute(path, failure).string();
}

}  // namespace

std::variant<CommandLine, Answer> parse_command_line(const std::vector<std::string>& arguments) {
  CLI::App app(kAbout, "stillframed");
  app.footer(kExamples);
  app.set_version_flag("--version", std::string("stillframed ") + coordinator::kVersion);
  std::string config, state, runtime, socket, helper;
  CommandLine line;
  app.add_option("--config", config, "configuration file; conf.d beside it is read too")
      ->type_name("FILE");
  app.add_flag("--check-config", line.check_config, "only read the configuration and judge it");
  app.add_option("--state-dir", state, "journal and what must survive")->type_name("DIR");
  app.add_option("--runtime-dir", runtime, "locks, records and exposures")->type_name("DIR");
  app.add_option("--socket-dir", socket, "where writers and requestors connect")->type_name("DIR");
  app.add_option("--helper-dir", helper, "where the helper programs are")->type_name("DIR");
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
  if (!config.empty()) line.config = {absolute(config), true};
  line.state_dir = absolute(state);
  line.runtime_dir = absolute(runtime);
  line.socket_dir = absolute(socket);
  line.helper_dir = absolute(helper);
  return line;
}

}  // namespace stillframe::daemon
