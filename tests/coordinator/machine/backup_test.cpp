#include "tests/coordinator/machine/rig.hpp"

namespace stillframe::machine::tests {
namespace {

using Calls = std::vector<std::string>;

TEST(BackupSession, RunsEveryVerbInTheOrderOfTheDesign) {
  Rig rig = backup(Phase::ended);
  EXPECT_EQ(rig.state.phase, Phase::ended);
  EXPECT_EQ(Rig::calls_in(rig.history), (Calls{"identify 0",
                                               "identify 1",
                                               "identify 2",
                                               "prepare_backup 0",
                                               "prepare_backup 1",
                                               "prepare_backup 2",
                                               "prepare_snapshot 0",
                                               "prepare_snapshot 1",
                                               "prepare_snapshot 2",
                                               "begin_prepare of 0",
                                               "begin_prepare of 1",
                                               "end_prepare of 0",
                                               "end_prepare of 1",
                                               "freeze 1",
                                               "freeze 2",
                                               "freeze 0",
                                               "pre_commit of 0",
                                               "pre_commit of 1",
                                               "commit of 0",
                                               "commit of 1",
                                               "post_commit of 0",
                                               "post_commit of 1",
                                               "thaw 0",
                                               "thaw 2",
                                               "thaw 1",
                                               "pre_final of 0",
                                               "pre_final of 1",
                                               "post_snapshot 0",
                                               "post_snapshot 1",
                                               "post_snapshot 2",
                                               "post_final of 0",
                                               "post_final of 1",
                                               "backup_complete 0",
                                               "backup_complete 1",
                                               "backup_complete 2",
                                               "truncate_logs 0",
                                               "truncate_logs 1",
                                               "truncate_logs 2",
                                               "remove of 0",
                                               "remove of 1",
                                               "shutdown 0",
                                               "shutdown 1",
                                               "shutdown 2"}));
  for (const auto& component : rig.state.components) {
    EXPECT_EQ(component.label, Consistency::application_consistent);
    EXPECT_TRUE(component.truncated);
  }
  for (RequestId request = 1; request <= 6; ++request)
    EXPECT_EQ(rig.reply_to(request), std::nullopt);
  EXPECT_TRUE(drained(rig.state));
}

TEST(BackupSession, ReceiptIsJournalledBeforeAnyWriterHearsOfCompletion) {
  Rig rig = backup(Phase::journalling_receipt);
  ASSERT_TRUE(rig.acted(ActionKind::journal));
  EXPECT_EQ(rig.actions.front().record, Record::receipt);
  EXPECT_FALSE(rig.called("backup_complete 0"));
  rig.operation(EventKind::journalled);
  EXPECT_TRUE(rig.state.receipt_recorded);
  EXPECT_TRUE(rig.called("backup_complete 0"));
}

TEST(BackupSession, JournalFailureMeansNoTruncation) {
  Rig rig = backup(Phase::journalling_receipt);
  rig.operation(EventKind::journalled, Errc::io);
  EXPECT_EQ(rig.state.phase, Phase::ready);
  EXPECT_EQ(rig.reply_to(5), Errc::io);
  EXPECT_FALSE(rig.called("backup_complete 0"));
  rig.ask(EventKind::end, 6).run();
  EXPECT_FALSE(rig.called("truncate_logs 0"));
}

TEST(BackupSession, NoReceiptNoCompletion) {
  Rig rig = backup(Phase::ready);
  rig.complete(false, {1, 1, 1});
  EXPECT_EQ(rig.reply_to(5), Errc::invalid_argument);
  EXPECT_EQ(rig.state.phase, Phase::ready);
  rig.ask(EventKind::end, 6).run();
  EXPECT_FALSE(rig.called("backup_complete 0"));
  EXPECT_TRUE(rig.called("shutdown 0"));
}

TEST(BackupSession, OnlyComponentsThatSucceededAreTruncated) {
  Rig rig = backup(Phase::ready);
  rig.complete(true, {1, 0, 1}).run();
  EXPECT_TRUE(rig.called("truncate_logs 0"));
  EXPECT_FALSE(rig.called("truncate_logs 1"));
  EXPECT_TRUE(rig.called("backup_complete 1"));
}

TEST(BackupSession, StreamingOnlyNeedsNoSnapshot) {
  Rig rig = backup(Phase::prepared);
  rig.writer_event(EventKind::open_stream, 1, 1, 7);
  EXPECT_EQ(rig.state.phase, Phase::ready);
  EXPECT_EQ(rig.calls(), Calls{"open_stream 1"});
  rig.answer(1);
  EXPECT_EQ(rig.reply_to(7), std::nullopt);
  rig.complete(true, {0, 1, 0}).run();
  EXPECT_EQ(rig.state.phase, Phase::completed);
  EXPECT_TRUE(rig.called("truncate_logs 1"));
  EXPECT_FALSE(rig.called("freeze 1"));
}

TEST(BackupSession, StreamCallsToABusyOrUnfitWriterSayWhy) {
  Rig rig = backup(Phase::ready);
  rig.writer_event(EventKind::open_stream, 1, 1, 7);
  rig.writer_event(EventKind::list_logs, 1, 1, 8);
  EXPECT_EQ(rig.reply_to(8), Errc::in_progress);
  rig.complete(true, {1, 1, 1});
  EXPECT_EQ(rig.reply_to(5), Errc::in_progress);
  rig.fire(EventKind::call_timeout, 1);
  EXPECT_EQ(rig.reply_to(7), Errc::timed_out);
  rig.writer_event(EventKind::writer_gone, 1);
  rig.writer_event(EventKind::open_stream, 1, 1, 9);
  EXPECT_EQ(rig.reply_to(9), Errc::writer_gone);
  rig.writer_event(EventKind::open_stream, 17, 1, 10);
  EXPECT_EQ(rig.reply_to(10), Errc::not_found);
}

TEST(BackupSession, PersistentSnapshotsOutliveTheSession) {
  Rig rig(backup(Phase::prepared));
  rig.auto_release = false;
  rig.snapshot({{Atomicity::volume, 1}, {Atomicity::file, 2}}, {1, 2, 3}).run();
  rig.ask(EventKind::end, 6).run();
  EXPECT_EQ(rig.state.phase, Phase::ended);
  EXPECT_FALSE(rig.called("remove of 0"));
  EXPECT_EQ(rig.last_record(), Record::session_closed);
}

TEST(BackupSession, RequestThatDoesNotFitNamesPhaseAndWhatDoes) {
  Rig rig = backup(Phase::gathered);
  rig.ask(EventKind::snapshot, 9);
  EXPECT_EQ(rig.reply_to(9), Errc::wrong_state);
  const auto message = wrong_state_message(session_table(), Phase::gathered, EventKind::snapshot);
  EXPECT_NE(message.find("gathered"), std::string::npos);
  EXPECT_NE(message.find("prepare"), std::string::npos);
}

// ---- trouble with providers, journal, requestor, machine

TEST(BackupSession, AnyProviderFailureUndoesTheWholeSet) {
  for (Phase phase : {Phase::provider_preparing, Phase::pre_committing, Phase::committing,
                      Phase::post_committing, Phase::finalizing, Phase::sealing}) {
    Rig rig = backup(phase, ConsistencyPolicy::skip);
    rig.provider_answers(1, Errc::provider_veto);
    EXPECT_EQ(rig.state.phase, Phase::aborting) << to_string(phase);
    EXPECT_EQ(rig.reply_to(4), Errc::provider_veto);
    EXPECT_EQ(rig.calls(), (Calls{"abort 0", "abort 2", "abort 1", "abort of 0", "abort of 1"}));
    rig.run();
    EXPECT_EQ(rig.state.phase, Phase::ended);
    EXPECT_FALSE(rig.state.turn_taken);
  }
}

TEST(BackupSession, LateCutIsAborted) {
  Rig rig = backup(Phase::committing);
  Event late;
  late.kind = EventKind::provider_answered;
  late.group = 0;
  late.seq = rig.state.groups[0].call;
  rig.fire(EventKind::commit_timeout);
  rig.all_providers_answer().all_writers_answer();
  ASSERT_EQ(rig.state.phase, Phase::shutting_down);
  rig.send(late);
  EXPECT_EQ(rig.calls(), Calls{"abort of 0"});
  rig.run();
  EXPECT_EQ(rig.state.phase, Phase::ended);
  EXPECT_FALSE(drained(rig.state));
  Event undone;
  undone.kind = EventKind::provider_answered;
  undone.group = 0;
  undone.seq = rig.state.groups[0].side_call;
  rig.send(undone);
  EXPECT_TRUE(drained(rig.state));
  rig.send(late);  // a duplicate owes nothing more
  EXPECT_TRUE(rig.actions.empty());
}

TEST(BackupSession, VanishedRequestorIsAnAbortWithoutReplies) {
  Rig rig = backup(Phase::committing);
  rig.history.clear();
  rig.happens(EventKind::requestor_gone).run();
  EXPECT_EQ(rig.state.phase, Phase::ended);
  for (const Action& action : rig.history) EXPECT_NE(action.kind, ActionKind::reply);
  EXPECT_TRUE(rig.called("shutdown 0"));
}

TEST(BackupSession, VanishedRequestorDoesNotStopACompletionUnderWay) {
  Rig rig = backup(Phase::completing);
  rig.happens(EventKind::requestor_gone).run();
  EXPECT_EQ(rig.state.phase, Phase::ended);
  EXPECT_TRUE(rig.called("truncate_logs 2"));
  EXPECT_TRUE(rig.called("remove of 0"));
}

TEST(BackupSession, AbortIsIdempotent) {
  Rig rig = backup(Phase::freezing);
  rig.ask(EventKind::abort, 10).ask(EventKind::abort, 11).ask(EventKind::abort, 12);
  EXPECT_EQ(rig.reply_to(11), std::nullopt);
  EXPECT_EQ(rig.reply_to(4), Errc::cancelled);
  rig.run();
  rig.ask(EventKind::abort, 13);
  EXPECT_EQ(rig.reply_to(10), std::nullopt);
  EXPECT_EQ(rig.reply_to(13), std::nullopt);
  const auto calls = Rig::calls_in(rig.history);
  EXPECT_EQ(std::count(calls.begin(), calls.end(), "abort 1"), 1);
}

TEST(BackupSession, SuspendInsideTheHoldFailsTheSet) {
  for (Phase phase : {Phase::freezing, Phase::pre_committing, Phase::committing,
                      Phase::post_committing, Phase::thawing}) {
    Rig rig = backup(phase);
    rig.happens(EventKind::suspended);
    EXPECT_EQ(rig.state.phase, Phase::aborting);
    EXPECT_EQ(rig.reply_to(4), Errc::hold_broken);
  }
}

TEST(BackupSession, CommitLimitSpansItsThreePhases) {
  for (Phase phase : {Phase::pre_committing, Phase::committing, Phase::post_committing}) {
    Rig rig = backup(phase);
    rig.fire(EventKind::commit_timeout);
    EXPECT_EQ(rig.reply_to(4), Errc::timed_out);
    EXPECT_EQ(rig.state.phase, Phase::aborting);
  }
}

TEST(BackupSession, UnprovenHoldFailsARequiredComponentAndDegradesATolerantOne) {
  for (const auto policy : {ConsistencyPolicy::require, ConsistencyPolicy::allow_degraded}) {
    Rig rig = backup(Phase::thawing, policy);
    rig.held_until = rig.now - std::chrono::seconds(1);  // ended before the cut
    rig.run(Phase::finalizing);
    if (policy == ConsistencyPolicy::require) {
      EXPECT_EQ(rig.reply_to(4), Errc::hold_broken);
      continue;
    }
    rig.run();
    ASSERT_EQ(rig.state.phase, Phase::ready);
    EXPECT_EQ(rig.state.components[0].label, Consistency::crash_consistent);
    EXPECT_EQ(rig.state.components[1].label, Consistency::fuzzy);  // cut file by file
    EXPECT_EQ(rig.state.components[2].label, Consistency::fuzzy);  // two cuts
    rig.complete(true, {1, 1, 1}).run();
    EXPECT_FALSE(rig.called("truncate_logs 0"));
  }
}

TEST(BackupSession, WaitingForATurnIsBoundedAndCanBeRepeated) {
  Rig rig = backup(Phase::queued);
  rig.fire(EventKind::phase_timeout);
  EXPECT_EQ(rig.state.phase, Phase::prepared);
  EXPECT_EQ(rig.reply_to(4), Errc::in_progress);
  EXPECT_TRUE(rig.acted(ActionKind::release_turns));
  rig.history.clear();
  rig.snapshot({{Atomicity::volume, 1}, {Atomicity::file, 2}}, {1, 2, 3}).run();
  EXPECT_EQ(rig.state.phase, Phase::ready);
}

TEST(BackupSession, SnapshotsThatCannotBeDeletedAreLeftToTheReaper) {
  Rig rig = backup(Phase::completed);
  rig.ask(EventKind::end, 6);
  rig.provider_answers(0, Errc::io).provider_answers(1);
  rig.run();
  EXPECT_EQ(rig.last_record(), Record::session_left_snapshots);
}

}  // namespace
}  // namespace stillframe::machine::tests
