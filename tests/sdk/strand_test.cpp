#include "framework/sdk/strand.hpp"

#include <algorithm>
#include <future>
#include <random>

#include <gtest/gtest.h>

#include "tests/sdk/recording_writer.hpp"
#include "tests/support/scale.hpp"

namespace stillframe {
namespace {

TEST(Strand, IdleStrandDoesUrgentWorkItself) {
  Strand strand;
  ASSERT_TRUE(strand.start("test").ok());
  std::promise<bool> on_thread;
  ASSERT_TRUE(strand.take_over([&] { on_thread.set_value(strand.on_thread()); }));
  EXPECT_TRUE(on_thread.get_future().get());
}

TEST(Strand, BusyStrandLeavesUrgentWorkToTheCallerAndWaitsForIt) {
  Strand strand;
  ASSERT_TRUE(strand.start("test").ok());
  tests::Gate gate;
  std::promise<void> first_done;
  std::atomic<bool> released{false};
  std::promise<bool> second;
  ASSERT_TRUE(strand.post([&] {
    gate.pass();
    first_done.set_value();
  }));
  gate.wait_until_reached();
  ASSERT_TRUE(strand.post([&] { second.set_value(released); }));
  EXPECT_FALSE(strand.take_over([] { FAIL() << "must not run"; }));
  gate.open();
  first_done.get_future().get();
  released = true;
  strand.release();
  EXPECT_TRUE(second.get_future().get());
}

class StrandOnALoop : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(strand_.start("test").ok());
    loop_->run([this] { loop_thread_ = std::this_thread::get_id(); });
  }
  std::thread::id thread_of(Pace pace) {
    std::promise<std::thread::id> ran_on;
    EXPECT_TRUE(strand_.post([&] { ran_on.set_value(std::this_thread::get_id()); }, pace));
    return ran_on.get_future().get();
  }
  // Until a job is over for the strand as well, not only for who waits for it.
  void settle() {
    loop_->run([] {});
  }

  const std::unique_ptr<IoThread> loop_ = IoThread::start("loop").value();
  Strand strand_{loop_.get()};
  std::thread::id loop_thread_;
};

TEST_F(StrandOnALoop, QuickJobsRunOnTheLoopsThreadAndOthersDoNot) {
  EXPECT_EQ(thread_of(Pace::quick), loop_thread_);
  settle();
  const std::thread::id own = thread_of(Pace::slow);
  EXPECT_NE(own, loop_thread_);
  EXPECT_EQ(thread_of(Pace::slow), own);
}

TEST_F(StrandOnALoop, ALateJobKeepsNobodyWaitingAndThoseAfterItRunElsewhere) {
  tests::Gate gate;
  ASSERT_TRUE(strand_.post([&] { gate.pass(); }, Pace::quick));
  gate.wait_until_reached();
  loop_->run([] {});  // would never return otherwise
  std::this_thread::sleep_for(Strand::kQuick * 2);
  gate.open();
  for (int i = 0; i < Strand::kJobsAfterALateOne; ++i)
    EXPECT_NE(thread_of(Pace::quick), loop_thread_) << i;
}

TEST_F(StrandOnALoop, WhileTheLoopIsLentTheOwnThreadDoesTheWork) {
  Strand neighbour{loop_.get()};
  ASSERT_TRUE(neighbour.start("neighbour").ok());
  tests::Gate gate;
  ASSERT_TRUE(neighbour.post([&] { gate.pass(); }, Pace::quick));
  gate.wait_until_reached();
  EXPECT_NE(thread_of(Pace::quick), loop_thread_);
  gate.open();
  neighbour.stop();
}

TEST_F(StrandOnALoop, UrgentWorkGoesToTheLoopWhenIdleAndToTheCallerWhenBusy) {
  std::promise<bool> as_a_job;
  ASSERT_TRUE(strand_.take_over([&] { as_a_job.set_value(strand_.on_thread()); }));
  EXPECT_TRUE(as_a_job.get_future().get());
  settle();
  tests::Gate gate;
  std::promise<void> second;
  ASSERT_TRUE(strand_.post([&] { gate.pass(); }, Pace::quick));
  gate.wait_until_reached();
  ASSERT_TRUE(strand_.post([&] { second.set_value(); }, Pace::quick));
  EXPECT_FALSE(strand_.take_over([] { FAIL() << "must not run"; }));
  gate.open();
  auto ran = second.get_future();
  EXPECT_EQ(ran.wait_for(std::chrono::milliseconds(20)), std::future_status::timeout);
  strand_.release();
  ran.get();
}

// In order and one at a time, wherever each of them runs.
TEST_F(StrandOnALoop, OrderIsKeptAcrossThreads) {
  const auto seed = std::random_device{}();
  RecordProperty("seed", std::to_string(seed));
  std::mt19937 random(seed);
  const int count = static_cast<int>(tests::scaled(2000));
  std::vector<int> order;  // guarded by the strand
  for (int i = 0; i < count; ++i) {
    const bool dawdles = random() % 100 == 0;
    const Pace pace = random() % 5 == 0 ? Pace::slow : Pace::quick;
    ASSERT_TRUE(strand_.post(
        [&order, i, dawdles] {
          if (dawdles) std::this_thread::sleep_for(Strand::kQuick + std::chrono::milliseconds(1));
          order.push_back(i);
        },
        pace));
    if (random() % 50 == 0) std::this_thread::sleep_for(std::chrono::microseconds(300));
  }
  strand_.stop();
  ASSERT_EQ(order.size(), static_cast<std::size_t>(count));
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST(Strand, StopRunsWhatWasPostedAndRefusesTheRest) {
  Strand strand;
  ASSERT_TRUE(strand.start("test").ok());
  std::atomic<int> ran{0};
  for (int i = 0; i < 100; ++i) strand.post([&] { ++ran; });
  strand.stop();
  EXPECT_EQ(ran, 100);
  EXPECT_FALSE(strand.post([&] { ++ran; }));
  EXPECT_EQ(ran, 100);
}

}  // namespace
}  // namespace stillframe
