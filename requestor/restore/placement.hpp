// Where each stored file of a component goes: decided and checked before anything is written. The
// rules are the model's (framework/model/restore_plan.hpp); this file knows the disk.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include <stillframe/backup_document.hpp>

#include "requestor/restore/chain_source.hpp"

namespace stillframe::requestor {

// One file to be written. `root` is a directory that a document or a person named and that may be
// reached through links, as target_root.hpp allows; below it no link is followed.
struct PlacedFile {
  BytePath root;
  BytePath relative;
  const StoredFile* stored = nullptr;
  // Directed: only these ranges of the stored file, to those of the destination.
  std::vector<ByteRange> source_ranges, destination_ranges;
  BytePath path() const;
};

// Files of a database that must not outlive a restore to one moment: whatever matches and was not
// restored goes away. Newer logs beside the restored data would be replayed.
struct Sweep {
  BytePath root;
  BytePath pattern;
  friend bool operator==(const Sweep&, const Sweep&) = default;
};

struct Placement {
  std::vector<PlacedFile> files;  // directories first
  std::vector<AlternateMapping> mappings_used;
  std::vector<Sweep> sweeps;
  std::vector<BytePath> left_out;  // sockets: only the program that listens can make them
  bool at_boot = false;            // files wait beside their targets for the next boot
  bool reboot_required = false;
};

struct PlacementRequest {
  const WriterMetadata* metadata = nullptr;    // as stored beside the backup
  std::vector<const Component*> members;       // the component and those that came with it
  const BackupComponent* component = nullptr;  // as the writer left it after pre_restore
  const std::map<BytePath, StoredFile>* files = nullptr;
};

// Errors are those of plan_restore(), with what stands in the way; and not_found for byte ranges
// whose file is not there, not_supported for byte ranges that would have to wait for a boot.
Result<Placement> place_files(const PlacementRequest& request);

// Whether the file set names this file, or has this directory in it.
bool is_of(const FileSet& set, const BytePath& path, bool directory);
// The folder of a file set as it is in a set's paths.
BytePath folder_of(const FileSet& set);

// Leaves only the files that the members' own file sets name.
void keep_files_of(const std::vector<const Component*>& members,
                   std::map<BytePath, StoredFile>& files);

// All of `files` beneath `folder`, each at its full original path: for extraction without writers.
Placement place_beneath(const BytePath& folder, const std::map<BytePath, StoredFile>& files);

}  // namespace stillframe::requestor
