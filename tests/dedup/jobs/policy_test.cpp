#include "writers/dedup/jobs/policy.hpp"

#include <gtest/gtest.h>

namespace stillframe::dedup {
namespace {

constexpr std::int64_t kPolicyTestNowNs = std::int64_t{1'000'000} * 1'000'000'000;

PolicyVerdict judge_now(const JobPolicy& policy, const BytePath& path, PolicyFacts facts) {
  return judge(policy, path, facts, kPolicyTestNowNs);
}

TEST(JobPolicy, SizeAndAgeBeginWhereTheySay) {
  JobPolicy policy;
  policy.age_min = std::chrono::seconds(10);
  policy.bytes_min = 100;
  const std::int64_t just_old = kPolicyTestNowNs - std::int64_t{10} * 1'000'000'000;
  EXPECT_EQ(judge_now(policy, "a", {100, just_old}), PolicyVerdict::optimize);
  EXPECT_EQ(judge_now(policy, "a", {99, just_old}), PolicyVerdict::too_small);
  EXPECT_EQ(judge_now(policy, "a", {100, just_old + 1}), PolicyVerdict::too_young);
  EXPECT_EQ(judge_now(policy, "a", {100, kPolicyTestNowNs + 1}), PolicyVerdict::optimize);
  policy.bytes_min = 0;
  EXPECT_EQ(judge_now(policy, "a", {0, 0}), PolicyVerdict::too_small);
}

TEST(JobPolicy, PatternsAreOfNamesOrOfWholePaths) {
  JobPolicy policy;
  policy.excluded_files = {"*.tmp", "logs/*.bin"};
  policy.excluded_folders = {"cache", "home/*/trash"};
  EXPECT_EQ(judge_now(policy, "a/b.tmp", {1 << 20, 0}), PolicyVerdict::excluded);
  EXPECT_EQ(judge_now(policy, "a/b.tmp2", {1 << 20, 0}), PolicyVerdict::optimize);
  EXPECT_EQ(judge_now(policy, "logs/x.bin", {1 << 20, 0}), PolicyVerdict::excluded);
  EXPECT_EQ(judge_now(policy, "logs/old/x.bin", {1 << 20, 0}), PolicyVerdict::optimize);
  EXPECT_TRUE(excludes_folder(policy, "cache"));
  EXPECT_TRUE(excludes_folder(policy, "a/cache"));
  EXPECT_FALSE(excludes_folder(policy, "a/caches"));
  EXPECT_TRUE(excludes_folder(policy, "home/me/trash"));
  EXPECT_FALSE(excludes_folder(policy, "home/trash"));
}

}  // namespace
}  // namespace stillframe::dedup
