#include "framework/daemon/hosts/restart_policy.hpp"

#include <gtest/gtest.h>

namespace stillframe::daemon {
namespace {

using namespace std::chrono_literals;

constexpr BootTime at(Duration since_boot) {
  return BootTime(since_boot);
}

TEST(RestartPolicy, WaitsDoubleUpToTheLongest) {
  RestartLimits limits;
  limits.crashes_max = 100;
  RestartPolicy policy(limits);
  Duration expected = 100ms;
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(policy.crashed(at(1s * i), 1ms), expected) << i;
    expected = std::min<Duration>(expected * 2, 30s);
  }
}

TEST(RestartPolicy, AfterASteadyRunItBeginsAtTheFirst) {
  RestartPolicy policy({});
  EXPECT_EQ(policy.crashed(at(1s), 59s), 100ms);
  EXPECT_EQ(policy.crashed(at(2s), 59'999ms), 200ms);
  EXPECT_EQ(policy.crashed(at(100s), 60s), 100ms);
  EXPECT_EQ(policy.crashed(at(101s), 1s), 200ms);
}

TEST(RestartPolicy, FiveCrashesWithinTenMinutesAreTooMany) {
  RestartPolicy policy({});
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(policy.crashed(at(1s * i), 1s)) << i;
  EXPECT_EQ(policy.crashes(at(5s)), 4u);
  EXPECT_EQ(policy.crashed(at(599'999ms), 1s), std::nullopt);
  EXPECT_EQ(policy.crashes(at(599'999ms)), 5u);
}

TEST(RestartPolicy, CrashesOlderThanTheWindowDoNotCount) {
  RestartPolicy policy({});
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(policy.crashed(at(1s * i), 1s));
  EXPECT_TRUE(policy.crashed(at(600s), 1s));  // the first was ten minutes ago
  EXPECT_EQ(policy.crashes(at(600s)), 4u);
  EXPECT_EQ(policy.crashed(at(600'500ms), 1s), std::nullopt);
  EXPECT_EQ(policy.crashes(at(2000s)), 0u);
}

TEST(RestartPolicy, WhatCouldNotBeStartedWaitsButIsNoCrash) {
  RestartPolicy policy({});
  for (int i = 0; i < 20; ++i) EXPECT_GE(policy.postponed(), 100ms);
  EXPECT_EQ(policy.postponed(), 30s);
  EXPECT_EQ(policy.crashes(at(1s)), 0u);
}

TEST(RestartPolicy, ForgettingBeginsAfresh) {
  RestartPolicy policy({});
  for (int i = 0; i < 5; ++i) (void)policy.crashed(at(1s), 1s);
  policy.forget();
  EXPECT_EQ(policy.crashes(at(1s)), 0u);
  EXPECT_EQ(policy.crashed(at(1s), 1s), 100ms);
}

}  // namespace
}  // namespace stillframe::daemon
