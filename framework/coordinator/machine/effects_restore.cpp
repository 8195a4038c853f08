#include "framework/coordinator/machine/context.hpp"

namespace stillframe::machine {
namespace {

bool has_restore_events(const WriterSlot& writer) {
  return writer.selected && !writer.failed && writer.capabilities.has(Capability::restore_events);
}

}  // namespace

void call_pre_restore(Context& context) {
  State& state = context.state;
  for (WriterIndex i = 0; i < state.writers.size(); ++i) {
    if (!has_restore_events(state.writers[i])) continue;
    state.writers[i].engaged = true;
    call_writer(context, i, Verb::pre_restore, state.options.limits.restore);
  }
}

// To every writer, or to the one that came back. One that is away is called when it returns.
void call_post_restore(Context& context) {
  State& state = context.state;
  const Duration limit = state.options.limits.restore;
  if (context.event.kind == EventKind::writer_returned) {
    call_writer(context, context.event.writer, Verb::post_restore, limit);
    --state.outstanding;  // it was outstanding while it was away
    return;
  }
  const bool waits = state.options.limits.start_wait > Duration{0};
  for (WriterIndex i = 0; i < state.writers.size(); ++i) {
    if (!has_restore_events(state.writers[i])) continue;
    call_writer(context, i, Verb::post_restore, limit);
  }
  if (!waits || state.outstanding == 0) return;
  state.start_timer = context.next_seq();
  arm(context, TimerKind::start, kNone, state.start_timer, state.options.limits.start_wait);
}

void rejoin(Context& context) {
  WriterSlot& writer = context.writer();
  writer.alive = true;
  writer.awaited = false;
}

void call_restore_end(Context& context) {
  State& state = context.state;
  abandon_calls(context);
  cancel(context, TimerKind::start, kNone, state.start_timer);
  state.start_timer = 0;
  for (WriterIndex i = 0; i < state.writers.size(); ++i) {
    const WriterSlot& writer = state.writers[i];
    if (!writer.engaged || !writer.alive) continue;
    call_writer(context, i, Verb::restore_end, state.options.limits.shutdown);
  }
}

}  // namespace stillframe::machine
