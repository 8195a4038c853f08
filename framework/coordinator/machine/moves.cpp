#include "framework/base/check.hpp"
#include "framework/coordinator/machine/context.hpp"

namespace stillframe::machine {

void reply(Context& context, RequestId request, std::optional<Errc> failure) {
  if (request == 0) return;
  Action& action = context.emit(ActionKind::reply);
  action.request = request;
  action.failure = failure;
}

void arm(Context& context, TimerKind timer, std::uint32_t writer, CallSeq seq, Duration after) {
  Action& action = context.emit(ActionKind::arm_timer);
  action.timer = timer;
  action.writer = writer;
  action.seq = seq;
  action.deadline = context.now + after;
}

void cancel(Context& context, TimerKind timer, std::uint32_t writer, CallSeq seq) {
  if (seq == 0) return;
  Action& action = context.emit(ActionKind::cancel_timer);
  action.timer = timer;
  action.writer = writer;
  action.seq = seq;
}

void call_writer(Context& context, WriterIndex index, Verb verb, Duration limit) {
  WriterSlot& writer = context.state.writers[index];
  STILLFRAME_CHECK(writer.call == 0, "a writer has one call at a time");
  writer.call = context.next_seq();
  writer.verb = verb;
  writer.request = 0;
  writer.call_component = kNone;
  ++context.state.outstanding;
  Action& action = context.emit(ActionKind::call_writer);
  action.writer = index;
  action.verb = verb;
  action.seq = writer.call;
  action.deadline = context.now + limit;
}

void call_aside(Context& context, WriterIndex index, Verb verb) {
  WriterSlot& writer = context.state.writers[index];
  writer.side_call = context.next_seq();
  Action& action = context.emit(ActionKind::call_writer);
  action.writer = index;
  action.verb = verb;
  action.seq = writer.side_call;
  action.deadline = context.now + context.state.options.limits.abort;
}

void call_group(Context& context, GroupIndex index, ProviderStep step, Duration limit) {
  GroupSlot& group = context.state.groups[index];
  STILLFRAME_CHECK(group.call == 0, "a provider has one call of a set at a time");
  group.call = context.next_seq();
  group.step = step;
  ++context.state.outstanding;
  Action& action = context.emit(ActionKind::call_provider);
  action.group = index;
  action.step = step;
  action.seq = group.call;
  action.deadline = context.now + limit;
}

void abandon_calls(Context& context) {
  State& state = context.state;
  for (WriterIndex i = 0; i < state.writers.size(); ++i) {
    WriterSlot& writer = state.writers[i];
    if (writer.call == 0) continue;
    Action& action = context.emit(ActionKind::give_up_call);
    action.writer = i;
    action.seq = writer.call;
    if (writer.call_timed) cancel(context, TimerKind::call, i, writer.call);
    reply(context, writer.request, Errc::cancelled);
    writer.call = 0;
    writer.request = 0;
    writer.call_timed = false;
  }
  for (GroupSlot& group : state.groups) group.call = 0;
  for (WriterSlot& writer : state.writers) writer.awaited = false;
  state.operation = 0;
  state.outstanding = 0;
}

void end_hold_watch(Context& context, WriterIndex index) {
  WriterSlot& writer = context.state.writers[index];
  if (writer.hold_timer == 0) return;
  cancel(context, TimerKind::hold, index, writer.hold_timer);
  writer.hold_timer = 0;
  context.emit(ActionKind::stop_heartbeat).writer = index;
}

Errc failure_of(const Event& event) noexcept {
  if (event.failure) return *event.failure;
  switch (event.kind) {
    case EventKind::abort:
    case EventKind::end:
      return Errc::cancelled;
    case EventKind::requestor_gone:
      return Errc::disconnected;
    case EventKind::writer_gone:
      return Errc::writer_gone;
    case EventKind::provider_gone:
      return Errc::provider_failed;
    case EventKind::phase_timeout:
    case EventKind::commit_timeout:
    case EventKind::hold_timeout:
    case EventKind::call_timeout:
    case EventKind::start_timeout:
      return Errc::timed_out;
    case EventKind::suspended:
      return Errc::hold_broken;
    default:
      return Errc::internal;
  }
}

bool certainly_refused(Errc code) noexcept {
  switch (code) {
    case Errc::invalid_argument:
    case Errc::wrong_state:
    case Errc::not_found:
    case Errc::not_supported:
    case Errc::access_denied:
    case Errc::interlocked:
    case Errc::in_use:
    case Errc::writer_retryable:
    case Errc::writer_fatal:
      return true;
    default:
      return false;
  }
}

Verb verb_of(EventKind request) noexcept {
  switch (request) {
    case EventKind::open_stream:
      return Verb::open_stream;
    case EventKind::close_stream:
      return Verb::close;
    case EventKind::list_logs:
      return Verb::list_logs;
    case EventKind::restore_prepare:
      return Verb::restore_prepare;
    case EventKind::restore_locations:
      return Verb::restore_locations;
    case EventKind::restore_register:
      return Verb::restore_register;
    case EventKind::restore_complete:
      return Verb::restore_complete;
    default:
      return Verb::identify;
  }
}

ComponentIndex next_truncation(const State& state, const WriterSlot& writer, ComponentIndex after) {
  ComponentIndex i =
      after == kNone ? writer.first_component : state.components[after].next_of_writer;
  while (i != kNone && !state.components[i].truncate_due) i = state.components[i].next_of_writer;
  return i;
}

namespace {

std::optional<Errc> objection_to_component(const State& state, const Event& event) noexcept {
  if (event.component >= state.components.size() ||
      state.components[event.component].writer != event.writer) {
    return Errc::not_found;
  }
  const bool open = state.components[event.component].staged == ComponentSlot::Staged::registered;
  if (event.kind == EventKind::restore_complete) {
    return open ? std::nullopt : std::optional(Errc::wrong_state);
  }
  if (open) return Errc::interlocked;
  return state.writers[event.writer].authorised ? std::nullopt : std::optional(Errc::wrong_state);
}

}  // namespace

std::optional<Errc> objection(const State& state, const Event& event) noexcept {
  if (event.kind == EventKind::complete) {
    const bool valid = event.complete != nullptr && event.complete->receipt_valid;
    return valid ? Errc::in_progress : Errc::invalid_argument;
  }
  if (event.kind == EventKind::post_restore) return Errc::interlocked;
  if (event.writer >= state.writers.size()) return Errc::not_found;
  const WriterSlot& writer = state.writers[event.writer];
  if (!writer.selected) return Errc::not_found;
  const std::uint32_t needed = required_capability(verb_of(event.kind)).bits;
  if ((writer.capabilities.bits & needed) != needed) return Errc::not_supported;
  if (!writer.alive || writer.failed) return Errc::writer_gone;
  if (writer.call != 0) return Errc::in_progress;
  if (event.kind == EventKind::restore_register || event.kind == EventKind::restore_complete) {
    return objection_to_component(state, event);
  }
  return std::nullopt;
}

}  // namespace stillframe::machine
