// The session machine: step(state, event, now) -> actions. Pure: no clock, no sockets, no threads.
//
// A driver keeps one State per session, hands every event to step() in the order it happened, and
// carries out the actions in their order. Answers may come late, twice or never; each carries the
// `seq` of its call, and one that nobody waits for is ignored - except that a late freeze is thawed
// and a late cut is aborted. When an ended session is drained() the driver may forget it.
#pragma once

#include <string>

#include "framework/coordinator/machine/state.hpp"
#include "framework/coordinator/machine/table.hpp"

namespace stillframe::machine {

// Starts the bound of a new session's first phase; called once, before the first step().
void begin(State& state, BootTime now, Actions& actions);

// Appends what is to be done to `actions`. `taken`, if given, is told which rows were taken.
void step(const Table& table, State& state, const Event& event, BootTime now, Actions& actions,
          std::vector<RowIndex>* taken = nullptr);
inline void step(State& state, const Event& event, BootTime now, Actions& actions) {
  step(session_table(), state, event, now, actions);
}

// Whether the event answers a call, or fires a timer, that nobody waits for any more.
bool is_stale(const State& state, const Event& event) noexcept;

// The requests that have a row in `phase`.
std::vector<EventKind> permitted_requests(const Table& table, Phase phase);

// "snapshot is not possible while the session is gathered; permitted: select, prepare, ..."
std::string wrong_state_message(const Table& table, Phase phase, EventKind request);

}  // namespace stillframe::machine
