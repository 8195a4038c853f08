#include "requestor/restore/placement.hpp"

#include <algorithm>

#include "framework/base/path.hpp"
#include "framework/model/environment.hpp"
#include "framework/model/pattern.hpp"
#include "framework/model/restore_plan.hpp"
#include "requestor/restore/disk_probe.hpp"

namespace stillframe::requestor {
namespace {

bool is_directory(const StoredFile& stored) {
  return stored.back().file->kind == FileKind::directory;
}

// A document's path. Writers' variables were replaced when the document was made.
BytePath plain(const BytePath& path) {
  auto expanded = expand_path(path, {});
  return expanded.ok() ? std::move(expanded).value() : tidy_path(path);
}

template <class Set>  // FileSet, NewTarget, AlternateMapping: path, pattern, recursive
bool covers(const Set& set, const BytePath& path, bool directory) {
  const BytePath at = plain(set.path);
  if (directory) return set.recursive && is_within(path, at);
  const BytePath folder = parent_path(path);
  return (set.recursive ? is_within(folder, at) : folder == at) &&
         matches_pattern(set.pattern, last_component(path));
}

// A directory that stands for another one, by whoever said so.
struct Moved {
  BytePath from, to;
};

class Placer {
 public:
  explicit Placer(const PlacementRequest& request)
      : request_(request), restore_(request.component->restore.value_or(ComponentRestore{})) {}

  Result<Placement> place() {
    list_files();
    DiskProbe probe;
    auto plan =
        plan_restore(*request_.metadata, *request_.component, model_files_, Environment{}, probe);
    if (!plan.ok()) {
      if (probe.obstacle().empty()) return plan.error();
      return Error(plan.error().code(), plan.error().what() + " (" + probe.obstacle() + ")");
    }
    plan_ = std::move(plan).value();
    placement_.mappings_used = plan_.mappings_used;
    placement_.reboot_required = plan_.reboot_required;
    for (const RestoreStep& step : plan_.steps) {
      if (Status s = add_step(step, probe); !s.ok()) return s.error();
    }
    for (const auto& [path, stored] : *request_.files) {
      if (is_directory(stored)) place_directory(path, stored);
    }
    // Directories before what goes into them; among equals the order of the plan.
    std::stable_sort(placement_.files.begin(), placement_.files.end(),
                     [](const PlacedFile& a, const PlacedFile& b) {
                       return is_directory(*a.stored) > is_directory(*b.stored);
                     });
    add_sweeps();
    return std::move(placement_);
  }

 private:
  void list_files() {
    for (const auto& [path, stored] : *request_.files) {
      const ManifestFile& newest = *stored.back().file;
      if (is_directory(stored)) continue;
      if (newest.kind == FileKind::socket) {
        placement_.left_out.push_back(path);
        continue;
      }
      stillframe::StoredFile file;
      file.path = path;
      file.size = newest.size;
      file.partial = stored.front().file->partial;  // no whole version beneath the ranges
      for (const StoredVersion& version : stored) {
        if (!file.partial) break;
        file.ranges.insert(file.ranges.end(), version.file->ranges.begin(),
                           version.file->ranges.end());
      }
      model_files_.push_back(std::move(file));
      stored_.push_back(&stored);
    }
  }

  const NewTarget* new_target(const BytePath& path, bool directory) const {
    for (const NewTarget& target : restore_.new_targets) {
      if (covers(target, path, directory)) return &target;
    }
    return nullptr;
  }

  // Which named directory a file goes below. Empty `to`: it stays where it was.
  std::optional<Moved> moved(const BytePath& path, bool directory) const {
    if (const NewTarget* target = new_target(path, directory)) {
      return Moved{plain(target->path), plain(target->destination)};
    }
    for (const AlternateMapping& mapping : plan_.mappings_used) {
      if (covers(mapping, path, directory)) {
        return Moved{plain(mapping.path), plain(mapping.destination)};
      }
    }
    return std::nullopt;
  }

  // The file set's directory: what a person or a document named, the root of safe writing.
  BytePath original_root(const BytePath& path, bool directory) const {
    for (const Component* member : request_.members) {
      for (const FileSet& files : member->files) {
        if (covers(files, path, directory)) return plain(files.path);
      }
    }
    return parent_path(path);  // named by the writer alone: a partial file, a log of a stream
  }

  Status add_step(const RestoreStep& step, DiskProbe& probe) {
    const BytePath& path = model_files_[step.file].path;
    PlacedFile placed;
    placed.stored = stored_[step.file];
    const auto elsewhere = moved(path, false);
    placed.root = elsewhere ? elsewhere->to : original_root(path, false);
    auto below = path_below(step.destination, placed.root);
    if (!below) {  // directed: the writer named this very file
      placed.root = parent_path(step.destination);
      below = last_component(step.destination);
    }
    placed.relative = std::move(*below);
    const bool partial = model_files_[step.file].partial;
    const bool in_place = std::all_of(step.moves.begin(), step.moves.end(),
                                      [](const RangeMove& move) { return move.from == move.to; });
    if (step.action == RestoreAction::write_ranges && !(partial && in_place)) {
      for (const RangeMove& move : step.moves) {
        placed.source_ranges.push_back(move.from);
        placed.destination_ranges.push_back(move.to);
      }
    }
    if (step.action == RestoreAction::stage_for_reboot) placement_.at_boot = true;
    if (partial) {
      if (Status s = check_partial(step, probe); !s.ok()) return s;
    }
    placement_.files.push_back(std::move(placed));
    return Ok{};
  }

