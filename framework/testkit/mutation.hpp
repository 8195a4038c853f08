// Mutants of the transition table: one row with another next phase, or with one effect left out.
#pragma once

#include <string>
#include <vector>

#include "framework/testkit/range.hpp"

namespace stillframe::testkit {

struct Mutant {
  machine::RowIndex row = 0;
  int dropped = -1;  // which effect is left out; -1: the next phase is another
  machine::Phase next = machine::Phase::created;
};

// Every mutant of the session table, in a fixed order.
std::vector<Mutant> all_mutants();
machine::Table apply(const Mutant& mutant);

// "preparing / writer_answered / fails_set: without fail_pending": one line, stable as long as the
// row is; what the list of equivalent mutants names.
std::string name_of(const Mutant& mutant);

// Whether a child process that plays `seeds` seeds with it finds a violation, or dies of a broken
// invariant of the machine. The child's output is dropped.
bool is_caught(const Mutant& mutant, std::uint64_t seeds, std::uint64_t first_seed = 1);

// The first seed, of at most `seeds`, that catches it.
std::optional<Finding> hunt(const Mutant& mutant, std::uint64_t seeds,
                            std::uint64_t first_seed = 1);
std::optional<Finding> hunt(Bug bug, std::uint64_t seeds, std::uint64_t first_seed = 1);

}  // namespace stillframe::testkit
