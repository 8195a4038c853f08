// The whole of a tool but its verbs and main().
#pragma once

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "framework/base/command_help.hpp"
#include "writers/tool/verb.hpp"

namespace stillframe::tool {

struct ExitMeaning {
  Exit code;
  const char* meaning;
};

struct Tool {
  const char* name;
  int section;          // of the manual
  const char* summary;  // one line, without a full stop
  const char* note;     // behind the exit codes; may be empty
  std::vector<ExitMeaning> exits;
  std::vector<std::unique_ptr<Verb>> verbs;  // in the order of --help
};

// `words` are the arguments behind the program's name. `interactive`: progress may be shown on err.
Exit run_tool(Tool tool, std::vector<std::string> words, std::FILE* out, std::FILE* err,
              bool interactive);

// For completions and manual pages.
CommandHelp help_of(Tool tool);

// What is left for main(): of the program itself, and of the one that writes its manual pages.
int tool_main(Tool tool, int count, char** words);
int manual_main(Tool tool, int count, char** words);

}  // namespace stillframe::tool
