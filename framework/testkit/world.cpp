// Time, and the driver: carries out what the machine asks for, and loses it all when it dies.
#include "framework/testkit/world.hpp"

#include <algorithm>

namespace stillframe::testkit {

using machine::ActionKind;
using machine::Phase;
using machine::Record;
using machine::TimerKind;

namespace {

SessionId id_of(std::uint16_t session) {
  UuidBytes bytes{};
  bytes[0] = static_cast<std::uint8_t>(session & 0xff);
  bytes[1] = static_cast<std::uint8_t>(session >> 8);
  bytes[15] = 1;
  return SessionId(bytes);
}

std::uint16_t index_of(const SessionId& id) {
  return static_cast<std::uint16_t>(id.bytes()[0] | id.bytes()[1] << 8);
}

BootTime boot(Nanos at) {
  return BootTime(Duration(at));
}

}  // namespace

std::optional<Violation> World::run(const Plan& plan, const RunOptions& options) {
  options_ = options;
  reset(plan);
  // Far more than any plan needs: a session that goes in circles is a finding, not a hang.
  constexpr int kItemsMax = 200'000;
  int items = 0;
  while (!agenda_.empty() && !violation_) {
    const Item item = agenda_.take();
    now_ = item.at;
    handle(item);
    if (++items > kItemsMax) violated(kNoSession, "the run does not come to an end");
  }
  if (!violation_) judge_run_end();
  if (options_.coverage != nullptr) {
    Coverage& coverage = *options_.coverage;
    ++coverage.runs;
    coverage.sessions += plan.session_count;
    coverage.writers += plan.writers.size();
    coverage.volumes += static_cast<std::uint64_t>(plan.volumes);
    coverage.events += static_cast<std::uint64_t>(items);
  }
  return violation_;
}

void World::reset(const Plan& plan) {
  plan_ = &plan;
  rng_ = Rng(plan.seed ^ 0x5111f7a3e0c0ffeeULL);
  now_ = 10 * kSecond;
  agenda_.clear();
  epoch_ = 1;
  coordinator_up_ = true;
  violation_.reset();
  slowness_ = false;
  turns_ = {};
  writers_.resize(plan.writers.size());
  for (std::size_t i = 0; i < writers_.size(); ++i) {
    auto queue = std::move(writers_[i].queue);
    queue.clear();
    writers_[i] = {};
    writers_[i].queue = std::move(queue);
    writers_[i].plan = &plan.writers[i];
  }
  providers_.resize(plan.providers.size());
  for (std::size_t i = 0; i < providers_.size(); ++i) {
    auto queue = std::move(providers_[i].queue);
    queue.clear();
    providers_[i] = {};
    providers_[i].queue = std::move(queue);
    providers_[i].plan = &plan.providers[i];
  }
  session_count_ = plan.session_count;
  journal_.assign(session_count_, {});
  if (sessions_.size() < session_count_) sessions_.resize(session_count_);
  for (std::uint16_t i = 0; i < session_count_; ++i) {
    SessionActor& session = sessions_[i];
    SessionActor fresh;
    std::swap(fresh.machine, session.machine);
    std::swap(fresh.faults, session.faults);
    std::swap(fresh.writers, session.writers);
    std::swap(fresh.providers, session.providers);
    std::swap(fresh.timers, session.timers);
    std::swap(fresh.replies, session.replies);
    std::swap(fresh.asked, session.asked);
    std::swap(fresh.asked_at, session.asked_at);
    std::swap(fresh.component_good, session.component_good);
    session = std::move(fresh);
    session.plan = &plan.sessions[i];
    session.faults = plan.sessions[i].faults;
    session.writers.assign(writers_.size(), {});
    session.providers.assign(providers_.size(), {});
    session.timers.clear();
    session.replies.assign(1, 0);
    session.asked.assign(1, EventKind::settled);
    session.asked_at.assign(1, 0);
    session.component_good.clear();
    put(ItemKind::request, plan.sessions[i].start, i);
  }
}

Nanos World::latency() {
  // Mostly a fraction of a millisecond, sometimes a hundred.
  const auto draw = rng_.below(64);
  if (draw == 0) return rng_.between(5 * kMillisecond, 100 * kMillisecond);
  return rng_.between(20 * kMicrosecond, draw < 16 ? 5 * kMillisecond : 400 * kMicrosecond);
}

void World::put(ItemKind kind, Nanos delay, std::uint16_t session, std::uint32_t index,
                std::uint32_t seq, std::uint8_t extra) {
  Item item;
  item.at = now_ + delay;
  item.kind = kind;
  item.extra = extra;
  item.session = session;
  item.index = index;
  item.seq = seq;
  item.epoch = epoch_;
  agenda_.put(item);
}

void World::handle(const Item& item) {
  Event event;
  switch (item.kind) {
    case ItemKind::request:
      return act(item.session);
    case ItemKind::fault:
      return fire_phase_fault(item);
    case ItemKind::writer_done:
      return end_verb(item.index, item.seq);
    case ItemKind::writer_restart:
      return writer_restarts(item.index);
    case ItemKind::hold_expires:
      return lease_or_limit_over(item, false);
    case ItemKind::lease_expires:
      return lease_or_limit_over(item, true);
    case ItemKind::audit_hold:
      return audit_hold(item);
    case ItemKind::provider_done:
      return end_step(item.index, item.seq);
    case ItemKind::provider_restart:
      return provider_restarts(item.index);
    case ItemKind::operation_done:
      return finish_operation(item);
    case ItemKind::timer:
      return fire_timer(item);
    case ItemKind::coordinator_restart:
      return coordinator_restarts();
    case ItemKind::copy_done:
      return copy_ends(item.session);
    case ItemKind::gone_writer:
      event.kind = EventKind::writer_gone;
      event.writer = item.index;
      break;
    case ItemKind::returned_writer:
      if (!writers_[item.index].alive) return;
      at(item.session).writers[item.index].rejoined =
          at(item.session).plan->kind == SessionKind::restore;
      event.kind = EventKind::writer_returned;
      event.writer = item.index;
      break;
    case ItemKind::gone_provider:
      event.kind = EventKind::provider_gone;
      event.group = item.index;
      break;
    case ItemKind::quick_answer:
      event.kind = EventKind::writer_answered;
      event.writer = item.index;
      event.seq = item.seq;
      if (item.extra == 1) event.failure = Errc::writer_gone;
      if (item.extra == 2) event.failure = Errc::cancelled;
      break;
    case ItemKind::quick_step:
      event.kind = EventKind::provider_answered;
      event.group = item.index;
      event.seq = item.seq;
      if (item.extra != 0) event.failure = Errc::provider_failed;
      break;
  }
  if (item.epoch == at(item.session).epoch) deliver(item.session, event);
}

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
  machine::step(*options_.table, session.machine, event, boot(now_), actions_, &taken_);
  if (options_.coverage != nullptr) {
    for (auto row : taken_) ++options_.coverage->rows[row];
  }
  if (tracing()) {
    trace(index,
          "<- " + std::string(to_string(event.kind)) +
              (event.writer != machine::kNone ? " w" + std::to_string(event.writer) : "") +
              (event.group != machine::kNone ? " p" + std::to_string(event.group) : "") +
              (event.failure ? " " + std::string(stillframe::to_string(*event.failure)) : "") +
              "  [" + std::string(to_string(before)) + " -> " +
              std::string(to_string(session.machine.phase)) + "]");
  }
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
  SessionActor& session = at(index);
  if (tracing()) {
    std::string line = "   " + std::string(to_string(action.kind));
    if (action.kind == ActionKind::call_writer)
      line += " " + std::string(stillframe::to_string(action.verb));
    if (action.kind == ActionKind::call_provider)
      line += " " + std::string(machine::to_string(action.step));
    if (action.kind == ActionKind::journal)
      line += " " + std::string(machine::to_string(action.record));
    if (action.writer != machine::kNone) line += " w" + std::to_string(action.writer);
    if (action.group != machine::kNone) line += " p" + std::to_string(action.group);
    if (action.kind == ActionKind::reply) {
      line += " #" + std::to_string(action.request) + " " +
              (action.failure ? std::string(stillframe::to_string(*action.failure)) : "ok");
    }
    trace(index, line);
  }
  switch (action.kind) {
    case ActionKind::call_writer: {
      VerbCall call{index, epoch_, action.verb, action.seq, action.component, action.copied_ok};
      if (has(Bug::complete_says_copied)) call.copied_ok = true;
      const bool aside = session.machine.writers[action.writer].side_call == action.seq;
      if (!aside) session.writers[action.writer].live_call = action.seq;
      if (aside && has(Bug::aside_calls_lost)) {
        return put(ItemKind::quick_answer, latency(), index, action.writer, action.seq);
      }
      const bool skipped =
          (has(Bug::shutdown_skipped) && action.verb == Verb::shutdown) ||
          (has(Bug::thaw_skipped_after_provider_failure) && action.verb == Verb::abort &&
           session.machine.failure && session.machine.failure->group != machine::kNone);
      if (skipped) return put(ItemKind::quick_answer, latency(), index, action.writer, action.seq);
      return call_writer(action.writer, call);
    }
    case ActionKind::give_up_call:
      return give_up(index, action);
    case ActionKind::start_heartbeat:
      return set_heartbeat(index, action.writer, true);
    case ActionKind::stop_heartbeat:
      if (!has(Bug::heartbeat_never_stops)) set_heartbeat(index, action.writer, false);
      return;
    case ActionKind::call_provider: {
      const bool skipped =
          (has(Bug::abort_skips_providers) && action.step == machine::ProviderStep::abort) ||
          (has(Bug::remove_skips_last_provider) && action.step == machine::ProviderStep::remove &&
           action.group + 1 == providers_.size());
      if (skipped) return put(ItemKind::quick_step, latency(), index, action.group, action.seq);
      return call_provider(action.group, {index, epoch_, action.step, action.seq});
    }
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
      if (has(Bug::timer_never_cancelled)) return;
      std::erase_if(session.timers, [&](const ArmedTimer& timer) {
        return timer.kind == action.timer && timer.writer == action.writer &&
               timer.seq == action.seq;
      });
      return;
  }
}

