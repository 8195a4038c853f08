#include <algorithm>

#include "framework/coordinator/machine/context.hpp"

namespace stillframe::machine {
namespace {

void remove_snapshots_of(Context& context, Duration limit) {
  State& state = context.state;
  if (!state.auto_release) return;
  for (GroupIndex i = 0; i < state.groups.size(); ++i) {
    if (state.groups[i].undone) continue;
    call_group(context, i, ProviderStep::remove, limit);
  }
}

bool leaves_snapshots(const State& state) {
  return std::any_of(state.groups.begin(), state.groups.end(), [&](const GroupSlot& group) {
    return group.begun && !group.undone && !(state.sealed && !state.auto_release);
  });
}

}  // namespace

void record_end(Context& context) {
  context.emit(ActionKind::journal).record =
      leaves_snapshots(context.state) ? Record::session_left_snapshots : Record::session_closed;
}

// Everybody who did something for the session undoes it, those deepest in the hold first.
void abort_all(Context& context) {
  State& state = context.state;
  const Duration limit = state.options.limits.abort;
  abandon_calls(context);
  cancel(context, TimerKind::commit, kNone, state.commit_timer);
  state.commit_timer = 0;
  if (!state.failure) {
    state.failure = FirstFailure{failure_of(context.event), state.phase, context.event.kind,
                                 context.event.writer, context.event.group};
  }
  for (int level = kFreezeLevels - 1; level >= 0; --level) {
    for (WriterIndex i = 0; i < state.writers.size(); ++i) {
      const WriterSlot& writer = state.writers[i];
      if (static_cast<int>(writer.level) != level) continue;
      end_hold_watch(context, i);
      if (writer.engaged && writer.alive && !writer.dropped) {
        call_writer(context, i, Verb::abort, limit);
      }
    }
  }
  if (state.sealed) return remove_snapshots_of(context, limit);
  for (GroupIndex i = 0; i < state.groups.size(); ++i) {
    if (state.groups[i].begun && state.groups[i].alive) {
      call_group(context, i, ProviderStep::abort, limit);
    }
  }
}

void remove_snapshots(Context& context) {
  abandon_calls(context);
  if (context.state.sealed) remove_snapshots_of(context, context.state.options.limits.finalize);
}

void close_session(Context& context) {
  State& state = context.state;
  reply(context, state.abort_pending, std::nullopt);
  reply(context, state.end_pending, std::nullopt);
  state.abort_pending = state.end_pending = 0;
  const bool journalled =
      state.receipt_recorded || std::any_of(state.groups.begin(), state.groups.end(),
                                            [](const auto& group) { return group.begun; });
  if (journalled) record_end(context);
}

}  // namespace stillframe::machine
