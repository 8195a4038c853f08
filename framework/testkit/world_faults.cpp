// When and where things go wrong.
#include "framework/testkit/world.hpp"

namespace stillframe::testkit {

using machine::Phase;

Fault* World::fault_at(std::uint16_t session, PlaceKind place, std::uint8_t where,
                       std::uint32_t victim, std::uint32_t victims) {
  for (Fault& fault : at(session).faults) {
    if (fault.fired || place_of(fault.kind) != place || fault.place != where) continue;
    if (fault.victim % victims == victim) return &fault;
  }
  return nullptr;
}

void World::fire(Fault& fault) {
  fault.fired = true;
  slowness_ = slowness_ || fault.kind == FaultKind::veto_timed_out ||
              fault.kind > FaultKind::veto_inconsistent;
  if (options_.coverage != nullptr) {
    ++options_.coverage->faults[static_cast<std::size_t>(fault.kind)][fault.place];
  }
  if (tracing())
    trace(kNoSession, "fault: " + std::string(to_string(fault.kind)) + " at " + place_name(fault));
}

// A phase was entered: its faults come after their delay, if the session is still there then.
void World::phase_faults(std::uint16_t index) {
  SessionActor& session = at(index);
  for (std::uint32_t i = 0; i < session.faults.size(); ++i) {
    const Fault& fault = session.faults[i];
    if (fault.fired || place_of(fault.kind) != PlaceKind::phase) continue;
    if (static_cast<Phase>(fault.place) != session.machine.phase) continue;
    put(ItemKind::fault, fault.delay, index, i);
  }
}

// A requestor that is to do something rash in this phase does it, now and then, at the worst
// moment: while a writer works for it. No verb takes less than twice this long.
void World::hasten_faults(std::uint16_t index) {
  SessionActor& session = at(index);
  if (!rng_.one_in(3)) return;
  for (std::uint32_t i = 0; i < session.faults.size(); ++i) {
    const Fault& fault = session.faults[i];
    const bool due = !fault.fired && place_of(fault.kind) == PlaceKind::phase &&
                     static_cast<Phase>(fault.place) == session.machine.phase;
    if (due) put(ItemKind::fault, 10 * kMicrosecond, index, i);
  }
}

void World::fire_phase_fault(const Item& item) {
  SessionActor& session = at(item.session);
  Fault& fault = session.faults[item.index];
  if (fault.fired || session.lost || item.epoch != session.epoch) return;
  if (static_cast<Phase>(fault.place) != session.machine.phase) return;
  const bool by_requestor =
      fault.kind >= FaultKind::requestor_vanishes && fault.kind <= FaultKind::requestor_is_silent;
  if (by_requestor && (session.requestor_gone || session.silent)) return;
  fire(fault);
  switch (fault.kind) {
    case FaultKind::requestor_vanishes: {
      session.requestor_gone = true;
      Event event;
      event.kind = EventKind::requestor_gone;
      deliver(item.session, event);
      return guest_loses_connection(item.session);
    }
    case FaultKind::requestor_aborts:
      session.script_over = true;
      ask(item.session, EventKind::abort);
      // Impatient requestors say it twice.
      if (rng_.one_in(3)) ask(item.session, EventKind::abort);
      return;
    case FaultKind::requestor_ends:
      if (options_.table->at(session.machine.phase, EventKind::end).empty()) {
        return misuse(item.session);
      }
      session.script_over = true;
      return ask(item.session, EventKind::end);
    case FaultKind::requestor_misuses:
      return misuse(item.session);
    case FaultKind::requestor_is_silent:
      session.silent = true;
      return;
    case FaultKind::writer_dies:
      return writer_dies(fault.victim % static_cast<std::uint32_t>(writers_.size()));
    case FaultKind::provider_dies:
      return provider_dies(fault.victim % static_cast<std::uint32_t>(providers_.size()));
    case FaultKind::machine_sleeps: {
      // Everything stood still; CLOCK_BOOTTIME went on.
      Event event;
      event.kind = EventKind::suspended;
      for (std::uint16_t i = 0; i < session_count_; ++i) deliver(i, event);
      return;
    }
    case FaultKind::coordinator_dies:
      return coordinator_dies();
    default:
      return;
  }
}

// A request that does not fit: must be refused, and change nothing.
void World::misuse(std::uint16_t index) {
  SessionActor& session = at(index);
  const auto first = rng_.below(machine::kRequestKinds);
  for (int i = 0; i < machine::kRequestKinds; ++i) {
    const auto kind =
        static_cast<EventKind>((first + static_cast<std::uint32_t>(i)) % machine::kRequestKinds);
    if (!machine::session_table().at(session.machine.phase, kind).empty()) continue;
    session.misuse = session.next_request;
    return ask(index, kind, 0, 0);
  }
}

}  // namespace stillframe::testkit
