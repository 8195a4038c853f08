// Which backups may follow which in a chain of one component.
#pragma once

#include <span>

#include <stillframe/backup_document.hpp>

namespace stillframe {

// Whether a backup of `type` can be what one of `wanted` builds on: a differential needs a full
// backup, an incremental or a log backup anything that updated the history.
bool can_be_built_on(BackupType type, BackupType wanted) noexcept;

// `since_full`: the types of the component's backups since its last full one, that one left out, in
// any order. chain_broken when its writer promised both incremental and differential backups but
// never after the same full one, and `wanted` would mix them.
Status check_chain_mix(const BackupSchema& schema, BackupType wanted,
                       std::span<const BackupType> since_full);

}  // namespace stillframe
