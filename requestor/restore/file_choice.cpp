#include "requestor/restore/file_choice.hpp"

#include <algorithm>
#include <filesystem>
#include <set>
#include <string_view>

#include "framework/base/path.hpp"
#include "framework/model/option_string.hpp"
#include "framework/model/pattern.hpp"
#include "requestor/restore/placement.hpp"

namespace stillframe::requestor {
namespace {

constexpr const char* kNoFolder = "//";  // that anything is in

std::vector<BytePath> parts_of_path(std::string_view path) {
  std::vector<BytePath> parts;
  while (!path.empty()) {
    const std::size_t slash = std::min(path.find('/'), path.size());
    if (slash > 0) parts.emplace_back(path.substr(0, slash));
    path.remove_prefix(std::min(slash + 1, path.size()));
  }
  return parts;
}

bool begins_like(const std::vector<BytePath>& path, const std::vector<BytePath>& name) {
  if (name.empty() || name.size() > path.size()) return false;
  return std::equal(name.begin(), name.end(), path.begin(),
                    [](const BytePath& a, const BytePath& b) { return matches_pattern(a, b); });
}

bool is_folder(const StoredFile& stored) {
  return stored.back().file->kind == FileKind::directory;
}

}  // namespace

FileChoice::FileChoice(std::span<const BytePath> named) {
  for (const BytePath& text : named) {
    named_.push_back({text, parts_of_path(tidy_path(text)), text.starts_with('/'), false});
  }
}

bool FileChoice::takes(const BytePath& path, const BytePath& folder) {
  const auto below = path_below(path, folder);
  const auto inside = below ? parts_of_path(*below) : std::vector<BytePath>();
  const auto whole = parts_of_path(path);
  bool taken = false;
  for (Name& name : named_) {
    const bool meant =
        begins_like(inside, name.parts) || (name.from_root && begins_like(whole, name.parts));
    if (meant) taken = name.used = true;
  }
  return taken;
}

bool FileChoice::takes_any(const Component& member, const std::map<BytePath, StoredFile>& files) {
  bool any = false;
  for (const FileSet& set : member.files) {
    for (const auto& [path, stored] : files) {
      const bool in_set = is_of(set, path, is_folder(stored));
      if (in_set && takes(path, folder_of(set))) any = true;  // all names that are used are noted
    }
  }
  return any;
}

void FileChoice::keep_in(std::span<const Component* const> members,
                         std::map<BytePath, StoredFile>& files) {
  std::set<BytePath> kept;
  for (const auto& [path, stored] : files) {
    bool taken = takes(path, kNoFolder);
    for (const Component* member : members) {
      for (const FileSet& set : member->files) {
        const bool in_set = is_of(set, path, is_folder(stored));
        taken = taken || (in_set && takes(path, folder_of(set)));
      }
    }
    if (!taken) continue;
    kept.insert(path);
    for (BytePath on_the_way = parent_path(path); kept.insert(on_the_way).second;) {
      on_the_way = parent_path(on_the_way);
    }
  }
  std::erase_if(files, [&](const auto& row) { return !kept.contains(row.first); });
}

std::optional<BytePath> FileChoice::without_a_file() const {
  for (const Name& name : named_) {
    if (!name.used) return name.text;
  }
  return std::nullopt;
}

Result<std::string> options_with_sets(const std::string& options, const ChainSource& source) {
  auto parsed = parse_restore_options(options);
  if (!parsed.ok()) return parsed.error();
  if (!option_values(parsed.value(), kBackupOption).empty()) return options;
  for (const BytePath& folder : source.folders()) {
    // The writer's working directory is another one.
    parsed.value().push_back(
        {"", std::string(kBackupOption), std::filesystem::absolute(folder).string()});
  }
  return format_restore_options(parsed.value());
}

}  // namespace stillframe::requestor
