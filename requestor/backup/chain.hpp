// Which earlier backup an incremental or differential builds on.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <vector>

#include <stillframe/requestor.hpp>

#include "requestor/restore/chain_source.hpp"
#include "requestor/store/backup_set.hpp"

namespace stillframe::requestor {

struct ChainRequest {
  BytePath store;
  BackupType type = BackupType::incremental;
  std::string owner;  // empty: "stillframe@<host>"
};

// One selector per component that the request's selectors choose, each with its base: the newest
// set in the store that holds the component completely and consistently. chain_broken names the
// component that has none and says that a full backup mends it, and likewise one whose writer never
// mixes incremental and differential backups and would have to. Components whose writer takes the
// type as a full backup need no base.
Result<std::vector<ComponentSelector>> choose_bases(const ChainRequest& request,
                                                    const std::vector<WriterStatus>& writers,
                                                    std::span<const ComponentSelector> selectors,
                                                    const std::vector<std::string>& excluded);

// Since when files of this component are new: when the session of its base began, which is before
// its cut, and a little earlier still, because clocks of files are coarse. Nothing without a base.
std::optional<WallTime> changed_since(const BytePath& store, const std::optional<ChainBase>& base);

// What the chain that a component builds on has of it.
struct BaseFiles {
  ChainSource chain;
  std::map<BytePath, StoredFile> files;
};
// Nothing without a base or differenced files; nor when the chain cannot be read, and then times
// alone say what has changed.
std::optional<BaseFiles> base_files(const BytePath& store, const BackupComponent& entry);
// The component's differenced files: a set that builds on another says in full what there is of
// them.
std::vector<CompleteFiles> complete_files(const BackupComponent& entry);

}  // namespace stillframe::requestor
