// What a requestor of somebody else's needs of the world, and what the world owes it.
#include "framework/testkit/world.hpp"

namespace stillframe::testkit {

void World::guest_asks(std::uint16_t session, const Event& event) {
  ask(session, event);
}

// Its connection ended, and what it had begun is not over.
void World::guest_leaves(std::uint16_t index) {
  SessionActor& session = at(index);
  if (!session.begun || session.lost || session.requestor_gone) return;
  session.requestor_gone = true;
  Event event;
  event.kind = EventKind::requestor_gone;
  deliver(index, event);
}

void World::wake_guest(std::uint16_t guest, Nanos delay) {
  put(ItemKind::guest, delay, 0, guest);
}

Nanos World::oversleeps(std::uint16_t index) {
  SessionActor& session = at(index);
  if (!session.silent) return 0;
  session.silent = false;  // it comes to itself again, long after anybody believes in it
  return 49 * 3600 * kSecond;
}

void World::note_published(std::uint16_t index, std::span<const std::uint8_t> component_good) {
  at(index).published = true;
  at(index).component_good.assign(component_good.begin(), component_good.end());
}

// Somebody cut at some moment of the hold that the guest says is over.
void World::note_foreign_cut(std::uint16_t index) {
  for (CutTruth& cut : at(index).cuts) cut = {at(index).frozen_at, now_, true};
}

void World::note_target(std::uint32_t writer, TargetFiles files) {
  writers_[writer].files = files;
}

void World::move_faults(std::uint16_t from, std::uint16_t to) {
  for (Fault& fault : at(from).faults) {
    if (!fault.fired) at(to).faults.push_back(fault);
    fault.fired = true;
  }
}

// True if the session is a guest's, who hears of every answer but those to faults' requests.
bool World::guest_hears(std::uint16_t index, machine::RequestId request,
                        std::optional<Errc> failure) {
  SessionActor& session = at(index);
  if (session.guest == kNoGuest) return false;
  const EventKind asked = session.asked[request];
  const bool last_wish = asked == EventKind::complete || asked == EventKind::post_restore;
  session.completed_ok = session.completed_ok || (last_wish && !failure);
  options_.guests[session.guest]->answered(index, request, failure);
  return true;
}

void World::guest_loses_connection(std::uint16_t index) {
  const SessionActor& session = at(index);
  if (session.guest != kNoGuest) options_.guests[session.guest]->lose_connection();
}

}  // namespace stillframe::testkit
