#include <stillframe/testkit/simulation.hpp>

#include "framework/testkit/guest.hpp"
#include "framework/testkit/real_writer.hpp"
#include "framework/testkit/world.hpp"

namespace stillframe::testkit {
namespace {

SessionKind kind_of(SessionScript script) {
  switch (script) {
    case SessionScript::backup:
      return SessionKind::snapshot;
    case SessionScript::stream:
      return SessionKind::stream;
    case SessionScript::backup_and_stream:
      return SessionKind::both;
    case SessionScript::hold:
      return SessionKind::hold;
    case SessionScript::restore:
      return SessionKind::restore;
  }
  return SessionKind::snapshot;
}

}  // namespace

class Simulation::Impl {
 public:
  explicit Impl(std::uint64_t seed) { plan_.seed = seed; }

  std::vector<std::unique_ptr<RealWriter>> own;
  int company = 0;
  std::vector<SimulatedVolume> volumes;
  // Of the next run.
  std::vector<SessionWish> wishes;
  std::vector<OwnRequestor> requestors;
  std::vector<std::pair<std::size_t, Fault>> faults;  // by session or requestor

  RunOutcome run();

 private:
  using Documents = std::vector<std::unique_ptr<SessionDocument>>;

  void make_cast();
  void make_sessions(Documents& documents);
  void make_session(const SessionWish& wish, std::uint16_t index, Documents& documents);
  std::string place_faults();
  std::vector<std::unique_ptr<Guest>> make_guests(Documents& documents);
  std::optional<Violation> play(Documents& documents, std::string& trace);
  Outcome outcome_of(std::uint16_t index, const SessionDocument& document) const;

