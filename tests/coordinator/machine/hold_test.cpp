#include "tests/coordinator/machine/rig.hpp"

namespace stillframe::machine::tests {
namespace {

Rig holding(ConsistencyPolicy policy = ConsistencyPolicy::require) {
  Rig rig = backup(Phase::prepared, policy);
  rig.snapshot({}, {}, EventKind::hold_begin).run();
  return rig;
}

TEST(HoldSession, HoldsWritersAroundSomebodyElsesCut) {
  Rig rig = holding();
  ASSERT_EQ(rig.state.phase, Phase::holding);
  EXPECT_EQ(rig.reply_to(4), std::nullopt);
  rig.now = rig.now + std::chrono::seconds(3);
  rig.ask(EventKind::hold_end, 5).run();
  EXPECT_EQ(rig.state.phase, Phase::ready);
  EXPECT_EQ(rig.reply_to(5), std::nullopt);
  EXPECT_EQ(rig.state.components[0].label, Consistency::application_consistent);
  rig.ask(EventKind::end, 6).run();
  EXPECT_EQ(rig.state.phase, Phase::ended);
  EXPECT_FALSE(rig.called("post_snapshot 0"));
}

TEST(HoldSession, HoldThatBrokeWhileTheOthersCutIsAnError) {
  Rig rig = holding();
  rig.held_until = rig.now;
  rig.now = rig.now + std::chrono::seconds(3);
  rig.ask(EventKind::hold_end, 5).run();
  EXPECT_EQ(rig.reply_to(5), Errc::hold_broken);
  EXPECT_EQ(rig.state.phase, Phase::ended);
}

TEST(HoldSession, EveryWayOutThaws) {
  for (EventKind way :
       {EventKind::abort, EventKind::end, EventKind::requestor_gone, EventKind::suspended}) {
    Rig rig = holding();
    rig.happens(way);
    EXPECT_EQ(rig.state.phase, Phase::aborting) << to_string(way);
    EXPECT_TRUE(rig.called("abort 0"));
    rig.run();
    EXPECT_TRUE(drained(rig.state));
  }
}

TEST(HoldSession, OverrunEndsOrDegradesByPolicy) {
  Rig strict = holding();
  strict.fire(EventKind::hold_timeout, 1);
  EXPECT_EQ(strict.state.phase, Phase::aborting);
  Rig tolerant = holding(ConsistencyPolicy::allow_degraded);
  tolerant.fire(EventKind::hold_timeout, 1);
  EXPECT_EQ(tolerant.state.phase, Phase::holding);
  tolerant.ask(EventKind::hold_end, 5).run();
  EXPECT_EQ(tolerant.state.components[1].label, Consistency::fuzzy);
  EXPECT_EQ(tolerant.state.components[0].label, Consistency::application_consistent);
}

}  // namespace
}  // namespace stillframe::machine::tests
