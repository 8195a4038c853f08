// What must be true, checked against the truth that the simulation knows.
#include <algorithm>
#include <bit>

#include "framework/testkit/world.hpp"

namespace stillframe::testkit {

using machine::ComponentSlot;
using machine::Phase;
using machine::ProviderStep;
using machine::WriterSlot;

void World::violated(std::uint16_t session, std::string what) {
  if (violation_) return;
  violation_ = Violation{std::move(what), now_, session};
  if (tracing()) trace(session, "VIOLATION: " + violation_->what);
}

// ---- while the session runs

bool World::truly_covered(const SessionActor& session, const ComponentSlot& component) const {
  const WriterPart& part = session.writers[component.writer];
  if (!part.frozen) return false;
  for (std::uint8_t volume = 0; volume < machine::kVolumesMax; ++volume) {
    const bool concerns = session.plan->kind == SessionKind::hold
                              ? volume == 0
                              : (component.volumes >> volume & 1) != 0;
    if (!concerns) continue;
    const CutTruth& cut = session.cuts[volume];
    if (!cut.any || part.held_from > cut.begun) return false;
    if (part.held_until >= 0 && part.held_until < cut.ended) return false;
  }
  return true;
}

void World::judge_labels(std::uint16_t index) {
  const SessionActor& session = at(index);
  for (const ComponentSlot& component : session.machine.components) {
    const bool covered = truly_covered(session, component);
    const bool streamed = component.volumes == 0;
    const bool called = component.label == Consistency::application_consistent;
    if (called && !covered && !streamed && !session.writers[component.writer].liar) {
      violated(index, "a component is called consistent whose hold does not cover its cuts");
    }
    const WriterSlot& writer = session.machine.writers[component.writer];
    const bool sound = !writer.failed && !component.failure;
    if (covered && sound && !called && !session.writers[component.writer].broke &&
        !session.writers[component.writer].liar) {
      violated(index, "a component whose hold covers its cuts is not called consistent");
    }
    if (component.policy == ConsistencyPolicy::require && !called) {
      violated(index, "a set goes on without the proof that a component requires");
    }
  }
}

// Front end before back end before system, and back in the other order: no writer is asked while
// one that must go first is not there yet.
void World::judge_levels(std::uint16_t index, std::uint32_t writer, Verb verb) {
  const SessionActor& session = at(index);
  const auto level = writers_[writer].plan->level;
  for (std::uint32_t i = 0; i < writers_.size(); ++i) {
    const WriterPart& part = session.writers[i];
    const WriterSlot& slot = session.machine.writers[i];
    if (!slot.takes_part || slot.failed || part.gone || part.liar) continue;
    const auto other = writers_[i].plan->level;
    if (verb == Verb::freeze && other < level && !part.frozen) {
      violated(index, "a level is frozen before the one in front of it");
    }
    if (verb == Verb::thaw && other > level && !part.thaw_called) {
      violated(index, "a level is thawed before the one behind it");
    }
  }
}

void World::judge_verb(std::uint32_t index, const VerbCall& call) {
  SessionActor& session = at(call.session);
  WriterPart& part = session.writers[index];
  const auto wrong = [&](bool condition, const char* what) {
    if (condition) violated(call.session, what);
  };
  wrong(part.shutdown_called && !(call.verb == Verb::thaw && !part.shut_down) &&
            session.machine.writers[index].side_call != call.seq,
        "a verb after the last one");
  switch (call.verb) {
    case Verb::prepare_backup:
    case Verb::pre_restore:
      wrong(!part.identified, "a writer that was never identified");
      break;
    case Verb::prepare_snapshot:
      wrong(!part.prepared, "prepare_snapshot without prepare_backup");
      wrong(!session.turn, "prepare_snapshot without a turn");
      wrong(session.plan->kind != SessionKind::hold && !journal_[call.session].intended &&
                !has(Bug::intent_not_journalled),
            "prepare_snapshot before the intent is on disk");
      break;
    case Verb::freeze:
      wrong(!part.snapshot_prepared, "freeze without prepare_snapshot");
      wrong(part.frozen, "a second freeze");
      judge_levels(call.session, index, call.verb);
      for (const ProviderPart& provider : session.providers) {
        wrong(session.plan->kind != SessionKind::hold && !provider.ended_prepare,
              "a freeze before the providers are prepared");
      }
      break;
    case Verb::thaw:
      if (session.machine.writers[index].side_call == call.seq) break;  // late: out of any order
      judge_levels(call.session, index, call.verb);
      part.thaw_called = true;
      break;
    case Verb::post_snapshot:
      wrong(!part.thaw_called, "post_snapshot of a writer that was not thawed");
      wrong(writers_[index].held && writers_[index].held_by == call.session,
            "post_snapshot of a writer that is still frozen");
      for (const ProviderPart& provider : session.providers) {
        wrong(!provider.final_begun, "post_snapshot before the snapshots can be written");
      }
      break;
    case Verb::backup_complete:
      wrong(!journal_[call.session].receipt, "backup_complete before the receipt is on disk");
      wrong(!session.published, "backup_complete of a backup that was not published");
      break;
    case Verb::post_restore:
      wrong(session.copy_under_way, "post_restore while files are copied");
      break;
    default:
      break;
  }
}

void World::judge_step(std::uint32_t index, const ProviderActor::Call& call) {
  const SessionActor& session = at(call.session);
  const ProviderPart& part = session.providers[index];
  const auto wrong = [&](bool condition, const char* what) {
    if (condition) violated(call.session, what);
  };
  switch (call.step) {
    case ProviderStep::begin_prepare:
      wrong(!session.turn, "a provider prepares without a turn");
      break;
    case ProviderStep::end_prepare:
      wrong(!part.begun, "end_prepare before begin_prepare");
      break;
    case ProviderStep::pre_commit:
    case ProviderStep::commit:
      wrong(!part.ended_prepare, "a cut without preparation");
      for (const auto& other : session.providers) {
        wrong(call.step == ProviderStep::commit && !other.pre_committed,
              "a cut without pre_commit");
      }
      for (std::uint32_t i = 0; i < writers_.size(); ++i) {
        const WriterSlot& writer = session.machine.writers[i];
        const WriterPart& truth = session.writers[i];
        if (!writer.takes_part || writer.failed || truth.gone || truth.liar) continue;
        wrong(!truth.frozen, "a cut before every writer is frozen");
      }
      for (const auto& other : session.providers) {
        wrong(call.step == ProviderStep::commit && !other.ended_prepare,
              "a cut without the others");
      }
      break;
    case ProviderStep::post_commit:
      wrong(!part.committed, "post_commit before commit");
      break;
    case ProviderStep::pre_final:
      for (const auto& other : session.providers)
        wrong(!other.post_committed, "pre_final too early");
      break;
    case ProviderStep::post_final:
      wrong(!part.final_begun, "post_final before pre_final");
      break;
    default:
      break;
  }
}

void World::judge_truncation(std::uint32_t index, const VerbCall& call) {
  const SessionActor& session = at(call.session);
  const auto wrong = [&](bool condition, const char* what) {
    if (condition) violated(call.session, what);
  };
  wrong(!session.published || !journal_[call.session].receipt, "logs truncated without a receipt");
  wrong(!session.plan->truncates, "logs truncated by a backup type that keeps them");
  wrong(!session.writers[index].completed, "logs truncated before backup_complete");
  wrong(call.component >= session.component_good.size() ||
            session.component_good[call.component] == 0,
        "logs truncated of a component that was not published");
  if (violation_) return;
  const ComponentSlot& component = session.machine.components[call.component];
  const bool streamed = component.volumes == 0;
  wrong(!streamed && !session.writers[index].liar && !truly_covered(session, component),
        "logs truncated though the copy is not consistent");
}

// ---- when it is over

void World::judge_end_state(std::uint16_t index) {
  const SessionActor& session = at(index);
  const machine::State& state = session.machine;
  const auto wrong = [&](bool condition, const char* what) {
    if (condition) violated(index, what);
  };
  wrong(!session.timers.empty(), "a timer outlives its session");
  wrong(session.turn || turns_.holds(SessionId({static_cast<std::uint8_t>(index), 0, 0, 0, 0, 0, 0,
                                                0, 0, 0, 0, 0, 0, 0, 0, 1})),
        "a turn outlives its session");
  wrong(state.pending != 0 || state.abort_pending != 0 || state.end_pending != 0,
        "a request outlives its session");
  wrong(session.went_aborting && !state.failure, "an aborted session that knows no reason");
  wrong(state.outstanding != 0 || state.operation != 0, "a call outlives its session");
  wrong(state.phase_timer != 0 || state.commit_timer != 0 || state.start_timer != 0,
        "the machine believes in a timer after the end");
  for (std::size_t request = 1; request < session.replies.size(); ++request) {
    wrong(session.replies[request] == 0 && !session.requestor_gone, "a request was never answered");
  }
}

void World::judge_end_participants(std::uint16_t index) {
  const SessionActor& session = at(index);
  const machine::State& state = session.machine;
  const auto wrong = [&](bool condition, const char* what) {
    if (condition) violated(index, what);
  };
  const bool restore = session.plan->kind == SessionKind::restore;
  for (std::uint32_t i = 0; i < state.writers.size(); ++i) {
    const WriterPart& part = session.writers[i];
    const WriterSlot& slot = state.writers[i];
    wrong(writers_[i].held && writers_[i].held_by == index, "a writer is frozen after the session");
    wrong(part.heartbeat, "a heartbeat outlives its session");
    wrong(slot.hold_timer != 0, "a hold timer outlives its session");
    if (part.gone) {
      wrong(part.engaged && !restore && !slot.failed && slot.failure != Errc::writer_gone &&
                slot.alive && state.phase == Phase::ended && part.shut_down == false &&
                !part.shutdown_called,
            "a lost writer was not noticed");
      continue;
    }
    wrong(part.engaged && !part.shutdown_called, "a writer never heard that the session is over");
    wrong(session.went_aborting && part.engaged && !part.abort_called,
          "an abort passed a writer by");
    wrong(slot.failed && part.engaged && !part.abort_called &&
              slot.failed_at >= Verb::prepare_backup && slot.failed_at <= Verb::thaw,
          "a writer that failed was left alone");
    wrong(slot.failed && slot.failed_at == Verb::post_snapshot && !part.refused_post_snapshot &&
              !part.abort_called,
          "a writer that still owes post_snapshot was left alone");
    const bool counts =
        part.live_failure && part.failed_verb != Verb::abort &&
        (part.failed_verb <= Verb::backup_complete || part.failed_verb == Verb::pre_restore ||
         part.failed_verb == Verb::post_restore);
    wrong(counts && !slot.failure, "a writer's failure is not in its status");
  }
  const bool left = session.closed_as == machine::Record::session_left_snapshots;
  for (std::uint32_t i = 0; i < state.groups.size(); ++i) {
    const ProviderPart& part = session.providers[i];
    const bool kept = journal_[index].created && !session.plan->auto_release;
    wrong(part.exists != 0 && !kept && !part.abort_called && !part.gone,
          "a snapshot is left to the reaper without need");
    wrong(
        session.went_aborting && state.groups[i].begun && !kept && !part.abort_called && !part.gone,
        "an abort passed a provider by");
    wrong(part.exists != 0 && !kept && !left, "a snapshot outlives its session unrecorded");
    wrong(kept && state.sealed && !part.sealed, "a persistent snapshot is not sealed");
    wrong(kept && state.sealed && part.exists == 0, "a persistent snapshot is gone");
    wrong(part.live_failure && !state.groups[i].failure, "a provider's failure was not noticed");
    wrong(state.groups[i].begun && !session.closed_as, "the journal was not told of the end");
    wrong(left && part.exists == 0 && state.groups.size() == 1 && !part.live_failure &&
              !part.gone && part.abort_called && !state.groups[i].failure && state.groups[i].undone,
          "the journal was told of snapshots that are gone");
  }
}

// A backup that was answered "complete" is complete.
void World::judge_completion(std::uint16_t index) {
  const SessionActor& session = at(index);
  const machine::State& state = session.machine;
  for (std::uint32_t i = 0; i < state.writers.size(); ++i) {
    const WriterSlot& slot = state.writers[i];
    if (slot.engaged && !slot.failed && !session.writers[i].completed) {
      violated(index, "a completed backup that a writer did not hear of");
    }
    if (slot.takes_part && !slot.failed && session.plan->kind != SessionKind::hold &&
        !session.writers[i].posted) {
      violated(index, "a completed backup without post_snapshot");
    }
  }
  for (std::size_t i = 0; i < state.components.size(); ++i) {
    const ComponentSlot& component = state.components[i];
    const WriterSlot& slot = state.writers[component.writer];
    const bool due = session.plan->truncates && component.has_logs && !slot.failed &&
                     !component.failure && session.component_good[i] != 0 &&
                     component.label <= Consistency::application_asserted;
    if (due && !component.truncated) violated(index, "a completed backup that truncated nothing");
    const bool streamed = component.volumes == 0 &&
                          writers_[component.writer].plan->capabilities.has(Capability::streaming);
    if (session.plan->kind == SessionKind::stream && streamed && !slot.failed &&
        !component.failure && component.label != Consistency::application_consistent) {
      violated(index, "a streamed component without its label");
    }
  }
  if (!state.receipt_recorded) violated(index, "a completed backup without a receipt");
}

void World::judge_restore_end(std::uint16_t index) {
  const SessionActor& session = at(index);
  int open = 0;
  for (std::uint32_t i = 0; i < writers_.size(); ++i) {
    const WriterActor& writer = writers_[i];
    const bool ours = writer.interlock_session == index;
    open += ours && writer.interlock == Interlock::registered ? 1 : 0;
    const WriterSlot& slot =
        session.machine.writers.empty() ? WriterSlot{} : session.machine.writers[i];
    const bool hears = slot.capabilities.has(Capability::restore_events);
    if (session.completed_ok && hears && slot.selected && !slot.failed && slot.alive &&
        !session.writers[i].completed && !session.writers[i].gone) {
      violated(index, "a finished restore without post_restore");
    }
  }
  if (journal_[index].registrations_open < open) {
    violated(index, "an interlocked target that the journal does not know");
  }
}

void World::judge_end(std::uint16_t index) {
  judge_end_state(index);
  judge_end_participants(index);
  const SessionActor& session = at(index);
  if (session.plan->kind == SessionKind::restore) return judge_restore_end(index);
  if (session.completed_ok) judge_completion(index);
  const bool untroubled = std::none_of(
      sessions_.begin(), sessions_.begin() + static_cast<std::ptrdiff_t>(session_count_),
      [](const SessionActor& s) { return !s.faults.empty(); });
  // A real writer may have reasons of its own.
  if (untroubled && options_.real_writers.empty() && session.guest == kNoGuest &&
      session.plan->publishes && !session.completed_ok) {
    // Streams need a writer that streams; a cut elsewhere may take longer than some hold.
    const bool streams = session.plan->kind == SessionKind::stream && session.plan->streams;
    if (!streams && !slowness_) violated(index, "a session that met no trouble did not complete");
  }
}

void World::judge_run_end() {
  reap();
  for (std::uint16_t i = 0; i < session_count_ && !violation_; ++i) {
    const SessionActor& session = at(i);
    if (!session.begun) continue;  // a guest began fewer than it might have
    if (!session.lost && session.machine.phase != Phase::ended) {
      violated(i, "a session is stuck in " + std::string(to_string(session.machine.phase)));
    }
    if (!session.lost && !session.settled_truth)
      violated(i, "an ended session waits for an answer");
    for (std::size_t request = 1; request < session.replies.size(); ++request) {
      if (session.replies[request] == 0 && !session.requestor_gone) {
        violated(i, "a request was never answered");
      }
    }
    for (const ProviderPart& part : session.providers) {
      const bool kept = journal_[i].created && !session.plan->auto_release;
      if (part.exists != 0 && !kept) violated(i, "a snapshot is left for good");
    }
  }
  for (const WriterActor& writer : writers_) {
    if (writer.held) violated(writer.held_by, "a writer is frozen for good");
    if (writer.files == TargetFiles::partial && writer.interlock == Interlock::none) {
      violated(kNoSession, "a half restored target could start");
    }
  }
}

}  // namespace stillframe::testkit