  Plan plan_;
  Cast cast_;
  World world_;
};

void Simulation::Impl::make_cast() {
  cast_.volumes = volumes;
  if (cast_.volumes.empty()) {
    cast_.volumes = {{"/simulated/volume0", "/simulated/snapshot0"},
                     {"/simulated/volume1", "/simulated/snapshot1"}};
  }
  cast_.writers.clear();
  for (const auto& writer : own) cast_.writers.push_back(writer->metadata());
  for (int i = 0; i < company; ++i) {
    cast_.writers.push_back(company_writer(static_cast<std::uint16_t>(i), cast_.volumes));
  }
  plan_.writers.clear();
  for (const WriterMetadata& writer : cast_.writers) {
    WriterPlan& plan = plan_.writers.emplace_back();
    plan.level = writer.identity.level;
    plan.capabilities = writer.identity.capabilities;
    if (const auto limit = writer.identity.hold_limit) {
      plan.hold_limit = std::chrono::duration_cast<Duration>(*limit).count();
    }
  }
  plan_.volumes = static_cast<int>(cast_.volumes.size());
  plan_.providers.assign(1, {});
  plan_.providers[0].atomicity = cast_.provider().atomicity;
  plan_.providers[0].volumes = (machine::VolumeMask{1} << plan_.volumes) - 1;
}

void Simulation::Impl::make_session(const SessionWish& wish, std::uint16_t index,
                                    Documents& documents) {
  SessionPlan& session = plan_.sessions[index];
  SessionDocument& document = *documents[index];
  session.kind = kind_of(wish.script);
  session.start = wish.start.count();
  session.all_published = true;
  session.truncates = wish.type == BackupType::full || wish.type == BackupType::incremental ||
                      wish.type == BackupType::log;
  document.document.type = wish.type;
  for (std::uint32_t writer = 0; writer < cast_.writers.size(); ++writer) {
    const ConsistencyPolicy policy =
        writer < own.size() ? own[writer]->policy() : ConsistencyPolicy::allow_degraded;
    for (std::size_t n = 0; n < cast_.writers[writer].components.size(); ++n) {
      ComponentPlan& component = session.components.emplace_back();
      component.writer = writer;
      component.volumes = cast_.volumes_of(writer, n);
      component.policy = policy;
      component.has_logs = cast_.has_logs(writer, n);
      document.add(writer, n, policy);
    }
  }
  const bool snapshots = session.kind == SessionKind::snapshot || session.kind == SessionKind::both;
  if (snapshots || session.kind == SessionKind::hold) document.begin_set(snapshots);
}

void Simulation::Impl::make_sessions(Documents& documents) {
  plan_.session_count = wishes.size() + requestors.size() * kSessionsPerGuest;
  plan_.sessions.assign(plan_.session_count, {});
  for (std::uint16_t i = 0; i < plan_.session_count; ++i) {
    documents.push_back(std::make_unique<SessionDocument>(cast_, i, BackupType::full));
    if (i < wishes.size()) {
      make_session(wishes[i], i, documents);
    } else {
      plan_.sessions[i].guest = static_cast<std::uint16_t>((i - wishes.size()) / kSessionsPerGuest);
    }
  }
}

// Empty, or which fault has nowhere to happen.
std::string Simulation::Impl::place_faults() {
  for (const auto& [number, fault] : faults) {
    if (number >= wishes.size() + requestors.size()) {
      return "the fault '" + std::string(to_string(fault.kind)) + "' is meant for session " +
             std::to_string(number) + ", and the run has " +
             std::to_string(wishes.size() + requestors.size());
    }
    const std::size_t guest = number < wishes.size() ? 0 : number - wishes.size();
    const std::size_t session =
        number < wishes.size() ? number : wishes.size() + guest * kSessionsPerGuest;
    plan_.sessions[session].faults.push_back(fault);
  }
  return {};
}

std::vector<std::unique_ptr<Guest>> Simulation::Impl::make_guests(Documents& documents) {
  std::vector<std::unique_ptr<Guest>> guests;
  for (std::size_t i = 0; i < requestors.size(); ++i) {
    const std::size_t first = wishes.size() + i * kSessionsPerGuest;
    guests.push_back(std::make_unique<Guest>(
        std::move(requestors[i]), static_cast<std::uint16_t>(i), static_cast<std::uint16_t>(first),
        Stage{cast_, plan_, world_, documents}));
  }
  return guests;
}

std::optional<Violation> Simulation::Impl::play(Documents& documents, std::string& trace) {
  RunOptions options;
  options.trace = &trace;
  for (const auto& writer : own) {
    writer->forget();
    options.real_writers.push_back(writer.get());
  }
  for (const auto& document : documents) options.documents.push_back(document.get());
  const auto guests = make_guests(documents);
  for (const auto& guest : guests) options.guests.push_back(guest.get());
  auto violation = world_.run(plan_, options);
  for (const auto& guest : guests) {
    guest->dismiss();
    if (guest->thrown().empty() || violation) continue;
    violation = Violation{"a requestor threw: " + guest->thrown(), world_.now(), kNoSession};
  }
  return violation;
}

Outcome Simulation::Impl::outcome_of(std::uint16_t index, const SessionDocument& document) const {
  Outcome outcome;
  const SessionActor& session = world_.sessions()[index];
  const machine::State& state = session.machine;
  outcome.completed = session.completed_ok;
  outcome.phase = to_string(state.phase);
  for (std::uint32_t i = 0; i < own.size(); ++i) {
    WriterOutcome& writer = outcome.writers.emplace_back();
    writer.verbs = own[i]->verbs(index);
    if (i < state.writers.size()) writer.state = state.writers[i].state;
    for (std::uint32_t c = 0; c < document.size(); ++c) {
      if (document.writer_of(c) != i) continue;
      ComponentOutcome& result = writer.components.emplace_back();
      result.name = document.document.components[c].name;
      result.streamed_bytes = document.streamed_bytes(c);
      if (c >= state.components.size()) continue;
      result.label = state.components[c].label;
      result.truncated = state.components[c].truncated;
    }
  }
  return outcome;
}

RunOutcome Simulation::Impl::run() {
  RunOutcome outcome;
  Documents documents;
  make_cast();
  make_sessions(documents);
  outcome.violation = place_faults();
  if (outcome.violation.empty()) {
    const auto violation = play(documents, outcome.trace);
    if (violation) outcome.violation = violation->what;
    for (std::uint16_t i = 0; i < plan_.session_count; ++i) {
      if (!world_.sessions()[i].begun) continue;
      outcome.sessions.push_back(outcome_of(i, *documents[i]));
      outcome.sessions.back().violation = outcome.violation;
      outcome.sessions.back().trace = outcome.trace;
    }
  }
  wishes.clear();
  requestors.clear();
  faults.clear();
  return outcome;
}

Simulation::Simulation(std::uint64_t seed) : impl_(std::make_unique<Impl>(seed)) {}
Simulation::Simulation(Simulation&&) noexcept = default;
Simulation& Simulation::operator=(Simulation&&) noexcept = default;
Simulation::~Simulation() = default;

Simulation& Simulation::add_writer(Writer& writer, ConsistencyPolicy policy) {
  impl_->own.push_back(
      std::make_unique<RealWriter>(writer, policy, static_cast<std::uint16_t>(impl_->own.size())));
  return *this;
}

Simulation& Simulation::add_company(int writers) {
  impl_->company += writers;
  return *this;
}

Simulation& Simulation::add_volume(const BytePath& mount_point, const BytePath& snapshot_root) {
  impl_->volumes.push_back({mount_point, snapshot_root});
  return *this;
}

Simulation& Simulation::add_session(const SessionWish& wish) {
  impl_->wishes.push_back(wish);
  return *this;
}

Simulation& Simulation::add_requestor(OwnRequestor requestor) {
  impl_->requestors.push_back(std::move(requestor));
  return *this;
}

Status Simulation::fault(std::string_view what, std::string_view where, int victim, int session) {
  std::string possible;
  for (const FaultCell& cell : fault_cells()) {
    if (to_string(cell.kind) != what) continue;
    Fault fault;
    fault.kind = cell.kind;
    fault.place = cell.place;
    fault.victim = static_cast<std::uint32_t>(victim);
    if (place_name(fault) == where) {
      impl_->faults.emplace_back(session, fault);
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

RunOutcome Simulation::run() {
  return impl_->run();
}

Outcome Simulation::run_alone(SessionScript script, BackupType type) {
  SessionWish wish;
  wish.script = script;
  wish.type = type;
  const std::size_t number = impl_->wishes.size();
  add_session(wish);
  RunOutcome all = run();
  if (number < all.sessions.size()) return std::move(all.sessions[number]);
  Outcome nothing;  // a violation before it began
  nothing.violation = std::move(all.violation);
  nothing.trace = std::move(all.trace);
  return nothing;
}

Outcome Simulation::run_backup(BackupType type) {
  return run_alone(SessionScript::backup, type);
}
Outcome Simulation::run_stream(BackupType type) {
  return run_alone(SessionScript::stream, type);
}
Outcome Simulation::run_hold() {
  return run_alone(SessionScript::hold, BackupType::copy);
}
Outcome Simulation::run_restore() {
  return run_alone(SessionScript::restore, BackupType::full);
}

}  // namespace stillframe::testkit
