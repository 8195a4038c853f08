// The whole of esectl but main().
#pragma once

#include <cstdio>
#include <string>
#include <vector>

#include "writers/tool/run_tool.hpp"

namespace stillframe::ese::tool {

using stillframe::tool::Exit;

stillframe::tool::Tool esectl();

// `words` are the arguments behind the program's name. `interactive`: progress may be shown on err.
Exit run_esectl(std::vector<std::string> words, std::FILE* out, std::FILE* err, bool interactive);

// For completions and manual pages.
CommandHelp esectl_help();

}  // namespace stillframe::ese::tool
