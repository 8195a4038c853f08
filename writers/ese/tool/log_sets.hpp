// What the verbs of logs share.
#pragma once

#include <string>
#include <vector>

#include "writers/ese/format/log_set.hpp"
#include "writers/ese/format/record_show.hpp"

namespace stillframe::ese::tool {

// Every sequence in the folder, or the one named `base`; not_found when there is none.
Result<std::vector<LogSet>> open_log_sets(const std::string& folder, const std::string& base);

// Generations that follow each other.
struct LogRun {
  Generation first, last;
};
std::vector<LogRun> log_runs(const LogSet& set);

}  // namespace stillframe::ese::tool