  // Ranges are laid over what the file holds when they are written.
  Status check_partial(const RestoreStep& step, DiskProbe& probe) const {
    const bool waits = std::any_of(
        plan_.steps.begin(), plan_.steps.end(),
        [](const RestoreStep& other) { return other.action == RestoreAction::stage_for_reboot; });
    if (waits || request_.metadata->restore.method == RestoreMethod::restore_at_reboot) {
      return Error(Errc::not_supported,
                   quoted_path(step.destination) +
                       ": byte ranges cannot wait for a boot, because the file goes on changing "
                       "until then; stop its application and restore with another method");
    }
    auto there = probe.exists(step.destination);
    if (!there.ok()) return there.error();
    if (there.value()) return Ok{};
    return Error(Errc::not_found, "the set holds only byte ranges of " +
                                      quoted_path(step.destination) +
                                      ", and there is no such file to lay them over; restore a "
                                      "full backup first");
  }

  void place_directory(const BytePath& path, const StoredFile& stored) {
    auto elsewhere = moved(path, true);
    if (!elsewhere && goes_elsewhere_as_a_whole()) return;
    if (!elsewhere) {
      const BytePath root = original_root(path, true);
      elsewhere = Moved{root, root};
    }
    auto below = path_below(path, elsewhere->from);
    if (!below) return;
    PlacedFile placed;
    placed.root = elsewhere->to;
    placed.relative = std::move(*below);
    placed.stored = &stored;
    placement_.files.push_back(std::move(placed));
  }

  // A component is never split between its own place and the alternate one.
  bool goes_elsewhere_as_a_whole() const {
    return !plan_.mappings_used.empty() ||
           request_.metadata->restore.method == RestoreMethod::restore_to_alternate_location ||
           restore_.target == RestoreTarget::alternate ||
           request_.metadata->restore.method == RestoreMethod::custom;
  }

  // Whether a new target takes the file set away, or a part of it. Patterns are compared as if they
  // were names: each matches itself, and "*" every other.
  bool has_new_target(const FileSet& files) const {
    const BytePath root = plain(files.path);
    return std::any_of(restore_.new_targets.begin(), restore_.new_targets.end(),
                       [&](const NewTarget& target) {
                         return covers(target, join_path(root, files.pattern), false) ||
                                covers(files, join_path(plain(target.path), target.pattern), false);
                       });
  }

  // Roll-forward is the wish to have newer logs replayed.
  void add_sweeps() {
    const bool roll_forward =
        restore_.roll_forward.value_or(RollForward::none) != RollForward::none;
    if (goes_elsewhere_as_a_whole() || restore_.target == RestoreTarget::directed) return;
    for (const Component* member : request_.members) {
      if (member->type != ComponentType::database) continue;
      for (const FileSet& files : member->files) {
        if (roll_forward && files.is_log) continue;
        if (has_new_target(files)) continue;  // what is at its own place stays as it is
        placement_.sweeps.push_back({plain(files.path), files.pattern});
      }
    }
  }

  const PlacementRequest& request_;
  const ComponentRestore restore_;
  std::vector<stillframe::StoredFile> model_files_;
  std::vector<const StoredFile*> stored_;  // beside model_files_
  RestorePlan plan_;
  Placement placement_;
};

}  // namespace

bool is_of(const FileSet& set, const BytePath& path, bool directory) {
  return covers(set, path, directory);
}

BytePath folder_of(const FileSet& set) {
  return plain(set.path);
}

BytePath PlacedFile::path() const {
  return join_path(root, relative);
}

Result<Placement> place_files(const PlacementRequest& request) {
  return Placer(request).place();
}

void keep_files_of(const std::vector<const Component*>& members,
                   std::map<BytePath, StoredFile>& files) {
  std::erase_if(files, [&](const auto& row) {
    const bool directory = is_directory(row.second);
    return std::none_of(members.begin(), members.end(), [&](const Component* member) {
      return std::any_of(member->files.begin(), member->files.end(),
                         [&](const FileSet& set) { return covers(set, row.first, directory); });
    });
  });
}

Placement place_beneath(const BytePath& folder, const std::map<BytePath, StoredFile>& files) {
  Placement placement;
  for (const bool directories : {true, false}) {
    for (const auto& [path, stored] : files) {
      if (is_directory(stored) != directories) continue;
      if (stored.back().file->kind == FileKind::socket) {
        placement.left_out.push_back(path);
        continue;
      }
      PlacedFile file;
      file.root = folder;
      file.relative = path.substr(1);
      file.stored = &stored;
      placement.files.push_back(std::move(file));
    }
  }
  return placement;
}

}  // namespace stillframe::requestor
