// Where each stored file of a component goes: decided and checked before anything is written.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include <stillframe/backup_document.hpp>

#include "requestor/restore/chain_source.hpp"

namespace stillframe::requestor {

// One file to be written. `root` is a directory that a document or a person named and that may be
// reached through links; below it no link is followed.
struct PlacedFile {
  BytePath root;
  BytePath relative;
  const StoredFile* stored = nullptr;
  // Directed: only these ranges of the stored file, to those of the destination.
  std::vector<ByteRange> source_ranges, destination_ranges;
  BytePath path() const;
};

struct Placement {
  std::vector<PlacedFile> files;  // directories first
  std::vector<AlternateMapping> mappings_used;
  // Files in the way of a point-in-time restore: a database's old files that the set does not have.
  struct Stale {
    BytePath root, relative;
  };
  std::vector<Stale> stale;
};

struct PlacementRequest {
  const WriterMetadata* metadata = nullptr;    // as stored beside the backup
  std::vector<const Component*> members;       // the component and those that came with it
  const BackupComponent* component = nullptr;  // as the writer left it after pre_restore
  const std::map<BytePath, StoredFile>* files = nullptr;
};

// By order of authority: directed target, the requestor's new target, the writer's restore target,
// the restore method. Looks at the disk for the methods that depend on what is there. in_use when
// the method forbids to replace what is there and no mapping helps; not_supported for methods that
// need a person or a reboot, with what has to be done.
Result<Placement> place_files(const PlacementRequest& request);

// All of `files` beneath `folder`, each at its full original path: for extraction without writers.
Placement place_beneath(const BytePath& folder, const std::map<BytePath, StoredFile>& files);

}  // namespace stillframe::requestor