// ---- turns and operations

void World::take_turns(std::uint16_t index, const Action& action) {
  SessionActor& session = at(index);
  session.turn_seq = action.seq;
  if (Fault* fault =
          fault_at(index, PlaceKind::operation, static_cast<std::uint8_t>(Operation::turn), 0, 1)) {
    fire(*fault);
    if (fault->kind == FaultKind::operation_hangs) return;
    const bool late = fault->kind == FaultKind::operation_late;
    return put(ItemKind::operation_done, late ? 700 * kSecond : latency(), index,
               static_cast<std::uint32_t>(Operation::turn), action.seq, late ? 0 : 1);
  }
  keys_.clear();
  for (std::size_t i = 0; i < writers_.size(); ++i) keys_.push_back(1000 + i);
  for (int volume = 0; volume < plan_->volumes; ++volume) {
    keys_.push_back(static_cast<machine::TurnKey>(volume));
  }
  const auto answer = turns_.request(id_of(index), keys_, action.deadline);
  if (answer == machine::TurnQueue::Answer::granted || has(Bug::turn_given_to_all)) {
    session.turn = true;
    put(ItemKind::operation_done, latency(), index, static_cast<std::uint32_t>(Operation::turn),
        action.seq);
  }
}

void World::release_turns(std::uint16_t index) {
  at(index).turn = false;
  granted_.clear();
  turns_.release(id_of(index), granted_);
  give_turns(granted_);
}

