#include "framework/model/file_plan.hpp"

#include <algorithm>
#include <unordered_map>

#include "framework/base/path.hpp"
#include "framework/model/backup_type.hpp"
#include "framework/model/exclusion.hpp"
#include "framework/model/path_text.hpp"
#include "framework/model/pattern.hpp"
#include "framework/model/ranges.hpp"

namespace stillframe {
namespace {

// What is looked for, from a file set or a differenced entry.
struct Search {
  std::size_t component = 0, member = 0;
  BytePath path;  // expanded
  BytePath pattern;
  bool recursive = false;
  bool from_snapshot = true;
  bool is_log = false;
  bool differenced = false;
  std::optional<WallTime> since;
  std::string what;  // for messages: "file set '/srv/*.db' of component 'Orders'"
};

bool same_files(const FileSet& files, const DifferencedFiles& other) {
  return trim_slashes(files.path) == trim_slashes(other.path) && files.pattern == other.pattern &&
         files.recursive == other.recursive;
}

class FilePlanner {
 public:
  FilePlanner(const WriterMetadata& metadata, std::span<const FilePlanComponent> components,
              const FilePlanOptions& options, TreeReader& tree)
      : metadata_(metadata), components_(components), options_(options), tree_(tree) {}

  Result<FilePlan> run() {
    auto excluded = ExclusionList::make(metadata_.exclude, options_.environment);
    if (!excluded.ok()) return excluded.error();
    excluded_ = std::move(excluded).value();
    // Partial entries first: whatever file set holds their file as well, the entry wins.
    for (std::size_t c = 0; c < components_.size(); ++c) {
      if (Status s = add_partial_files(c); !s.ok()) return s.error();
    }
    for (std::size_t c = 0; c < components_.size(); ++c) {
      for (const std::size_t member : components_[c].members) {
        if (Status s = add_member(c, member); !s.ok()) return s.error();
      }
      if (Status s = add_new_differenced(c); !s.ok()) return s.error();
    }
    for (const PlannedFile& file : plan_.files) plan_.bytes += bytes_of(file);
    return std::move(plan_);
  }

 private:
  static std::uint64_t bytes_of(const PlannedFile& file) {
    if (!file.partial) return file.size;
    std::uint64_t bytes = 0;
    for (const ByteRange& range : file.ranges) bytes += range.length;
    return bytes;
  }

  // ---- partial files

  Status add_partial_files(std::size_t c) {
    for (const PartialFile& partial : components_[c].entry->partial_files) {
      if (Status s = add_partial(c, partial); !s.ok()) return s;
    }
    return Ok{};
  }

  Status add_partial(std::size_t c, const PartialFile& partial) {
    auto directory = expand_path(partial.path, options_.environment);
    if (!directory.ok()) return directory.error().while_doing("a partial file");
    PlannedFile file;
    file.component = c;
    file.member = components_[c].members.front();
    file.restore_path = file.source = join_path(directory.value(), partial.name);
    file.partial = true;
    file.ranges = partial.ranges;
    if (!partial.ranges_file.empty()) {
      if (Status s = add_ranges_file(c, partial.ranges_file, file); !s.ok()) return s;
    }
    auto entry = tree_.stat(file.source);
    if (!entry.ok()) return entry.error().while_doing("partial file " + quoted_path(file.source));
    file.size = entry.value().size;
    if (Status s = check_partial(file); !s.ok()) return s;
    return claim(std::move(file), "a partial file entry");
  }

  // It is copied whole, and before the file it describes.
  Status add_ranges_file(std::size_t c, const BytePath& path, PlannedFile& described) {
    auto expanded = expand_path(path, options_.environment);
    if (!expanded.ok()) return expanded.error().while_doing("a ranges file");
    described.ranges_file = expanded.value();
    if (claimed_.contains(expanded.value())) return Ok{};  // it describes several files
    auto entry = tree_.stat(expanded.value());
    if (!entry.ok())
      return entry.error().while_doing("ranges file " + quoted_path(expanded.value()));
    PlannedFile file;
    file.component = c;
    file.member = described.member;
    file.source = file.restore_path = expanded.value();
    file.type = entry.value().type;
    file.size = entry.value().size;
    Status claimed = claim(std::move(file), "a ranges file");
    if (claimed.ok()) overriding_.emplace(expanded.value(), true);
    return claimed;
  }

  Status check_partial(const PlannedFile& file) {
    if (Status s = check_ranges(file.ranges); !s.ok()) {
      return s.error().while_doing("partial file " + quoted_path(file.source));
    }
    for (const ByteRange& range : file.ranges) {
      if (range.offset + range.length <= file.size) continue;
      return Error(Errc::invalid_argument, "partial file " + quoted_path(file.source) + ": range " +
                                               format_ranges(std::span(&range, 1)) +
                                               " ends beyond its " + std::to_string(file.size) +
                                               " bytes");
    }
    overriding_.emplace(file.restore_path, true);
    return Ok{};
  }

