#include "writers/ese/tool/log_sets.hpp"

namespace stillframe::ese::tool {

Result<std::vector<LogSet>> open_log_sets(const std::string& folder, const std::string& base) {
  std::vector<std::string> bases{base};
  if (base.empty()) {
    auto found = log_bases(folder);
    if (!found.ok()) return found.error();
    bases = std::move(found).value();
  }
  std::vector<LogSet> sets;
  for (const std::string& name : bases) {
    auto set = list_log_set(folder, name);
    if (!set.ok()) return set.error();
    const bool empty = set.value().chain.logs.empty() && set.value().bad.empty();
    if (!empty || set.value().checkpoint) sets.push_back(std::move(set).value());
  }
  if (!sets.empty()) return sets;
  return Error(Errc::not_found, "'" + escape_path(folder) + "' has no log" +
                                    (base.empty() ? "" : " of '" + escape_path(base) + "'") +
                                    "; give the folder that holds the .log or .jtx files");
}

std::vector<LogRun> log_runs(const LogSet& set) {
  std::vector<LogRun> runs;
  const auto& logs = set.chain.logs;
  for (std::size_t i = 0; i < logs.size(); ++i) {
    const bool follows = i > 0 && !check_follows(logs[i - 1], logs[i], std::nullopt);
    if (follows) {
      runs.back().last = logs[i].generation();
    } else {
      runs.push_back({logs[i].generation(), logs[i].generation()});
    }
  }
  return runs;
}

}  // namespace stillframe::ese::tool