void World::give_turns(const std::vector<SessionId>& granted) {
  for (const SessionId& id : granted) {
    const std::uint16_t index = index_of(id);
    at(index).turn = true;
    put(ItemKind::operation_done, 0, index, static_cast<std::uint32_t>(Operation::turn),
        at(index).turn_seq);
  }
}

void World::start_operation(std::uint16_t index, Operation operation, machine::CallSeq seq) {
  const auto place = static_cast<std::uint8_t>(operation);
  Nanos delay = latency();
  std::uint8_t failed = 0;
  if (Fault* fault = fault_at(index, PlaceKind::operation, place, 0, 1)) {
    fire(*fault);
    if (fault->kind == FaultKind::operation_hangs) return;
    if (fault->kind == FaultKind::operation_late) delay = 200 * kSecond;
    failed = fault->kind == FaultKind::operation_fails ? 1 : 0;
  }
  put(ItemKind::operation_done, delay, index, place, seq, failed);
}

void World::finish_operation(const Item& item) {
  SessionActor& session = at(item.session);
  if (item.epoch != session.epoch) return;  // its coordinator died before it came about
  const auto operation = static_cast<Operation>(item.index);
  Event event;
  event.seq = item.seq;
  if (item.extra != 0) event.failure = Errc::io;
  JournalEntry& entry = journal_[item.session];
  const bool written = item.extra == 0;
  event.kind = EventKind::journalled;
  switch (operation) {
    case Operation::turn:
      event.kind = written ? EventKind::turn_granted : EventKind::turn_refused;
      if (!written) event.failure = Errc::in_progress;
      break;
    case Operation::flush:
      event.kind = EventKind::flushed;
      break;
    case Operation::record_intent:
      if (written && !has(Bug::intent_not_journalled)) entry.intended = true;
      break;
    case Operation::record_set:
      if (written) entry.created = true;
      break;
    case Operation::record_receipt:
      if (written && !has(Bug::receipt_not_journalled)) entry.receipt = true;
      break;
  }
  if (has(Bug::failed_write_reported_done)) event.failure.reset();
  deliver(item.session, event);
}

