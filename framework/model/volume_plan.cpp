#include "framework/model/volume_plan.hpp"

#include <algorithm>
#include <unordered_set>

#include "framework/base/path.hpp"
#include "framework/model/exclusion.hpp"
#include "framework/model/file_claims.hpp"
#include "framework/model/path_text.hpp"

namespace stillframe {
namespace {

std::unordered_set<BytePath> tidied(const std::vector<BytePath>& paths) {
  std::unordered_set<BytePath> out;
  for (const BytePath& path : paths) out.insert(trim_slashes(path));
  return out;
}

class VolumePlanner {
 public:
  VolumePlanner(const VolumePlanOptions& options,
                const std::function<bool(const BytePath&)>& planned, TreeReader& tree)
      : options_(options),
        planned_(planned),
        tree_(tree),
        volumes_(tidied(options.volumes)),
        other_mounts_(tidied(options.other_mounts)),
        never_(tidied(options.never)) {}

  Status learn(std::span<const WriterMetadata* const> writers) {
    std::vector<ExcludedFiles> all;
    for (const WriterMetadata* writer : writers) {
      all.insert(all.end(), writer->exclude.begin(), writer->exclude.end());
    }
    auto of_writers = ExclusionList::make(all, {});
    if (!of_writers.ok()) return of_writers.error();
    of_writers_ = std::move(of_writers).value();
    auto of_machine = ExclusionList::make(options_.machine_exclude, {});
    if (!of_machine.ok()) return of_machine.error();
    of_machine_ = std::move(of_machine).value();
    auto claims = FileClaims::make(writers);
    if (!claims.ok()) return claims.error();
    claims_ = std::move(claims).value();
    return Ok{};
  }

  Result<FilePlan> run() {
    std::vector<BytePath> volumes(volumes_.begin(), volumes_.end());
    std::sort(volumes.begin(), volumes.end());
    for (const BytePath& volume : volumes) {
      if (Status s = walk(volume); !s.ok()) return s.error();
    }
    return std::move(plan_);
  }

 private:
  // Its own stack: a tree may be deeper than ours.
  Status walk(const BytePath& volume) {
    std::vector<BytePath> directories{volume};
    while (!directories.empty()) {
      const BytePath directory = std::move(directories.back());
      directories.pop_back();
      if (directory != volume && !enters(directory)) continue;
      auto entries = tree_.list(directory);
      if (!entries.ok()) return entries.error().while_doing("volume '" + escape_path(volume) + "'");
      plan_.directories.push_back({kNoComponent, directory, directory});
      std::vector<TreeEntry> sorted = std::move(entries).value();
      std::sort(sorted.begin(), sorted.end(),
                [](const TreeEntry& a, const TreeEntry& b) { return a.name < b.name; });
      for (const TreeEntry& entry : sorted) {
        if (entry.type == EntryType::directory) continue;
        if (Status s = take(directory, entry); !s.ok()) return s;
      }
      for (auto entry = sorted.rbegin(); entry != sorted.rend(); ++entry) {
        if (entry->type != EntryType::directory) continue;
        directories.push_back(join_path(directory, entry->name));
      }
    }
    return Ok{};
  }

  // A volume mounted in here is walked by itself, or not at all; its mount point must be there when
  // the files come back.
  bool enters(const BytePath& directory) {
    if (never_.contains(directory)) return false;
    if (volumes_.contains(directory)) return false;
    if (!other_mounts_.contains(directory)) return true;
    plan_.notes.push_back("what is mounted at '" + escape_path(directory) + "' is not in the set");
    plan_.directories.push_back({kNoComponent, directory, directory});
    return false;
  }

  Status take(const BytePath& directory, const TreeEntry& entry) {
    BytePath path = join_path(directory, entry.name);
    if (planned_(path)) return Ok{};
    if (of_writers_.excludes(directory, entry.name)) return Ok{};
    if (of_machine_.excludes(directory, entry.name) && !claims_.claims(directory, entry.name)) {
      return Ok{};
    }
    if (path.size() > kBytePathBytesMax || plan_.files.size() >= kPlannedFilesMax) {
      return Error(Errc::limit_reached,
                   "directory '" + escape_path(directory.substr(0, 200)) +
                       "': its files are more, or have longer paths, than a backup can hold");
    }
    PlannedFile file;
    file.component = file.member = kNoComponent;
    file.source = path;
    file.restore_path = std::move(path);
    file.type = entry.type;
    file.size = entry.type == EntryType::file ? entry.size : 0;
    plan_.bytes += file.size;
    plan_.files.push_back(std::move(file));
    return Ok{};
  }

  const VolumePlanOptions& options_;
  const std::function<bool(const BytePath&)>& planned_;
  TreeReader& tree_;
  const std::unordered_set<BytePath> volumes_, other_mounts_, never_;
  ExclusionList of_writers_, of_machine_;
  FileClaims claims_;
  FilePlan plan_;
};

}  // namespace

Result<FilePlan> plan_volumes(std::span<const WriterMetadata* const> writers,
                              const std::function<bool(const BytePath&)>& planned,
                              const VolumePlanOptions& options, TreeReader& tree) {
  VolumePlanner planner(options, planned, tree);
  if (Status s = planner.learn(writers); !s.ok()) return s.error();
  return planner.run();
}

}  // namespace stillframe
