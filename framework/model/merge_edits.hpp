// What a writer may change in the backup document, and when. Everything else is the requestor's.
#pragma once

#include <vector>

#include <stillframe/backup_document.hpp>

#include "framework/model/verb.hpp"

namespace stillframe {

// Takes over from `edited` the fields that a writer owns during `during`; invalid_argument names
// the first field that was changed and is not the writer's then. `ours` is untouched on failure.
//   prepare_backup, post_snapshot: stamp, metadata, partial_files, differenced_files, failures
//   pre_restore: restore.target, restore.directed_targets, restore.metadata, failures
//   every other verb: nothing
Status merge_writer_edits(BackupComponent& ours, const BackupComponent& edited, Verb during);

// The same for all components of one writer, which stay in number and order. All or none.
Status merge_writer_edits(std::vector<BackupComponent>& ours,
                          const std::vector<BackupComponent>& edited, Verb during);

}  // namespace stillframe
