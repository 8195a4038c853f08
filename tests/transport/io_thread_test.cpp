#include "framework/transport/io_thread.hpp"

#include <atomic>
#include <future>
#include <random>
#include <thread>

#include <gtest/gtest.h>

#include "tests/support/scale.hpp"

namespace stillframe {
namespace {

using namespace std::chrono_literals;

class IoThreadTest : public ::testing::Test {
 protected:
  // Posts a task that lends the thread to `job`.
  void lend(std::function<void()> job, std::function<void(bool lent)> done = nullptr) {
    io_->post([this, job = std::move(job), done = std::move(done)] {
      const bool lent = io_->lend(job);
      if (done) done(lent);
    });
  }
  std::thread::id thread() {
    std::thread::id id;
    io_->run([&] { id = std::this_thread::get_id(); });
    return id;
  }

  std::unique_ptr<IoThread> io_ = IoThread::start("test").value();
};

TEST_F(IoThreadTest, WhatIsPostedRunsAlthoughALentThreadIsBlocked) {
  const std::thread::id own = thread();
  std::promise<void> reached, open, back;
  lend(
      [&] {
        reached.set_value();
        open.get_future().get();
      },
      [&](bool) { back.set_value(); });
  reached.get_future().get();
  std::thread::id other;
  bool on_thread = false;
  io_->run([&] {  // would never return otherwise
    other = std::this_thread::get_id();
    on_thread = io_->on_thread();
  });
  EXPECT_NE(other, own);
  EXPECT_TRUE(on_thread);
  open.set_value();
  back.get_future().get();
  EXPECT_EQ(thread(), own) << "the loop is its own again";
}

TEST_F(IoThreadTest, AQuickJobRunsOnTheThreadItself) {
  const std::thread::id own = thread();
  std::promise<std::thread::id> ran_on;
  lend([&] { ran_on.set_value(std::this_thread::get_id()); });
  EXPECT_EQ(ran_on.get_future().get(), own);
}

// One that lends itself as well would leave nobody to run the loop.
TEST_F(IoThreadTest, WhoStandsInIsNotLent) {
  std::promise<void> reached, open;
  lend([&] {
    reached.set_value();
    open.get_future().get();
  });
  reached.get_future().get();
  std::promise<bool> second;
  lend([] { FAIL() << "must not run"; }, [&](bool lent) { second.set_value(lent); });
  EXPECT_FALSE(second.get_future().get());
  open.set_value();
}

TEST_F(IoThreadTest, AJobMayWaitForTheLoop) {
  std::promise<void> done;
  lend([&] {
    io_->run([] {});
    done.set_value();
  });
  done.get_future().get();
}

TEST_F(IoThreadTest, StoppingWaitsForTheJobAndRunsWhatWasPosted) {
  std::promise<void> reached;
  std::atomic<bool> job_done{false}, task_done{false};
  lend([&] {
    reached.set_value();
    std::this_thread::sleep_for(20ms);
    job_done = true;
  });
  reached.get_future().get();
  io_->post([&] { task_done = true; });
  io_->stop();
  EXPECT_TRUE(job_done);
  EXPECT_TRUE(task_done);
}

// Tasks never run beside each other, whoever runs them, and none is lost.
TEST_F(IoThreadTest, TasksRunOneAtATimeWhileJobsOfAllLengthsAreLent) {
  const auto seed = std::random_device{}();
  RecordProperty("seed", std::to_string(seed));
  std::mt19937 random(seed);
  const int rounds = static_cast<int>(tests::scaled(400));
  std::atomic<int> inside{0}, tasks{0}, jobs{0}, refused{0};
  std::atomic<bool> overlapped{false};
  for (int i = 0; i < rounds; ++i) {
    const auto length = std::chrono::microseconds(random() % 4'000);
    lend(
        [&, length] {
          std::this_thread::sleep_for(length);
          ++jobs;
        },
        [&](bool lent) { refused += lent ? 0 : 1; });
    for (int j = 0; j < 5; ++j)
      io_->post([&] {
        if (++inside != 1) overlapped = true;
        ++tasks;
        --inside;
      });
    if (random() % 4 == 0) std::this_thread::sleep_for(length);
  }
  io_->stop();
  EXPECT_FALSE(overlapped);
  EXPECT_EQ(tasks, rounds * 5);
  EXPECT_EQ(jobs + refused, rounds);
}

}  // namespace
}  // namespace stillframe
