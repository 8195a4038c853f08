// What jobs may take, by a clock that only rests move.
#include <gtest/gtest.h>

#include "tests/dedup/jobs/job_fixture.hpp"
#include "writers/dedup/jobs/garbage_collection.hpp"
#include "writers/dedup/jobs/job_control.hpp"
#include "writers/dedup/jobs/scrubbing.hpp"
#include "writers/dedup/jobs/unoptimization.hpp"

namespace stillframe::dedup {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class HandMeter final : public JobMeter {
 public:
  Duration now() const override { return now_; }
  Duration processor_time() const override { return worked_; }
  std::uint64_t memory_bytes() const override { return memory; }
  void rest(std::unique_lock<std::mutex>& lock, std::condition_variable&,
            Duration most) const override {
    ++rests;
    now_ += most;
    if (!while_resting) return;
    lock.unlock();
    while_resting();
    lock.lock();
  }
  void pass(Duration time, Duration worked = Duration(0)) {
    now_ += time;
    worked_ += worked;
  }

  std::uint64_t memory = 0;
  std::function<void()> while_resting;
  mutable int rests = 0;

 private:
  mutable Duration now_ = std::chrono::hours(5);
  Duration worked_ = seconds(7);
};

class JobThrottleTest : public ::testing::Test {
 protected:
  // How long the job rests.
  Duration rest_of(JobControl& control) {
    const Duration before = meter_.now();
    EXPECT_TRUE(control.wait_to_go_on().ok());
    return meter_.now() - before;
  }

