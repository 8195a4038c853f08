#include "framework/testkit/plan.hpp"

#include <array>

namespace stillframe::testkit {
namespace {

using machine::Phase;
using machine::ProviderStep;

constexpr Verb kBackupVerbs[] = {
    Verb::identify, Verb::prepare_backup, Verb::prepare_snapshot, Verb::freeze,
    Verb::thaw,     Verb::post_snapshot,  Verb::backup_complete,  Verb::truncate_logs,
    Verb::abort,    Verb::shutdown};
constexpr Verb kStreamVerbs[] = {Verb::open_stream, Verb::close, Verb::list_logs};
constexpr Verb kHoldVerbs[] = {Verb::prepare_snapshot, Verb::freeze, Verb::thaw};
constexpr Verb kRestoreVerbs[] = {
    Verb::identify,         Verb::pre_restore,      Verb::restore_prepare, Verb::restore_locations,
    Verb::restore_register, Verb::restore_complete, Verb::post_restore,    Verb::restore_end};

bool can_be_partial(Verb verb) {
  return verb == Verb::prepare_backup || verb == Verb::prepare_snapshot || verb == Verb::freeze ||
         verb == Verb::post_snapshot || verb == Verb::backup_complete || verb == Verb::pre_restore;
}

void add_verb(std::vector<FaultCell>& cells, Verb verb, SessionKind session) {
  const auto place = static_cast<std::uint8_t>(verb);
  // Not every session comes so far, or has the writer for it.
  const bool rare = verb == Verb::truncate_logs || verb == Verb::backup_complete ||
                    verb == Verb::open_stream || verb == Verb::close ||
                    verb >= Verb::restore_prepare;
  for (FaultKind kind :
       {FaultKind::veto_retryable, FaultKind::veto_fatal, FaultKind::veto_out_of_resources,
        FaultKind::veto_timed_out, FaultKind::veto_inconsistent, FaultKind::hangs, FaultKind::late,
        FaultKind::dies_in_verb}) {
    const bool outlasts_holds =
        verb == Verb::thaw && (kind == FaultKind::hangs || kind == FaultKind::late);
    if (outlasts_holds) cells.push_back({kind, place, session, 4});
    cells.push_back({kind, place, session, rare ? std::uint8_t{3} : std::uint8_t{1}});
  }
  if (can_be_partial(verb)) cells.push_back({FaultKind::partial_failure, place, session});
  if (verb != Verb::freeze) return;
  cells.push_back({FaultKind::lies, place, session});
  cells.push_back({FaultKind::lets_go, place, session});
}

void add_phase(std::vector<FaultCell>& cells, Phase phase, SessionKind session) {
  const auto place = static_cast<std::uint8_t>(phase);
  // Few sessions come so far, or stay so long.
  const bool rare = phase == Phase::queued || phase == Phase::post_committing ||
                    (phase >= Phase::recording_set && phase <= Phase::releasing);
  const std::uint8_t weight = rare ? 2 : 1;
  const bool restore_home =
      phase == Phase::restore_gathered || phase == Phase::pre_restored || phase == Phase::copying;
  for (FaultKind kind :
       {FaultKind::requestor_vanishes, FaultKind::requestor_aborts, FaultKind::requestor_ends,
        FaultKind::requestor_misuses, FaultKind::writer_dies, FaultKind::machine_sleeps,
        FaultKind::coordinator_dies}) {
    // Where the loss of a writer is a matter of its policy and comes seldom, or he may come back.
    const bool counts = phase == Phase::holding || phase == Phase::post_committing ||
                        phase == Phase::finalizing || phase == Phase::post_snapshot;
    const bool often = kind == FaultKind::writer_dies && (restore_home || counts);
    cells.push_back({kind, place, session, often ? std::uint8_t{4} : weight});
  }
  if (machine::info(phase).kind == machine::PhaseKind::home) {
    cells.push_back({FaultKind::requestor_is_silent, place, session,
                     phase == Phase::holding ? std::uint8_t{8} : std::uint8_t{2}});
  }
  if (session != SessionKind::restore && session != SessionKind::hold) {
    cells.push_back({FaultKind::provider_dies, place, session, 4});
  }
}

std::vector<FaultCell> make_cells() {
  std::vector<FaultCell> cells;
  for (Verb verb : kBackupVerbs) add_verb(cells, verb, SessionKind::snapshot);
  for (Verb verb : kStreamVerbs) add_verb(cells, verb, SessionKind::both);
  for (Verb verb : kStreamVerbs) add_verb(cells, verb, SessionKind::stream);
  for (Verb verb : kHoldVerbs) add_verb(cells, verb, SessionKind::hold);
  for (Verb verb : kRestoreVerbs) add_verb(cells, verb, SessionKind::restore);
  for (int step = 0; step < machine::kProviderSteps; ++step) {
    for (FaultKind kind : {FaultKind::provider_fails, FaultKind::provider_hangs,
                           FaultKind::provider_late, FaultKind::provider_dies_in_step}) {
      cells.push_back({kind, static_cast<std::uint8_t>(step), SessionKind::snapshot, 2});
    }
  }
  cells.push_back({FaultKind::partial_cut, static_cast<std::uint8_t>(ProviderStep::commit),
                   SessionKind::snapshot});
  for (int operation = 0; operation < kOperations; ++operation) {
    for (FaultKind kind :
         {FaultKind::operation_fails, FaultKind::operation_hangs, FaultKind::operation_late}) {
      cells.push_back({kind, static_cast<std::uint8_t>(operation), SessionKind::snapshot});
    }
  }
  for (int i = 0; i < machine::kPhases; ++i) {
    const auto phase = static_cast<Phase>(i);
    if (phase == Phase::ended) continue;
    const bool restore = phase >= Phase::restore_created;
    add_phase(cells, phase,
              restore                   ? SessionKind::restore
              : phase == Phase::holding ? SessionKind::hold
              : phase == Phase::ready   ? SessionKind::both
                                        : SessionKind::snapshot);
  }
  return cells;
}

const FaultCell& any_cell(Rng& rng) {
  static const std::vector<std::uint16_t> drawn = [] {
    std::vector<std::uint16_t> indices;
    for (std::size_t i = 0; i < fault_cells().size(); ++i) {
      indices.insert(indices.end(), fault_cells()[i].weight, static_cast<std::uint16_t>(i));
    }
    return indices;
  }();
  return fault_cells()[drawn[rng.below(static_cast<std::uint32_t>(drawn.size()))]];
}

Nanos any_delay(Rng& rng) {
  return rng.one_in(2) ? 0 : rng.between(0, 3 * kMillisecond);
}

// A fault that only shows on the way back needs something that turns the session back.
bool needs_abort(const FaultCell& cell) {
  switch (place_of(cell.kind)) {
    case PlaceKind::verb:
      return static_cast<Verb>(cell.place) == Verb::abort;
    case PlaceKind::step:
      return static_cast<ProviderStep>(cell.place) == ProviderStep::abort;
    case PlaceKind::phase:
      return static_cast<Phase>(cell.place) == Phase::aborting;
    default:
      return false;
  }
}

Fault turn_back(Rng& rng) {
  Fault fault;
  fault.kind = rng.one_in(3) ? FaultKind::requestor_vanishes : FaultKind::requestor_aborts;
  const auto first = static_cast<std::uint32_t>(Phase::preparing_snapshot);
  const auto last = static_cast<std::uint32_t>(Phase::recording_set);
  fault.place = static_cast<std::uint8_t>(first + rng.below(last - first + 1));
  fault.delay = any_delay(rng);
  return fault;
}

void plan_faults(Rng& rng, const FaultCell& cell, SessionPlan& session) {
  Fault fault;
  fault.kind = cell.kind;
  fault.place = cell.place;
  fault.victim = rng.below(8);
  fault.delay = any_delay(rng);
  if (session.kind == SessionKind::both) fault.delay = rng.between(0, 8 * kMillisecond);
  session.faults.push_back(fault);
  if (needs_abort(cell)) session.faults.push_back(turn_back(rng));
  for (int tries = 0; tries < 4; ++tries) {
    const FaultCell& second = any_cell(rng);
    if (second.session != cell.session) continue;
    fault.kind = second.kind;
    fault.place = second.place;
    fault.victim = rng.below(8);
    fault.delay = any_delay(rng);
    session.faults.push_back(fault);
    return;
  }
}

void tolerate_everything(SessionPlan& session) {
  for (ComponentPlan& component : session.components) {
    if (component.policy == ConsistencyPolicy::require) {
      component.policy = ConsistencyPolicy::allow_degraded;
    }
  }
}

// A thaw that takes long shows only where somebody in front is still held meanwhile, and its own
// limit is shorter than the patience with the thaw; and only where the set goes on without him.
void outlast_a_hold(Rng& rng, Plan& plan, SessionPlan& session) {
  const auto count = static_cast<std::uint32_t>(plan.writers.size());
  const std::uint32_t slow = session.faults.front().victim % count;
  WriterPlan& held = plan.writers[(slow + 1) % count];
  plan.writers[slow].level = FreezeLevel::system;
  held.level = FreezeLevel::front_end;
  held.hold_limit = rng.between(1, 4) * kSecond;
  tolerate_everything(session);
}

ConsistencyPolicy any_policy(Rng& rng) {
  const auto draw = rng.below(10);
  if (draw < 5) return ConsistencyPolicy::require;
  return draw < 8 ? ConsistencyPolicy::allow_degraded : ConsistencyPolicy::skip;
}

void plan_components(Rng& rng, const Plan& plan, SessionPlan& session) {
  for (std::uint32_t i = 0; i < plan.writers.size(); ++i) {
    const std::uint32_t count = 1 + (rng.one_in(3) ? 1 : 0);
    for (std::uint32_t n = 0; n < count; ++n) {
      ComponentPlan component;
      component.writer = i;
      component.volumes = machine::VolumeMask{1}
                          << rng.below(static_cast<std::uint32_t>(plan.volumes));
      if (rng.one_in(3)) {
        component.volumes |= machine::VolumeMask{1}
                             << rng.below(static_cast<std::uint32_t>(plan.volumes));
      }
      component.policy = any_policy(rng);
      component.has_logs = !rng.one_in(3);
      session.components.push_back(component);
    }
  }
}

void plan_session(Rng& rng, Plan& plan, SessionPlan& session) {
  session.components.clear();
  session.faults.clear();
  session.start = rng.between(0, 200 * kMillisecond);
  session.streams = rng.one_in(2);
  session.truncates = !rng.one_in(3);
  session.auto_release = !rng.one_in(4);
  session.publishes = !rng.one_in(12);
  session.valid_receipt = !rng.one_in(8);
  session.copy_succeeds = !rng.one_in(6);
  session.start_wait = rng.one_in(2) ? 0 : 20 * kSecond;
  session.kind = static_cast<SessionKind>(rng.below(kSessionKinds));
  plan_components(rng, plan, session);
  if (rng.one_in(4)) tolerate_everything(session);  // goes on with what is left
  if (rng.one_in(12)) {  // all goes well; the plainest kind is rare otherwise
    if (rng.one_in(2)) {
      session.kind = SessionKind::stream;
      session.valid_receipt = rng.one_in(2);
    }
    return;
  }
  const FaultCell& cell = any_cell(rng);
  session.kind = cell.session;
  if (cell.session == SessionKind::stream) session.streams = true;
  plan_faults(rng, cell, session);
  const bool slow_thaw = place_of(cell.kind) == PlaceKind::verb &&
                         static_cast<Verb>(cell.place) == Verb::thaw &&
                         (cell.kind == FaultKind::hangs || cell.kind == FaultKind::late);
  if (slow_thaw && rng.one_in(2)) outlast_a_hold(rng, plan, session);
}

void plan_providers(Rng& rng, Plan& plan) {
  const std::uint32_t count = 1 + rng.below(2);
  plan.providers.assign(count, {});
  for (ProviderPlan& provider : plan.providers) {
    provider.atomicity = static_cast<Atomicity>(rng.below(3));
  }
  for (int volume = 0; volume < plan.volumes; ++volume) {
    plan.providers[rng.below(count)].volumes |= machine::VolumeMask{1} << volume;
  }
  std::erase_if(plan.providers, [](const ProviderPlan& provider) { return provider.volumes == 0; });
}

}  // namespace

const std::vector<FaultCell>& fault_cells() {
  static const std::vector<FaultCell> cells = make_cells();
  return cells;
}

PlaceKind place_of(FaultKind kind) {
  if (kind == FaultKind::none) return PlaceKind::nowhere;
  if (kind <= FaultKind::lets_go) return PlaceKind::verb;
  if (kind <= FaultKind::partial_cut) return PlaceKind::step;
  return kind <= FaultKind::operation_late ? PlaceKind::operation : PlaceKind::phase;
}

void make_plan(std::uint64_t seed, Plan& plan) {
  Rng rng(seed);
  plan.seed = seed;
  plan.volumes = 1 + static_cast<int>(rng.below(4));
  plan.writers.assign(2 + rng.below(4), {});
  for (WriterPlan& writer : plan.writers) {
    writer.level = static_cast<FreezeLevel>(rng.below(kFreezeLevels));
    writer.capabilities.add(Capability::logs).add(Capability::restore_events);
    if (!rng.one_in(3)) writer.capabilities.add(Capability::streaming);
    if (!rng.one_in(4)) writer.capabilities.add(Capability::staged_restore);
    if (rng.one_in(2)) writer.hold_limit = rng.between(1, 30) * kSecond;
  }
  plan_providers(rng, plan);
  plan.session_count = 1 + rng.below(3);
  if (plan.sessions.size() < plan.session_count) plan.sessions.resize(plan.session_count);
  for (std::size_t i = 0; i < plan.session_count; ++i) plan_session(rng, plan, plan.sessions[i]);
}

std::string_view to_string(FaultKind kind) {
  constexpr std::array<std::string_view, kFaultKinds> kNames{"none",
                                                             "veto_retryable",
                                                             "veto_fatal",
                                                             "veto_out_of_resources",
                                                             "veto_timed_out",
                                                             "veto_inconsistent",
                                                             "partial_failure",
                                                             "hangs",
                                                             "late",
                                                             "dies_in_verb",
                                                             "lies",
                                                             "lets_go",
                                                             "provider_fails",
                                                             "provider_hangs",
                                                             "provider_late",
                                                             "provider_dies_in_step",
                                                             "partial_cut",
                                                             "operation_fails",
                                                             "operation_hangs",
                                                             "operation_late",
                                                             "requestor_vanishes",
                                                             "requestor_aborts",
                                                             "requestor_ends",
                                                             "requestor_misuses",
                                                             "requestor_is_silent",
                                                             "writer_dies",
                                                             "provider_dies",
                                                             "machine_sleeps",
                                                             "coordinator_dies"};
  return kNames[static_cast<std::size_t>(kind)];
}

std::string_view to_string(SessionKind kind) {
  constexpr std::array<std::string_view, kSessionKinds> kNames{"snapshot", "stream", "both", "hold",
                                                               "restore"};
  return kNames[static_cast<std::size_t>(kind)];
}

std::string place_name(const Fault& fault) {
  constexpr std::array<std::string_view, kOperations> kOperationNames{
      "turn", "flush", "record_intent", "record_set", "record_receipt"};
  switch (place_of(fault.kind)) {
    case PlaceKind::nowhere:
      return "-";
    case PlaceKind::verb:
      return std::string(stillframe::to_string(static_cast<Verb>(fault.place)));
    case PlaceKind::step:
      return std::string(machine::to_string(static_cast<ProviderStep>(fault.place)));
    case PlaceKind::operation:
      return std::string(kOperationNames[fault.place]);
    case PlaceKind::phase:
      return std::string(machine::to_string(static_cast<Phase>(fault.place)));
  }
  return "-";
}

}  // namespace stillframe::testkit
