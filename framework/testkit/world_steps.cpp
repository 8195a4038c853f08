// What must be true of every single step of the machine: it goes on in the order of the design, it
// takes in what happened, and it answers requests when they are done.
#include <algorithm>
#include <initializer_list>

#include "framework/testkit/world.hpp"

namespace stillframe::testkit {
namespace {

using machine::EventKind;
using machine::Phase;
using machine::PhaseKind;
using enum machine::Phase;

struct Order {
  Phase phase;
  std::initializer_list<Phase> next;  // beside the ways out of a session that goes wrong
};

// The design's order, written down a second time and by hand: the table is checked against it.
const Order kOrder[] = {
    {created, {identifying}},
    {identifying, {gathered}},
    {gathered, {preparing}},
    {preparing, {prepared}},
    {prepared, {queued, ready, journalling_receipt}},
    {queued, {recording_intent, preparing_snapshot, prepared}},
    {recording_intent, {preparing_snapshot}},
    {preparing_snapshot, {provider_preparing, flushing}},
    {provider_preparing, {flushing}},
    {flushing, {freezing}},
    {freezing, {pre_committing, holding}},
    {holding, {thawing}},
    {pre_committing, {committing}},
    {committing, {post_committing}},
    {post_committing, {thawing}},
    {thawing, {finalizing, ready}},
    {finalizing, {post_snapshot}},
    {post_snapshot, {sealing}},
    {sealing, {recording_set}},
    {recording_set, {ready}},
    {ready, {journalling_receipt, releasing}},
    {journalling_receipt, {completing, ready}},
    {completing, {completed, releasing}},
    {completed, {releasing}},
    {aborting, {shutting_down}},
    {releasing, {shutting_down}},
    {shutting_down, {ended}},
    {restore_created, {restore_identifying}},
    {restore_identifying, {restore_gathered}},
    {restore_gathered, {pre_restoring}},
    {pre_restoring, {pre_restored}},
    {pre_restored, {restore_preparing, locating, registering, post_restoring}},
    {restore_preparing, {pre_restored, copying}},
    {locating, {pre_restored, copying}},
    {registering, {pre_restored, copying}},
    {copying, {restore_preparing, locating, registering, restore_completing}},
    {restore_completing, {pre_restored, copying}},
    {post_restoring, {restored}},
    {restored, {}},
    {restore_ending, {ended}},
    {ended, {}},
};
static_assert(std::size(kOrder) == machine::kPhases);

// Phases that one kind of request leads to, and nothing else does.
struct Cause {
  Phase phase;
  EventKind request;
};
const Cause kCauses[] = {
    {identifying, EventKind::gather},
    {preparing, EventKind::prepare},
    {journalling_receipt, EventKind::complete},
    {restore_identifying, EventKind::gather},
    {pre_restoring, EventKind::pre_restore},
    {restore_preparing, EventKind::restore_prepare},
    {locating, EventKind::restore_locations},
    {registering, EventKind::restore_register},
    {restore_completing, EventKind::restore_complete},
    {post_restoring, EventKind::post_restore},
};

bool has_cause(const machine::Row& row) {
  const auto cause = std::find_if(std::begin(kCauses), std::end(kCauses),
                                  [&](const Cause& c) { return c.phase == row.next; });
  return cause == std::end(kCauses) || cause->request == row.event;
}

// A request that is refused leaves the session where it is.
bool refuses(const machine::Row& row) {
  return std::find(row.effects.begin(), row.effects.end(), machine::Effect::refuse) !=
         row.effects.end();
}

// Where a session goes that will not finish. Before anybody is engaged it simply ends.
bool is_way_out(Phase from, Phase to) {
  if (from <= gathered || (from >= restore_created && from <= restore_gathered)) return to == ended;
  if (from >= pre_restoring && from <= restored) return to == restore_ending;
  return to == aborting && from >= preparing && from <= journalling_receipt;
}

bool is_ending(Phase phase) {
  return phase == aborting || phase == releasing || phase == shutting_down ||
         phase == restore_ending || phase == ended;
}

// Where a session stands when it says that a request went well.
std::initializer_list<Phase> home_of(EventKind request) {
  static constexpr std::initializer_list<Phase> kNowhere = {};
  switch (request) {
    case EventKind::gather: {
      static constexpr std::initializer_list<Phase> kHome = {gathered, restore_gathered};
      return kHome;
    }
    case EventKind::select: {
      static constexpr std::initializer_list<Phase> kHome = {gathered, restore_gathered};
      return kHome;
    }
    case EventKind::prepare: {
      static constexpr std::initializer_list<Phase> kHome = {prepared};
      return kHome;
    }
    case EventKind::snapshot:
    case EventKind::hold_end:
    case EventKind::open_stream:
    case EventKind::close_stream:
    case EventKind::list_logs: {
      static constexpr std::initializer_list<Phase> kHome = {ready};
      return kHome;
    }
    case EventKind::hold_begin: {
      static constexpr std::initializer_list<Phase> kHome = {holding};
      return kHome;
    }
    case EventKind::complete: {
      static constexpr std::initializer_list<Phase> kHome = {completed, releasing, shutting_down,
                                                             ended};
      return kHome;
    }
    case EventKind::pre_restore: {
      static constexpr std::initializer_list<Phase> kHome = {pre_restored};
      return kHome;
    }
    case EventKind::post_restore: {
      static constexpr std::initializer_list<Phase> kHome = {restored};
      return kHome;
    }
    case EventKind::restore_prepare:
    case EventKind::restore_locations:
    case EventKind::restore_register:
    case EventKind::restore_complete:
    case EventKind::file_status: {
      static constexpr std::initializer_list<Phase> kHome = {pre_restored, copying};
      return kHome;
    }
    default:
      return kNowhere;
  }
}

bool in(std::initializer_list<Phase> list, Phase phase) {
  return std::find(list.begin(), list.end(), phase) != list.end();
}

}  // namespace

void World::judge_order(std::uint16_t index) {
  SessionActor& session = at(index);
  for (const auto row_index : taken_) {
    const machine::Row& row = options_.table->rows()[row_index];
    if (row.next == aborting) session.went_aborting = true;
    if (row.next == pre_committing && !row.stays) session.commit_begun = now_;
    if (row.stays || row.next == row.phase) continue;
    if (refuses(row)) return violated(index, "a refused request moves its session");
    if (!has_cause(row)) {
      return violated(index, std::string(to_string(row.event)) + " leads to " +
                                 std::string(to_string(row.next)));
    }
    const bool legal = in(kOrder[static_cast<std::size_t>(row.phase)].next, row.next) ||
                       is_way_out(row.phase, row.next);
    if (legal) continue;
    return violated(index, "a session goes from " + std::string(to_string(row.phase)) + " to " +
                               std::string(to_string(row.next)));
  }
}

void World::judge_taken_in(std::uint16_t index, Phase before, const Event& event,
                           machine::CallSeq last_seq) {
  SessionActor& session = at(index);
  const machine::State& state = session.machine;
  const auto wrong = [&](bool condition, const char* what) {
    if (condition) violated(index, what);
  };
  switch (event.kind) {
    case EventKind::writer_answered:
      wrong(state.writers[event.writer].call == event.seq, "an answer was not taken in");
      break;
    case EventKind::provider_answered:
      wrong(state.groups[event.group].call == event.seq, "a provider's answer was not taken in");
      break;
    case EventKind::flushed:
    case EventKind::journalled:
    case EventKind::turn_granted:
    case EventKind::turn_refused:
      wrong(state.operation == event.seq, "the end of an operation was not taken in");
      break;
    case EventKind::writer_gone:
      wrong(state.writers[event.writer].alive, "the loss of a writer was not taken in");
      break;
    case EventKind::writer_returned:
      wrong(before != post_restoring && !state.writers[event.writer].alive,
            "the return of a writer was not taken in");
      break;
    case EventKind::provider_gone:
      wrong(state.groups[event.group].alive, "the loss of a provider was not taken in");
      break;
    case EventKind::component_failed:
      wrong(!state.components[event.component].failure, "a component's failure was not taken in");
      break;
    case EventKind::hold_timeout:
      wrong(state.writers[event.writer].hold_timer != 0 || !state.writers[event.writer].failed,
            "the end of a hold was not taken in");
      break;
    case EventKind::call_timeout:
      wrong(state.writers[event.writer].call == event.seq, "the end of a call was not taken in");
      break;
    case EventKind::phase_timeout:
      for (std::size_t i = 0; i < state.writers.size(); ++i) {
        const auto live = session.writers[i].live_call;
        const bool late = live != 0 && live <= last_seq && !session.writers[i].gone;
        const bool matters = before == preparing || before == preparing_snapshot ||
                             before == post_snapshot || before == pre_restoring;
        wrong(matters && late && !state.writers[i].failed,
              "a late writer does not count as failed");
      }
      for (const auto& slot : state.writers) {
        wrong(slot.call != 0 && slot.call <= last_seq, "a call outlives its phase");
        wrong(slot.awaited, "a target is awaited beyond its phase");
      }
      for (const auto& slot : state.groups) {
        wrong(slot.call != 0 && slot.call <= last_seq, "a step outlives its phase");
      }
      wrong(state.operation != 0 && state.operation <= last_seq, "an operation outlives its phase");
      wrong(machine::info(before).kind == PhaseKind::home && !is_ending(state.phase),
            "a requestor that says nothing keeps its session");
      break;
    case EventKind::start_timeout:
      for (const auto& slot : state.writers) wrong(slot.awaited, "a target is awaited for ever");
      break;
    case EventKind::abort:
    case EventKind::requestor_gone:
      wrong(!is_ending(state.phase) && state.phase != completing, "an abort that ends nothing");
      break;
    default:
      break;
  }
}

void World::judge_step_taken(std::uint16_t index, Phase before, const Event& event,
                             machine::CallSeq last_seq, bool was_stale) {
  const machine::State& state = at(index).machine;
  judge_order(index);
  if (violation_) return;
  const bool expected = !machine::session_table().at(before, event.kind).empty();
  if (expected && !was_stale) judge_taken_in(index, before, event, last_seq);
  if (state.phase == prepared && state.turn_taken) violated(index, "a turn is kept for nothing");
  const bool waits = machine::info(state.phase).kind == PhaseKind::waiting;
  if (waits && state.outstanding == 0) violated(index, "a session waits for nothing");
  const bool leaves_commit = before >= pre_committing && before <= post_committing &&
                             (state.phase < pre_committing || state.phase > post_committing);
  if (leaves_commit && now_ - at(index).commit_begun > 10 * kSecond) {
    violated(index, "a commit took longer than its limit");
  }
}

void World::judge_reply(std::uint16_t index, machine::RequestId request,
                        std::optional<Errc> failure) {
  const SessionActor& session = at(index);
  const machine::State& state = session.machine;
  const EventKind kind = session.asked[request];
  const auto wrong = [&](bool condition, const char* what) {
    if (condition) violated(index, what);
  };
  const bool passed_on = kind == EventKind::open_stream || kind == EventKind::close_stream ||
                         kind == EventKind::list_logs;
  wrong(passed_on && now_ - session.asked_at[request] > 61 * kSecond,
        "a stream request outlives its limit");
  if (failure) {
    wrong(*failure == Errc::timed_out && !slowness_ &&
              (!state.failure || state.failure->writer == machine::kNone),
          "a request ran out of time though nothing was slow");
    return;
  }
  const bool ends = kind == EventKind::abort || kind == EventKind::end;
  wrong(!ends && !in(home_of(kind), state.phase), "a request is done where it cannot be");
  if (kind == EventKind::prepare || kind == EventKind::pre_restore) {
    const auto needed =
        kind == EventKind::prepare ? 0u : static_cast<std::uint32_t>(Capability::restore_events);
    for (const ComponentPlan& component : session.plan->components) {
      const auto bits = plan_->writers[component.writer].capabilities.bits;
      wrong((bits & needed) == needed && !session.writers[component.writer].engaged &&
                !state.writers[component.writer].failed,
            "a selected writer was never asked to prepare");
    }
  }
}

}  // namespace stillframe::testkit
