#include "framework/model/file_claims.hpp"

#include <algorithm>

#include "framework/base/path.hpp"
#include "framework/model/environment.hpp"
#include "framework/model/pattern.hpp"

namespace stillframe {

void FileClaims::Names::add(const BytePath& pattern) {
  if (is_literal(pattern)) {
    literal.insert(pattern);
  } else if (std::find(patterns.begin(), patterns.end(), pattern) == patterns.end()) {
    patterns.push_back(pattern);
  }
}

bool FileClaims::Names::hold(const BytePath& name) const {
  return literal.contains(name) ||
         std::any_of(patterns.begin(), patterns.end(),
                     [&](const BytePath& pattern) { return matches_pattern(pattern, name); });
}

Status FileClaims::add(const BytePath& path, const FileSet& files) {
  auto place = expand_path(path, {});
  if (!place.ok()) return place.error();
  Directory& directory = directories_[place.value()];
  (files.recursive ? directory.anywhere : directory.here).add(files.pattern);
  return Ok{};
}

Result<FileClaims> FileClaims::make(std::span<const WriterMetadata* const> writers) {
  FileClaims claims;
  for (const WriterMetadata* writer : writers) {
    for (const Component& component : writer->components) {
      for (const FileSet& files : component.files) {
        Status added = claims.add(files.path, files);
        if (added.ok() && files.alternate_path) added = claims.add(*files.alternate_path, files);
        if (!added.ok()) {
          return added.error().while_doing("component '" + component.name.full() + "' of writer '" +
                                           writer->identity.name + "'");
        }
      }
    }
  }
  return claims;
}

bool FileClaims::claims(const BytePath& directory, const BytePath& name) const {
  const auto own = directories_.find(directory);
  if (own != directories_.end() && own->second.here.hold(name)) return true;
  for (BytePath at = directory;; at = parent_path(at)) {
    const auto known = directories_.find(at);
    if (known != directories_.end() && known->second.anywhere.hold(name)) return true;
    if (at == "/" || at == ".") return false;
  }
}

}  // namespace stillframe
