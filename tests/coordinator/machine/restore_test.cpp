#include "tests/coordinator/machine/rig.hpp"

namespace stillframe::machine::tests {
namespace {

using Calls = std::vector<std::string>;

// Two writers with one component each, as far as pre_restored.
Rig restoring(ConsistencyPolicy policy = ConsistencyPolicy::require, Duration start_wait = {}) {
  SessionOptions options;
  options.limits.start_wait = start_wait;
  Rig rig(State::restore(options));
  rig.gather({writer(), writer()}).run();
  rig.select({{0, policy}, {1, policy}});
  rig.ask(EventKind::pre_restore, 3);
  return rig;
}

Rig registered() {
  Rig rig = restoring();
  rig.run();
  rig.writer_event(EventKind::restore_prepare, 0, 0, 10).run();
  rig.writer_event(EventKind::restore_register, 0, 0, 11).run();
  return rig;
}

TEST(RestoreSession, WholeStagedRestore) {
  Rig rig = registered();
  ASSERT_EQ(rig.state.phase, Phase::copying);
  rig.writer_event(EventKind::file_status, 0, 0, 12);
  rig.writer_event(EventKind::restore_complete, 0, 0, 13).run();
  EXPECT_EQ(rig.state.phase, Phase::pre_restored);
  rig.ask(EventKind::post_restore, 14).run();
  EXPECT_EQ(rig.state.phase, Phase::restored);
  rig.ask(EventKind::end, 15).run();
  EXPECT_EQ(rig.state.phase, Phase::ended);
  for (RequestId request = 10; request <= 15; ++request) {
    EXPECT_EQ(rig.reply_to(request), std::nullopt);
  }
  EXPECT_EQ(Rig::calls_in(rig.history),
            (Calls{"identify 0", "identify 1", "pre_restore 0", "pre_restore 1",
                   "restore_prepare 0", "restore_register 0", "restore_complete 0",
                   "post_restore 0", "post_restore 1", "restore_end 0", "restore_end 1"}));
}

TEST(RestoreSession, VetoEndsIt) {
  Rig rig = restoring();
  rig.answer(0).answer(1, Errc::writer_fatal);
  EXPECT_EQ(rig.reply_to(3), Errc::writer_fatal);
  EXPECT_EQ(rig.state.writers[1].state, WriterState::failed_at_pre_restore);
  EXPECT_EQ(rig.calls(), (Calls{"restore_end 0", "restore_end 1"}));
  rig.run();
  EXPECT_EQ(rig.state.phase, Phase::ended);

  Rig tolerant = restoring(ConsistencyPolicy::skip);
  tolerant.answer(0).answer(1, Errc::writer_fatal);
  EXPECT_EQ(tolerant.state.phase, Phase::pre_restored);
}

TEST(RestoreSession, RegisterNeedsAuthority) {
  Rig rig = restoring();
  rig.run();
  rig.writer_event(EventKind::restore_register, 0, 0, 11);
  EXPECT_EQ(rig.reply_to(11), Errc::wrong_state);
  EXPECT_FALSE(rig.called("restore_register 0"));
}

TEST(RestoreSession, RegisteredTargetTakesNoOtherRegisterAndNoPostRestore) {
  Rig rig = registered();
  rig.writer_event(EventKind::restore_register, 0, 0, 20);
  EXPECT_EQ(rig.reply_to(20), Errc::interlocked);
  rig.ask(EventKind::post_restore, 21);
  EXPECT_EQ(rig.reply_to(21), Errc::interlocked);
}

TEST(RestoreSession, VanishedRequestorLeavesTheInterlock) {
  Rig rig = registered();
  rig.happens(EventKind::requestor_gone).run();
  EXPECT_EQ(rig.state.phase, Phase::ended);
  EXPECT_FALSE(rig.called("restore_complete 0"));
  EXPECT_EQ(rig.state.components[0].staged, ComponentSlot::Staged::registered);
}

TEST(RestoreSession, LostAnswerToRegisterCountsAsRegistered) {
  for (Errc code : {Errc::io, Errc::internal, Errc::disconnected}) {
    Rig rig = restoring();
    rig.run();
    rig.writer_event(EventKind::restore_prepare, 0, 0, 10).run();
    rig.writer_event(EventKind::restore_register, 0, 0, 11);
    rig.answer(0, code);
    EXPECT_EQ(rig.reply_to(11), code);
    EXPECT_EQ(rig.state.phase, Phase::copying);
  }
  Rig refused = restoring();
  refused.run();
  refused.writer_event(EventKind::restore_prepare, 0, 0, 10).run();
  refused.writer_event(EventKind::restore_register, 0, 0, 11);
  refused.answer(0, Errc::access_denied);
  EXPECT_EQ(refused.state.phase, Phase::pre_restored);
}

TEST(RestoreSession, FailedCompleteKeepsTheInterlock) {
  Rig rig = registered();
  rig.writer_event(EventKind::restore_complete, 0, 0, 13);
  rig.answer(0, Errc::io);
  EXPECT_EQ(rig.state.phase, Phase::copying);
  rig.writer_event(EventKind::restore_complete, 0, 0, 14).run();
  EXPECT_EQ(rig.state.phase, Phase::pre_restored);
}

TEST(RestoreSession, PostRestoreReachesTheRestartedTarget) {
  Rig rig = restoring(ConsistencyPolicy::require, std::chrono::seconds(30));
  rig.run();
  rig.writer_event(EventKind::writer_gone, 1);
  rig.ask(EventKind::post_restore, 14);
  rig.answer(0).answer(1, Errc::writer_gone);
  EXPECT_EQ(rig.state.phase, Phase::post_restoring);
  rig.writer_event(EventKind::writer_returned, 1);
  EXPECT_EQ(rig.calls(), Calls{"post_restore 1"});
  rig.answer(1);
  EXPECT_EQ(rig.state.phase, Phase::restored);
  EXPECT_EQ(rig.reply_to(14), std::nullopt);
}

TEST(RestoreSession, WaitForTheTargetsStartIsBounded) {
  Rig rig = restoring(ConsistencyPolicy::require, std::chrono::seconds(30));
  rig.run();
  rig.ask(EventKind::post_restore, 14);
  rig.answer(0).answer(1, Errc::writer_gone).fire(EventKind::start_timeout);
  EXPECT_EQ(rig.state.phase, Phase::restored);
  EXPECT_EQ(rig.state.writers[1].state, WriterState::failed_at_post_restore);
}

}  // namespace
}  // namespace stillframe::machine::tests
