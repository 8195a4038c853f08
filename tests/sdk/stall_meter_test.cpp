#include <optional>

#include <gtest/gtest.h>

#include <stillframe/stall_meter.hpp>

#include "tests/sdk/manual_time.hpp"

namespace stillframe {
namespace {

using namespace std::chrono_literals;

TEST(StallMeter, LongestWaitCountsThoseThatEndedAndThoseThatGoOn) {
  tests::ManualClock clock;
  StallMeter meter(clock);
  EXPECT_EQ(meter.longest(), Duration{0});
  {
    StallMeter::Wait wait(meter);
    clock.advance(30ms);
  }
  EXPECT_EQ(meter.longest(), 30ms);
  std::optional<StallMeter::Wait> older(std::in_place, meter);
  clock.advance(20ms);
  std::optional<StallMeter::Wait> newer(std::in_place, meter);
  clock.advance(20ms);
  EXPECT_EQ(meter.longest(), 40ms);
  older.reset();
  EXPECT_EQ(meter.longest(), 40ms);
  meter.reset();
  EXPECT_EQ(meter.longest(), 20ms);
  newer.reset();
  EXPECT_EQ(meter.longest(), 20ms);
}

}  // namespace
}  // namespace stillframe
