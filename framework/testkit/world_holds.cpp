// What the SDK in a writer's process does by itself: a timer of its own for every hold, a lease
// that heartbeats renew, and the thaw when either is over.
#include "framework/testkit/real_writer.hpp"
#include "framework/testkit/world.hpp"

namespace stillframe::testkit {
namespace {

constexpr Nanos kLease = 5 * kSecond;

}  // namespace

// From the receipt of freeze, before the application is asked: a freeze that hangs is held too.
void World::arm_sdk_timers(std::uint32_t index, std::uint16_t session) {
  WriterActor& writer = writers_[index];
  ++writer.hold;
  writer.timer_for = session;
  writer.hold_deadline = now_ + std::min<Nanos>(writer.plan->hold_limit, 60 * kSecond);
  const Nanos delay = writer.hold_deadline - now_;
  put(ItemKind::hold_expires, delay, session, index, writer.hold);
  put(ItemKind::audit_hold, delay + 1, session, index, writer.hold);
}

void World::set_heartbeat(std::uint16_t session, std::uint32_t index, bool on) {
  WriterActor& writer = writers_[index];
  at(session).writers[index].heartbeat = on;
  if (on || writer.timer_for != session) return;
  put(ItemKind::lease_expires, kLease, session, index, writer.hold);
  put(ItemKind::audit_hold, kLease + 1, session, index, writer.hold);
}

void World::lease_or_limit_over(const Item& item, bool lease) {
  WriterActor& writer = writers_[item.index];
  if (!writer.held || writer.hold != item.seq) return;
  if (lease && (has(Bug::sdk_ignores_lease) || at(item.session).writers[item.index].heartbeat))
    return;
  if (!lease && has(Bug::sdk_ignores_hold_limit)) return;
  if (tracing()) trace(item.session, "w" + std::to_string(item.index) + " thaws by itself");
  end_hold(item.index, true);
}

void World::audit_hold(const Item& item) {
  const WriterActor& writer = writers_[item.index];
  if (!writer.held || writer.hold != item.seq) return;
  const bool overrun = now_ > writer.hold_deadline;
  const bool silent = !at(item.session).writers[item.index].heartbeat;
  if (overrun) violated(item.session, "a running writer is frozen beyond its hold limit");
  if (silent) violated(item.session, "a running writer is frozen a lease after the last heartbeat");
}

std::optional<Errc> World::say_thaw(std::uint32_t index, std::uint16_t session) {
  RealWriter::Call thaw;
  thaw.verb = Verb::thaw;
  thaw.session = session;
  thaw.now = now_;
  return options_.real_writers[index]->say(thaw, index, *options_.documents[session]);
}

void World::end_hold(std::uint32_t index, bool by_itself) {
  WriterActor& writer = writers_[index];
  if (!writer.held) return;
  WriterPart& part = at(writer.held_by).writers[index];
  part.held_until = now_;
  part.broke = part.broke || by_itself;
  const bool asked_by_sdk = by_itself || writer.current.verb != Verb::thaw;
  if (asked_by_sdk && writer.alive && index < options_.real_writers.size()) {
    (void)say_thaw(index, writer.held_by);
  }
  writer.held = false;
  writer.held_by = kNoSession;
}

}  // namespace stillframe::testkit
