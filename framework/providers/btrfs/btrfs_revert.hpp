// Reverting a btrfs subvolume: it is unmounted, a writable copy of the snapshot takes its place,
// and it is mounted again. What was there stays beside it.
#pragma once

#include "framework/io/file_lock.hpp"
#include "framework/providers/btrfs/revert_journal.hpp"
#include "framework/providers/common/environment.hpp"
#include "framework/providers/common/snapshot_store.hpp"

namespace stillframe {

// in_use, naming who, while a process has anything open on it, or a mount lies below it. With
// `force` processes keep what they have open, which is then the old state.
Status revert_subvolume(const WorkEnvironment& environment, const StoredSnapshot& snapshot,
                        bool force);

// Finishes, or undoes, reverts that a crash interrupted.
void recover_reverts(const WorkEnvironment& environment);

}  // namespace stillframe
