// Completions and manual pages, from what parse.cpp knows.
#include "requestor/cli/exit_code.hpp"
#include "requestor/cli/parse.hpp"

namespace stillframe::cli {

CommandHelp describe_command() {
  CommandHelp command;
  command.program = "stillframe";
  command.verbs = describe_verbs();
  for (const ExitHelp& exit : exit_helps()) {
    command.statuses.push_back({to_int(exit.code), std::string(exit.meaning)});
  }
  command.status_note = "Exec and hold end with the command's own status when that is not 0.\n";
  return command;
}

std::string completion_script(const std::string& shell) {
  return stillframe::completion_script(describe_command(), shell);
}

std::string manual_page(const std::string& verb) {
  return stillframe::manual_page(describe_command(), verb);
}

}  // namespace stillframe::cli
