#include <stillframe/testkit/simulation.hpp>

#include "framework/testkit/real_writer.hpp"
#include "framework/testkit/world.hpp"

namespace stillframe::testkit {

class Simulation::Impl {
 public:
  explicit Impl(std::uint64_t seed) { make_plan(seed, plan_); }

  std::vector<std::unique_ptr<RealWriter>> own;
  int company = 0;
  std::vector<Fault> faults;

  Outcome run(SessionKind kind, BackupType type);

 private:
  void make_writers();
  void make_session(SessionKind kind, BackupType type);
  Outcome outcome_of(const std::optional<Violation>& violation, std::string trace) const;

  Plan plan_;
  World world_;
};

void Simulation::Impl::make_writers() {
  plan_.writers.clear();
  for (const auto& writer : own) {
    WriterPlan& plan = plan_.writers.emplace_back();
    plan.level = writer->identity().level;
    plan.capabilities = writer->identity().capabilities;
    if (const auto limit = writer->identity().hold_limit) {
      plan.hold_limit = std::chrono::duration_cast<Duration>(*limit).count();
    }
  }
  for (int i = 0; i < company; ++i) {
    WriterPlan& plan = plan_.writers.emplace_back();
    plan.level = static_cast<FreezeLevel>(i % kFreezeLevels);
    plan.capabilities.add(Capability::logs).add(Capability::restore_events);
  }
  plan_.volumes = 2;
  plan_.providers.assign(1, {});
  plan_.providers[0].atomicity = Atomicity::volume;
  plan_.providers[0].volumes = 3;
}

void Simulation::Impl::make_session(SessionKind kind, BackupType type) {
  plan_.sessions.assign(1, {});
  plan_.session_count = 1;
  SessionPlan& session = plan_.sessions[0];
  session.kind = kind;
  session.truncates =
      type == BackupType::full || type == BackupType::incremental || type == BackupType::log;
  for (std::uint32_t i = 0; i < plan_.writers.size(); ++i) {
    const bool yours = i < own.size();
    const std::size_t count = yours ? own[i]->components().size() : 1;
    for (std::size_t n = 0; n < count; ++n) {
      ComponentPlan& component = session.components.emplace_back();
      component.writer = i;
      component.volumes = machine::VolumeMask{1} << i % 2;
      component.policy = yours ? own[i]->policy() : ConsistencyPolicy::allow_degraded;
      component.has_logs = plan_.writers[i].capabilities.has(Capability::logs);
    }
  }
  session.faults = faults;
}

Outcome Simulation::Impl::outcome_of(const std::optional<Violation>& violation,
                                     std::string trace) const {
  Outcome outcome;
  const SessionActor& session = world_.sessions()[0];
  const machine::State& state = session.machine;
  outcome.completed = session.completed_ok;
  outcome.phase = to_string(state.phase);
  outcome.violation = violation ? violation->what : std::string();
  outcome.trace = std::move(trace);
  std::size_t component = 0;
  for (std::size_t i = 0; i < own.size(); ++i) {
    WriterOutcome& writer = outcome.writers.emplace_back();
    writer.verbs = own[i]->verbs();
    if (i < state.writers.size()) writer.state = state.writers[i].state;
    for (const Component& description : own[i]->components()) {
      ComponentOutcome& result = writer.components.emplace_back();
      result.name = description.name;
      if (component < state.components.size()) {
        result.label = state.components[component].label;
        result.truncated = state.components[component].truncated;
      }
      ++component;
    }
  }
  return outcome;
}

Outcome Simulation::Impl::run(SessionKind kind, BackupType type) {
  make_writers();
  make_session(kind, type);
  faults.clear();
  RunOptions options;
  std::string trace;
  options.trace = &trace;
  options.type = type;
  for (const auto& writer : own) {
    writer->forget();
    options.real_writers.push_back(writer.get());
  }
  const auto violation = world_.run(plan_, options);
  return outcome_of(violation, std::move(trace));
}

Simulation::Simulation(std::uint64_t seed) : impl_(std::make_unique<Impl>(seed)) {}
Simulation::Simulation(Simulation&&) noexcept = default;
Simulation& Simulation::operator=(Simulation&&) noexcept = default;
Simulation::~Simulation() = default;

Simulation& Simulation::add_writer(Writer& writer, ConsistencyPolicy policy) {
  impl_->own.push_back(std::make_unique<RealWriter>(writer, policy));
  return *this;
}

Simulation& Simulation::add_company(int writers) {
  impl_->company += writers;
  return *this;
}

Status Simulation::fault(std::string_view what, std::string_view where, int victim) {
  std::string possible;
  for (const FaultCell& cell : fault_cells()) {
    if (to_string(cell.kind) != what) continue;
    Fault fault;
    fault.kind = cell.kind;
    fault.place = cell.place;
    fault.victim = static_cast<std::uint32_t>(victim);
    if (place_name(fault) == where) {
      impl_->faults.push_back(fault);
      return Ok{};
    }
    possible += (possible.empty() ? "" : ", ") + place_name(fault);
  }
  if (possible.empty()) {
    return Error(Errc::invalid_argument, "no fault is called '" + std::string(what) +
                                             "'; `stillframe-sim --coverage 1` prints them all");
  }
  return Error(Errc::invalid_argument, "the fault '" + std::string(what) + "' cannot happen at '" +
                                           std::string(where) + "'; it can at: " + possible);
}

Outcome Simulation::run_backup(BackupType type) {
  return impl_->run(SessionKind::snapshot, type);
}
Outcome Simulation::run_hold() {
  return impl_->run(SessionKind::hold, BackupType::copy);
}
Outcome Simulation::run_restore() {
  return impl_->run(SessionKind::restore, BackupType::full);
}

}  // namespace stillframe::testkit