void World::write_journal(std::uint16_t index, const Action& action) {
  JournalEntry& entry = journal_[index];
  switch (action.record) {
    case Record::set_intended:
      return start_operation(index, Operation::record_intent, action.seq);
    case Record::set_created:
      return start_operation(index, Operation::record_set, action.seq);
    case Record::receipt:
      return start_operation(index, Operation::record_receipt, action.seq);
    case Record::registration_opened:
      ++entry.registrations_open;
      return;
    case Record::registration_closed:
      --entry.registrations_open;
      return;
    case Record::session_closed:
      entry.closed = true;
      entry.left = false;
      at(index).closed_as = action.record;
      return;
    case Record::session_left_snapshots:
      entry.left = true;
      entry.closed = false;
      at(index).closed_as = action.record;
      return;
  }
}

// ---- timers

void World::arm_timer(std::uint16_t index, const Action& action) {
  SessionActor& session = at(index);
  session.timers.push_back({action.timer, action.writer, action.seq});
  const Nanos delay = (action.deadline - boot(now_)).count();
  put(ItemKind::timer, delay, index, action.writer, action.seq,
      static_cast<std::uint8_t>(action.timer));
}

void World::fire_timer(const Item& item) {
  SessionActor& session = at(item.session);
  if (session.lost || item.epoch != session.epoch || has(Bug::timer_never_fires)) return;
  const auto kind = static_cast<TimerKind>(item.extra);
  const auto armed =
      std::find_if(session.timers.begin(), session.timers.end(), [&](const auto& timer) {
        return timer.kind == kind && timer.writer == item.index && timer.seq == item.seq;
      });
  if (armed == session.timers.end()) return;
  session.timers.erase(armed);
  Event event;
  event.writer = item.index;
  event.seq = item.seq;
  switch (kind) {
    case TimerKind::phase:
      event.kind = EventKind::phase_timeout;
      break;
    case TimerKind::commit:
      event.kind = EventKind::commit_timeout;
      break;
    case TimerKind::hold:
      event.kind = EventKind::hold_timeout;
      break;
    case TimerKind::call:
      event.kind = EventKind::call_timeout;
      break;
    case TimerKind::start:
      event.kind = EventKind::start_timeout;
      break;
  }
  deliver(item.session, event);
}

