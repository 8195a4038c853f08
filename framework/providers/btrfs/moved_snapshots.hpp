// Snapshots of a subvolume that a revert replaces: they lie in it, or their records name it.
#pragma once

#include <stillframe/result.hpp>

#include "framework/providers/btrfs/revert_journal.hpp"

namespace stillframe {

// Snapshots are nested in the volume they are of, and have to come along to its new self. Clones
// made by other providers are plain files: they stay where they are, beside the old state. `top` is
// the open top level. Snapshots that were moved before a crash are left alone.
Status move_snapshots(int top, const RevertJournal& journal);

// Snapshots of a nested subvolume can be kept around it; they did not move, but their volume has a
// new id.
Status rename_in_records(int top, const RevertJournal& journal);

}  // namespace stillframe
