// Many seeds, on several cores.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "framework/testkit/world.hpp"

namespace stillframe::testkit {

struct RangeOptions {
  std::uint64_t first_seed = 1;
  std::uint64_t sessions = 1000;  // at least this many; whole seeds are run
  int threads = 1;
  const machine::Table* table = &machine::session_table();
  Bug bug = Bug::none;
  bool count = true;  // keep coverage
};

struct Finding {
  std::uint64_t seed = 0;
  Violation violation;
};

struct RangeResult {
  Coverage coverage;
  std::uint64_t next_seed = 0;  // the first that was not run
  std::optional<Finding> finding;
  std::chrono::duration<double> wall{0};
};

// Runs seeds in order until enough sessions were played or one run violates an invariant. With
// several threads the seeds that ran are still first_seed .. next_seed - 1, without gaps.
RangeResult run_range(const RangeOptions& options);

// What happened in one seed, for people: every step, the violation, and how to replay it.
std::string trace_of(std::uint64_t seed, Bug bug = Bug::none,
                     const machine::Table& table = machine::session_table());

}  // namespace stillframe::testkit
