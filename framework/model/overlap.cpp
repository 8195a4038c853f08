#include "framework/model/overlap.hpp"

#include <unordered_map>
#include <vector>

#include "framework/model/path_text.hpp"
#include "framework/model/pattern.hpp"

namespace stillframe {
namespace {

struct Claim {
  FileSetPosition position;
  const FileSet* files;
};

// What was seen of one directory. Literal names are looked up, because a writer may name its files
// one by one; patterns are few and are compared each with each.
struct Directory {
  std::unordered_map<std::string_view, Claim> literals;
  std::vector<Claim> patterns;
};

using Directories = std::unordered_map<BytePath, Directory>;
using Pair = std::pair<FileSetPosition, FileSetPosition>;

// A claim in `directory` that some file has in common with `files`.
std::optional<FileSetPosition> meets(const Directory& directory, const FileSet& files) {
  for (const Claim& claim : directory.patterns) {
    if (patterns_overlap(claim.files->pattern, files.pattern)) return claim.position;
  }
  if (is_literal(files.pattern)) {
    const auto at = directory.literals.find(files.pattern);
    if (at != directory.literals.end()) return at->second.position;
    return std::nullopt;
  }
  for (const auto& [name, claim] : directory.literals) {
    if (matches_pattern(files.pattern, name)) return claim.position;
  }
  return std::nullopt;
}

void add(Directory& directory, const Claim& claim) {
  if (is_literal(claim.files->pattern)) {
    directory.literals.emplace(claim.files->pattern, claim);
  } else {
    directory.patterns.push_back(claim);
  }
}

// "/a/b", "/a", "/" for "/a/b"; also for paths that begin with a variable.
template <class Visit>
void for_each_ancestor(BytePath path, Visit visit) {
  while (true) {
    const auto slash = path.rfind('/');
    if (slash == BytePath::npos || path == "/") return;
    path.resize(slash == 0 ? 1 : slash);
    if (!visit(path)) return;
  }
}

}  // namespace

std::optional<Pair> find_overlap(const WriterMetadata& metadata) {
  Directories here;       // every file set, in its own directory
  Directories recursive;  // recursive ones again, for what lies beneath them
  std::vector<std::pair<BytePath, Claim>> all;
  for (std::size_t c = 0; c < metadata.components.size(); ++c) {
    const auto& sets = metadata.components[c].files;
    for (std::size_t f = 0; f < sets.size(); ++f) {
      const Claim claim{{c, f}, &sets[f]};
      BytePath path = trim_slashes(sets[f].path);
      Directory& directory = here[path];
      if (const auto other = meets(directory, sets[f])) return Pair(*other, claim.position);
      add(directory, claim);
      if (sets[f].recursive) add(recursive[path], claim);
      all.emplace_back(std::move(path), claim);
    }
  }
  if (recursive.empty()) return std::nullopt;
  for (const auto& entry : all) {
    const auto& path = entry.first;
    const auto& claim = entry.second;  // by name: clang 14 captures no structured binding
    std::optional<Pair> found;
    for_each_ancestor(path, [&](const BytePath& ancestor) {
      const auto at = recursive.find(ancestor);
      if (at == recursive.end()) return true;
      if (const auto other = meets(at->second, *claim.files)) found = {*other, claim.position};
      return !found;
    });
    if (found) return found;
  }
  return std::nullopt;
}

}  // namespace stillframe
