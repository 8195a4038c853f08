// Every state a writer can be in, by what it did or failed to do last.
#include "tests/coordinator/machine/rig.hpp"

namespace stillframe::machine::tests {
namespace {

using Policy = ConsistencyPolicy;

WriterState state_of(const Rig& rig, WriterIndex writer) {
  return rig.state.writers[writer].state;
}

Rig restoring_two() {
  Rig rig(State::restore({}));
  rig.gather({writer(), writer()}).run();
  rig.select({{0, Policy::skip}, {1, Policy::skip}});
  return rig;
}

TEST(WriterStates, EachPhaseOfABackupHasItsOwn) {
  struct Row {
    Phase reached;
    WriterState state;
  };
  const Row rows[] = {
      {Phase::gathered, WriterState::stable},
      {Phase::prepared, WriterState::stable},
      {Phase::freezing, WriterState::waiting_for_freeze},
      {Phase::committing, WriterState::waiting_for_thaw},
      {Phase::post_snapshot, WriterState::waiting_for_post_snapshot},
      {Phase::ready, WriterState::waiting_for_backup_complete},
      {Phase::completed, WriterState::stable},
  };
  for (const Row& row : rows) {
    const Rig rig = backup(row.reached);
    ASSERT_EQ(rig.state.phase, row.reached) << to_string(row.reached);
    for (WriterIndex i = 0; i < rig.state.writers.size(); ++i) {
      EXPECT_EQ(state_of(rig, i), row.state) << to_string(row.reached) << ", writer " << i;
    }
  }
}

TEST(WriterStates, EachFailureOfABackupHasItsOwn) {
  struct Row {
    Phase phase;
    WriterIndex writer;  // one that is asked in this phase
    WriterState state;
  };
  const Row rows[] = {
      {Phase::identifying, 1, WriterState::failed_at_identify},
      {Phase::preparing, 1, WriterState::failed_at_prepare_backup},
      {Phase::preparing_snapshot, 1, WriterState::failed_at_prepare_snapshot},
      {Phase::freezing, 1, WriterState::failed_at_freeze},
      {Phase::thawing, 0, WriterState::failed_at_thaw},
      {Phase::post_snapshot, 1, WriterState::failed_at_post_snapshot},
      {Phase::completing, 1, WriterState::failed_at_backup_complete},
  };
  for (const Row& row : rows) {
    Rig rig = backup(row.phase, Policy::allow_degraded);
    ASSERT_EQ(rig.state.phase, row.phase);
    rig.answer(row.writer, Errc::writer_retryable);
    EXPECT_EQ(state_of(rig, row.writer), row.state) << to_string(row.phase);
    rig.run();
    EXPECT_EQ(state_of(rig, row.writer), row.state) << "it must stay: " << to_string(row.phase);
  }
}

TEST(WriterStates, AFailureAtTheEndIsOneToo) {
  Rig rig = backup(Phase::completed);
  rig.ask(EventKind::end, 6).run(Phase::shutting_down);
  ASSERT_EQ(rig.state.phase, Phase::shutting_down);
  rig.answer(0, Errc::writer_retryable);
  EXPECT_EQ(state_of(rig, 0), WriterState::failed_at_shutdown);
}

TEST(WriterStates, RestoresHaveTwoFailures) {
  Rig early = restoring_two();
  early.ask(EventKind::pre_restore, 3).answer(1, Errc::writer_retryable);
  EXPECT_EQ(state_of(early, 1), WriterState::failed_at_pre_restore);
  early.answer(0);
  EXPECT_EQ(state_of(early, 0), WriterState::stable);

  Rig late = restoring_two();
  late.ask(EventKind::pre_restore, 3).run();
  late.ask(EventKind::post_restore, 4).answer(1, Errc::writer_retryable);
  EXPECT_EQ(state_of(late, 1), WriterState::failed_at_post_restore);
}

TEST(WriterStates, AWriterThatGoesBetweenVerbsIsUnknown) {
  Rig rig = backup(Phase::ready);
  rig.writer_event(EventKind::writer_gone, 1);
  EXPECT_EQ(state_of(rig, 1), WriterState::unknown);
  EXPECT_EQ(rig.state.writers[1].failure, Errc::writer_gone);
}

}  // namespace
}  // namespace stillframe::machine::tests
