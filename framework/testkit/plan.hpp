// What one seed stands for: who takes part, what the requestors want, and what goes wrong where.
#pragma once

#include <string>
#include <vector>

#include "framework/coordinator/machine/machine.hpp"
#include "framework/testkit/agenda.hpp"
#include "framework/testkit/rng.hpp"

namespace stillframe::testkit {

enum class SessionKind : std::uint8_t { snapshot, stream, both, hold, restore };
inline constexpr int kSessionKinds = 5;

enum class FaultKind : std::uint8_t {
  none,
  // Of a writer, at a verb.
  veto_retryable,
  veto_fatal,
  veto_out_of_resources,
  veto_timed_out,
  veto_inconsistent,
  partial_failure,
  hangs,  // for hours; hears no cancel
  late,   // does the work, long after anybody waits for it
  dies_in_verb,
  lies,     // says it held and did not
  lets_go,  // stops holding before it is told to, and admits it
  // Of a provider, at a step.
  provider_fails,
  provider_hangs,
  provider_late,  // does the work after an abort that overtook it
  provider_dies_in_step,
  partial_cut,  // cuts some of its volumes, then fails
  // Of flush, turn and journal.
  operation_fails,
  operation_hangs,
  operation_late,
  // Of anybody, in a phase.
  requestor_vanishes,
  requestor_aborts,
  requestor_ends,
  requestor_misuses,
  requestor_is_silent,
  writer_dies,
  provider_dies,
  machine_sleeps,
  coordinator_dies,
};
inline constexpr int kFaultKinds = static_cast<int>(FaultKind::coordinator_dies) + 1;
std::string_view to_string(FaultKind kind);
std::string_view to_string(SessionKind kind);

// The operations that are neither a writer's nor a provider's.
enum class Operation : std::uint8_t { turn, flush, record_intent, record_set, record_receipt };
inline constexpr int kOperations = 5;

enum class PlaceKind : std::uint8_t { nowhere, verb, step, operation, phase };
PlaceKind place_of(FaultKind kind);
inline constexpr int kPlacesMax = 48;

struct Fault {
  FaultKind kind = FaultKind::none;
  std::uint8_t place = 0;    // a Verb, ProviderStep, Operation or Phase, by place_of(kind)
  std::uint32_t victim = 0;  // which writer or provider, modulo how many there are
  Nanos delay = 0;           // phase faults: after entering the phase
  bool fired = false;
};
std::string place_name(const Fault& fault);

// Everything that can go wrong in a session of this kind: the fault x step table.
struct FaultCell {
  FaultKind kind;
  std::uint8_t place;
  SessionKind session;
  std::uint8_t weight = 1;  // how often it is drawn, beside the others
};
const std::vector<FaultCell>& fault_cells();

struct WriterPlan {
  FreezeLevel level = FreezeLevel::front_end;
  Capabilities capabilities;
  Nanos hold_limit = 60 * kSecond;
};

struct ProviderPlan {
  Atomicity atomicity = Atomicity::file;
  machine::VolumeMask volumes = 0;
};

struct ComponentPlan {
  std::uint32_t writer = 0;
  machine::VolumeMask volumes = 0;
  ConsistencyPolicy policy = ConsistencyPolicy::require;
  bool has_logs = false;
};

inline constexpr std::uint16_t kNoGuest = 0xffff;

struct SessionPlan {
  SessionKind kind = SessionKind::snapshot;
  Nanos start = 0;
  std::uint16_t guest = kNoGuest;  // who begins and drives it; the script does not
  bool truncates = false;
  bool auto_release = true;
  bool streams = true;         // stream sessions: else only live files are copied
  bool all_published = false;  // else some components are not in the backup
  bool publishes = true;       // else it ends without completing
  bool valid_receipt = true;   // else the first receipt it shows is somebody else's
  bool copy_succeeds = true;   // restore
  Nanos start_wait = 0;        // restore
  std::vector<ComponentPlan> components;
  std::vector<Fault> faults;
};

struct Plan {
  std::uint64_t seed = 0;
  int volumes = 0;
  std::vector<WriterPlan> writers;
  std::vector<ProviderPlan> providers;
  std::vector<SessionPlan> sessions;
  // Reused storage: only the first `session_count` of `sessions` belong to this plan.
  std::size_t session_count = 0;
};

// The plan of `seed`, in the storage of `plan`.
void make_plan(std::uint64_t seed, Plan& plan);

}  // namespace stillframe::testkit
