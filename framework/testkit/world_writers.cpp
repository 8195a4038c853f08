// Simulated applications: one thread for verbs, a process that can die and start again.
#include <algorithm>

#include "framework/testkit/real_writer.hpp"
#include "framework/testkit/world.hpp"

namespace stillframe::testkit {
namespace {

constexpr Nanos kHangs = 3 * 3600 * kSecond;

std::optional<Errc> code_of(FaultKind kind) {
  switch (kind) {
    case FaultKind::veto_retryable:
      return Errc::writer_retryable;
    case FaultKind::veto_fatal:
      return Errc::writer_fatal;
    case FaultKind::veto_out_of_resources:
      return Errc::out_of_resources;
    case FaultKind::veto_timed_out:
      return Errc::timed_out;
    case FaultKind::veto_inconsistent:
      return Errc::inconsistent_snapshot;
    case FaultKind::partial_failure:
      return Errc::partial_failure;
    default:
      return std::nullopt;
  }
}

// Longer than anybody waits for the verb.
Nanos late_for(Verb verb) {
  switch (verb) {
    case Verb::freeze:
      return 4 * kSecond;
    case Verb::thaw:
    case Verb::shutdown:
    case Verb::restore_end:
      return 15 * kSecond;
    case Verb::identify:
    case Verb::abort:
      return 40 * kSecond;
    case Verb::open_stream:
    case Verb::close:
    case Verb::list_logs:
      return 70 * kSecond;
    case Verb::prepare_backup:
    case Verb::prepare_snapshot:
    case Verb::post_snapshot:
    case Verb::backup_complete:
    case Verb::truncate_logs:
      return 700 * kSecond;
    default:
      return 3700 * kSecond;
  }
}

bool ends_a_hold(Verb verb) {
  return verb == Verb::thaw || verb == Verb::abort;
}

}  // namespace

void World::call_writer(std::uint32_t index, const VerbCall& call) {
  WriterActor& writer = writers_[index];
  WriterPart& part = at(call.session).writers[index];
  judge_verb(index, call);
  if (call.verb == Verb::identify) part.identified = true;
  if (call.verb == Verb::abort) part.abort_called = true;
  if (call.verb == Verb::shutdown || call.verb == Verb::restore_end) part.shutdown_called = true;
  if (call.verb == Verb::prepare_backup || call.verb == Verb::pre_restore) part.engaged = true;
  // A call goes to one instance; one that started again is another, until the session is told.
  if (!writer.alive || (part.gone && !part.rejoined)) {
    part.gone = true;
    return put(ItemKind::quick_answer, 0, call.session, index, call.seq, 1);
  }
  // Some writers take thaw and abort beside a freeze that is still under way.
  const bool overtakes = writer.busy && writer.is_late && writer.current.verb == Verb::freeze &&
                         ends_a_hold(call.verb) && writer.current.session == call.session;
  if (overtakes) {
    if (writer.preparing == call.session) writer.preparing = kNoSession;
    return put(ItemKind::quick_answer, 0, call.session, index, call.seq);
  }
  writer.queue.push_back(call);
  if (!writer.busy) begin_verb(index);
}

// A verb that has not begun never does; one under way is late or hangs, and hears nothing.
void World::give_up(std::uint16_t session, const Action& action) {
  auto& queue = writers_[action.writer].queue;
  const auto waiting = std::find_if(queue.begin(), queue.end(), [&](const VerbCall& call) {
    return call.session == session && call.seq == action.seq && call.epoch == epoch_;
  });
  const bool undoes =
      waiting != queue.end() && (ends_a_hold(waiting->verb) || waiting->verb == Verb::shutdown);
  if (waiting == queue.end() || undoes) return;
  queue.erase(waiting);
  put(ItemKind::quick_answer, 0, session, action.writer, action.seq, 2);
}

void World::begin_verb(std::uint32_t index) {
  WriterActor& writer = writers_[index];
  if (writer.queue.empty() || !writer.alive) return;
  writer.current = writer.queue.front();
  writer.queue.erase(writer.queue.begin());
  writer.busy = true;
  writer.outcome.reset();
  writer.dies_at_end = writer.is_late = false;
  ++writer.job;
  const VerbCall& call = writer.current;
  Nanos takes = latency();
  Fault* fault = fault_at(call.session, PlaceKind::verb, static_cast<std::uint8_t>(call.verb),
                          index, static_cast<std::uint32_t>(writers_.size()));
  if (fault != nullptr) {
    fire(*fault);
    writer.outcome = code_of(fault->kind);
    if (fault->kind == FaultKind::hangs) {
      takes = kHangs;
      writer.outcome = Errc::timed_out;
    } else if (fault->kind == FaultKind::late) {
      takes = late_for(call.verb) + latency();
      // Or only so slow that holds in front run out before the patience with this thaw does.
      if (call.verb == Verb::thaw && rng_.one_in(2)) takes = rng_.between(2, 9) * kSecond;
      writer.is_late = true;
    } else if (fault->kind == FaultKind::dies_in_verb) {
      writer.dies_at_end = true;
    } else if (fault->kind == FaultKind::lies) {
      at(call.session).writers[index].liar = true;
    } else if (fault->kind == FaultKind::lets_go) {
      put(ItemKind::hold_expires, takes + latency() / 2, call.session, index, writer.hold + 1);
    }
  }
  if (call.verb == Verb::freeze) arm_sdk_timers(index, call.session);
  put(ItemKind::writer_done, takes, call.session, index, writer.job);
}

void World::end_verb(std::uint32_t index, std::uint32_t job) {
  WriterActor& writer = writers_[index];
  if (!writer.alive || !writer.busy || writer.job != job) return;
  const VerbCall call = writer.current;
  if (writer.dies_at_end) {
    if (rng_.one_in(2)) carry_out_verb(index, call);
    return writer_dies(index);
  }
  std::optional<Errc> failure = writer.outcome;
  // A hanging verb never returns: nothing was said to a real writer either.
  if (failure != Errc::timed_out) {
    const auto said = say_for_real(index, call);
    if (!failure) failure = said;
  }
  const bool undoes = ends_a_hold(call.verb) || call.verb == Verb::shutdown;
  if (call.verb == Verb::freeze && !failure && now_ >= writer.hold_deadline) {
    failure = Errc::timed_out;  // the SDK let go before the application had frozen
  } else if (!failure || failure == Errc::partial_failure || undoes) {
    carry_out_verb(index, call);
    if (writer.outcome && !failure) failure = writer.outcome;  // refused after all
  }
  writer.busy = false;
  // Well or badly: the last verb of the bracket has been said.
  if (call.verb == Verb::post_snapshot && writer.preparing == call.session) {
    writer.preparing = kNoSession;
  }
  if (call.epoch != epoch_) {  // its coordinator is gone: the SDK undoes every session it had
    if (writer.held && at(writer.held_by).lost) end_hold(index, true);
    if (writer.preparing != kNoSession && at(writer.preparing).lost) writer.preparing = kNoSession;
  }
  answer_verb(index, call, failure);
  if (!writers_[index].busy) begin_verb(index);
}

void World::carry_out_verb(std::uint32_t index, const VerbCall& call) {
  WriterActor& writer = writers_[index];
  WriterPart& part = at(call.session).writers[index];
  switch (call.verb) {
    case Verb::prepare_backup:
      part.prepared = true;
      return;
    case Verb::prepare_snapshot:
      if (writer.preparing != kNoSession && writer.preparing != call.session) {
        violated(call.session,
                 "a writer is between prepare_snapshot and post_snapshot of two sessions");
      }
      writer.preparing = call.session;
      part.snapshot_prepared = true;
      return;
    case Verb::freeze:
      if (part.liar) return;
      writer.held = part.frozen = true;
      writer.held_by = call.session;
      part.held_from = now_;
      part.held_until = -1;
      part.broke = part.met_others_end = false;
      if (!part.heartbeat)
        set_heartbeat(call.session, index, false);  // nobody watches: the lease runs
      return;
    case Verb::thaw:
      if (writer.held_by == call.session && !has(Bug::sdk_thaw_does_nothing))
        end_hold(index, false);
      if (at(call.session).plan->kind == SessionKind::hold && writer.preparing == call.session) {
        writer.preparing = kNoSession;
      }
      return;
    case Verb::post_snapshot:
      part.posted = true;
      return;
    case Verb::abort:
    case Verb::shutdown:
      if (call.verb == Verb::abort) part.aborted = true;
      if (call.verb == Verb::shutdown) part.shut_down = true;
      if (writer.held_by == call.session) end_hold(index, false);
      if (writer.preparing == call.session) writer.preparing = kNoSession;
      return;
    case Verb::backup_complete:
      part.completed = true;
      return;
    case Verb::truncate_logs:
      return judge_truncation(index, call);
    case Verb::restore_register:
      if (writer.interlock != Interlock::none) {
        writer.outcome = Errc::interlocked;
        return;
      }
      if (has(Bug::sdk_forgets_interlock)) return;
      writer.interlock = Interlock::registered;
      writer.interlock_session = call.session;
      return;
    case Verb::restore_complete:
      if (writer.interlock_session != call.session) return;
      if (call.copied_ok && writer.files == TargetFiles::partial) {
        violated(call.session, "a half restored target was told that its files are in place");
      }
      writer.interlock = call.copied_ok ? Interlock::none : Interlock::failed;
      if (call.copied_ok) writer.interlock_session = kNoSession;
      return;
    case Verb::post_restore:
      if (writer.interlock == Interlock::registered && writer.interlock_session == call.session) {
        violated(call.session, "post_restore of a target that is still interlocked");
      }
      part.completed = true;
      return;
    case Verb::restore_end:
      part.shut_down = true;
      return;
    default:
      return;
  }
}

std::optional<Errc> World::say_for_real(std::uint32_t index, const VerbCall& call) {
  if (index >= options_.real_writers.size()) return std::nullopt;
  RealWriter& real = *options_.real_writers[index];
  WriterActor& writer = writers_[index];
  // As the SDK does: an end that finds the application frozen thaws it first.
  const bool ends = call.verb == Verb::abort || call.verb == Verb::shutdown;
  if (ends && writer.held_by == call.session) end_hold(index, false);
  if (ends && writer.held) at(writer.held_by).writers[index].met_others_end = true;
  RealWriter::Call said;
  said.verb = call.verb;
  said.session = call.session;
  said.component = call.component;
  said.copied_ok = call.copied_ok;
  said.now = now_;
  const auto failure = real.say(said, index, *options_.documents[call.session]);
  // A freeze that fails is followed by a thaw.
  if (call.verb == Verb::freeze && failure) (void)say_thaw(index, call.session);
  if (call.verb == Verb::thaw && !real.vouched()) note_broken(call.session, index);
  return failure;
}

// The writer says that its hold did not last. Nobody ended it, so its own end of another did.
void World::note_broken(std::uint16_t session, std::uint32_t index) {
  WriterPart& part = at(session).writers[index];
  if (part.met_others_end && !part.broke)
    violated(session, "a hold did not outlast the abort or shutdown of another session");
  part.broke = true;
}

void World::answer_verb(std::uint32_t index, const VerbCall& call, std::optional<Errc> failure) {
  SessionActor& session = at(call.session);
  if (session.lost || call.epoch != session.epoch) return;
  WriterPart& part = session.writers[index];
  Event event;
  event.kind = EventKind::writer_answered;
  event.writer = index;
  event.seq = call.seq;
  event.failure = failure;
  if (failure && session.machine.writers[index].call == call.seq) {
    part.live_failure = failure;
    part.failed_verb = call.verb;
    part.refused_post_snapshot |= call.verb == Verb::post_snapshot;
  }
  if (failure == Errc::partial_failure) {
    const auto component = session.machine.writers[index].first_component;
    Event partial;
    partial.kind = EventKind::component_failed;
    partial.component = component;
    partial.failure = Errc::writer_retryable;
    deliver(call.session, partial);
  }
  if (call.verb == Verb::thaw) {
    event.hold.from = BootTime(Duration(part.liar ? 0 : part.held_from));
    event.hold.until = BootTime(Duration(
        part.liar || part.held_until < 0 || has(Bug::sdk_claims_unbroken) ? now_
                                                                          : part.held_until));
    event.hold.unbroken =
        part.liar || has(Bug::sdk_claims_unbroken) || (part.frozen && !part.broke);
    if (index < options_.real_writers.size()) {
      event.hold.unbroken = event.hold.unbroken && options_.real_writers[index]->vouched();
    }
  }
  deliver(call.session, event);
}

void World::report_loss(std::uint32_t index) {
  for (std::uint16_t i = 0; i < session_count_; ++i) {
    if (!at(i).begun) continue;
    at(i).writers[index].gone = true;
    at(i).writers[index].rejoined = false;
    put(ItemKind::gone_writer, rng_.one_in(2) ? 0 : latency(), i, index);
  }
}

void World::writer_dies(std::uint32_t index) {
  WriterActor& writer = writers_[index];
  if (!writer.alive) return;
  if (tracing()) trace(kNoSession, "w" + std::to_string(index) + " dies");
  end_hold(index, true);
  writer.alive = false;
  writer.preparing = kNoSession;
  const bool link_first = rng_.one_in(2);  // the loss of the link and the answers to calls race
  if (link_first) report_loss(index);
  if (writer.busy && writer.current.epoch == epoch_) {
    put(ItemKind::quick_answer, 0, writer.current.session, index, writer.current.seq, 1);
  }
  writer.busy = false;
  for (const VerbCall& call : writer.queue) {
    if (call.epoch == epoch_) put(ItemKind::quick_answer, 0, call.session, index, call.seq, 1);
  }
  writer.queue.clear();
  if (!link_first) report_loss(index);
  const bool quick = rng_.one_in(2);
  put(ItemKind::writer_restart, rng_.between(kMillisecond, quick ? 4 * kMillisecond : 40 * kSecond),
      0, index);
}

void World::writer_restarts(std::uint32_t index) {
  WriterActor& writer = writers_[index];
  if (tracing()) trace(kNoSession, "w" + std::to_string(index) + " starts again");
  writer.alive = true;
  if (writer.files == TargetFiles::partial && writer.interlock == Interlock::none) {
    violated(kNoSession, "a target starts half restored");
  }
  if (!coordinator_up_) return;
  for (std::uint16_t i = 0; i < session_count_; ++i) {
    if (at(i).begun) put(ItemKind::returned_writer, latency(), i, index);
  }
}

}  // namespace stillframe::testkit
