#include "writers/dedup/restore/read_plan.hpp"

#include <limits>
#include <random>

#include <gtest/gtest.h>

namespace stillframe::dedup {
namespace {

constexpr std::uint64_t kEnd = std::numeric_limits<std::int64_t>::max();

TEST(ReadPlan, WithoutAnAnswerEveryContainerIsReadAsAWhole) {
  EXPECT_EQ(make_read_plan(2, {}), (std::vector<PlanStep>{{0, {0, kEnd}}, {1, {0, kEnd}}}));
}

TEST(ReadPlan, WhatAnAnswerLeavesOutComesLast) {
  const std::vector<DEDUP_CONTAINER_EXTENT> answer = {{1, 10, 20}, {0, 5, INT64_MAX}};
  EXPECT_EQ(make_read_plan(2, answer),
            (std::vector<PlanStep>{
                {1, {10, 30}}, {0, {5, kEnd}}, {0, {0, 5}}, {1, {0, 10}}, {1, {30, kEnd}}}));
}

TEST(ReadPlan, EntriesThatMakeNoSenseOrOverlapAreIgnored) {
  const std::vector<DEDUP_CONTAINER_EXTENT> answer = {{0, 10, 10}, {7, 0, 5},  {0, -5, 10},
                                                      {0, 30, -1}, {0, 30, 0}, {0, 15, 10},
                                                      {0, 5, 6},   {0, 20, 1}};
  EXPECT_EQ(make_read_plan(1, answer),
            (std::vector<PlanStep>{{0, {10, 20}}, {0, {20, 21}}, {0, {0, 10}}, {0, {21, kEnd}}}));
}

TEST(ReadPlan, ReadsStayInTheirPartAndTouchingNeedsAreOne) {
  const std::vector<ByteRange> needed = {{0, 10}, {10, 20}, {30, 40}, {50, 60}};
  const auto reads = reads_in(needed, {5, 55}, 100);
  ASSERT_EQ(reads.size(), 3u);
  EXPECT_EQ(reads[0].Offset, 5);
  EXPECT_EQ(reads[0].Length, 15);
  EXPECT_EQ(reads[1].Offset, 30);
  EXPECT_EQ(reads[2].Offset, 50);
  EXPECT_EQ(reads[2].Length, 5);
}

// Every needed byte is in exactly one read of exactly one step.
TEST(ReadPlan, RandomPlansCoverWhatIsNeededOnce) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    std::vector<DEDUP_CONTAINER_EXTENT> answer;
    for (auto i = random() % 20; i-- > 0;) {
      answer.push_back({static_cast<std::uint32_t>(random() % 3),
                        static_cast<std::int64_t>(random() % 220) - 10,
                        static_cast<std::int64_t>(random() % 60) - 5});
    }
    std::vector<ByteRange> needed;
    std::vector<int> wanted(300), covered(300);
    for (std::uint64_t at = random() % 20; at < 250; at += 1 + random() % 20) {
      const std::uint64_t end = at + 1 + random() % 20;
      needed.push_back({at, end});
      for (; at < end; ++at) wanted[at] = 1;
    }
    for (const PlanStep& step : make_read_plan(2, answer)) {
      if (step.container != 1) continue;
      for (const auto& read : reads_in(needed, step.part, 7)) {
        EXPECT_LE(read.Length, 7);
        for (auto at = read.Offset; at < read.Offset + read.Length; ++at) {
          ++covered[static_cast<std::size_t>(at)];
        }
      }
    }
    ASSERT_EQ(covered, wanted);
  }
}

}  // namespace
}  // namespace stillframe::dedup
