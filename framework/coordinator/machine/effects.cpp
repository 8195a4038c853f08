#include "framework/coordinator/machine/context.hpp"

namespace stillframe::machine {
namespace {

void call_identify(Context& context) {
  for (WriterIndex i = 0; i < context.state.writers.size(); ++i) {
    call_writer(context, i, Verb::identify, context.state.options.limits.identify);
  }
}

void call_prepare_backup(Context& context) {
  State& state = context.state;
  for (WriterIndex i = 0; i < state.writers.size(); ++i) {
    if (!state.writers[i].selected) continue;
    state.writers[i].engaged = true;
    call_writer(context, i, Verb::prepare_backup, state.options.limits.prepare);
  }
}

bool has_something_to_hold(const State& state, const WriterSlot& writer) {
  if (!writer.selected || writer.failed || !writer.capabilities.has(Capability::snapshot)) {
    return false;
  }
  if (state.hold_only) return true;
  VolumeMask volumes = 0;
  for (ComponentIndex i = writer.first_component; i != kNone;) {
    volumes |= state.components[i].volumes;
    i = state.components[i].next_of_writer;
  }
  return volumes != 0;
}

void call_prepare_snapshot(Context& context) {
  State& state = context.state;
  for (WriterIndex i = 0; i < state.writers.size(); ++i) {
    if (!has_something_to_hold(state, state.writers[i])) continue;
    state.writers[i].takes_part = true;
    call_writer(context, i, Verb::prepare_snapshot, state.options.limits.prepare);
  }
}

void freeze_next_level(Context& context) {
  State& state = context.state;
  ++state.level;
  for (WriterIndex i = 0; i < state.writers.size(); ++i) {
    WriterSlot& writer = state.writers[i];
    if (static_cast<int>(writer.level) != state.level || !writer.takes_part || writer.failed)
      continue;
    writer.owes_thaw = true;  // before the call: a freeze that fails is owed a thaw too
    call_writer(context, i, Verb::freeze, writer.hold_limit);
    writer.freeze_call = writer.hold_timer = writer.call;
    arm(context, TimerKind::hold, i, writer.hold_timer, writer.hold_limit);
    context.emit(ActionKind::start_heartbeat).writer = i;
  }
}

void thaw_next_level(Context& context) {
  State& state = context.state;
  for (WriterIndex i = 0; i < state.writers.size(); ++i) {
    const WriterSlot& writer = state.writers[i];
    if (static_cast<int>(writer.level) != state.level || !writer.owes_thaw || writer.failed)
      continue;
    end_hold_watch(context, i);
    call_writer(context, i, Verb::thaw, state.options.limits.thaw);
  }
  --state.level;
}

void call_post_snapshot(Context& context) {
  State& state = context.state;
  for (WriterIndex i = 0; i < state.writers.size(); ++i) {
    if (!state.writers[i].takes_part || state.writers[i].failed) continue;
    call_writer(context, i, Verb::post_snapshot, state.options.limits.prepare);
  }
}

void call_backup_complete(Context& context) {
  State& state = context.state;
  for (WriterIndex i = 0; i < state.writers.size(); ++i) {
    if (!state.writers[i].engaged || state.writers[i].failed) continue;
    call_writer(context, i, Verb::backup_complete, state.options.limits.complete);
  }
}

void truncate_next(Context& context) {
  const WriterIndex index = context.event.writer;
  WriterSlot& writer = context.writer();
  const ComponentIndex component = next_truncation(context.state, writer, writer.call_component);
  call_writer(context, index, Verb::truncate_logs, context.state.options.limits.complete);
  writer.call_component = component;
  context.actions.back().component = component;
}

void call_shutdown(Context& context) {
  State& state = context.state;
  for (WriterIndex i = 0; i < state.writers.size(); ++i) {
    if (!state.writers[i].engaged || !state.writers[i].alive) continue;
    call_writer(context, i, Verb::shutdown, state.options.limits.shutdown);
  }
}

void call_all_groups(Context& context, ProviderStep step, Duration limit) {
  for (GroupIndex i = 0; i < context.state.groups.size(); ++i) {
    GroupSlot& group = context.state.groups[i];
    if (step == ProviderStep::begin_prepare) group.begun = true;
    call_group(context, i, step, limit);
    if (step == ProviderStep::commit) group.commit_call = group.call;
  }
}

void drop(Context& context, WriterIndex index) {
  WriterSlot& writer = context.state.writers[index];
  if (!writer.failed || writer.dropped || !writer.engaged) return;
  writer.dropped = true;
  end_hold_watch(context, index);
  if (writer.alive) call_aside(context, index, Verb::abort);
}

void drop_failed(Context& context) {
  if (context.event.writer != kNone) return drop(context, context.event.writer);
  for (WriterIndex i = 0; i < context.state.writers.size(); ++i) drop(context, i);
}

void note_component(Context& context) {
  ComponentSlot& component = context.state.components[context.event.component];
  component.failure = failure_of(context.event);
  component.truncate_due = false;
}

void note_foreign_cut(Context& context) {
  context.state.cuts.clear();
  context.state.cuts.push_back({0, context.state.all_frozen, context.now});
}

void forget_requestor(Context& context) {
  State& state = context.state;
  state.requestor_gone = state.closing = true;
  state.pending = state.abort_pending = state.end_pending = 0;
  for (WriterSlot& writer : state.writers) writer.request = 0;
}

void reply_pending(Context& context, std::optional<Errc> failure) {
  reply(context, context.state.pending, failure);
  context.state.pending = 0;
}

// Whose fault it is that the proof is missing: a writer that failed says more than "broken".
Errc missing_proof(const State& state) {
  for (const ComponentSlot& component : state.components) {
    const WriterSlot& writer = state.writers[component.writer];
    if (component.policy != ConsistencyPolicy::require || !writer.failed) continue;
    return writer.failure.value_or(Errc::hold_broken);
  }
  return Errc::hold_broken;
}

// A turn that was not given in time is a matter of who holds it, not of slowness.
Errc failure_for_requestor(const Context& context) {
  const bool queued = context.state.phase == Phase::queued;
  const bool late = context.event.kind == EventKind::phase_timeout;
  return queued && late ? Errc::in_progress : failure_of(context.event);
}

void take_turns(Context& context) {
  State& state = context.state;
  state.turn_taken = true;
  state.operation = context.next_seq();
  ++state.outstanding;
  Action& action = context.emit(ActionKind::take_turns);
  action.seq = state.operation;
  action.deadline = context.now + state.options.limits.queue;
}

void release_turns(Context& context) {
  State& state = context.state;
  if (!state.turn_taken) return;
  state.turn_taken = false;
  if (state.phase == Phase::queued) {  // not given yet
    --state.outstanding;
    state.operation = 0;
  }
  context.emit(ActionKind::release_turns);
}

void start_operation(Context& context, ActionKind kind, Record record, Duration limit) {
  State& state = context.state;
  state.operation = context.next_seq();
  ++state.outstanding;
  Action& action = context.emit(kind);
  action.record = record;
  action.seq = state.operation;
  action.deadline = context.now + limit;
}

void arm_commit(Context& context) {
  State& state = context.state;
  state.commit_timer = context.next_seq();
  arm(context, TimerKind::commit, kNone, state.commit_timer, state.options.limits.commit);
}

void cancel_commit(Context& context) {
  cancel(context, TimerKind::commit, kNone, context.state.commit_timer);
  context.state.commit_timer = 0;
}

void judge(Context& context) {
  for (ComponentSlot& component : context.state.components) {
    component.label = label_of(context.state, component);
  }
}

void time_call(Context& context) {
  WriterSlot& writer = context.writer();
  writer.call_timed = true;
  arm(context, TimerKind::call, context.event.writer, writer.call,
      context.state.options.limits.call);
}

}  // namespace

void apply(Effect effect, Context& context) {
  State& state = context.state;
  const Limits& limits = state.options.limits;
  const Event& event = context.event;
  switch (effect) {
    case Effect::none:
      return;
    case Effect::note_request:
      return note_request(context);
    case Effect::note_writers:
      return note_writers(context);
    case Effect::note_selection:
      return note_selection(context);
    case Effect::note_set:
      return note_set(context);
    case Effect::note_results:
      return note_results(context);
    case Effect::note_all_frozen:
      state.all_frozen = context.now;
      return;
    case Effect::note_foreign_cut:
      return note_foreign_cut(context);
    case Effect::take_answer:
      return take_answer(context);
    case Effect::take_group_answer:
      return take_group_answer(context);
    case Effect::take_operation:
      return take_operation(context);
    case Effect::note_component:
      return note_component(context);
    case Effect::drop_failed:
      return drop_failed(context);
    case Effect::forget_requestor:
      return forget_requestor(context);
    case Effect::reply_ok:
      return reply_pending(context, std::nullopt);
    case Effect::reply_now:
      return reply(context, event.request, std::nullopt);
    case Effect::refuse:
      return reply(context, event.request, objection(state, event).value_or(Errc::wrong_state));
    case Effect::fail_pending:
      return reply_pending(context, failure_for_requestor(context));
    case Effect::fail_proof:
      return reply_pending(context, missing_proof(state));
    case Effect::call_identify:
      return call_identify(context);
    case Effect::call_prepare_backup:
      return call_prepare_backup(context);
    case Effect::call_prepare_snapshot:
      return call_prepare_snapshot(context);
    case Effect::freeze_next_level:
      return freeze_next_level(context);
    case Effect::thaw_next_level:
      return thaw_next_level(context);
    case Effect::call_post_snapshot:
      return call_post_snapshot(context);
    case Effect::call_backup_complete:
      return call_backup_complete(context);
    case Effect::truncate_next:
      return truncate_next(context);
    case Effect::call_shutdown:
      return call_shutdown(context);
    case Effect::call_begin_prepare:
      return call_all_groups(context, ProviderStep::begin_prepare, limits.provider_prepare);
    case Effect::call_end_prepare:
      return call_group(context, event.group, ProviderStep::end_prepare, limits.provider_prepare);
    case Effect::call_pre_commit:
      return call_all_groups(context, ProviderStep::pre_commit, limits.commit);
    case Effect::call_commit:
      return call_all_groups(context, ProviderStep::commit, limits.commit);
    case Effect::call_post_commit:
      return call_all_groups(context, ProviderStep::post_commit, limits.commit);
    case Effect::call_pre_final:
      return call_all_groups(context, ProviderStep::pre_final, limits.finalize);
    case Effect::call_post_final:
      return call_all_groups(context, ProviderStep::post_final, limits.finalize);
    case Effect::remove_snapshots:
      return remove_snapshots(context);
    case Effect::abandon_calls:
      return abandon_calls(context);
    case Effect::abort_all:
      return abort_all(context);
    case Effect::take_turns:
      return take_turns(context);
    case Effect::release_turns:
      return release_turns(context);
    case Effect::flush:
      return start_operation(context, ActionKind::flush, Record::set_intended, limits.flush);
    case Effect::journal_intent:
      return start_operation(context, ActionKind::journal, Record::set_intended, limits.journal);
    case Effect::journal_set:
      return start_operation(context, ActionKind::journal, Record::set_created, limits.journal);
    case Effect::journal_receipt:
      return start_operation(context, ActionKind::journal, Record::receipt, limits.journal);
    case Effect::arm_commit:
      return arm_commit(context);
    case Effect::cancel_commit:
      return cancel_commit(context);
    case Effect::judge:
      return judge(context);
    case Effect::seal:
      state.sealed = true;
      return;
    case Effect::call_for_requestor:
      return call_for_requestor(context);
    case Effect::time_call:
      return time_call(context);
    case Effect::call_pre_restore:
      return call_pre_restore(context);
    case Effect::call_post_restore:
      return call_post_restore(context);
    case Effect::call_restore_end:
      return call_restore_end(context);
    case Effect::rejoin:
      return rejoin(context);
    case Effect::close_session:
      return close_session(context);
  }
}

}  // namespace stillframe::machine
