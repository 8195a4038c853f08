// Recovery that leaves the databases as they are and makes recovered copies.
#pragma once

#include <vector>

#include <stillframe/result.hpp>

#include "writers/ese/recovery/recover.hpp"

namespace stillframe::ese {

struct RecoveredCopies {
  RecoveryReport report;
  std::vector<BytePath> made;
};

// Recovers a copy of each database that needs it, in the folder `to`, under its own name. Until it
// is recovered a copy's name ends in ".partial"; what an interrupted run left of these is replaced.
// Refuses (already_exists) a name that is there, and a database whose recovery in place was
// interrupted (wrong_state): that has to be finished first.
Result<RecoveredCopies> recover_copies(Files& files, const RecoveryOptions& options,
                                       const BytePath& to);

}  // namespace stillframe::ese
