#include "framework/sdk/strand.hpp"

#include <future>

#include <gtest/gtest.h>

#include "tests/sdk/recording_writer.hpp"

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
