// What a restore reads: one backup set and, when it is an increment, the sets it builds on, merged
// so that each file comes from the newest set that has it.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "requestor/store/backup_set.hpp"

namespace stillframe::requestor {

// One version of a file: whole, or ranges over the version before.
struct StoredVersion {
  const BackupSet* set = nullptr;
  const ManifestFile* file = nullptr;
};

// Oldest first: at most one whole version, then the ranges laid over it.
using StoredFile = std::vector<StoredVersion>;

class ChainSource {
 public:
  // Opens `folder` and, from the folder beside it, every set it builds on. chain_broken names the
  // missing one.
  static Result<ChainSource> open(const BytePath& folder);

  const BackupSet& newest() const noexcept { return *sets_.back(); }
  std::size_t sets() const noexcept { return sets_.size(); }
  std::vector<BytePath> folders() const;  // of the sets, the newest first

  // A component of the newest set, by its manifest index: its files by original path.
  std::map<BytePath, StoredFile> files_of(std::uint32_t component) const;
  // Everything in the chain, for extraction without writers.
  std::map<BytePath, StoredFile> all_files() const;

  // Log generations of all sets of the chain; low > high when there are none.
  std::pair<std::uint64_t, std::uint64_t> logs_of(std::uint32_t component) const;

 private:
  // Takes out what the set says is there no more.
  static void drop_what_is_gone(const BackupSet& set, const ManifestComponent& component,
                                std::map<BytePath, StoredFile>& files);

  std::vector<std::unique_ptr<BackupSet>> sets_;  // oldest first; addresses are handed out
};

}  // namespace stillframe::requestor
