// The command line's grammar. Help, completions and manual pages are all made from it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <variant>
#include <vector>

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
struct OptionHelp {
  std::string names;  // "-t,--type"
  std::string value;  // "TYPE"; empty for a flag
  std::string help;
};
struct VerbHelp {
  std::string name;  // empty: the program itself, with the global options
  std::string summary;
  std::string usage;
  std::vector<OptionHelp> options;
  std::vector<std::string> examples;
};
std::vector<VerbHelp> describe_verbs();

// For `stillframe completion SHELL`: bash, zsh or fish. Empty for another one.
std::string completion_script(const std::string& shell);
// A page of section 1 in troff: of the program, or of one verb.
std::string manual_page(const std::string& verb);

}  // namespace stillframe::cli
