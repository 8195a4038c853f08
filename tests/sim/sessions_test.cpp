// Seeded sessions with faults: no invariant is ever violated, and nothing of the table or of the
// faults goes untried.
#include <iostream>

#include <gtest/gtest.h>

#include "framework/testkit/mutation.hpp"
#include "tests/support/scale.hpp"

namespace stillframe::testkit {
namespace {

constexpr std::uint64_t kSessions = 240'000;
constexpr std::uint64_t kLeastHits = 100;

TEST(SimulatedSessions, NoInvariantIsViolatedAndEveryCellAndFaultIsTried) {
  RangeOptions options;
  options.sessions = tests::scaled(kSessions);
  options.threads = 1;
  const RangeResult result = run_range(options);
  if (result.finding) FAIL() << trace_of(result.finding->seed);
  result.coverage.print(std::cout, kLeastHits);
  const double seconds = result.wall.count();
  std::cout << static_cast<double>(result.coverage.sessions) / seconds << " sessions/s\n";
  const auto& coverage = result.coverage;
  EXPECT_GE(coverage.writers, 3 * coverage.runs);
  EXPECT_GE(coverage.volumes, 2 * coverage.runs);
  if (tests::test_scale() < 1.0) return;  // too few sessions to ask for every cell
  EXPECT_EQ(coverage.rare_cells(kLeastHits), 0u);
  EXPECT_EQ(coverage.rare_faults(kLeastHits), 0u);
}

TEST(SimulatedSessions, SameSeedIsTheSameStory) {
  for (std::uint64_t seed : {1u, 7u, 123u, 4711u}) EXPECT_EQ(trace_of(seed), trace_of(seed));
}

TEST(SimulatedSessions, ViolationComesWithSeedTraceAndReplayCommand) {
  const auto finding = hunt(Bug::receipt_not_journalled, 1000);
  ASSERT_TRUE(finding.has_value());
  const std::string trace = trace_of(finding->seed, Bug::receipt_not_journalled);
  EXPECT_NE(trace.find("VIOLATION: " + finding->violation.what), std::string::npos);
  EXPECT_NE(trace.find("replay: stillframe-sim --seed " + std::to_string(finding->seed)),
            std::string::npos);
}

TEST(SimulatedSessions, ThreadsPlayTheSameSeeds) {
  RangeOptions options;
  options.sessions = 2000;
  options.threads = 2;
  const RangeResult result = run_range(options);
  EXPECT_FALSE(result.finding.has_value());
  EXPECT_GE(result.coverage.sessions, options.sessions);
  EXPECT_EQ(result.coverage.runs, result.next_seed - options.first_seed);
}

}  // namespace
}  // namespace stillframe::testkit
