// What could leave a file system frozen, or already has.
#pragma once

#include <stillframe/byte_path.hpp>

#include "framework/wire/finding.hpp"

namespace stillframe::daemon {

// The records of holds in `directory`: those whose client is gone are left-overs that somebody has
// to thaw. Only looks: thaws nothing and removes no record.
void check_held_records(const BytePath& directory, const BytePath& helper_dir, Findings& findings);

// The journal must lie on no file system that a provider freezes: the coordinator would wait for
// itself.
void check_journal_place(const BytePath& state_dir, Findings& findings);

}  // namespace stillframe::daemon
