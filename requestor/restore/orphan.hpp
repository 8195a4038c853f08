// Ends a restore whose requestor died between register and register-complete.
#pragma once

#include <stillframe/result.hpp>
#include <stillframe/writer_host.hpp>

#include "requestor/backup/backup_run.hpp"

namespace stillframe::requestor {

struct OrphanOutcome {
  std::string target;  // what the interlock record calls it; empty when there was none
  std::uint64_t files = 0, bytes = 0;
  bool may_start = false;
};

// `folder` holds the interlock record, the restore journal, or both. Copies again what the journal
// names and completes the registration with success: the target's next start recovers.
Result<OrphanOutcome> resume_restore(const BytePath& folder, RunObserver& observer);

// Puts the old files back and completes the registration with failure: the target refuses to start
// until it is restored again. `allow_start` also removes the record, for a target that is to go on
// with its old files.
Result<OrphanOutcome> abandon_restore(const BytePath& folder, bool allow_start);

}  // namespace stillframe::requestor
