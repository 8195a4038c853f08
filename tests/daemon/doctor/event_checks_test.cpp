// Which of the daemon's events are trouble that lasts.
#include "framework/daemon/doctor/event_checks.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "framework/coordinator/event_ids.hpp"
#include "framework/daemon/observe/event_ids.hpp"

namespace stillframe::daemon {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class LastingTrouble : public testing::Test {
 protected:
  void say(int id, EventLevel level, std::map<std::string, std::string> fields) {
    EventRecord event;
    event.id = id;
    event.level = level;
    event.message = "what happened";
    event.fields = std::move(fields);
    ring_.append(std::move(event));
  }
  Findings found() const {
    Findings findings;
    check_events(ring_, findings);
    return findings;
  }

  EventRing ring_{EventRingLimits{}};
};

TEST_F(LastingTrouble, AProviderThatJoinedIsNoLongerMissed) {
  say(coordinator::kEventProviderUnavailable, EventLevel::error, {{"provider", "array"}});
  say(coordinator::kEventProviderUnavailable, EventLevel::error, {{"provider", "image"}});
  say(coordinator::kEventProviderJoined, EventLevel::info, {{"provider", "array"}});
  ASSERT_THAT(found(), SizeIs(1));
  EXPECT_EQ(found()[0].check, "provider.unavailable");
  EXPECT_EQ(found()[0].object, "image");
  EXPECT_EQ(found()[0].what, "what happened");
}

TEST_F(LastingTrouble, AnOrphanIsNamedOnceWithTheCommandThatDeletesIt) {
  for (int start = 0; start < 2; ++start)
    say(coordinator::kEventOrphanLeft, EventLevel::warning, {{"snapshot", "6f0e"}});
  ASSERT_THAT(found(), SizeIs(1));
  EXPECT_EQ(found()[0].remedy, "stillframe snapshot delete 6f0e");
  say(coordinator::kEventOrphanDeleted, EventLevel::info, {{"snapshot", "6f0e"}});
  EXPECT_THAT(found(), IsEmpty());
}

TEST_F(LastingTrouble, OnlyAThawThatFailedIsTrouble) {
  say(coordinator::kEventRecoveredThaw, EventLevel::warning, {{"mount_point", "/srv"}});
  EXPECT_THAT(found(), IsEmpty());
  say(coordinator::kEventRecoveredThaw, EventLevel::error, {{"mount_point", "/srv"}});
  ASSERT_THAT(found(), SizeIs(1));
  EXPECT_EQ(found()[0].check, "hold.left");
  EXPECT_EQ(found()[0].object, "/srv");
}

TEST_F(LastingTrouble, EventsOfEverydayAreNone) {
  for (int id = 2000; id < 2300; ++id) {
    if (id == kEventMetricsListenFailed) continue;
    say(id, EventLevel::info, {});
  }
  for (const Finding& finding : found()) {
    EXPECT_FALSE(finding.remedy.empty()) << finding.check;
    EXPECT_THAT(finding.cause, HasSubstr("event 2"));
  }
}

}  // namespace
}  // namespace stillframe::daemon
