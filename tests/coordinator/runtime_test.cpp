// The order of a strand's work, whoever runs it, and alarms.
#include "framework/coordinator/runtime/runtime.hpp"

#include <algorithm>
#include <atomic>
#include <future>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stillframe/time.hpp>

namespace stillframe::coordinator {
namespace {

using namespace std::chrono_literals;

class RuntimeTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto started = Runtime::start(2);
    ASSERT_TRUE(started.ok());
    runtime_ = std::move(started).value();
  }

  // Until everything posted before is done.
  static void wait_for(const Strand& strand) {
    std::promise<void> done;
    strand.post([&] { done.set_value(); });
    ASSERT_EQ(done.get_future().wait_for(20s), std::future_status::ready);
  }

  std::unique_ptr<Runtime> runtime_;
};

TEST_F(RuntimeTest, AnIdleStrandRunsWorkOnTheCallersThread) {
  const Strand strand = runtime_->make_strand();
  std::thread::id ran;
  strand.run_or_post([&] { ran = std::this_thread::get_id(); });
  EXPECT_EQ(ran, std::this_thread::get_id());
}

TEST_F(RuntimeTest, ABusyStrandRunsItLaterAndElsewhere) {
  const Strand strand = runtime_->make_strand();
  std::promise<void> go;
  std::vector<int> order;
  std::thread::id ran;
  strand.post([&, ready = go.get_future().share()] {
    ready.wait();
    order.push_back(1);
  });
  strand.run_or_post([&] {
    order.push_back(2);
    ran = std::this_thread::get_id();
  });
  go.set_value();
  wait_for(strand);
  EXPECT_THAT(order, ::testing::ElementsAre(1, 2));
  EXPECT_NE(ran, std::this_thread::get_id());
}

TEST_F(RuntimeTest, WhatIsPostedFromWorkComesAfterIt) {
  const Strand strand = runtime_->make_strand();
  std::vector<int> order;
  strand.run_or_post([&] {
    strand.run_or_post([&] { order.push_back(2); });
    strand.post([&] { order.push_back(3); });
    order.push_back(1);
  });
  wait_for(strand);
  EXPECT_THAT(order, ::testing::ElementsAre(1, 2, 3));
}

TEST_F(RuntimeTest, OneAtATimeAndInOrderWhoeverRunsIt) {
  constexpr int kThreads = 4, kEach = 5000;
  const Strand strand = runtime_->make_strand();
  int inside = 0, done = 0, most = 0;  // the strand's alone
  std::vector<std::vector<int>> order(kThreads);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < kEach; ++i) {
        const auto work = [&, t, i] {
          most = std::max(most, ++inside);
          order[t].push_back(i);
          ++done;
          --inside;
        };
        if (i % 3 == 0)
          strand.post(work);
        else
          strand.run_or_post(work);
      }
    });
  for (auto& thread : threads) thread.join();
  wait_for(strand);
  EXPECT_EQ(done, kThreads * kEach);
  EXPECT_EQ(most, 1);
  for (const auto& one : order) EXPECT_TRUE(std::is_sorted(one.begin(), one.end()));
}

TEST_F(RuntimeTest, AStopWaitsForWorkOnOtherThreads) {
  const Strand strand = runtime_->make_strand();
  std::promise<void> begun, go;
  std::atomic<bool> done = false;
  std::thread outsider([&] {
    strand.run_or_post([&] {
      begun.set_value();
      go.get_future().wait();
      done = true;
    });
  });
  begun.get_future().wait();
  std::thread release([&] { go.set_value(); });
  runtime_->stop();
  EXPECT_TRUE(done);
  release.join();
  outsider.join();
}

TEST_F(RuntimeTest, AStopRunsWhatIsQueuedAndDropsWhatComesLater) {
  const Strand strand = runtime_->make_strand();
  std::promise<void> go;
  int done = 0;
  strand.post([ready = go.get_future().share()] { ready.wait(); });
  for (int i = 0; i < 100; ++i) strand.post([&] { ++done; });
  go.set_value();
  runtime_->stop();
  EXPECT_EQ(done, 100);
  strand.post([&] { ++done; });
  strand.run_or_post([&] { ++done; });
  EXPECT_EQ(done, 100);
}

TEST_F(RuntimeTest, AReplacedAlarmDoesNotRing) {
  const Strand strand = runtime_->make_strand();
  auto timer = runtime_->make_timer(strand);
  ASSERT_TRUE(timer.ok());
  std::promise<int> rang;
  strand.post([&] {
    timer.value()->arm(system_clock().now(), [&] { rang.set_value(1); });
    timer.value()->arm(system_clock().now() + 1ms, [&] { rang.set_value(2); });
  });
  auto which = rang.get_future();
  ASSERT_EQ(which.wait_for(20s), std::future_status::ready);
  EXPECT_EQ(which.get(), 2);
  std::promise<void> gone;
  strand.post([&] {
    timer.value().reset();
    gone.set_value();
  });
  gone.get_future().wait();
}

}  // namespace
}  // namespace stillframe::coordinator
