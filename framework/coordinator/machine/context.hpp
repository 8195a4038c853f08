// What guards and effects work on, and the few moves that many effects share.
#pragma once

#include "framework/coordinator/machine/machine.hpp"

namespace stillframe::machine {

// One row being tried or taken. References live for the duration of step().
struct Context {
  State& state;
  const Event& event;
  BootTime now;
  Actions& actions;

  CallSeq next_seq() { return ++state.last_seq; }
  Action& emit(ActionKind kind) {
    Action& action = actions.emplace_back();
    action.kind = kind;
    return action;
  }
  WriterSlot& writer() { return state.writers[event.writer]; }
  GroupSlot& group() { return state.groups[event.group]; }
};

// Implemented in guards.cpp and effects*.cpp.
bool holds(Guard guard, const State& state, const Event& event) noexcept;
void apply(Effect effect, Context& context);

// ---- shared moves (moves.cpp)

void reply(Context& context, RequestId request, std::optional<Errc> failure);
void arm(Context& context, TimerKind timer, std::uint32_t writer, CallSeq seq, Duration after);
void cancel(Context& context, TimerKind timer, std::uint32_t writer, CallSeq seq);

// The call that the session waits for. A writer has one at a time.
void call_writer(Context& context, WriterIndex index, Verb verb, Duration limit);
// A call beside the session's course: thaw or abort for a writer that was left behind.
void call_aside(Context& context, WriterIndex index, Verb verb);
void call_group(Context& context, GroupIndex index, ProviderStep step, Duration limit);
// Nobody waits for what is outstanding; requests those calls were made for are answered cancelled.
void abandon_calls(Context& context);
// The hold's timer and heartbeat end; the debt of a thaw stays until the writer answers.
void end_hold_watch(Context& context, WriterIndex index);

// What the event means as an error; internal for an event that is none.
Errc failure_of(const Event& event) noexcept;
// No answer of a writer with this code leaves anything behind at the target.
bool certainly_refused(Errc code) noexcept;
Verb verb_of(EventKind request) noexcept;
// The writer's next component after `after` whose logs are due; kNone when there is none.
ComponentIndex next_truncation(const State& state, const WriterSlot& writer, ComponentIndex after);
// Why the request of this event cannot be served now; none when it can.
std::optional<Errc> objection(const State& state, const Event& event) noexcept;

// ---- effects by subject

void take_answer(Context& context);  // effects_answers.cpp
void take_group_answer(Context& context);
void take_operation(Context& context);
void take_side_answer(Context& context);
void abort_all(Context& context);  // effects_ending.cpp
void remove_snapshots(Context& context);
void close_session(Context& context);
void record_end(Context& context);        // what the journal is to believe from now on
void call_restore_end(Context& context);  // effects_restore.cpp
void call_pre_restore(Context& context);
void call_post_restore(Context& context);
void rejoin(Context& context);
void call_for_requestor(Context& context);  // effects_requests.cpp
void note_request(Context& context);
void note_writers(Context& context);
void note_selection(Context& context);
void note_set(Context& context);
void note_results(Context& context);

}  // namespace stillframe::machine
