#include "requestor/restore/placement.hpp"

#include <algorithm>
#include <cerrno>

#include <sys/stat.h>
#include <unistd.h>

#include "framework/base/path.hpp"
#include "framework/io/file.hpp"
#include "framework/model/pattern.hpp"

namespace stillframe::requestor {
namespace {

template <class Set>  // FileSet, NewTarget, AlternateMapping: path, pattern, recursive
bool holds(const Set& set, const BytePath& path) {
  const BytePath at = tidy_path(set.path), folder = parent_path(path);
  const bool there = set.recursive ? is_within(folder, at) : folder == at;
  return there && matches_pattern(set.pattern, last_component(path));
}

// A directory of a recursive set, its own one included.
template <class Set>
bool holds_directory(const Set& set, const BytePath& path) {
  return set.recursive && is_within(path, tidy_path(set.path));
}

template <class Set>
bool covers(const Set& set, const BytePath& path, bool directory) {
  return directory ? holds_directory(set, path) : holds(set, path);
}

class Placer {
 public:
  explicit Placer(const PlacementRequest& request)
      : request_(request), restore_(request.component->restore.value_or(ComponentRestore{})) {}

  Result<Placement> place() {
    if (Status s = check_method(); !s.ok()) return s.error();
    if (restore_.target == RestoreTarget::directed) {
      if (Status s = place_directed(); !s.ok()) return s.error();
    }
    bool to_mapping = always_to_mapping();
    if (!to_mapping && !may_use_original()) {
      if (!everything_is_mapped()) return in_the_way_;
      to_mapping = true;
    }
    for (const auto& [path, stored] : *request_.files) {
      if (directed(path)) continue;
      if (Status s = place_file(path, stored, to_mapping); !s.ok()) return s.error();
    }
    order();
    if (Status s = find_stale(to_mapping); !s.ok()) return s.error();
    return std::move(placement_);
  }

 private:
  RestoreMethod method() const { return request_.metadata->restore.method; }

  Status check_method() const {
    const RestorePolicy& policy = request_.metadata->restore;
    if (method() == RestoreMethod::custom) {
      return Error(Errc::not_supported,
                   "writer '" + request_.metadata->identity.name +
                       "' restores by a procedure of its own: " + policy.user_procedure +
                       "; extract the files with --to and follow it");
    }
    if (method() == RestoreMethod::restore_at_reboot) {
      return Error(Errc::not_supported,
                   "writer '" + request_.metadata->identity.name +
                       "' wants its files replaced at the next boot, which stillframe does not do; "
                       "extract them with --to and put them in place while it is stopped");
    }
    return Ok{};
  }

  bool always_to_mapping() const {
    if (restore_.target == RestoreTarget::alternate) return true;
    if (restore_.target == RestoreTarget::original_location) return false;
    return method() == RestoreMethod::restore_to_alternate_location;
  }

  static bool is_directory(const StoredFile& stored) {
    return stored.back().file->kind == FileKind::directory;
  }

  const NewTarget* new_target(const BytePath& path, bool directory) const {
    for (const NewTarget& target : restore_.new_targets) {
      if (covers(target, path, directory)) return &target;
    }
    return nullptr;
  }

  const AlternateMapping* mapping(const BytePath& path, bool directory) const {
    for (const AlternateMapping& mapping : request_.metadata->alternate_mappings) {
      if (covers(mapping, path, directory)) return &mapping;
    }
    return nullptr;
  }

  // The file set's directory: what a person or a document named, the root of safe writing.
  BytePath original_root(const BytePath& path, bool directory) const {
    for (const Component* member : request_.members) {
      for (const FileSet& files : member->files) {
        if (covers(files, path, directory)) return tidy_path(files.path);
      }
    }
    return parent_path(path);  // named by the writer alone: a partial file, a log of a stream
  }

  // Whether the restore method lets us write at the original place; if not, `in_the_way_` says what
  // is there.
  bool may_use_original() {
    const bool if_absent = method() == RestoreMethod::restore_if_not_there &&
                           restore_.target == RestoreTarget::original;
    for (const auto& [path, stored] : *request_.files) {
      if (is_directory(stored) || directed(path) || new_target(path, false) != nullptr) continue;
      struct stat info {};
      if (lstat(path.c_str(), &info) != 0) continue;
      if (if_absent) {
        in_the_way_ =
            Error(Errc::in_use, "'" + escape_path(path) +
                                    "' exists, and its writer restores only where none of "
                                    "its files do; move them away or use --map");
        return false;
      }
      const bool replaceable =
          S_ISDIR(info.st_mode) == 0 && access(parent_path(path).c_str(), W_OK) == 0;
      if (!replaceable) {
        in_the_way_ = Error(Errc::in_use,
                            "'" + escape_path(path) + "' cannot be replaced; free it or use --map");
        return false;
      }
    }
    return true;
  }

  bool everything_is_mapped() const {
    return std::all_of(request_.files->begin(), request_.files->end(), [&](const auto& row) {
      const bool directory = is_directory(row.second);
      return directed(row.first) || new_target(row.first, directory) != nullptr ||
             mapping(row.first, directory) != nullptr || directory;
    });
  }

