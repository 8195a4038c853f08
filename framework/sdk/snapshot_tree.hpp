// The snapshots of a set under the paths of everyday life, to look at and to delete from.
#pragma once

#include <map>

#include <stillframe/descriptor.hpp>
#include <stillframe/writer.hpp>

#include "framework/model/snapshot_exclusion.hpp"

namespace stillframe {

// Nothing outside the snapshots can be reached, not by links either. A path that no volume of the
// set holds is not_found. `set` must outlive the tree.
class SnapshotTree final : public TreeReader {
 public:
  explicit SnapshotTree(const SnapshotSetView& set) : set_(set) {}

  Result<std::vector<TreeEntry>> list(const BytePath& directory) override;
  Result<TreeEntry> stat(const BytePath& path) override;

  // Deletes one file or link; ok when it is not there.
  Status remove_file(const BytePath& path);

 private:
  struct Place {
    int root = -1;      // the snapshot's root, kept open
    BytePath relative;  // beneath it
  };
  Result<Place> place_of(const BytePath& path);

  const SnapshotSetView& set_;
  std::map<BytePath, Descriptor> roots_;  // by mount point
};

// Deletes what `plan` names. What cannot be deleted stays and is noted.
FilesTakenOut take_out(SnapshotTree& tree, const SnapshotExclusion& plan);

}  // namespace stillframe
