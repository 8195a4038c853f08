#include "framework/coordinator/machine/machine.hpp"

#include "framework/base/check.hpp"
#include "framework/coordinator/machine/context.hpp"

namespace stillframe::machine {
namespace {

// More internal steps than this in a row would mean a cycle in the table.
constexpr int kSettleMax = 16;

bool names_a_writer(const State& state, const Event& event) {
  return event.writer < state.writers.size();
}

bool names_a_group(const State& state, const Event& event) {
  return event.group < state.groups.size();
}

// Answers that concern nobody in this session, whatever a driver made of them.
bool is_senseless(const State& state, const Event& event) {
  switch (event.kind) {
    case EventKind::writer_answered:
    case EventKind::writer_gone:
    case EventKind::writer_returned:
    case EventKind::hold_timeout:
    case EventKind::call_timeout:
      return !names_a_writer(state, event);
    case EventKind::provider_answered:
    case EventKind::provider_gone:
      return !names_a_group(state, event);
    case EventKind::component_failed:
      return event.component >= state.components.size();
    case EventKind::settled:
      return true;  // the interpreter's own
    default:
      return false;
  }
}

void enter(Context& context, Phase next) {
  State& state = context.state;
  cancel(context, TimerKind::phase, kNone, state.phase_timer);
  state.phase_timer = 0;
  state.phase = next;
  const Duration limit = limit_of(state.options.limits, info(next).bound);
  if (limit <= Duration{0}) return;
  state.phase_timer = context.next_seq();
  arm(context, TimerKind::phase, kNone, state.phase_timer, limit);
}

// Takes the first row of the cell whose guard holds; false if there is none.
bool take_row(const Table& table, Context& context, std::vector<RowIndex>* taken) {
  const State& state = context.state;
  for (RowIndex index : table.at(state.phase, context.event.kind)) {
    const Row& row = table.rows()[index];
    if (!holds(row.guard, state, context.event)) continue;
    if (taken != nullptr) taken->push_back(index);
    for (Effect effect : row.effects) {
      if (effect == Effect::none) break;
      apply(effect, context);
    }
    if (!row.stays) enter(context, row.next);
    return true;
  }
  return false;
}

// A timer that fired needs no cancelling.
void note_fired(State& state, const Event& event) {
  switch (event.kind) {
    case EventKind::phase_timeout:
      state.phase_timer = 0;
      break;
    case EventKind::commit_timeout:
      state.commit_timer = 0;
      break;
    case EventKind::call_timeout:
      state.writers[event.writer].call_timed = false;
      break;
    default:
      break;
  }
}

// The two late answers that leave a debt: somebody froze, or cut, whom nobody waits for. While a
// call is under way it comes after the late work, because links keep the order, and settles the
// debt.
void take_late_freeze(Context& context) {
  const Event& event = context.event;
  WriterSlot& writer = context.writer();
  if (event.failure || event.seq != writer.freeze_call || writer.freeze_call == 0) return;
  if (!writer.alive || writer.call != 0 || writer.side_call != 0) return;
  writer.freeze_call = 0;
  writer.owes_thaw = true;
  call_aside(context, event.writer, Verb::thaw);
}

void take_late_cut(Context& context) {
  const Event& event = context.event;
  GroupSlot& group = context.group();
  if (event.seq != group.commit_call || group.commit_call == 0) return;
  if (group.call != 0 || group.side_call != 0) return;
  group.commit_call = 0;
  group.undone = false;  // also when it failed: a provider that died may have cut before
  if (!event.failure) {
    group.side_call = context.next_seq();
    Action& action = context.emit(ActionKind::call_provider);
    action.group = event.group;
    action.step = ProviderStep::abort;
    action.seq = group.side_call;
    action.deadline = context.now + context.state.options.limits.abort;
  }
  // The journal may already have heard that nothing is left; a crash now must not believe it.
  if (context.state.phase == Phase::ended) record_end(context);
}

void take_late_answer(Context& context) {
  if (context.event.kind == EventKind::writer_answered) take_late_freeze(context);
  if (context.event.kind == EventKind::provider_answered) take_late_cut(context);
}

bool answers_aside(const State& state, const Event& event) {
  if (event.seq == 0) return false;
  if (event.kind == EventKind::writer_answered) {
    return state.writers[event.writer].side_call == event.seq;
  }
  return event.kind == EventKind::provider_answered &&
         state.groups[event.group].side_call == event.seq;
}

void settle(const Table& table, Context& context, std::vector<RowIndex>* taken) {
  const Event settled{};
  Context inner{context.state, settled, context.now, context.actions};
  for (int steps = 0;; ++steps) {
    const State& state = context.state;
    if (info(state.phase).kind != PhaseKind::waiting || state.outstanding != 0) return;
    STILLFRAME_CHECK(steps < kSettleMax, "the table goes in circles");
    if (!take_row(table, inner, taken)) return;
  }
}

}  // namespace

namespace {

// The call or timer that this kind of event may end now, 0 if there is none; nothing for events
// that end neither calls nor timers.
std::optional<CallSeq> awaited_seq(const State& state, const Event& event) noexcept {
  if (is_senseless(state, event)) return 0;
  switch (event.kind) {
    case EventKind::writer_answered:
      return state.writers[event.writer].call;
    case EventKind::provider_answered:
      return state.groups[event.group].call;
    case EventKind::flushed:
    case EventKind::journalled:
    case EventKind::turn_granted:
    case EventKind::turn_refused:
      return state.operation;
    case EventKind::phase_timeout:
      return state.phase_timer;
    case EventKind::commit_timeout:
      return state.commit_timer;
    case EventKind::hold_timeout:
      return state.writers[event.writer].hold_timer;
    case EventKind::call_timeout: {
      const WriterSlot& writer = state.writers[event.writer];
      return writer.call_timed ? writer.call : 0;
    }
    case EventKind::start_timeout:
      return state.start_timer;
    default:
      return std::nullopt;
  }
}

}  // namespace

bool is_stale(const State& state, const Event& event) noexcept {
  const auto awaited = awaited_seq(state, event);
  return awaited && (*awaited == 0 || *awaited != event.seq);
}

void begin(State& state, BootTime now, Actions& actions) {
  const Event none{};
  Context context{state, none, now, actions};
  enter(context, state.phase);
}

void step(const Table& table, State& state, const Event& event, BootTime now, Actions& actions,
          std::vector<RowIndex>* taken) {
  if (is_senseless(state, event)) return;
  Context context{state, event, now, actions};
  if (answers_aside(state, event)) return take_side_answer(context);
  if (is_stale(state, event)) return take_late_answer(context);
  note_fired(state, event);
  if (take_row(table, context, taken)) {
    settle(table, context, taken);
  } else if (is_request(event.kind)) {
    reply(context, event.request, Errc::wrong_state);
  }
}

std::vector<EventKind> permitted_requests(const Table& table, Phase phase) {
  std::vector<EventKind> permitted;
  for (int i = 0; i < kRequestKinds; ++i) {
    const auto kind = static_cast<EventKind>(i);
    if (!table.at(phase, kind).empty()) permitted.push_back(kind);
  }
  return permitted;
}

std::string wrong_state_message(const Table& table, Phase phase, EventKind request) {
  std::string message = std::string(to_string(request)) + " is not possible while the session is " +
                        std::string(to_string(phase)) + " (" + std::string(info(phase).meaning) +
                        "); possible now: ";
  const auto permitted = permitted_requests(table, phase);
  for (std::size_t i = 0; i < permitted.size(); ++i) {
    if (i > 0) message += ", ";
    message += to_string(permitted[i]);
  }
  if (permitted.empty()) message += "nothing but to wait";
  return message;
}

}  // namespace stillframe::machine
