// The driver: hands events to the machine and carries out what it asks for.
#include <algorithm>

#include "framework/testkit/world.hpp"

namespace stillframe::testkit {

using machine::Action;
using machine::ActionKind;
using machine::Event;
using machine::Phase;

namespace {

std::string numbered(const char* prefix, std::uint32_t index) {
  return index == machine::kNone ? std::string() : prefix + std::to_string(index);
}

std::string describe(const Event& event, Phase before, Phase after) {
  return "<- " + std::string(to_string(event.kind)) + numbered(" w", event.writer) +
         numbered(" p", event.group) +
         (event.failure ? " " + std::string(stillframe::to_string(*event.failure)) : "") + "  [" +
         std::string(to_string(before)) + " -> " + std::string(to_string(after)) + "]";
}

std::string describe(const Action& action) {
  std::string line = "   " + std::string(to_string(action.kind));
  if (action.kind == ActionKind::call_writer)
    line += " " + std::string(stillframe::to_string(action.verb));
  if (action.kind == ActionKind::call_provider)
    line += " " + std::string(machine::to_string(action.step));
  if (action.kind == ActionKind::journal)
    line += " " + std::string(machine::to_string(action.record));
  line += numbered(" w", action.writer) + numbered(" p", action.group);
  if (action.kind == ActionKind::reply) {
    line += " #" + std::to_string(action.request) + " " +
            (action.failure ? std::string(stillframe::to_string(*action.failure)) : "ok");
  }
  return line;
}

}  // namespace

void World::deliver(std::uint16_t index, const Event& original) {
  SessionActor& session = at(index);
  if (session.lost || !session.begun || violation_) return;
  Event event = original;
  if (has(Bug::late_answers_pass) && event.kind == EventKind::writer_answered &&
      session.machine.writers[event.writer].call != 0 &&
      session.machine.writers[event.writer].side_call != event.seq) {
    event.seq = session.machine.writers[event.writer].call;
  }
  const Phase before = session.machine.phase;
  const machine::CallSeq last_seq = session.machine.last_seq;
  const bool was_stale = machine::is_stale(session.machine, event);
  if (event.kind == EventKind::writer_answered &&
      session.writers[event.writer].live_call == event.seq) {
    session.writers[event.writer].live_call = 0;
  }
  actions_.clear();
  taken_.clear();
  machine::step(*options_.table, session.machine, event, BootTime(Duration(now_)), actions_,
                &taken_);
  if (options_.coverage != nullptr) {
    for (auto row : taken_) ++options_.coverage->rows[row];
  }
  if (tracing()) trace(index, describe(event, before, session.machine.phase));
  judge_step_taken(index, before, event, last_seq, was_stale);
  for (std::size_t i = 0; i < actions_.size() && !violation_; ++i) carry_out(index, actions_[i]);
  if (violation_) return;
  if (session.machine.phase != before) note_phase(index, before);
  if (machine::drained(session.machine) && !session.settled_truth) {
    session.settled_truth = true;
    judge_end(index);
  }
}

void World::note_phase(std::uint16_t index, Phase before) {
  SessionActor& session = at(index);
  const Phase phase = session.machine.phase;
  if (before == Phase::freezing && phase != Phase::aborting) session.frozen_at = now_;
  if (phase == Phase::sealing || (phase == Phase::ready && before == Phase::thawing)) {
    judge_labels(index);
  }
  phase_faults(index);
}

void World::carry_out(std::uint16_t index, const Action& action) {
  if (tracing()) trace(index, describe(action));
  switch (action.kind) {
    case ActionKind::call_writer:
      return pass_to_writer(index, action);
    case ActionKind::give_up_call:
      return give_up(index, action);
    case ActionKind::start_heartbeat:
      return set_heartbeat(index, action.writer, true);
    case ActionKind::stop_heartbeat:
      if (!has(Bug::heartbeat_never_stops)) set_heartbeat(index, action.writer, false);
      return;
    case ActionKind::call_provider:
      return pass_to_provider(index, action);
    case ActionKind::flush:
      return start_operation(index, Operation::flush, action.seq);
    case ActionKind::take_turns:
      return take_turns(index, action);
    case ActionKind::release_turns:
      if (!has(Bug::turn_not_released)) release_turns(index);
      return;
    case ActionKind::journal:
      return write_journal(index, action);
    case ActionKind::reply:
      if (has(Bug::reply_lost) && action.request % 3 == 2) return;
      replied(index, action.request, action.failure);
      if (has(Bug::reply_twice) && action.failure) replied(index, action.request, action.failure);
      return;
    case ActionKind::arm_timer:
      return arm_timer(index, action);
    case ActionKind::cancel_timer:
      return cancel_timer(index, action);
  }
}

void World::pass_to_writer(std::uint16_t index, const Action& action) {
  SessionActor& session = at(index);
  VerbCall call{index, epoch_, action.verb, action.seq, action.component, action.copied_ok};
  if (has(Bug::complete_says_copied)) call.copied_ok = true;
  const bool aside = session.machine.writers[action.writer].side_call == action.seq;
  if (!aside) session.writers[action.writer].live_call = action.seq;
  const bool after_provider_failure =
      session.machine.failure && session.machine.failure->group != machine::kNone;
  const bool skipped = (has(Bug::aside_calls_lost) && aside) ||
                       (has(Bug::shutdown_skipped) && action.verb == Verb::shutdown) ||
                       (has(Bug::thaw_skipped_after_provider_failure) &&
                        action.verb == Verb::abort && after_provider_failure);
  if (skipped) return put(ItemKind::quick_answer, latency(), index, action.writer, action.seq);
  call_writer(action.writer, call);
}

void World::pass_to_provider(std::uint16_t index, const Action& action) {
  const bool skipped =
      (has(Bug::abort_skips_providers) && action.step == machine::ProviderStep::abort) ||
      (has(Bug::remove_skips_last_provider) && action.step == machine::ProviderStep::remove &&
       action.group + 1 == providers_.size());
  if (skipped) return put(ItemKind::quick_step, latency(), index, action.group, action.seq);
  call_provider(action.group, {index, epoch_, action.step, action.seq});
}

}  // namespace stillframe::testkit
