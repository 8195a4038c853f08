#include "tests/coordinator/machine/rig.hpp"

namespace stillframe::machine::tests {
namespace {

using Calls = std::vector<std::string>;
using Policy = ConsistencyPolicy;

TEST(WriterFailures, WriterThatFailsIdentifyIsListedNotDropped) {
  Rig rig = backup(Phase::identifying);
  rig.answer(1, Errc::writer_fatal).answer(0).answer(2);
  EXPECT_EQ(rig.state.phase, Phase::gathered);
  EXPECT_EQ(rig.reply_to(1), std::nullopt);
  EXPECT_EQ(rig.state.writers[1].state, WriterState::failed_at_identify);
  EXPECT_EQ(rig.state.writers[1].failure, Errc::writer_fatal);
}

TEST(WriterFailures, WriterThatHangsInIdentifyHoldsNobodyUp) {
  Rig rig = backup(Phase::identifying);
  rig.answer(0).answer(2).fire(EventKind::phase_timeout);
  EXPECT_EQ(rig.state.phase, Phase::gathered);
  EXPECT_EQ(rig.state.writers[1].failure, Errc::timed_out);
}

TEST(WriterFailures, VetoOfARequiredWriterAbortsTheSet) {
  for (Phase phase :
       {Phase::preparing, Phase::preparing_snapshot, Phase::freezing, Phase::post_snapshot}) {
    for (Errc code : {Errc::writer_retryable, Errc::writer_fatal, Errc::timed_out,
                      Errc::out_of_resources, Errc::inconsistent_snapshot}) {
      Rig rig = backup(phase, Policy::require);
      rig.answer(1, code);
      EXPECT_EQ(rig.state.phase, Phase::aborting) << to_string(phase);
      EXPECT_EQ(rig.reply_to(phase == Phase::preparing ? 3 : 4), code);
      EXPECT_TRUE(rig.state.writers[1].failed);
      ASSERT_TRUE(rig.state.failure.has_value());
      EXPECT_EQ(rig.state.failure->writer, 1u);
      rig.run();
      EXPECT_TRUE(drained(rig.state));
    }
  }
}

TEST(WriterFailures, TheSetsOwnPoliciesTakeThePlaceOfThoseOfTheSelection) {
  for (Policy selected : {Policy::require, Policy::allow_degraded, Policy::skip}) {
    for (Policy in_set : {Policy::require, Policy::allow_degraded, Policy::skip}) {
      Rig rig = backup(Phase::prepared, selected);
      const std::vector<GroupSpec> groups{{Atomicity::volume, 1}, {Atomicity::volume, 2}};
      const std::vector<VolumeMask> volumes{1, 2, 2};
      const std::vector<Policy> policies(3, in_set);
      SetSpec set;
      set.groups = groups;
      set.component_volumes = volumes;
      set.policies = policies;
      Event event;
      event.kind = EventKind::snapshot;
      event.request = 4;
      event.set = &set;
      rig.send(event).run(Phase::freezing);
      ASSERT_EQ(rig.state.phase, Phase::freezing);
      const auto frozen = std::find_if(rig.state.writers.begin(), rig.state.writers.end(),
                                       [](const WriterSlot& writer) { return writer.call != 0; });
      rig.answer(static_cast<WriterIndex>(frozen - rig.state.writers.begin()), Errc::writer_fatal);
      EXPECT_EQ(rig.state.phase == Phase::aborting, in_set == Policy::require);
    }
  }
}

TEST(WriterFailures, VetoUnderSkipLeavesTheWriterOutAndNeverFreezesIt) {
  for (Phase phase : {Phase::preparing, Phase::preparing_snapshot}) {
    Rig rig = backup(phase, Policy::skip);
    rig.answer(1, Errc::writer_retryable);
    EXPECT_EQ(rig.calls(), Calls{"abort 1"});
    rig.run();
    if (phase == Phase::preparing) {
      rig.snapshot({{Atomicity::volume, 1}, {Atomicity::file, 2}}, {1, 2, 3}).run();
    }
    ASSERT_EQ(rig.state.phase, Phase::ready);
    EXPECT_FALSE(rig.called("freeze 1"));
    EXPECT_EQ(rig.state.components[1].label, Consistency::failed);
    EXPECT_EQ(rig.state.components[0].label, Consistency::application_consistent);
    rig.complete(true, {1, 1, 1}).run();
    EXPECT_FALSE(rig.called("backup_complete 1"));
    EXPECT_FALSE(rig.called("truncate_logs 1"));
    rig.ask(EventKind::end, 6).run();
    EXPECT_TRUE(rig.called("shutdown 1"));
  }
}

TEST(WriterFailures, VetoUnderAllowDegradedLowersTheLabel) {
  Rig rig = backup(Phase::freezing, Policy::allow_degraded);
  ASSERT_EQ(rig.calls(), Calls{"freeze 1"});
  rig.answer(1, Errc::writer_retryable);
  EXPECT_EQ(rig.calls(), (Calls{"abort 1", "freeze 2"}));
  rig.run();
  ASSERT_EQ(rig.state.phase, Phase::ready);
  EXPECT_EQ(rig.state.components[1].label, Consistency::fuzzy);
  EXPECT_EQ(rig.state.components[2].label, Consistency::application_consistent);
}

TEST(WriterFailures, LateFreezeIsOwedAThaw) {
  Rig rig = backup(Phase::freezing, Policy::allow_degraded);
  const Event late = rig.answer_event(1);
  rig.fire(EventKind::hold_timeout, 1);
  EXPECT_EQ(rig.state.writers[1].state, WriterState::failed_at_freeze);
  // The abort it was sent is answered before the freeze it overtook.
  Event aborted;
  aborted.kind = EventKind::writer_answered;
  aborted.writer = 1;
  aborted.seq = rig.state.writers[1].side_call;
  rig.send(aborted);
  EXPECT_FALSE(rig.state.writers[1].owes_thaw);
  rig.send(late);
  EXPECT_EQ(rig.calls(), Calls{"thaw 1"});
  EXPECT_TRUE(rig.state.writers[1].owes_thaw);
  Event thawed = aborted;
  thawed.seq = rig.state.writers[1].side_call;
  rig.send(thawed);
  EXPECT_FALSE(rig.state.writers[1].owes_thaw);
}

TEST(WriterFailures, LateFreezeAfterTheEndIsThawedToo) {
  Rig rig = backup(Phase::freezing);
  const Event late = rig.answer_event(1);
  rig.ask(EventKind::abort, 9).run();
  ASSERT_EQ(rig.state.phase, Phase::ended);
  rig.send(late);
  EXPECT_EQ(rig.calls(), Calls{"thaw 1"});
  EXPECT_FALSE(drained(rig.state));
}

TEST(WriterFailures, DuplicateAnswersAreIgnored) {
  Rig rig = backup(Phase::preparing);
  const Event answer = rig.answer_event(1);
  rig.send(answer);
  const State before = rig.state;
  rig.send(answer).send(answer);
  EXPECT_TRUE(rig.actions.empty());
  EXPECT_EQ(rig.state.outstanding, before.outstanding);
  EXPECT_EQ(rig.state.phase, Phase::preparing);
}

TEST(WriterFailures, WriterThatDiesFrozenIsNeverCalledConsistent) {
  for (Phase phase : {Phase::freezing, Phase::pre_committing, Phase::committing,
                      Phase::post_committing, Phase::thawing}) {
    Rig rig = backup(phase, Policy::allow_degraded);
    rig.writer_event(EventKind::writer_gone, 1).run();
    ASSERT_EQ(rig.state.phase, Phase::ready) << to_string(phase);
    EXPECT_EQ(rig.state.components[1].label, Consistency::fuzzy);
    EXPECT_EQ(rig.state.writers[1].failure, Errc::writer_gone);
    EXPECT_FALSE(rig.called("post_snapshot 1"));
  }
}

TEST(WriterFailures, WriterThatDiesBeforeCompletionIsNotCompleted) {
  Rig rig = backup(Phase::ready);
  rig.writer_event(EventKind::writer_gone, 2);
  EXPECT_EQ(rig.state.phase, Phase::ready);
  rig.complete(true, {1, 1, 1}).run();
  EXPECT_FALSE(rig.called("backup_complete 2"));
  EXPECT_FALSE(rig.called("truncate_logs 2"));
  EXPECT_TRUE(rig.called("truncate_logs 1"));
}

// Its bracket would stay open while the next session prepares the same writer.
TEST(WriterFailures, PostSnapshotThatDoesNotComeBackIsAborted) {
  Rig rig = backup(Phase::post_snapshot, Policy::allow_degraded);
  rig.answer(0).answer(2).fire(EventKind::phase_timeout);
  EXPECT_EQ(rig.calls().front(), "abort 1");
  rig.run();
  EXPECT_EQ(rig.state.phase, Phase::ready);
}

TEST(WriterFailures, HoldLongerThanItsLimitEndsByPolicy) {
  for (Phase phase : {Phase::pre_committing, Phase::committing, Phase::post_committing}) {
    Rig strict = backup(phase, Policy::require);
    strict.fire(EventKind::hold_timeout, 0);
    EXPECT_EQ(strict.state.phase, Phase::aborting);
    Rig tolerant = backup(phase, Policy::allow_degraded);
    tolerant.fire(EventKind::hold_timeout, 0);
    EXPECT_EQ(tolerant.calls(), Calls{"abort 0"});
    tolerant.run();
    EXPECT_EQ(tolerant.state.phase, Phase::ready);
    EXPECT_EQ(tolerant.state.components[0].label, Consistency::crash_consistent);
    EXPECT_FALSE(tolerant.called("thaw 0"));
  }
}

TEST(WriterFailures, WritersMayLowerTheHoldLimitAndNeverRaiseIt) {
  WriterSpec brief = writer(), greedy = writer();
  brief.hold_limit = std::chrono::seconds(20);
  greedy.hold_limit = std::chrono::hours(1);
  Rig rig(State::backup({}));
  rig.gather({brief, greedy}).run();
  EXPECT_EQ(rig.state.writers[0].hold_limit, std::chrono::seconds(20));
  EXPECT_EQ(rig.state.writers[1].hold_limit, kHoldLimit);
}

TEST(WriterFailures, PartialFailureConcernsItsComponentsOnly) {
  Rig rig = backup(Phase::preparing, Policy::allow_degraded);
  Event component;
  component.kind = EventKind::component_failed;
  component.component = 1;
  component.failure = Errc::writer_retryable;
  rig.send(component).answer(1, Errc::partial_failure);
  EXPECT_FALSE(rig.state.writers[1].failed);
  rig.run();
  rig.snapshot({{Atomicity::volume, 1}, {Atomicity::file, 2}}, {1, 2, 3}).run();
  EXPECT_TRUE(rig.called("freeze 1"));
  EXPECT_EQ(rig.state.components[1].label, Consistency::fuzzy);

  Rig strict = backup(Phase::preparing, Policy::require);
  strict.send(component).answer(1, Errc::partial_failure);
  EXPECT_EQ(strict.state.phase, Phase::aborting);
}

TEST(WriterFailures, FailedCompletionKeepsTheWritersLogs) {
  Rig rig = backup(Phase::completing);
  rig.answer(1, Errc::writer_retryable).run();
  EXPECT_EQ(rig.state.phase, Phase::completed);
  EXPECT_EQ(rig.reply_to(5), std::nullopt);
  EXPECT_EQ(rig.state.writers[1].state, WriterState::failed_at_backup_complete);
  EXPECT_FALSE(rig.called("truncate_logs 1"));
  EXPECT_TRUE(rig.called("truncate_logs 0"));
}

TEST(WriterFailures, StuckAbortStillEnds) {
  Rig rig = backup(Phase::committing);
  rig.ask(EventKind::abort, 9);
  rig.fire(EventKind::phase_timeout);
  EXPECT_EQ(rig.state.phase, Phase::shutting_down);
  rig.fire(EventKind::phase_timeout);
  EXPECT_EQ(rig.state.phase, Phase::ended);
  EXPECT_EQ(rig.reply_to(9), std::nullopt);
  EXPECT_EQ(rig.last_record(), Record::session_left_snapshots);
}

}  // namespace
}  // namespace stillframe::machine::tests