  // ---- file sets and differenced files

  Status add_member(std::size_t c, std::size_t member) {
    const Component& component = metadata_.components.at(member);
    for (const FileSet& files : component.files) {
      const DifferencedFiles* differenced = differenced_entry(c, files);
      if (differenced == nullptr && !takes_part(component, files, options_.type)) continue;
      Search search;
      search.component = c;
      search.member = member;
      search.pattern = files.pattern;
      search.recursive = files.recursive;
      search.is_log = files.is_log;
      search.from_snapshot = differenced != nullptr || needs_snapshot(files, options_.type);
      search.differenced = differenced != nullptr;
      if (differenced != nullptr) search.since = since_of(*differenced);
      search.what = "file set " + quoted_path(join_path(files.path, files.pattern)) +
                    " of component '" + component.name.full() + "'";
      if (Status s = add_file_set(std::move(search), files); !s.ok()) return s;
    }
    return Ok{};
  }

  const DifferencedFiles* differenced_entry(std::size_t c, const FileSet& files) const {
    for (const DifferencedFiles& entry : components_[c].entry->differenced_files) {
      if (same_files(files, entry)) return &entry;
    }
    return nullptr;
  }

  std::optional<WallTime> since_of(const DifferencedFiles& entry) const {
    return entry.since ? entry.since : options_.last_backup;
  }

  Status add_file_set(Search search, const FileSet& files) {
    auto path = expand_path(files.path, options_.environment);
    if (!path.ok()) return path.error().while_doing(search.what);
    search.path = path.value();
    std::uint64_t found = 0;
    if (files.alternate_path) {
      auto alternate = expand_path(*files.alternate_path, options_.environment);
      if (!alternate.ok()) return alternate.error().while_doing(search.what);
      // The copies the writer made win over what lies at the normal place.
      if (Status s = walk(search, alternate.value(), found); !s.ok()) return s;
    }
    if (Status s = walk(search, search.path, found); !s.ok()) return s;
    return must_have_found(search, found);
  }

  Status must_have_found(const Search& search, std::uint64_t found) const {
    if (found > 0 || !is_literal(search.pattern)) return Ok{};
    return Error(Errc::not_found, search.what + ": the file is not there; restore it, or let its " +
                                      "writer leave it out of its metadata");
  }

  // Entries that name no file set stand for themselves.
  Status add_new_differenced(std::size_t c) {
    for (const DifferencedFiles& entry : components_[c].entry->differenced_files) {
      if (names_a_file_set(c, entry)) continue;
      Search search;
      search.component = c;
      search.member = components_[c].members.front();
      search.pattern = entry.pattern;
      search.recursive = entry.recursive;
      search.differenced = true;
      search.since = since_of(entry);
      search.what = "differenced files " + quoted_path(join_path(entry.path, entry.pattern));
      auto path = expand_path(entry.path, options_.environment);
      if (!path.ok()) return path.error().while_doing(search.what);
      search.path = path.value();
      std::uint64_t found = 0;
      if (Status s = walk(search, search.path, found); !s.ok()) return s;
      if (Status s = must_have_found(search, found); !s.ok()) return s;
    }
    return Ok{};
  }

  bool names_a_file_set(std::size_t c, const DifferencedFiles& entry) const {
    for (const std::size_t member : components_[c].members) {
      for (const FileSet& files : metadata_.components.at(member).files) {
        if (same_files(files, entry)) return true;
      }
    }
    return false;
  }

  // ---- the tree

  // Everything that `search` matches beneath `root`, which stands for search.path. Its own stack: a
  // tree may be deeper than ours.
  Status walk(const Search& search, const BytePath& root, std::uint64_t& found) {
    std::vector<BytePath> directories{root};
    while (!directories.empty()) {
      const BytePath directory = std::move(directories.back());
      directories.pop_back();
      const BytePath normal = place_of(search, root, directory);
      if (excluded_.excludes_all_beneath(normal)) {
        // A literal file in here is excluded, not missing.
        ++found;
        continue;
      }
      auto entries = tree_.list(directory);
      if (!entries.ok()) {
        if (entries.error().code() != Errc::not_found) {
          return entries.error().while_doing(search.what);
        }
        if (!is_literal(search.pattern)) {
          plan_.notes.push_back(search.what + ": there is no directory " + quoted_path(directory));
        }
        continue;
      }
      if (search.recursive) add_directory(search, directory, normal);
      std::vector<TreeEntry> sorted = std::move(entries).value();
      std::sort(sorted.begin(), sorted.end(),
                [](const TreeEntry& a, const TreeEntry& b) { return a.name < b.name; });
      Status taken = take(search, directory, normal, sorted, found);
      if (!taken.ok()) return taken;
      if (!search.recursive) continue;
      for (auto entry = sorted.rbegin(); entry != sorted.rend(); ++entry) {
        if (entry->type == EntryType::directory) {
          directories.push_back(join_path(directory, entry->name));
        }
      }
    }
    return Ok{};
  }