  HandMeter meter_;
};

TEST_F(JobThrottleTest, WhoReadsTooFastRestsUntilTheRateIsKept) {
  JobControl control({1'000'000, 0, 0}, meter_);
  EXPECT_EQ(rest_of(control), Duration(0));
  control.moved(500'000);
  EXPECT_EQ(rest_of(control), milliseconds(500));
  control.moved(700'000);
  meter_.pass(milliseconds(200));
  EXPECT_EQ(rest_of(control), milliseconds(500));
  control.moved(100'000);
  meter_.pass(milliseconds(200));
  EXPECT_EQ(rest_of(control), Duration(0));
}

TEST_F(JobThrottleTest, WhoWorksTooMuchRestsUntilTheShareIsKept) {
  JobControl control({0, 25, 0}, meter_);
  EXPECT_EQ(rest_of(control), Duration(0));
  meter_.pass(milliseconds(100), milliseconds(100));
  EXPECT_EQ(rest_of(control), milliseconds(300));
  meter_.pass(milliseconds(400), milliseconds(100));
  EXPECT_EQ(rest_of(control), Duration(0));
}

TEST_F(JobThrottleTest, TheLimitThatWantsMoreRestCounts) {
  JobControl control({1'000'000, 50, 0}, meter_);
  EXPECT_EQ(rest_of(control), Duration(0));
  control.moved(100'000);
  meter_.pass(milliseconds(100), milliseconds(100));
  EXPECT_EQ(rest_of(control), milliseconds(100));
}

TEST_F(JobThrottleTest, ShortRestsArePutOffAndNotForgotten) {
  JobControl control({1'000'000, 0, 0}, meter_);
  (void)rest_of(control);
  Duration rested{0};
  for (int i = 0; i < 1000; ++i) {
    control.moved(1'000);
    rested += rest_of(control);
  }
  EXPECT_EQ(rested, seconds(1));
  EXPECT_EQ(meter_.rests, 100);
}

TEST_F(JobThrottleTest, WhatWasNotUsedIsNotSavedUp) {
  JobControl control({1'000'000, 50, 0}, meter_);
  (void)rest_of(control);
  meter_.pass(std::chrono::hours(1), seconds(1));
  EXPECT_EQ(rest_of(control), Duration(0));
  control.moved(2'000'000);
  EXPECT_EQ(rest_of(control), seconds(2));
}

TEST_F(JobThrottleTest, ARestEndsWhenTheJobIsCancelled) {
  JobControl control({1, 0, 0}, meter_);
  (void)rest_of(control);
  meter_.while_resting = [&] { control.cancel(); };
  control.moved(1'000'000);
  EXPECT_EQ(control.wait_to_go_on().error().code(), Errc::cancelled);
  EXPECT_TRUE(control.cancelled());
}

TEST_F(JobThrottleTest, AProcessThatIsTooLargeHasNoJobs) {
  JobControl control({0, 0, 1'000}, meter_);
  meter_.memory = 1'000;
  EXPECT_TRUE(control.wait_to_go_on().ok());
  meter_.memory = 1'001;
  const Status s = control.wait_to_go_on();
  EXPECT_EQ(s.error().code(), Errc::out_of_resources);
  EXPECT_NE(s.error().what().find("1001"), std::string::npos);
}

TEST_F(JobThrottleTest, TheSystemsMeterGoesOn) {
  const JobMeter& meter = system_job_meter();
  EXPECT_GT(meter.now(), Duration(0));
  EXPECT_GT(meter.processor_time(), Duration(0));
  EXPECT_GT(meter.memory_bytes(), 100'000u);
  JobControl control({1'000'000'000, 100, std::uint64_t{1} << 50});
  control.moved(1'000);
  EXPECT_TRUE(control.wait_to_go_on().ok());
}

// ---- jobs

class ThrottledJob : public tests::JobTest {
 protected:
  static constexpr std::uint64_t kRate = 100'000;

  HandMeter meter_;
  JobControl control_{JobLimits{kRate, 0, 0}, meter_};
  const Duration began_ = meter_.now();
};

TEST_F(ThrottledJob, AnOptimizationTakesNoMoreAtOnceThanASecondMayHave) {
  for (int i = 0; i < 5; ++i) make("file" + std::to_string(i), 300'000);
  int batches = 0;
  OptimizationOptions with = options();
  with.progress = [&](const OptimizationReport&) { ++batches; };
  const auto report = optimize_volume(volume(), with, control_);
  ASSERT_TRUE(report.ended.ok()) << report.ended.error().what();
  EXPECT_EQ(report.optimized, 5u);
  EXPECT_EQ(batches, 5);
  // Behind the last file there is nothing to rest for.
  EXPECT_EQ(meter_.now() - began_, seconds(12));
}

TEST_F(ThrottledJob, AScrubRestsForWhatItReads) {
  make("a", 500'000);
  ASSERT_EQ(optimize().optimized, 1u);
  std::vector<chunkstore::ScrubProgress> told;
  const auto report =
      scrub_volume(volume(),
                   {chunkstore::ScrubDepth::deep, 0,
                    [&](const chunkstore::ScrubProgress& at) { told.push_back(at); }},
                   control_);
  ASSERT_TRUE(report.ended.ok()) << report.ended.error().what();
  ASSERT_GT(told.size(), 4u);
  EXPECT_TRUE(std::is_sorted(told.begin(), told.end(), [](const auto& a, const auto& b) {
    return a.done_bytes < b.done_bytes;
  }));
  const auto& last = told.back();
  EXPECT_EQ(last.done_bytes, last.bytes);
  EXPECT_GE(last.bytes, 500'000u);
  EXPECT_EQ(last.done_containers, 2u);
  EXPECT_EQ(last.containers, 2u);
  EXPECT_EQ(last.done_streams, 1u);
  EXPECT_EQ(last.streams, 1u);
  EXPECT_GE(meter_.now() - began_, seconds(5));
  EXPECT_LE(meter_.now() - began_, milliseconds(last.bytes * 1'000 / kRate + 1));
}

TEST_F(ThrottledJob, ACollectionRestsForWhatItKeepsAndTellsHowFarItIs) {
  make("kept", 300'000);
  make("gone", 500'000);
  ASSERT_EQ(optimize().optimized, 2u);
  ASSERT_TRUE(std::filesystem::remove(path("gone")));
  make("more", 300'000);
  ASSERT_EQ(optimize().optimized, 1u);
  std::vector<GarbageCollectionProgress> told;
  const auto report =
      collect_garbage(volume(), CollectionExtent::full, control_,
                      [&](const GarbageCollectionProgress& at) { told.push_back(at); });
  ASSERT_TRUE(report.ended.ok()) << report.ended.error().what();
  ASSERT_GE(told.size(), 3u);
  EXPECT_EQ(told.front().files, 2u);
  EXPECT_EQ(told.front().marked, 1u);
  EXPECT_EQ(told.front().bytes, 0u);
  const auto& last = told.back();
  EXPECT_EQ(last.marked, 2u);
  EXPECT_EQ(last.done_bytes, last.bytes);
  EXPECT_GE(last.bytes, 1'100'000u);
}

TEST_F(ThrottledJob, AnUnoptimizationRestsForWhatItWritesOut) {
  for (int i = 0; i < 3; ++i) make("file" + std::to_string(i), 300'000);
  ASSERT_EQ(optimize().optimized, 3u);
  const auto report = unoptimize_volume(volume(), {}, control_);
  ASSERT_TRUE(report.ended.ok()) << report.ended.error().what();
  EXPECT_EQ(report.restored, 3u);
  EXPECT_EQ(meter_.now() - began_, seconds(6));
}

TEST_F(ThrottledJob, AJobThatFindsTooLargeAProcessEndsAndKeepsWhatItDid) {
  for (int i = 0; i < 3; ++i) make("file" + std::to_string(i), 300'000);
  JobControl control(JobLimits{kRate, 0, 1'000}, meter_);
  OptimizationOptions with = options();
  with.progress = [&](const OptimizationReport&) { meter_.memory = 1'001; };
  const auto report = optimize_volume(volume(), with, control);
  EXPECT_EQ(report.ended.error().code(), Errc::out_of_resources);
  EXPECT_EQ(report.optimized, 1u);
}

}  // namespace
}  // namespace stillframe::dedup