// ---- the coordinator's own death

void World::coordinator_dies() {
  if (!coordinator_up_) return;
  if (tracing()) trace(kNoSession, "the coordinator dies");
  coordinator_up_ = false;
  ++epoch_;
  turns_ = {};
  for (std::uint16_t i = 0; i < session_count_; ++i) {
    SessionActor& session = at(i);
    session.turn = false;
    if (!session.begun || session.settled_truth) continue;
    session.lost = session.requestor_gone = true;
    session.timers.clear();
    for (std::uint32_t w = 0; w < writers_.size(); ++w) {
      if (session.writers[w].heartbeat) set_heartbeat(i, w, false);
    }
  }
  put(ItemKind::coordinator_restart, rng_.between(20 * kMillisecond, 8 * kSecond), 0);
}

void World::coordinator_restarts() {
  if (tracing()) trace(kNoSession, "the coordinator is back");
  coordinator_up_ = true;
  reap();
  // Writers register again; their SDK first undoes what the lost sessions left in them.
  for (std::uint32_t w = 0; w < writers_.size(); ++w) {
    WriterActor& writer = writers_[w];
    std::erase_if(writer.queue, [&](const VerbCall& call) { return call.epoch != epoch_; });
    if (writer.busy) continue;  // when the verb under way ends
    if (writer.held && at(writer.held_by).lost) end_hold(w, true);
    if (writer.preparing != kNoSession && at(writer.preparing).lost) writer.preparing = kNoSession;
  }
}

// Deletes what the journal says a session may have left, as a new coordinator does at its start and
// whenever a provider comes back.
void World::reap() {
  if (has(Bug::recovery_forgets_snapshots)) return;
  for (std::uint16_t i = 0; i < session_count_; ++i) {
    const JournalEntry& entry = journal_[i];
    if (!entry.intended || entry.closed || !(at(i).lost || entry.left)) continue;
    if (entry.created && !at(i).plan->auto_release) continue;
    for (std::uint32_t p = 0; p < providers_.size(); ++p) {
      if (providers_[p].alive && !providers_[p].busy) at(i).providers[p].exists = 0;
    }
  }
}

void World::trace(std::uint16_t session, const std::string& line) {
  const std::string who = session == kNoSession ? "--" : "s" + std::to_string(session);
  *options_.trace += std::to_string(now_ / 1000) + "us " + who + " " + line + "\n";
}

std::string_view to_string(Bug bug) {
  constexpr std::array<std::string_view, kBugs> kNames{"none",
                                                       "reply_twice",
                                                       "reply_lost",
                                                       "late_answers_pass",
                                                       "timer_never_cancelled",
                                                       "timer_never_fires",
                                                       "heartbeat_never_stops",
                                                       "turn_not_released",
                                                       "turn_given_to_all",
                                                       "receipt_not_journalled",
                                                       "intent_not_journalled",
                                                       "recovery_forgets_snapshots",
                                                       "thaw_skipped_after_provider_failure",
                                                       "aside_calls_lost",
                                                       "shutdown_skipped",
                                                       "failed_write_reported_done",
                                                       "cuts_reported_early",
                                                       "truncate_ignores_success",
                                                       "abort_skips_providers",
                                                       "remove_skips_last_provider",
                                                       "complete_says_copied",
                                                       "sdk_ignores_lease",
                                                       "sdk_ignores_hold_limit",
                                                       "sdk_claims_unbroken",
                                                       "sdk_thaw_does_nothing",
                                                       "sdk_forgets_interlock",
                                                       "provider_abort_keeps_cut",
                                                       "provider_cuts_at_pre_commit",
                                                       "provider_never_seals"};
  return kNames[static_cast<std::size_t>(bug)];
}

}  // namespace stillframe::testkit
