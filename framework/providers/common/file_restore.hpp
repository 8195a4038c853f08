// Putting files back to what a snapshot holds, on the volume while it is mounted.
#pragma once

#include <vector>

#include "framework/io/copy_data.hpp"
#include "framework/providers/common/environment.hpp"
#include "framework/providers/common/snapshot_store.hpp"

namespace stillframe {

struct RestoreJob {
  BytePath source;  // the snapshot's tree
  DataMode data = DataMode::clone_or_copy;
  bool whole_volume = false;  // and not only what the file sets name
  BytePath storage;           // left out on the volume, may be empty
  // With whole_volume: the btrfs subvolumes it consists of, as paths in it, "" the first; one by
  // one, because nothing can be renamed from one into another. Subvolumes that are not named are
  // left alone, and one that is gone is put back. Empty: all of it is one.
  std::vector<BytePath> subvolumes = {};
};

// Makes the files that the snapshot's file sets name on its volume what they are in `source`: each
// is staged beside the volume's data, synced and renamed into place; those that the snapshot does
// not have are removed. The record says that a revert is under way until it is complete; a crash at
// any moment leaves each single file old or new, and calling this again finishes the work. in_use,
// naming the holders, when a process has one of the files open, unless `force`.
Status restore_files(const WorkEnvironment& environment, StoredSnapshot& snapshot,
                     const RestoreJob& job, bool force);

}  // namespace stillframe
