// Which generations a database needs before it can be used, and whether a chain of logs has them.
#pragma once

#include <functional>
#include <vector>

#include <stillframe/result.hpp>

#include "writers/ese/format/database_header.hpp"
#include "writers/ese/format/log_chain.hpp"
#include "writers/ese/format/log_generation.hpp"

namespace stillframe::ese {

// What keeps the required logs from being replayed, each with the generation that it concerns.
struct LogRequirement {
  // The database cannot be brought into a state without contradictions unless low..high are
  // replayed; high..committed it may do without, and then loses what was committed in them. All
  // are Generation::none when nothing is required.
  Generation low = Generation::none, high = Generation::none, committed = Generation::none;

  std::vector<Generation> missing;            // at most 1000
  std::vector<Generation> committed_missing;  // likewise
  // Of another log sequence, or created at another time than the database or the next log says.
  std::vector<ChainFinding> mismatched;
  std::vector<ChainFinding> torn;  // their end or their middle is not whole

  bool anything() const { return low != Generation::none; }
  bool met() const { return missing.empty() && mismatched.empty() && torn.empty(); }
};

// Reads every required generation that `chain` has by `open` (LogSet::open).
LogRequirement examine_requirement(
    const DatabaseHeader& database, const LogChain& chain,
    const std::function<Result<LogGeneration>(Generation, bool last)>& open);

}  // namespace stillframe::ese
