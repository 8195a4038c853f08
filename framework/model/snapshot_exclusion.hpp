// Which files are taken out of a snapshot before it is sealed, because they are not worth the room.
#pragma once

#include <span>
#include <vector>

#include <stillframe/writer_metadata.hpp>

#include "framework/model/tree_reader.hpp"

namespace stillframe {

struct SnapshotExclusion {
  std::vector<BytePath> files;     // by their everyday paths
  std::vector<std::string> notes;  // places that could not be looked at; nothing is removed there
};

// What a writer's own list `exclude_from_snapshot` takes out. Never a directory, and never a link's
// target. Best effort: a place that cannot be read is noted. limit_reached beyond 100 million
// files.
Result<SnapshotExclusion> plan_snapshot_exclusion(const std::vector<ExcludedFiles>& excluded,
                                                  TreeReader& tree);

// What the machine's list takes out: only files that no file set of a present writer claims.
Result<SnapshotExclusion> plan_snapshot_exclusion(const std::vector<ExcludedFiles>& excluded,
                                                  std::span<const WriterMetadata* const> writers,
                                                  TreeReader& tree);

}  // namespace stillframe
