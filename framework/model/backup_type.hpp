// What a backup type means for a writer and for its file sets.
#pragma once

#include <span>
#include <vector>

#include <stillframe/backup_document.hpp>

namespace stillframe {

// The type a writer with this schema carries out when asked for `requested`: full, unless it
// promised the requested one.
BackupType effective_type(const BackupSchema& schema, BackupType requested) noexcept;

// Whether a file set of a component contributes to a backup of `type` (an effective one). The mask
// decides; in a log backup of a database only log files take part, whatever the mask of its data
// says.
bool takes_part(const Component& component, const FileSet& files, BackupType type) noexcept;
// Whether it must then be read from a snapshot, never live.
bool needs_snapshot(const FileSet& files, BackupType type) noexcept;

// A directory that a backup reads, still with its environment variables.
struct ReadPlace {
  BytePath path;
  bool recursive = false;
  bool from_snapshot = false;
};

// Where the given components of a writer (indices) are read in a backup of `type`. A file set with
// an alternate path is read in both places. A volume on which no place is `from_snapshot` can be
// left out of the snapshot set.
std::vector<ReadPlace> read_places(const WriterMetadata& metadata,
                                   std::span<const std::size_t> components, BackupType type);

}  // namespace stillframe
