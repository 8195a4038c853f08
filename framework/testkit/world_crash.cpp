// The coordinator's own death: everything in its memory is lost, the journal and the SDKs are not.
#include "framework/testkit/world.hpp"

namespace stillframe::testkit {

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
    guest_loses_connection(i);
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

}  // namespace stillframe::testkit
