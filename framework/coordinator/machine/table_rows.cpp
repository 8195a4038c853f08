// The rows themselves. A rule covers one or more phases and events; rows() spreads it into one row
// a cell. Within a cell the order here is the order of the guards.
#include "framework/coordinator/machine/table_rows.hpp"

#include <initializer_list>
#include <optional>

namespace stillframe::machine {
namespace {

using enum Phase;
using E = EventKind;
using G = Guard;
using F = Effect;

struct Rule {
  std::vector<Phase> phases;
  std::vector<E> events;
  G guard;
  std::optional<Phase> next;  // none: stays
  std::initializer_list<F> effects;
};

constexpr std::optional<Phase> kStay = std::nullopt;

void spread(const Rule& rule, std::vector<Row>& rows) {
  for (Phase phase : rule.phases) {
    for (E event : rule.events) {
      Row row{phase, event, rule.guard, rule.next.value_or(phase), !rule.next, {}};
      std::size_t count = 0;
      for (F effect : rule.effects) row.effects[count++] = effect;
      rows.push_back(row);
    }
  }
}

void spread_all(std::initializer_list<Rule> rules, std::vector<Row>& rows) {
  for (const Rule& rule : rules) spread(rule, rows);
}

// From the first request to where writers have been asked to prepare. Nobody is owed anything yet,
// so every end is an end at once.
void beginning(std::vector<Row>& rows) {
  spread_all(
      {
          {{created},
           {E::gather},
           G::always,
           identifying,
           {F::note_request, F::note_writers, F::call_identify}},
          {{restore_created},
           {E::gather},
           G::always,
           restore_identifying,
           {F::note_request, F::note_writers, F::call_identify}},
          {{identifying, restore_identifying},
           {E::writer_answered, E::writer_gone, E::phase_timeout},
           G::always,
           kStay,
           {F::take_answer}},
          {{identifying}, {E::settled}, G::always, gathered, {F::reply_ok}},
          {{restore_identifying}, {E::settled}, G::always, restore_gathered, {F::reply_ok}},
          {{identifying, restore_identifying},
           {E::abort},
           G::always,
           ended,
           {F::fail_pending, F::abandon_calls, F::reply_now}},
          {{identifying, restore_identifying},
           {E::requestor_gone},
           G::always,
           ended,
           {F::forget_requestor, F::abandon_calls}},
          {{created, gathered, restore_created, restore_gathered},
           {E::abort, E::end},
           G::always,
           ended,
           {F::reply_now}},
          {{created, gathered, restore_created, restore_gathered},
           {E::requestor_gone, E::phase_timeout},
           G::always,
           ended,
           {}},
          {{gathered, restore_gathered},
           {E::select},
           G::always,
           kStay,
           {F::note_selection, F::reply_now}},
          {{gathered, restore_gathered}, {E::writer_gone}, G::always, kStay, {F::take_answer}},
          {{gathered},
           {E::prepare},
           G::always,
           preparing,
           {F::note_request, F::call_prepare_backup}},
      },
      rows);
}

// prepared: the fork between a snapshot, a hold for somebody else, streams, and neither.
void prepared_rows(std::vector<Row>& rows) {
  spread_all(
      {
          {{prepared},
           {E::snapshot, E::hold_begin},
           G::always,
           queued,
           {F::note_request, F::note_set, F::take_turns}},
          {{prepared},
           {E::open_stream, E::list_logs},
           G::can_call,
           ready,
           {F::judge, F::call_for_requestor, F::time_call}},
          {{prepared}, {E::open_stream, E::list_logs}, G::always, kStay, {F::refuse}},
          {{prepared}, {E::complete}, G::receipt_invalid, kStay, {F::refuse}},
          {{prepared},
           {E::complete},
           G::always,
           journalling_receipt,
           {F::note_request, F::judge, F::note_results, F::journal_receipt}},
          {{prepared}, {E::abort, E::end}, G::always, aborting, {F::note_request, F::abort_all}},
          {{prepared}, {E::requestor_gone, E::phase_timeout}, G::always, aborting, {F::abort_all}},
          {{prepared}, {E::writer_gone}, G::fails_set, aborting, {F::take_answer, F::abort_all}},
          {{prepared}, {E::writer_gone}, G::always, kStay, {F::take_answer}},
      },
      rows);
}

// What a writer says or fails to say, up to the end of post_snapshot.
void writer_rows(std::vector<Row>& rows) {
  const std::vector<E> answers{E::writer_answered, E::writer_gone, E::phase_timeout};
  spread_all(
      {
          {{preparing, preparing_snapshot, post_snapshot},
           answers,
           G::fails_set,
           aborting,
           {F::take_answer, F::fail_pending, F::abort_all}},
          {{preparing, preparing_snapshot},
           {E::writer_answered, E::phase_timeout},
           G::always,
           kStay,
           {F::take_answer, F::drop_failed}},
          {{preparing, preparing_snapshot}, {E::writer_gone}, G::always, kStay, {F::take_answer}},
          {{post_snapshot},
           {E::writer_answered, E::writer_gone},
           G::always,
           kStay,
           {F::take_answer}},
          // Still owed: abort stands in for it, before the next session's turn on the writer.
          {{post_snapshot}, {E::phase_timeout}, G::always, kStay, {F::take_answer, F::drop_failed}},
          {{freezing},
           {E::writer_answered, E::writer_gone, E::hold_timeout},
           G::fails_set,
           aborting,
           {F::take_answer, F::fail_pending, F::abort_all}},
          {{freezing},
           {E::writer_answered, E::hold_timeout},
           G::always,
           kStay,
           {F::take_answer, F::drop_failed}},
          {{freezing}, {E::writer_gone}, G::always, kStay, {F::take_answer}},
          {{pre_committing, committing, post_committing},
           {E::hold_timeout},
           G::fails_set,
           aborting,
           {F::take_answer, F::fail_pending, F::abort_all}},
          {{holding}, {E::hold_timeout}, G::fails_set, aborting, {F::take_answer, F::abort_all}},
          {{pre_committing, committing, post_committing, holding},
           {E::hold_timeout},
           G::always,
           kStay,
           {F::take_answer, F::drop_failed}},
          {{thawing},
           {E::writer_answered, E::phase_timeout, E::hold_timeout},
           G::always,
           kStay,
           {F::take_answer, F::drop_failed}},
          {{thawing}, {E::writer_gone}, G::always, kStay, {F::take_answer}},
          {{queued, recording_intent, provider_preparing, flushing, pre_committing, committing,
            post_committing, finalizing},
           {E::writer_gone},
           G::fails_set,
           aborting,
           {F::take_answer, F::fail_pending, F::abort_all}},
          {{holding}, {E::writer_gone}, G::fails_set, aborting, {F::take_answer, F::abort_all}},
          {{queued, recording_intent, provider_preparing, flushing, holding, pre_committing,
            committing, post_committing, finalizing, sealing, recording_set},
           {E::writer_gone},
           G::always,
           kStay,
           {F::take_answer}},
          {{preparing, preparing_snapshot, freezing, post_snapshot, completing, pre_restoring},
           {E::component_failed},
           G::always,
           kStay,
           {F::note_component}},
      },
      rows);
}

// All providers or none: whatever one of them fails at ends the set.
void provider_rows(std::vector<Row>& rows) {
  spread_all(
      {
          {{provider_preparing, pre_committing, committing, post_committing, finalizing, sealing},
           {E::provider_answered},
           G::operation_failed,
           aborting,
           {F::take_group_answer, F::fail_pending, F::abort_all}},
          {{provider_preparing},
           {E::provider_answered},
           G::begin_prepared,
           kStay,
           {F::take_group_answer, F::call_end_prepare}},
          {{provider_preparing, pre_committing, committing, post_committing, finalizing, sealing},
           {E::provider_answered},
           G::always,
           kStay,
           {F::take_group_answer}},
          {{provider_preparing, flushing, freezing, pre_committing, committing, post_committing,
            thawing, finalizing, post_snapshot, sealing, recording_set},
           {E::provider_gone},
           G::always,
           aborting,
           {F::take_group_answer, F::fail_pending, F::abort_all}},
          {{pre_committing, committing, post_committing},
           {E::commit_timeout},
           G::always,
           aborting,
           {F::fail_pending, F::abort_all}},
      },
      rows);
}

// The way of a set that meets no trouble, and the troubles that are nobody's in particular.
void set_rows(std::vector<Row>& rows) {
  spread_all(
      {
          {{preparing}, {E::settled}, G::always, prepared, {F::reply_ok}},
          {{queued},
           {E::turn_granted},
           G::hold_only,
           preparing_snapshot,
           {F::take_operation, F::call_prepare_snapshot}},
          {{queued},
           {E::turn_granted},
           G::always,
           recording_intent,
           {F::take_operation, F::journal_intent}},
          {{queued}, {E::turn_refused}, G::always, prepared, {F::take_operation, F::fail_pending}},
          {{queued}, {E::phase_timeout}, G::always, prepared, {F::release_turns, F::fail_pending}},
          {{recording_intent, recording_set},
           {E::journalled},
           G::operation_failed,
           aborting,
           {F::fail_pending, F::abort_all}},
          {{recording_intent},
           {E::journalled},
           G::always,
           preparing_snapshot,
           {F::take_operation, F::call_prepare_snapshot}},
          {{preparing_snapshot}, {E::settled}, G::hold_only, flushing, {F::flush}},
          {{preparing_snapshot},
           {E::settled},
           G::always,
           provider_preparing,
           {F::call_begin_prepare}},
          {{provider_preparing}, {E::settled}, G::always, flushing, {F::flush}},
          {{flushing},
           {E::flushed},
           G::operation_failed,
           aborting,
           {F::fail_pending, F::abort_all}},
          {{flushing}, {E::flushed}, G::always, freezing, {F::take_operation}},
          {{freezing}, {E::settled}, G::more_freeze_levels, kStay, {F::freeze_next_level}},
          {{freezing}, {E::settled}, G::hold_only, holding, {F::note_all_frozen, F::reply_ok}},
          {{freezing},
           {E::settled},
           G::always,
           pre_committing,
           {F::arm_commit, F::call_pre_commit}},
          {{holding}, {E::hold_end}, G::always, thawing, {F::note_request, F::note_foreign_cut}},
          {{pre_committing}, {E::settled}, G::always, committing, {F::call_commit}},
          {{committing}, {E::settled}, G::always, post_committing, {F::call_post_commit}},
          {{post_committing}, {E::settled}, G::always, thawing, {F::cancel_commit}},
          {{thawing}, {E::settled}, G::more_thaw_levels, thawing, {F::thaw_next_level}},
          {{thawing}, {E::settled}, G::proof_missing, aborting, {F::fail_proof, F::abort_all}},
          {{thawing}, {E::settled}, G::hold_only, ready, {F::judge, F::release_turns, F::reply_ok}},
          {{thawing}, {E::settled}, G::always, finalizing, {F::call_pre_final}},
          {{finalizing}, {E::settled}, G::always, post_snapshot, {F::call_post_snapshot}},
          {{post_snapshot}, {E::settled}, G::always, sealing, {F::judge, F::call_post_final}},
          {{sealing}, {E::settled}, G::always, recording_set, {F::journal_set}},
          {{recording_set},
           {E::journalled},
           G::always,
           ready,
           {F::take_operation, F::seal, F::release_turns, F::reply_ok}},
          {{recording_intent, provider_preparing, flushing, finalizing, sealing, recording_set},
           {E::phase_timeout},
           G::always,
           aborting,
           {F::fail_pending, F::abort_all}},
          {{freezing, pre_committing, committing, post_committing, thawing},
           {E::suspended},
           G::always,
           aborting,
           {F::fail_pending, F::abort_all}},
          {{holding}, {E::suspended}, G::always, aborting, {F::abort_all}},
          {{holding}, {E::abort, E::end}, G::always, aborting, {F::note_request, F::abort_all}},
          {{holding}, {E::requestor_gone, E::phase_timeout}, G::always, aborting, {F::abort_all}},
          {{preparing, queued, recording_intent, preparing_snapshot, provider_preparing, flushing,
            freezing, pre_committing, committing, post_committing, thawing, finalizing,
            post_snapshot, sealing, recording_set, journalling_receipt},
           {E::abort},
           G::always,
           aborting,
           {F::note_request, F::fail_pending, F::abort_all}},
          {{preparing, queued, recording_intent, preparing_snapshot, provider_preparing, flushing,
            freezing, pre_committing, committing, post_committing, thawing, finalizing,
            post_snapshot, sealing, recording_set, journalling_receipt},
           {E::requestor_gone},
           G::always,
           aborting,
           {F::forget_requestor, F::abort_all}},
      },
      rows);
}

// The requestor copies; then the receipt, then truncation.
void completion_rows(std::vector<Row>& rows) {
  spread_all(
      {
          {{ready},
           {E::open_stream, E::close_stream, E::list_logs},
           G::can_call,
           kStay,
           {F::call_for_requestor, F::time_call}},
          {{ready}, {E::open_stream, E::close_stream, E::list_logs}, G::always, kStay, {F::refuse}},
          {{ready},
           {E::writer_answered, E::writer_gone, E::call_timeout},
           G::always,
           kStay,
           {F::take_answer}},
          {{ready}, {E::complete}, G::receipt_invalid, kStay, {F::refuse}},
          {{ready}, {E::complete}, G::call_under_way, kStay, {F::refuse}},
          {{ready},
           {E::complete},
           G::always,
           journalling_receipt,
           {F::note_request, F::note_results, F::journal_receipt}},
          {{ready}, {E::end}, G::always, releasing, {F::note_request, F::remove_snapshots}},
          {{ready}, {E::abort}, G::always, aborting, {F::note_request, F::abort_all}},
          {{ready}, {E::requestor_gone}, G::always, aborting, {F::forget_requestor, F::abort_all}},
          {{ready}, {E::phase_timeout}, G::always, aborting, {F::abort_all}},
          {{journalling_receipt},
           {E::journalled},
           G::operation_failed,
           ready,
           {F::take_operation, F::fail_pending}},
          {{journalling_receipt},
           {E::journalled},
           G::always,
           completing,
           {F::take_operation, F::call_backup_complete}},
          {{journalling_receipt},
           {E::phase_timeout},
           G::always,
           ready,
           {F::take_operation, F::fail_pending}},
          {{journalling_receipt, completed}, {E::writer_gone}, G::always, kStay, {F::take_answer}},
          {{completing},
           {E::writer_answered},
           G::truncation_due,
           kStay,
           {F::take_answer, F::truncate_next}},
          {{completing},
           {E::writer_answered, E::writer_gone, E::phase_timeout},
           G::always,
           kStay,
           {F::take_answer}},
          {{completing}, {E::abort}, G::always, kStay, {F::note_request}},
          {{completing}, {E::requestor_gone}, G::always, kStay, {F::forget_requestor}},
          {{completing}, {E::settled}, G::closing, releasing, {F::reply_ok, F::remove_snapshots}},
          {{completing}, {E::settled}, G::always, completed, {F::reply_ok}},
          {{completed},
           {E::abort, E::end},
           G::always,
           releasing,
           {F::note_request, F::remove_snapshots}},
          {{completed},
           {E::requestor_gone, E::phase_timeout},
           G::always,
           releasing,
           {F::remove_snapshots}},
      },
      rows);
}

void ending_rows(std::vector<Row>& rows) {
  spread_all(
      {
          {{aborting},
           {E::phase_timeout},
           G::always,
           kStay,
           {F::take_answer, F::take_group_answer}},
          {{aborting}, {E::writer_answered, E::writer_gone}, G::always, kStay, {F::take_answer}},
          {{aborting, releasing},
           {E::provider_answered, E::provider_gone},
           G::always,
           kStay,
           {F::take_group_answer}},
          {{aborting},
           {E::settled},
           G::always,
           shutting_down,
           {F::release_turns, F::call_shutdown}},
          {{releasing}, {E::phase_timeout}, G::always, kStay, {F::take_group_answer}},
          {{releasing}, {E::writer_gone}, G::always, kStay, {F::take_answer}},
          {{releasing}, {E::settled}, G::always, shutting_down, {F::call_shutdown}},
          {{shutting_down, restore_ending},
           {E::writer_answered, E::writer_gone, E::phase_timeout},
           G::always,
           kStay,
           {F::take_answer}},
          {{shutting_down, restore_ending}, {E::settled}, G::always, ended, {F::close_session}},
          {{aborting, releasing, shutting_down, restore_ending},
           {E::abort, E::end},
           G::always,
           kStay,
           {F::note_request}},
          {{aborting, releasing, shutting_down, restore_ending},
           {E::requestor_gone},
           G::always,
           kStay,
           {F::forget_requestor}},
          {{ended}, {E::abort, E::end}, G::always, kStay, {F::reply_now}},
      },
      rows);
}

// From register to complete a target is interlocked, and nothing but complete undoes that: every
// other way out leaves it to `restore resume` or `restore abandon`.
void restore_rows(std::vector<Row>& rows) {
  const std::vector<Phase> one_call{restore_preparing, locating, registering, restore_completing};
  spread_all(
      {
          {{restore_gathered, pre_restored, copying},
           {E::writer_returned},
           G::always,
           kStay,
           {F::rejoin}},
          {{restore_gathered},
           {E::pre_restore},
           G::always,
           pre_restoring,
           {F::note_request, F::call_pre_restore}},
          {{pre_restoring},
           {E::writer_answered, E::writer_gone, E::phase_timeout},
           G::fails_set,
           restore_ending,
           {F::take_answer, F::fail_pending, F::call_restore_end}},
          {{pre_restoring},
           {E::writer_answered, E::writer_gone, E::phase_timeout},
           G::always,
           kStay,
           {F::take_answer}},
          {{pre_restoring}, {E::settled}, G::always, pre_restored, {F::reply_ok}},
          {{pre_restored, copying},
           {E::restore_prepare},
           G::can_call,
           restore_preparing,
           {F::call_for_requestor}},
          {{pre_restored, copying},
           {E::restore_locations},
           G::can_call,
           locating,
           {F::call_for_requestor}},
          {{pre_restored, copying},
           {E::restore_register},
           G::can_register,
           registering,
           {F::call_for_requestor}},
          {{copying},
           {E::restore_complete},
           G::can_complete,
           restore_completing,
           {F::call_for_requestor}},
          {{pre_restored, copying},
           {E::restore_prepare, E::restore_locations, E::restore_register},
           G::always,
           kStay,
           {F::refuse}},
          {{copying}, {E::restore_complete, E::post_restore}, G::always, kStay, {F::refuse}},
          {{pre_restored, copying}, {E::file_status}, G::always, kStay, {F::reply_now}},
          {{pre_restored, copying}, {E::writer_gone}, G::always, kStay, {F::take_answer}},
          {one_call,
           {E::writer_answered, E::writer_gone, E::phase_timeout},
           G::always,
           kStay,
           {F::take_answer}},
          {one_call, {E::settled}, G::registration_open, copying, {}},
          {one_call, {E::settled}, G::always, pre_restored, {}},
          {one_call, {E::abort}, G::always, restore_ending, {F::note_request, F::call_restore_end}},
          {one_call,
           {E::requestor_gone},
           G::always,
           restore_ending,
           {F::forget_requestor, F::call_restore_end}},
          {{pre_restored},
           {E::post_restore},
           G::always,
           post_restoring,
           {F::note_request, F::call_post_restore}},
          {{post_restoring},
           {E::writer_answered, E::writer_gone, E::phase_timeout, E::start_timeout},
           G::always,
           kStay,
           {F::take_answer}},
          {{post_restoring},
           {E::writer_returned},
           G::awaited,
           kStay,
           {F::rejoin, F::call_post_restore}},
          {{post_restoring}, {E::settled}, G::always, restored, {F::reply_ok}},
          {{pre_restoring, post_restoring},
           {E::abort},
           G::always,
           restore_ending,
           {F::note_request, F::fail_pending, F::call_restore_end}},
          {{pre_restoring, post_restoring},
           {E::requestor_gone},
           G::always,
           restore_ending,
           {F::forget_requestor, F::call_restore_end}},
          {{pre_restored, copying, restored},
           {E::abort, E::end},
           G::always,
           restore_ending,
           {F::note_request, F::call_restore_end}},
          {{pre_restored, copying, restored},
           {E::requestor_gone, E::phase_timeout},
           G::always,
           restore_ending,
           {F::call_restore_end}},
      },
      rows);
}

}  // namespace

std::vector<Row> session_rows() {
  std::vector<Row> rows;
  beginning(rows);
  prepared_rows(rows);
  writer_rows(rows);
  provider_rows(rows);
  set_rows(rows);
  completion_rows(rows);
  ending_rows(rows);
  restore_rows(rows);
  return rows;
}

}  // namespace stillframe::machine
