// The whole of dedupctl but main().
#pragma once

#include <cstdio>
#include <string>
#include <vector>

#include "writers/tool/run_tool.hpp"

namespace stillframe::dedup::tool {

stillframe::tool::Tool dedupctl();

// As run_tool().
stillframe::tool::Exit run_dedupctl(std::vector<std::string> words, std::FILE* out, std::FILE* err,
                                    bool interactive);

}  // namespace stillframe::dedup::tool
