// What a coordinator does beside calling writers and providers: turns, flush, journal and timers.
#include <algorithm>

#include "framework/testkit/world.hpp"

namespace stillframe::testkit {

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

}  // namespace

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
  const Nanos delay = (action.deadline - BootTime(Duration(now_))).count();
  put(ItemKind::timer, delay, index, action.writer, action.seq,
      static_cast<std::uint8_t>(action.timer));
}

void World::cancel_timer(std::uint16_t index, const Action& action) {
  if (has(Bug::timer_never_cancelled)) return;
  std::erase_if(at(index).timers, [&](const ArmedTimer& timer) {
    return timer.kind == action.timer && timer.writer == action.writer && timer.seq == action.seq;
  });
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

}  // namespace stillframe::testkit
