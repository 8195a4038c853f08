// The transition table: what a session does, as data. docs/states.md is printed from it, a test
// walks every (phase, event) pair of it, and mutants are copies of it with one row changed.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>
#include <vector>

#include "framework/coordinator/machine/event.hpp"

namespace stillframe::machine {

// A question about (state, event); has no side effects. The first row whose guard holds is taken.
enum class Guard : std::uint8_t {
  always,
  hold_only,           // the session holds writers around somebody else's cut
  fails_set,           // what happened to the writer is more than its policy forgives
  more_freeze_levels,  // a level is still to be frozen
  more_thaw_levels,    // a level is still to be thawed
  proof_missing,       // a required component is not held by proof over all its cuts
  operation_failed,    // the answer says so
  begin_prepared,      // a provider began well and is to end its preparation
  closing,             // somebody ended the session while it could not be stopped
  receipt_invalid,     // none, or of another session
  call_under_way,      // some writer still works for an earlier request
  can_call,            // the named writer can take the verb now
  can_register,        // ... was authorised, and no registration is open for the component
  can_complete,        // ... and a registration is open for the component
  registration_open,   // some target is interlocked
  truncation_due,      // the writer did well and has a component whose logs may go
  awaited,             // post_restore waits for this writer's return
};
inline constexpr int kGuards = static_cast<int>(Guard::awaited) + 1;

// What a row does: changes the state and asks for actions.
enum class Effect : std::uint8_t {
  none,
  note_request,  // remembers whom to reply to
  note_writers,
  note_selection,
  note_set,
  note_results,       // receipt and what succeeded
  note_all_frozen,    // from now on somebody else may cut
  note_foreign_cut,   // and from now on no more
  take_answer,        // what a writer answered, or that it is gone or out of time
  take_group_answer,  // the same of a provider
  take_operation,     // the same of flush, journal and turns
  note_component,     // one component failed
  drop_failed,        // failed writers abort, beside the session's course
  forget_requestor,   // nobody is replied to any more
  reply_ok,           // to the pending request
  reply_now,          // ok, to this very request
  refuse,             // this very request, with the code the guard's failure means
  fail_pending,       // the pending request, with what went wrong
  fail_proof,         // the pending request, with hold_broken
  call_identify,
  call_prepare_backup,
  call_prepare_snapshot,
  freeze_next_level,
  thaw_next_level,
  call_post_snapshot,
  call_backup_complete,
  truncate_next,
  call_shutdown,
  call_begin_prepare,
  call_end_prepare,
  call_pre_commit,
  call_commit,
  call_post_commit,
  call_pre_final,
  call_post_final,
  remove_snapshots,
  abandon_calls,  // nobody waits for the answers still outstanding
  abort_all,      // every writer that took part and every provider that began
  take_turns,
  release_turns,
  flush,
  journal_intent,
  journal_set,
  journal_receipt,
  arm_commit,
  cancel_commit,
  judge,               // labels are final
  seal,                // the set is whole
  call_for_requestor,  // the verb of this request, to its writer
  time_call,           // ... with a timer of its own
  call_pre_restore,
  call_post_restore,
  call_restore_end,
  rejoin,         // the returned writer takes its place
  close_session,  // replies to all who wait, closes the journal entry
};
inline constexpr int kEffects = static_cast<int>(Effect::close_session) + 1;

std::string_view to_string(Guard guard) noexcept;
std::string_view to_string(Effect effect) noexcept;

inline constexpr std::size_t kEffectsMax = 6;

// `next` == `phase` with `stays` means an internal transition: the phase's timer runs on. A row
// that names its own phase without it enters the phase afresh.
struct Row {
  Phase phase = Phase::created;
  EventKind event = EventKind::settled;
  Guard guard = Guard::always;
  Phase next = Phase::created;
  bool stays = false;
  std::array<Effect, kEffectsMax> effects{};  // Effect::none after the last

  friend bool operator==(const Row&, const Row&) = default;
};

using RowIndex = std::uint16_t;

// Rows with an index by (phase, event). Immutable; share it between sessions and threads.
class Table {
 public:
  explicit Table(std::vector<Row> rows);

  const std::vector<Row>& rows() const noexcept { return rows_; }
  // In order; empty: the pair has the default of its event.
  std::span<const RowIndex> at(Phase phase, EventKind event) const noexcept;

 private:
  std::vector<Row> rows_;
  std::vector<RowIndex> order_;
  std::array<std::array<std::pair<std::uint16_t, std::uint16_t>, kEventKinds>, kPhases> cells_{};
};

// The one the coordinator runs.
const Table& session_table();

}  // namespace stillframe::machine
