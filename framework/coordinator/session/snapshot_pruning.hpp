// What the machine's list exclude-from-snapshot takes out of a set before it is sealed.
#pragma once

#include <vector>

#include <stillframe/provider.hpp>

namespace stillframe::coordinator {

struct SnapshotPruning {
  std::vector<ExcludedFiles> lists;     // of the machine
  std::vector<WriterMetadata> writers;  // all that are there: what one claims stays
};

// Deletes files from the roots of `snapshots`, which are of one set and may be written, and from
// nothing else. Best effort; the answer says what was left, and why.
FilesTakenOut prune_snapshots(const SnapshotPruning& pruning,
                              const std::vector<SnapshotInfo>& snapshots);

}  // namespace stillframe::coordinator