  Status place_file(const BytePath& path, const StoredFile& stored, bool to_mapping) {
    const bool directory = is_directory(stored);
    if (const NewTarget* target = new_target(path, directory)) {
      return add(target->destination, tidy_path(target->path), path, stored);
    }
    if (!to_mapping) {
      const BytePath root = original_root(path, directory);
      return add(root, root, path, stored);
    }
    const AlternateMapping* used = mapping(path, directory);
    if (used == nullptr && directory) return Ok{};
    if (used == nullptr) {
      return Error(Errc::invalid_argument,
                   "'" + escape_path(path) +
                       "' must go to an alternate location and its writer names none; use --map");
    }
    auto& all = placement_.mappings_used;
    if (std::find(all.begin(), all.end(), *used) == all.end()) all.push_back(*used);
    return add(used->destination, tidy_path(used->path), path, stored);
  }

  Status add(const BytePath& destination, const BytePath& from, const BytePath& path,
             const StoredFile& stored) {
    auto below = path_below(path, from);
    if (!below) {
      return Error(Errc::internal, "'" + escape_path(path) + "' is not below its file set");
    }
    PlacedFile file;
    file.root = tidy_path(destination);
    file.relative = std::move(*below);
    file.stored = &stored;
    placement_.files.push_back(std::move(file));
    return Ok{};
  }

  bool directed(const BytePath& path) const {
    if (restore_.target != RestoreTarget::directed) return false;
    return std::any_of(restore_.directed_targets.begin(), restore_.directed_targets.end(),
                       [&](const DirectedTarget& target) {
                         return join_path(tidy_path(target.source_path), target.source_name) ==
                                path;
                       });
  }

  Status place_directed() {
    for (const DirectedTarget& target : restore_.directed_targets) {
      const BytePath source = join_path(tidy_path(target.source_path), target.source_name);
      const auto stored = request_.files->find(source);
      if (stored == request_.files->end()) {
        return Error(Errc::writer_fatal, "the writer directs '" + escape_path(source) +
                                             "', which the backup does not have");
      }
      if (target.source_ranges.size() != target.destination_ranges.size() ||
          !std::equal(
              target.source_ranges.begin(), target.source_ranges.end(),
              target.destination_ranges.begin(),
              [](const ByteRange& a, const ByteRange& b) { return a.length == b.length; })) {
        return Error(Errc::writer_fatal, "the writer's ranges for '" + escape_path(source) +
                                             "' do not match those of their destination");
      }
      PlacedFile file;
      file.root = tidy_path(target.destination_path);
      file.relative = target.destination_name;
      file.stored = &stored->second;
      file.source_ranges = target.source_ranges;
      file.destination_ranges = target.destination_ranges;
      if (!is_safe_relative(file.relative) || file.relative.empty()) {
        return Error(Errc::writer_fatal, "the writer directs a file to an unsafe name");
      }
      placement_.files.push_back(std::move(file));
    }
    return Ok{};
  }

  // Directories before what goes into them; among equals the order of the paths.
  void order() {
    std::stable_sort(placement_.files.begin(), placement_.files.end(),
                     [](const PlacedFile& a, const PlacedFile& b) {
                       return is_directory(*a.stored) > is_directory(*b.stored);
                     });
  }

  // A database is put back to one moment: newer logs beside it would be replayed. Roll-forward is
  // the wish to have exactly that.
  Status find_stale(bool to_mapping) {
    const bool roll_forward =
        restore_.roll_forward.value_or(RollForward::none) != RollForward::none;
    if (to_mapping || restore_.target == RestoreTarget::directed) return Ok{};
    for (const Component* member : request_.members) {
      if (member->type != ComponentType::database) continue;
      for (const FileSet& files : member->files) {
        if (roll_forward && files.is_log) continue;
        if (new_target(join_path(tidy_path(files.path), "x"), false) != nullptr) continue;
        if (Status s = find_stale_in(files); !s.ok()) return s;
      }
    }
    return Ok{};
  }

  Status find_stale_in(const FileSet& files) {
    auto root = Tree::open(tidy_path(files.path));
    if (!root.ok()) return root.error().code() == Errc::not_found ? Status(Ok{}) : root.error();
    auto entries = root.value().list("");
    if (!entries.ok()) return entries.error();
    for (const auto& entry : entries.value()) {
      const BytePath path = join_path(tidy_path(files.path), entry.name);
      if (entry.kind == FileKind::directory || !matches_pattern(files.pattern, entry.name))
        continue;
      if (request_.files->count(path) != 0) continue;
      placement_.stale.push_back({tidy_path(files.path), entry.name});
    }
    return Ok{};
  }

  const PlacementRequest& request_;
  const ComponentRestore restore_;
  Placement placement_;
  Error in_the_way_{Errc::in_use, ""};
};

}  // namespace

BytePath PlacedFile::path() const {
  return join_path(root, relative);
}

Result<Placement> place_files(const PlacementRequest& request) {
  return Placer(request).place();
}

Placement place_beneath(const BytePath& folder, const std::map<BytePath, StoredFile>& files) {
  Placement placement;
  for (const auto& [path, stored] : files) {
    PlacedFile file;
    file.root = folder;
    file.relative = path.substr(1);
    file.stored = &stored;
    placement.files.push_back(std::move(file));
  }
  std::stable_sort(placement.files.begin(), placement.files.end(),
                   [](const PlacedFile& a, const PlacedFile& b) {
                     return (a.stored->back().file->kind == FileKind::directory) >
                            (b.stored->back().file->kind == FileKind::directory);
                   });
  return placement;
}

}  // namespace stillframe::requestor
