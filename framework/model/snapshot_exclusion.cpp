#include "framework/model/snapshot_exclusion.hpp"

#include <algorithm>
#include <unordered_set>

#include "framework/base/path.hpp"
#include "framework/model/environment.hpp"
#include "framework/model/file_claims.hpp"
#include "framework/model/file_plan.hpp"
#include "framework/model/pattern.hpp"

namespace stillframe {
namespace {

class ExclusionPlanner {
 public:
  ExclusionPlanner(const FileClaims& claims, TreeReader& tree) : claims_(claims), tree_(tree) {}

  // Its own stack: a tree may be deeper than ours.
  Status add(const ExcludedFiles& excluded) {
    auto root = expand_path(excluded.path, {});
    if (!root.ok()) return root.error().while_doing("files to leave out of the snapshot");
    std::vector<BytePath> directories{root.value()};
    while (!directories.empty()) {
      const BytePath directory = std::move(directories.back());
      directories.pop_back();
      auto entries = tree_.list(directory);
      if (!entries.ok()) {
        note(directory, entries.error());
        continue;
      }
      for (const TreeEntry& entry : entries.value()) {
        if (entry.type != EntryType::directory) {
          if (Status s = take(excluded, directory, entry.name); !s.ok()) return s;
        } else if (excluded.recursive) {
          directories.push_back(join_path(directory, entry.name));
        }
      }
    }
    return Ok{};
  }

  SnapshotExclusion finish() {
    std::sort(plan_.files.begin(), plan_.files.end());
    return std::move(plan_);
  }

 private:
  void note(const BytePath& directory, const Error& error) {
    if (error.code() == Errc::not_found) return;  // nothing is there to take out
    plan_.notes.push_back("'" + escape_path(directory) + "' stays as it is: " + error.what());
  }

  Status take(const ExcludedFiles& excluded, const BytePath& directory, const BytePath& name) {
    if (!matches_pattern(excluded.pattern, name) || claims_.claims(directory, name)) return Ok{};
    BytePath path = join_path(directory, name);
    if (!seen_.insert(path).second) return Ok{};
    if (plan_.files.size() >= kPlannedFilesMax) {
      return Error(Errc::limit_reached, "more than " + std::to_string(kPlannedFilesMax) +
                                            " files to leave out of a snapshot");
    }
    plan_.files.push_back(std::move(path));
    return Ok{};
  }

  const FileClaims& claims_;
  TreeReader& tree_;
  std::unordered_set<BytePath> seen_;
  SnapshotExclusion plan_;
};

Result<SnapshotExclusion> plan(const std::vector<ExcludedFiles>& excluded, const FileClaims& claims,
                               TreeReader& tree) {
  ExclusionPlanner planner(claims, tree);
  for (const ExcludedFiles& one : excluded) {
    if (Status s = planner.add(one); !s.ok()) return s.error();
  }
  return planner.finish();
}

}  // namespace

Result<SnapshotExclusion> plan_snapshot_exclusion(const std::vector<ExcludedFiles>& excluded,
                                                  TreeReader& tree) {
  return plan(excluded, FileClaims(), tree);
}

Result<SnapshotExclusion> plan_snapshot_exclusion(const std::vector<ExcludedFiles>& excluded,
                                                  std::span<const WriterMetadata* const> writers,
                                                  TreeReader& tree) {
  auto claims = FileClaims::make(writers);
  if (!claims.ok()) return claims.error();
  return plan(excluded, claims.value(), tree);
}

}  // namespace stillframe
