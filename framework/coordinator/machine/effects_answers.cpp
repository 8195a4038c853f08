// What answers, losses and timers do to the slots they concern.
#include <array>

#include "framework/coordinator/machine/context.hpp"

namespace stillframe::machine {
namespace {

// What a verb's answer does to the writer's state; verbs without a row do nothing to it.
struct Progress {
  Verb verb;
  WriterState after;   // when it went well
  WriterState failed;  // when not; the writer then gets no further verb
};

constexpr Progress kProgress[] = {
    {Verb::identify, WriterState::stable, WriterState::failed_at_identify},
    {Verb::prepare_backup, WriterState::stable, WriterState::failed_at_prepare_backup},
    {Verb::prepare_snapshot, WriterState::waiting_for_freeze,
     WriterState::failed_at_prepare_snapshot},
    {Verb::freeze, WriterState::waiting_for_thaw, WriterState::failed_at_freeze},
    {Verb::thaw, WriterState::waiting_for_post_snapshot, WriterState::failed_at_thaw},
    {Verb::post_snapshot, WriterState::waiting_for_backup_complete,
     WriterState::failed_at_post_snapshot},
    {Verb::backup_complete, WriterState::stable, WriterState::failed_at_backup_complete},
    {Verb::truncate_logs, WriterState::stable, WriterState::failed_at_backup_complete},
    {Verb::pre_restore, WriterState::stable, WriterState::failed_at_pre_restore},
    {Verb::post_restore, WriterState::stable, WriterState::failed_at_post_restore},
};

const Progress* progress_of(Verb verb) noexcept {
  for (const Progress& progress : kProgress) {
    if (progress.verb == verb) return &progress;
  }
  return nullptr;
}

void fail(WriterSlot& writer, Verb verb, Errc code, WriterState state) {
  if (writer.failed) return;
  writer.failed = true;
  writer.failure = code;
  writer.failed_at = verb;
  writer.state = state;
}

void note_outcome(WriterSlot& writer, Verb verb, std::optional<Errc> failure) {
  if (verb == Verb::shutdown) {
    if (failure && !writer.failed) fail(writer, verb, *failure, WriterState::failed_at_shutdown);
    return;
  }
  const Progress* progress = progress_of(verb);
  if (progress == nullptr) return;
  const bool partial = failure == Errc::partial_failure;  // the other components go on
  if (partial && !writer.failure) {
    writer.failure = failure;
    writer.failed_at = verb;
  }
  if (!failure || partial) {
    if (!writer.failed) writer.state = progress->after;
  } else {
    fail(writer, verb, *failure, progress->failed);
  }
}

// What happened to a target is written down when the call is made, and taken back only by an answer
// that proves the contrary.
void note_staged(Context& context, WriterSlot& writer, std::optional<Errc> failure) {
  if (writer.verb == Verb::restore_prepare && !failure) writer.authorised = true;
  if (writer.verb != Verb::restore_register && writer.verb != Verb::restore_complete) return;
  ComponentSlot& component = context.state.components[writer.call_component];
  const bool refused =
      writer.verb == Verb::restore_register && failure && certainly_refused(*failure);
  const bool completed = writer.verb == Verb::restore_complete && !failure;
  if (!refused && !completed) return;
  component.staged = completed ? ComponentSlot::Staged::completed : ComponentSlot::Staged::none;
  Action& action = context.emit(ActionKind::journal);
  action.record = Record::registration_closed;
  action.component = writer.call_component;
}

// A target that is not there yet is waited for, until start_timeout.
bool still_awaited(const State& state, const WriterSlot& writer, std::optional<Errc> failure) {
  return writer.verb == Verb::post_restore && failure == Errc::writer_gone &&
         state.options.limits.start_wait > Duration{0} && !state.start_wait_over;
}

void settle(Context& context, WriterIndex index, std::optional<Errc> failure) {
  State& state = context.state;
  WriterSlot& writer = state.writers[index];
  const CallSeq call = writer.call;
  writer.call = 0;
  if (writer.call_timed) cancel(context, TimerKind::call, index, call);
  writer.call_timed = false;
  if (still_awaited(state, writer, failure)) {
    writer.awaited = true;  // stays outstanding
    writer.alive = false;
    return;
  }
  --state.outstanding;
  if (failure == Errc::writer_gone) {
    writer.alive = false;
    writer.owes_thaw = false;  // nobody is left to be thawed
  }
  if (writer.verb == Verb::thaw || writer.verb == Verb::abort) {
    if (failure != Errc::timed_out) writer.owes_thaw = false;
    if (writer.verb == Verb::thaw && !failure) writer.hold = context.event.hold;
  }
  if (writer.verb == Verb::truncate_logs && !failure) {
    state.components[writer.call_component].truncated = true;
  }
  note_staged(context, writer, failure);
  note_outcome(writer, writer.verb, failure);
  reply(context, writer.request, failure);
  writer.request = 0;
}

void give_up(Context& context, WriterIndex index) {
  Action& action = context.emit(ActionKind::give_up_call);
  action.writer = index;
  action.seq = context.state.writers[index].call;
  settle(context, index, Errc::timed_out);
}

void lose(Context& context, WriterIndex index) {
  WriterSlot& writer = context.state.writers[index];
  // One that was away when it was called has a call that nobody will answer.
  if (!writer.alive && writer.call == 0) return;
  end_hold_watch(context, index);
  if (writer.call != 0) settle(context, index, Errc::writer_gone);
  writer.alive = false;
  writer.owes_thaw = false;
  if (!is_restore(context.state))
    fail(writer, writer.verb, Errc::writer_gone, WriterState::unknown);
}

void stop_waiting_for_start(Context& context) {
  State& state = context.state;
  state.start_wait_over = true;
  state.start_timer = 0;
  for (WriterSlot& writer : state.writers) {
    if (!writer.awaited) continue;
    writer.awaited = false;
    --state.outstanding;
    fail(writer, Verb::post_restore, Errc::timed_out, WriterState::failed_at_post_restore);
  }
}

void run_out_of_time(Context& context) {
  State& state = context.state;
  for (WriterIndex i = 0; i < state.writers.size(); ++i) {
    if (state.writers[i].call != 0) give_up(context, i);
  }
  if (state.phase == Phase::post_restoring) {
    cancel(context, TimerKind::start, kNone, state.start_timer);
    stop_waiting_for_start(context);
  }
}

void overrun_hold(Context& context) {
  WriterSlot& writer = context.writer();
  end_hold_watch(context, context.event.writer);
  if (writer.call != 0) {
    give_up(context, context.event.writer);
  } else {
    fail(writer, Verb::freeze, Errc::timed_out, WriterState::failed_at_freeze);
  }
}

}  // namespace

void take_answer(Context& context) {
  switch (context.event.kind) {
    case EventKind::writer_answered: {
      const bool freeze_failed = context.writer().verb == Verb::freeze && context.event.failure &&
                                 *context.event.failure != Errc::partial_failure;
      if (freeze_failed) end_hold_watch(context, context.event.writer);
      settle(context, context.event.writer, context.event.failure);
      break;
    }
    case EventKind::writer_gone:
      lose(context, context.event.writer);
      break;
    case EventKind::hold_timeout:
      overrun_hold(context);
      break;
    case EventKind::call_timeout:
      give_up(context, context.event.writer);
      break;
    case EventKind::start_timeout:
      stop_waiting_for_start(context);
      break;
    default:
      run_out_of_time(context);
      break;
  }
}

void take_group_answer(Context& context) {
  State& state = context.state;
  if (context.event.kind == EventKind::phase_timeout) {
    for (GroupSlot& group : state.groups) {
      if (group.call == 0) continue;
      group.call = 0;
      group.failure = Errc::timed_out;
      --state.outstanding;
    }
    return;
  }
  GroupSlot& group = context.group();
  if (context.event.kind == EventKind::provider_gone) {
    group.alive = false;
    group.failure = Errc::provider_failed;
    if (group.call != 0) --state.outstanding;
    group.call = 0;
    return;
  }
  group.call = 0;
  --state.outstanding;
  if (context.event.failure) {
    group.failure = context.event.failure;
    return;
  }
  if (group.step == ProviderStep::abort || group.step == ProviderStep::remove) group.undone = true;
  if (group.step == ProviderStep::commit) {
    for (const CutTimes& cut : context.event.cuts) {
      if (cut.volume < kVolumesMax) state.cuts.push_back(cut);
    }
  }
}

void take_operation(Context& context) {
  State& state = context.state;
  state.operation = 0;
  --state.outstanding;
  const bool recorded =
      context.event.kind == EventKind::journalled && state.phase == Phase::journalling_receipt;
  if (recorded && !context.event.failure) state.receipt_recorded = true;
  if (context.event.kind == EventKind::turn_refused) state.turn_taken = false;
}

void take_side_answer(Context& context) {
  if (context.event.kind == EventKind::writer_answered) {
    context.writer().side_call = 0;
    context.writer().owes_thaw = false;
    return;
  }
  context.group().side_call = 0;
  if (!context.event.failure) context.group().undone = true;
  if (context.state.phase == Phase::ended) record_end(context);
}

}  // namespace stillframe::machine