  static BytePath place_of(const Search& search, const BytePath& root, const BytePath& directory) {
    const BytePath inside = path_relative_to(directory, root);
    return inside.empty() ? search.path : join_path(search.path, inside);
  }

  void add_directory(const Search& search, const BytePath& source, const BytePath& normal) {
    if (!seen_directories_.emplace(normal, true).second) return;
    plan_.directories.push_back({search.component, source, normal});
  }

  // The matching files of one directory.
  Status take(const Search& search, const BytePath& directory, const BytePath& normal,
              const std::vector<TreeEntry>& entries, std::uint64_t& found) {
    for (const TreeEntry& entry : entries) {
      if (entry.type == EntryType::directory) continue;
      if (!matches_pattern(search.pattern, entry.name)) continue;
      ++found;
      if (excluded_.excludes(normal, entry.name)) continue;
      PlannedFile file;
      file.component = search.component;
      file.member = search.member;
      file.source = join_path(directory, entry.name);
      file.restore_path = join_path(normal, entry.name);
      if (file.source.size() > kBytePathBytesMax || file.restore_path.size() > kBytePathBytesMax) {
        return Error(Errc::limit_reached, search.what + ": a file beneath " +
                                              quoted_path(directory.substr(0, 200)) +
                                              " has a path longer than the limit of " +
                                              std::to_string(kBytePathBytesMax) + " bytes");
      }
      if (overriding_.contains(file.restore_path)) continue;
      if (taken_from_alternate(search, file)) continue;
      if (search.differenced && is_unchanged(search, file.restore_path, entry)) {
        ++plan_.unchanged;
        plan_.kept.push_back(std::move(file.restore_path));
        continue;
      }
      file.type = entry.type;
      file.size = entry.type == EntryType::file ? entry.size : 0;
      file.from_snapshot = search.from_snapshot;
      file.is_log = search.is_log;
      if (search.differenced) file.since = search.since;
      if (Status s = claim(std::move(file), search.what); !s.ok()) return s;
    }
    return Ok{};
  }

  bool is_unchanged(const Search& search, const BytePath& place, const TreeEntry& entry) const {
    if (search.since && entry.modified > *search.since) return false;
    if (options_.has_already) return options_.has_already(place, entry);
    return search.since.has_value();
  }

  // Whether the same file set found this file at its alternate path.
  bool taken_from_alternate(const Search& search, const PlannedFile& file) const {
    const auto at = claimed_.find(file.restore_path);
    return at != claimed_.end() && at->second.by == search.what && at->second.source != file.source;
  }

  Status claim(PlannedFile file, const std::string& by) {
    const auto [at, inserted] = claimed_.try_emplace(file.restore_path, Claim{by, file.source});
    if (!inserted) {
      return Error(Errc::already_exists, quoted_path(file.restore_path) + " is claimed twice: by " +
                                             at->second.by + " and by " + by +
                                             "; its writer must not let file sets overlap");
    }
    if (plan_.files.size() >= kPlannedFilesMax) {
      return Error(Errc::limit_reached, "more than " + std::to_string(kPlannedFilesMax) +
                                            " files in one backup of writer '" +
                                            metadata_.identity.name + "'");
    }
    plan_.files.push_back(std::move(file));
    return Ok{};
  }

  struct Claim {
    std::string by;
    BytePath source;
  };

  const WriterMetadata& metadata_;
  const std::span<const FilePlanComponent> components_;
  const FilePlanOptions& options_;
  TreeReader& tree_;
  ExclusionList excluded_;
  std::unordered_map<BytePath, Claim> claimed_;    // by where the file belongs
  std::unordered_map<BytePath, bool> overriding_;  // partial files and their ranges files
  std::unordered_map<BytePath, bool> seen_directories_;
  FilePlan plan_;
};

}  // namespace

Result<FilePlan> plan_files(const WriterMetadata& metadata,
                            std::span<const FilePlanComponent> components,
                            const FilePlanOptions& options, TreeReader& tree) {
  for (const FilePlanComponent& component : components) {
    if (component.entry == nullptr || component.members.empty()) {
      return Error(Errc::invalid_argument,
                   "a component without entry or members cannot be planned");
    }
  }
  return FilePlanner(metadata, components, options, tree).run();
}

}  // namespace stillframe
