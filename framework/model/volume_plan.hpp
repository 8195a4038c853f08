// Which files a backup of whole volumes copies beside those that its components have planned. See
// docs/decisions/0028-whole-volumes.md.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "framework/model/file_plan.hpp"

namespace stillframe {

// `component` of a planned file or directory that belongs to none.
inline constexpr std::size_t kNoComponent = static_cast<std::size_t>(-1);

struct VolumePlanOptions {
  std::vector<BytePath> volumes;               // mount points of the volumes in the set
  std::vector<BytePath> other_mounts;          // of every other volume: not entered, and noted
  std::vector<ExcludedFiles> machine_exclude;  // for files that no component claims
  std::vector<BytePath> never;  // whole directories: the store itself, a provider's own trees
};

// Everything on the volumes that is not `planned` for a component already, by its restore path.
// Exclude lists of writers count for all files, those of the machine for files that no file set of
// any writer claims. Writers are all that are there, selected or not. Directories come parents
// first, and also when they are empty. Errors: limit_reached beyond kPlannedFilesMax; what the tree
// answers for a directory it cannot read.
Result<FilePlan> plan_volumes(std::span<const WriterMetadata* const> writers,
                              const std::function<bool(const BytePath&)>& planned,
                              const VolumePlanOptions& options, TreeReader& tree);

}  // namespace stillframe
