#include "framework/model/exclusion.hpp"

#include "framework/model/path_text.hpp"
#include "framework/model/pattern.hpp"

namespace stillframe {
namespace {

bool covers_directory(const ExcludedFiles& excluded, const BytePath& directory) {
  return excluded.recursive ? is_beneath_or_equal(directory, excluded.path)
                            : directory == excluded.path;
}

}  // namespace

Result<ExclusionList> ExclusionList::make(const std::vector<ExcludedFiles>& excluded,
                                          const Environment& environment) {
  ExclusionList list;
  for (const ExcludedFiles& one : excluded) {
    auto path = expand_path(one.path, environment);
    if (!path.ok()) return path.error().while_doing("the exclude list");
    list.excluded_.push_back({path.value(), one.pattern, one.recursive, {}});
  }
  return list;
}

bool ExclusionList::excludes(const BytePath& directory, const BytePath& name) const {
  for (const ExcludedFiles& one : excluded_) {
    if (covers_directory(one, directory) && matches_pattern(one.pattern, name)) return true;
  }
  return false;
}

bool ExclusionList::excludes_all_beneath(const BytePath& directory) const {
  for (const ExcludedFiles& one : excluded_) {
    if (one.recursive && one.pattern == "*" && covers_directory(one, directory)) return true;
  }
  return false;
}

}  // namespace stillframe
