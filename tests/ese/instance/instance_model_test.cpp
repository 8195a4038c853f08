// Sessions that overlap, on two databases, against a map in memory; the caches are small, so pages
// come and go all the time, and every run ends and begins again.
#include "tests/ese/support/instance_model.hpp"

#include <iostream>
#include <thread>

#include <gtest/gtest.h>

#include "tests/support/scale.hpp"
#include "tests/support/seeds.hpp"

namespace stillframe::ese {
namespace {

using stillframe::tests::first_seed;
using stillframe::tests::scaled;
using tests::CrashingFiles;
using tests::InstanceModel;

const BytePath kOne = "/db/one.edb", kTwo = "/db/two.edb";

class InstanceModelTest : public testing::TestWithParam<std::uint32_t> {};
std::string model_page_bytes(const testing::TestParamInfo<std::uint32_t>& info) {
  return std::to_string(info.param) + "Bytes";
}
INSTANTIATE_TEST_SUITE_P(Pages, InstanceModelTest, testing::Values(2048, 4096, 8192, 16384, 32768),
                         model_page_bytes);

void run(std::uint32_t page_bytes, std::uint64_t seed) {
  SCOPED_TRACE("seed " + std::to_string(seed) + ", pages of " + std::to_string(page_bytes));
  CrashingFiles files;
  InstanceOptions options = tests::small_instance(page_bytes);
  options.circular = seed % 2 == 0;
  InstanceModel model({kOne, kTwo}, "rows", seed);
  for (int start = 0; start < 3 && !testing::Test::HasFailure(); ++start) {
    const auto instance = tests::started(files, options);
    ASSERT_NE(instance, nullptr);
    const Status opened = model.open(*instance);
    ASSERT_TRUE(opened.ok()) << opened.error().what();
    if (start > 0) model.expect_committed(*instance);
    Status status = model.work(*instance, 150);
    ASSERT_TRUE(status.ok()) << status.error().what();
    status = model.finish();
    ASSERT_TRUE(status.ok()) << status.error().what();
    model.expect_committed(*instance);
    model.crash();  // the sessions end
    status = instance->stop();
    ASSERT_TRUE(status.ok()) << status.error().what();
    for (const BytePath& path : {kOne, kTwo}) tests::expect_sound(files, path);
    if (!options.circular) tests::expect_good_log(files, options);
  }
  std::cout << "seed " << seed << ": " << model.operations() << " operations, " << model.commits()
            << " commits, " << model.conflicts() << " conflicts\n";
}

TEST_P(InstanceModelTest, DatabasesHoldWhatTheModelHolds) {
  const std::uint64_t first = first_seed(), end = first + scaled(2);
  for (std::uint64_t seed = first; seed < end && !HasFailure(); ++seed) run(GetParam(), seed);
}

// Each thread has a table of its own, all of them one database, one cache and one log, and the
// background works beside them.
TEST_P(InstanceModelTest, ThreadsAndTheBackgroundDoNotDisturbEachOther) {
  constexpr int kThreads = 3;
  CrashingFiles files;
  InstanceOptions options = tests::small_instance(GetParam());
  options.cache_bytes = std::size_t{80} * GetParam();
  options.background_pause = std::chrono::milliseconds(1);
  const auto instance = tests::started(files, options);
  ASSERT_NE(instance, nullptr);
  ASSERT_TRUE(instance->create_database(kOne).ok());
  std::vector<std::unique_ptr<InstanceModel>> models;
  for (int t = 0; t < kThreads; ++t) {
    models.push_back(std::make_unique<InstanceModel>(
        std::vector<BytePath>{kOne}, "rows" + std::to_string(t), static_cast<unsigned>(t) + 1));
    models.back()->join(*instance);
  }
  std::vector<std::thread> threads;
  const std::uint64_t steps = scaled(200);
  for (auto& model : models) {
    threads.emplace_back([&] {
      Status status = model->work(*instance, steps);
      EXPECT_TRUE(status.ok()) << status.error().what();
      status = model->finish();
      EXPECT_TRUE(status.ok()) << status.error().what();
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_FALSE(instance->background_error().has_value()) << instance->background_error()->what();
  for (auto& model : models) {
    model->expect_committed(*instance);
    model->crash();
  }
  const Status stopped = instance->stop();
  ASSERT_TRUE(stopped.ok()) << stopped.error().what();
  tests::expect_sound(files, kOne);
  tests::expect_good_log(files, options);
}

}  // namespace
}  // namespace stillframe::ese
