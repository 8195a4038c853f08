// Copies of the transition table with one row changed: one in twenty a run. ./dev test moves on to
// the next twentieth with every commit, by STILLFRAME_MUTANT_OFFSET; a run prints which it tried.
// All of them, by hand: stillframe-sim --mutants 0/1.
#include <cstdlib>
#include <fstream>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "framework/testkit/mutation.hpp"
#include "tests/support/scale.hpp"

namespace stillframe::testkit {
namespace {

constexpr std::uint64_t kSeedsPerMutant = 10'000;
constexpr std::size_t kOneIn = 20;

// "name: reason" lines; '#' begins a comment. The name is the mutant's, up to " -- ".
std::map<std::string, std::string> equivalent_mutants() {
  std::map<std::string, std::string> reasons;
  const char* path = std::getenv("STILLFRAME_EQUIVALENT_MUTANTS");
  std::ifstream file(path == nullptr ? "tests/sim/equivalent_mutants.txt" : path);
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line.front() == '#') continue;
    const auto split = line.find(" -- ");
    if (split == std::string::npos) {
      ADD_FAILURE() << "no reason given: " << line;
      continue;
    }
    reasons[line.substr(0, split)] = line.substr(split + 4);
  }
  return reasons;
}

std::size_t legal_cells() {
  std::set<std::pair<int, int>> cells;
  for (const auto& row : machine::session_table().rows()) {
    cells.insert({static_cast<int>(row.phase), static_cast<int>(row.event)});
  }
  return cells.size();
}

TEST(TableMutants, AreCaughtOrListedWithAReason) {
  const char* text = std::getenv("STILLFRAME_MUTANT_OFFSET");
  const std::size_t offset = text == nullptr ? 0 : std::strtoul(text, nullptr, 10);
  const auto equivalent = equivalent_mutants();
  const auto mutants = all_mutants();
  const std::size_t one_in = tests::test_scale() < 1.0 ? kOneIn * 10 : kOneIn;
  std::cout << "mutants " << offset % one_in << " modulo " << one_in
            << "; again: STILLFRAME_MUTANT_OFFSET=" << offset % one_in << '\n';
  std::size_t tried = 0;
  for (std::size_t i = offset % one_in; i < mutants.size(); i += one_in) {
    if (equivalent.contains(name_of(mutants[i]))) continue;
    ++tried;
    EXPECT_TRUE(is_caught(mutants[i], kSeedsPerMutant)) << name_of(mutants[i]);
  }
  std::cout << tried << " of " << mutants.size() << " mutants tried\n";
}

TEST(TableMutants, ListOfEquivalentOnesIsShortAndNamesRealOnes) {
  std::set<std::string> names;
  for (const Mutant& mutant : all_mutants()) names.insert(name_of(mutant));
  const auto equivalent = equivalent_mutants();
  for (const auto& [name, reason] : equivalent) {
    EXPECT_TRUE(names.contains(name)) << name;
    EXPECT_GT(reason.size(), 20u) << name;
  }
  EXPECT_LE(equivalent.size() * 20, legal_cells());  // at most 5 %
}

}  // namespace
}  // namespace stillframe::testkit
