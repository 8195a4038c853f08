// What a revert of a subvolume is going to do: decided, and written down, before anything is done.
#pragma once

#include <stillframe/result.hpp>

#include "framework/providers/btrfs/revert_journal.hpp"
#include "framework/providers/common/environment.hpp"
#include "framework/providers/common/snapshot_store.hpp"

namespace stillframe {

// in_use, naming who, while a process, in whichever mount namespace, has something open on the
// volume.
Status refuse_if_busy(const Volume& volume);

// wrong_state when the mount point shows another subvolume than the snapshot is of.
Result<RevertJournal> plan_revert(const WorkEnvironment& environment,
                                  const StoredSnapshot& snapshot);

}  // namespace stillframe
