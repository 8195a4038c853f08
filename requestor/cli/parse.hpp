// The command line's grammar. Help, completions and manual pages are all made from it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "framework/base/command_help.hpp"
#include "requestor/cli/invocation.hpp"

namespace stillframe::cli {

// What was asked for instead of a verb: text to print and the exit code.
struct Answer {
  std::string text;
  bool to_stderr = false;
  int exit_code = 0;
};

// `arguments` without the program's name.
std::variant<Invocation, Answer> parse_command_line(const std::vector<std::string>& arguments);

// Every verb by its full name, one line about it, its options and examples, for generators.
std::vector<VerbHelp> describe_verbs();
CommandHelp describe_command();

// For `stillframe completion SHELL`: bash, zsh or fish. Empty for another one.
std::string completion_script(const std::string& shell);
// A page of section 1 in troff: of the program, or of one verb.
std::string manual_page(const std::string& verb);

}  // namespace stillframe::cli
