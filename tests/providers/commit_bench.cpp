// How long the cut itself takes, by number of files: what the estimates that refuse a long hold are
// made of. Prints one line a case; fails when the estimate is far below what was measured.
#include <algorithm>
#include <cstdio>

#include <gtest/gtest.h>

#include "framework/io/file.hpp"
#include "framework/testkit/provider_suite/rich_tree.hpp"
#include "tests/providers/under_test.hpp"

namespace stillframe::tests {
namespace {

constexpr int kRounds = 5;
constexpr double kBusyFactor = 3;  // a machine that does other things too

class CommitBench : public testing::TestWithParam<std::tuple<Pairing, int>> {};

TEST_P(CommitBench, TakesNoLongerThanEstimated) {
  const auto& [pairing, files] = GetParam();
  std::string reason;
  auto under_test = BuiltinUnderTest::make(pairing, 1, reason);
  if (!under_test) GTEST_SKIP() << reason;
  const BytePath data = under_test->fs().mount_point() + "/data";
  for (int i = 0; i < files; ++i) {
    const BytePath directory = data + "/" + std::to_string(i % 50);
    ASSERT_TRUE(make_directories(directory, 0755).ok());
    ASSERT_TRUE(
        testkit::put_file(directory + "/" + std::to_string(i), std::string(8192, 'x')).ok());
  }
  std::vector<double> times;
  double estimated = 0;
  for (int round = 0; round < kRounds; ++round) {
    auto provider = under_test->make();
    CutRequest request;
    request.set = SetId::generate();
    request.snapshot = SnapshotId::generate();
    request.volume = under_test->volumes().at(0);
    request.files.emplace_back();
    request.files[0].path = data;
    request.files[0].pattern = "*";
    request.files[0].recursive = true;
    ASSERT_TRUE(provider->begin_prepare(request).ok());
    auto estimate = provider->end_prepare(request.set);
    ASSERT_TRUE(estimate.ok()) << estimate.error().what();
    ASSERT_TRUE(provider->pre_commit(request.set).ok());
    auto cut = provider->commit(request.set);
    ASSERT_TRUE(cut.ok()) << cut.error().what();
    times.push_back(
        std::chrono::duration<double, std::milli>(cut.value()[0].ended - cut.value()[0].begun)
            .count());
    estimated = std::chrono::duration<double, std::milli>(estimate.value().commit).count();
    provider->abort(request.set);
  }
  std::sort(times.begin(), times.end());
  std::printf("%-24s %6d files: cut %8.2f ms median, %8.2f ms longest, estimated %8.2f ms\n",
              name_of(pairing).c_str(), files, times[kRounds / 2], times.back(), estimated);
  EXPECT_LE(times[kRounds / 2], kBusyFactor * estimated);
}

INSTANTIATE_TEST_SUITE_P(Builtin, CommitBench,
                         testing::Combine(testing::Values(Pairing{Kind::btrfs, FsKind::btrfs},
                                                          Pairing{Kind::reflink, FsKind::xfs},
                                                          Pairing{Kind::reflink, FsKind::btrfs},
                                                          Pairing{Kind::copy, FsKind::ext4}),
                                          testing::Values(10, 1000, 10000)),
                         [](const auto& tested) {
                           return name_of(std::get<0>(tested.param)) + "_" +
                                  std::to_string(std::get<1>(tested.param));
                         });

}  // namespace
}  // namespace stillframe::tests
