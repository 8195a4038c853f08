// What users do with files, at random, while jobs run, beside a model in memory: whatever the view
// shows is compared, and now and then all of it, also after the volume was mounted anew.
#include <chrono>
#include <cstdio>

#include <gtest/gtest.h>

#include "tests/dedup/operations/jobs_beside.hpp"
#include "tests/dedup/operations/tree_user.hpp"
#include "tests/support/scale.hpp"
#include "tests/support/seeds.hpp"

namespace stillframe::dedup::tests {
namespace {

using stillframe::tests::first_seed;
using stillframe::tests::FsKind;
using stillframe::tests::scaled;

class VolumeOperations : public ::testing::TestWithParam<FsKind> {
 protected:
  static constexpr std::uint64_t kOperations = 67'000;  // three file systems: 201,000
  static constexpr std::uint64_t kRound = 5'000;
  static constexpr std::uint64_t kRoundsMounted = 4;

  void SetUp() override {
    std::string reason;
    volume_ = MountedVolume::make(GetParam(), reason);
    if (!volume_) GTEST_SKIP() << reason;
  }

  std::unique_ptr<MountedVolume> volume_;
  JobsDone done_;
};

INSTANTIATE_TEST_SUITE_P(On, VolumeOperations,
                         ::testing::Values(FsKind::ext4, FsKind::xfs, FsKind::btrfs),
                         [](const auto& one) { return stillframe::tests::to_string(one.param); });

TEST_P(VolumeOperations, ShowWhatTheModelHas) {
  const std::uint64_t operations = scaled(kOperations);
  TreeUser user(*volume_ / "tree", first_seed());
  const auto begin = std::chrono::steady_clock::now();
  for (std::uint64_t round = 1; user.operations() < operations; ++round) {
    {
      const JobsBeside jobs(*volume_, first_seed() + round, done_);
      const std::uint64_t end = std::min(operations, user.operations() + kRound);
      while (user.operations() < end) {
        ASSERT_NO_FATAL_FAILURE(user.act());
      }
    }
    ASSERT_NO_FATAL_FAILURE(user.check_everything());
    ASSERT_FALSE(HasFailure()) << "a job failed";
    if (round % kRoundsMounted != 0) continue;
    user.close_all();
    volume_->unmount();
    ASSERT_NO_FATAL_FAILURE(volume_->mount());
    ASSERT_NO_FATAL_FAILURE(user.check_everything());
  }
  user.close_all();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  std::printf(
      "%llu operations in %.1f s; jobs: %llu files optimized, %llu made ordinary, %llu "
      "collections (%llu files forgotten, %llu containers rewritten or removed), %llu scrubs\n",
      static_cast<unsigned long long>(user.operations()), took.count(),
      static_cast<unsigned long long>(done_.optimized),
      static_cast<unsigned long long>(done_.restored),
      static_cast<unsigned long long>(done_.collected),
      static_cast<unsigned long long>(done_.forgotten),
      static_cast<unsigned long long>(done_.containers),
      static_cast<unsigned long long>(done_.scrubbed));
  EXPECT_GT(done_.optimized, 0u);
}

}  // namespace
}  // namespace stillframe::dedup::tests
