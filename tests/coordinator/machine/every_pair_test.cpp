// Every (phase, event) pair, legal or not, from every reachable kind of state.
#include <set>

#include "tests/coordinator/machine/rig.hpp"

namespace stillframe::machine::tests {
namespace {

// Sessions standing in each phase, with each policy: what events are thrown at.
std::vector<Rig> sessions_in(Phase phase) {
  std::vector<Rig> found;
  const auto keep = [&](const Rig& rig) {
    if (rig.state.phase == phase) found.push_back(rig);
  };
  for (auto policy : {ConsistencyPolicy::require, ConsistencyPolicy::allow_degraded}) {
    if (phase <= Phase::completed && phase != Phase::holding) keep(backup(phase, policy));
    Rig hold = backup(Phase::prepared, policy);
    hold.snapshot({}, {}, EventKind::hold_begin).run(phase);
    keep(hold);
    Rig aborted = backup(Phase::committing, policy);
    aborted.ask(EventKind::abort, 90);
    keep(aborted);
    keep(aborted.run(phase));
    Rig done = backup(Phase::completed, policy);
    done.ask(EventKind::end, 91);
    keep(done);

    SessionOptions options;
    options.limits.start_wait = std::chrono::seconds(30);
    Rig restore(State::restore(options));
    keep(restore);
    restore.gather({writer(), writer()});
    keep(restore);
    restore.run();
    keep(restore);
    restore.select({{0, policy}, {1, policy}});
    restore.ask(EventKind::pre_restore, 3);
    keep(restore);
    restore.run();
    keep(restore);
    for (EventKind kind : {EventKind::restore_prepare, EventKind::restore_locations,
                           EventKind::restore_register, EventKind::restore_complete}) {
      restore.writer_event(kind, 0, 0, 20 + static_cast<RequestId>(kind));
      keep(restore);
      restore.run();
      keep(restore);
    }
    restore.ask(EventKind::post_restore, 40);
    keep(restore);
    restore.run();
    keep(restore);
    restore.ask(EventKind::end, 41);
    keep(restore);
    keep(restore.run());
  }
  return found;
}

Event event_for(const State& state, EventKind kind, bool stale) {
  static const SetSpec set;
  static const CompleteSpec complete{true, {}};
  Event event;
  event.kind = kind;
  event.request = is_request(kind) ? 777 : 0;
  event.writer = 0;
  event.component = 0;
  event.group = 0;
  event.set = &set;
  event.complete = &complete;
  const CallSeq writer_call = state.writers.empty() ? 0 : state.writers[0].call;
  switch (kind) {
    case EventKind::writer_answered:
    case EventKind::call_timeout:
      event.seq = writer_call;
      break;
    case EventKind::provider_answered:
      event.seq = state.groups.empty() ? 0 : state.groups[0].call;
      break;
    case EventKind::hold_timeout:
      event.seq = state.writers.empty() ? 0 : state.writers[0].hold_timer;
      break;
    case EventKind::phase_timeout:
      event.seq = state.phase_timer;
      break;
    case EventKind::commit_timeout:
      event.seq = state.commit_timer;
      break;
    case EventKind::start_timeout:
      event.seq = state.start_timer;
      break;
    default:
      event.seq = state.operation;
      break;
  }
  if (stale) event.seq += 1'000'000;
  return event;
}

// What must be true of any state, whatever happened.
void expect_sound(const State& state) {
  std::uint32_t calls = state.operation != 0 ? 1 : 0;
  for (const auto& slot : state.writers) calls += (slot.call != 0 || slot.awaited) ? 1 : 0;
  for (const auto& slot : state.groups) calls += slot.call != 0 ? 1 : 0;
  EXPECT_EQ(state.outstanding, calls);
  if (info(state.phase).kind == PhaseKind::waiting) {
    EXPECT_GT(state.outstanding, 0u) << "stuck in " << to_string(state.phase);
  }
  if (state.phase != Phase::ended) return;
  EXPECT_EQ(state.pending, 0u);
  EXPECT_EQ(state.abort_pending, 0u);
  EXPECT_EQ(state.end_pending, 0u);
  EXPECT_EQ(state.phase_timer, 0u);
  EXPECT_EQ(state.commit_timer, 0u);
  EXPECT_FALSE(state.turn_taken);
  for (const auto& slot : state.writers) EXPECT_EQ(slot.hold_timer, 0u);
}

int replies_to(const Actions& actions, RequestId request) {
  return static_cast<int>(std::count_if(actions.begin(), actions.end(), [&](const Action& action) {
    return action.kind == ActionKind::reply && action.request == request;
  }));
}

bool still_pending(const State& state, RequestId request) {
  const bool passed_on = std::any_of(state.writers.begin(), state.writers.end(),
                                     [&](const auto& slot) { return slot.request == request; });
  return passed_on || state.pending == request || state.abort_pending == request ||
         state.end_pending == request;
}

class EveryPair : public ::testing::TestWithParam<int> {};

TEST_P(EveryPair, IsEitherARowOrTheDefault) {
  const auto phase = static_cast<Phase>(GetParam());
  const auto sessions = sessions_in(phase);
  ASSERT_FALSE(sessions.empty()) << "no way into " << to_string(phase);
  for (const Rig& session : sessions) {
    for (int k = 0; k < kEventKinds; ++k) {
      const auto kind = static_cast<EventKind>(k);
      for (const auto failure : {std::optional<Errc>{}, std::optional(Errc::writer_retryable)}) {
        SCOPED_TRACE(std::string(to_string(phase)) + " / " + std::string(to_string(kind)));
        Rig rig = session;
        rig.rows.clear();
        Event event = event_for(rig.state, kind, false);
        event.failure = failure;
        rig.send(event);
        expect_sound(rig.state);
        if (is_request(kind)) {
          EXPECT_EQ(replies_to(rig.actions, 777) + still_pending(rig.state, 777), 1);
        }
        if (session_table().at(phase, kind).empty()) {
          EXPECT_EQ(rig.state.phase, phase);
          EXPECT_TRUE(rig.rows.empty());
        }
      }
    }
  }
}

TEST_P(EveryPair, StaleAnswersAndTimersChangeNothing) {
  const auto phase = static_cast<Phase>(GetParam());
  for (const Rig& session : sessions_in(phase)) {
    for (int k = static_cast<int>(EventKind::writer_answered); k < kEventKinds; ++k) {
      const auto kind = static_cast<EventKind>(k);
      if (!is_stale(session.state, event_for(session.state, kind, true))) continue;
      Rig rig = session;
      rig.send(event_for(rig.state, kind, true));
      EXPECT_EQ(rig.state.phase, phase);
      EXPECT_TRUE(rig.actions.empty()) << to_string(kind);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Phases, EveryPair, ::testing::Range(0, kPhases), [](const auto& suite) {
  return std::string(to_string(static_cast<Phase>(suite.param)));
});

TEST(SessionTable, HasNoRowThatAnEarlierOneHides) {
  std::set<std::pair<int, int>> closed;
  for (const Row& row : session_table().rows()) {
    const auto cell = std::pair(static_cast<int>(row.phase), static_cast<int>(row.event));
    EXPECT_FALSE(closed.contains(cell)) << to_string(row.phase) << " / " << to_string(row.event);
    if (row.guard == Guard::always) closed.insert(cell);
  }
}

TEST(SessionTable, EveryWaitingPhaseSettles) {
  for (int i = 0; i < kPhases; ++i) {
    const auto phase = static_cast<Phase>(i);
    const bool single_operation =
        phase == Phase::queued || phase == Phase::flushing || phase == Phase::recording_intent ||
        phase == Phase::recording_set || phase == Phase::journalling_receipt;
    if (info(phase).kind != PhaseKind::waiting || single_operation) continue;
    EXPECT_FALSE(session_table().at(phase, EventKind::settled).empty()) << to_string(phase);
  }
}

}  // namespace
}  // namespace stillframe::machine::tests
