// What a program's command line offers, as data, and the texts made from it: completions for shells
// and manual pages.
#pragma once

#include <string>
#include <vector>

#include <stillframe/result.hpp>

namespace stillframe {

struct OptionHelp {
  std::string names;  // "-t,--type"
  std::string value;  // "TYPE"; empty for a flag
  std::string help;
};

struct VerbHelp {
  std::string name;  // "restore resume"; empty: the program itself, with the global options
  std::string summary;
  std::string usage;
  std::vector<OptionHelp> options;
  std::vector<std::string> examples;
};

struct StatusHelp {
  int code = 0;
  std::string meaning;
};

struct CommandHelp {
  std::string program;
  int section = 1;              // of the manual
  std::vector<VerbHelp> verbs;  // the program itself among them
  std::vector<StatusHelp> statuses;
  std::string status_note;  // a line of troff behind them, or nothing
};

// For bash, zsh or fish; empty for another shell.
std::string completion_script(const CommandHelp& command, const std::string& shell);

// A page of the manual in troff, of the program or of one verb; empty for a verb that is not there.
std::string manual_page(const CommandHelp& command, const std::string& verb);
std::string manual_page_name(const CommandHelp& command, const std::string& verb);

// All of them, NAME.SECTION each, into a folder that exists.
Status write_manual_pages(const CommandHelp& command, const std::string& folder);

}  // namespace stillframe
