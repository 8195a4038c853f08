// One seed, played in virtual time: simulated writers, providers and requestors around the real
// session machine, and a referee who knows the truth about every hold, cut and file.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "framework/coordinator/machine/machine.hpp"
#include "framework/coordinator/machine/turn_queue.hpp"
#include "framework/testkit/bugs.hpp"
#include "framework/testkit/coverage.hpp"
#include "framework/testkit/plan.hpp"

namespace stillframe::testkit {

inline constexpr std::uint16_t kNoSession = 0xffff;

// A verb said to a writer, waiting for its turn on the writer's one thread.
struct VerbCall {
  std::uint16_t session = kNoSession;
  std::uint32_t epoch = 0;
  Verb verb = Verb::identify;
  machine::CallSeq seq = 0;
  std::uint32_t component = machine::kNone;
  bool copied_ok = false;
};

// What stands where a restored target's files should be.
enum class TargetFiles : std::uint8_t { old, partial, restored };
enum class Interlock : std::uint8_t { none, registered, failed };

struct WriterActor {
  const WriterPlan* plan = nullptr;
  bool alive = true;
  bool busy = false;
  std::uint32_t job = 0;  // names the verb under way
  VerbCall current;
  std::optional<Errc> outcome;  // of the verb under way, decided when it began
  bool dies_at_end = false, is_late = false;
  std::vector<VerbCall> queue;
  // The hold, as the SDK keeps it.
  bool held = false;
  std::uint16_t held_by = kNoSession;
  std::uint32_t hold = 0;                // names the hold; timers of older ones are void
  std::uint16_t timer_for = kNoSession;  // the session whose freeze armed the hold timer
  Nanos hold_deadline = 0;
  bool heartbeat = false;
  std::uint16_t preparing = kNoSession;  // between prepare_snapshot and post_snapshot
  // The restore target.
  TargetFiles files = TargetFiles::old;
  Interlock interlock = Interlock::none;
  std::uint16_t interlock_session = kNoSession;
};

// What truly happened between one session and one writer.
struct WriterPart {
  bool engaged = false, prepared = false, snapshot_prepared = false, frozen = false;
  bool thaw_called = false, posted = false, completed = false, aborted = false, shut_down = false;
  bool abort_called = false, shutdown_called = false, gone = false, liar = false;
  bool identified = false;
  machine::CallSeq live_call = 0;  // the session's own call that was not answered yet
  bool rejoined = false;           // gone, and back as far as the session knows
  bool heartbeat = false;
  Nanos held_from = 0, held_until = -1;  // truly; -1: still
  bool broke = false;
  std::optional<Errc> live_failure;  // the last failing answer that the session waited for
  Verb failed_verb = Verb::identify;
};

struct ProviderPart {
  bool begun = false, ended_prepare = false, pre_committed = false, committed = false,
       post_committed = false;
  bool final_begun = false, sealed = false, abort_called = false, gone = false;
  machine::VolumeMask exists = 0;  // volumes whose snapshot stands
  std::optional<Errc> live_failure;
};

struct ProviderActor {
  const ProviderPlan* plan = nullptr;
  bool alive = true;
  bool busy = false;
  std::uint32_t job = 0;
  struct Call {
    std::uint16_t session = kNoSession;
    std::uint32_t epoch = 0;
    machine::ProviderStep step = machine::ProviderStep::begin_prepare;
    machine::CallSeq seq = 0;
  };
  Call current;
  std::optional<Errc> outcome;
  bool partial = false, dies_at_end = false;
  Nanos cut_begun = 0;
  std::vector<Call> queue;
};

struct ArmedTimer {
  machine::TimerKind kind;
  std::uint32_t writer;
  machine::CallSeq seq;
};

struct CutTruth {
  Nanos begun = 0, ended = 0;
  bool any = false;
};

struct SessionActor {
  const SessionPlan* plan = nullptr;
  machine::State machine;
  std::uint32_t epoch = 0;           // of the coordinator it runs in
  bool begun = false, lost = false;  // lost: its coordinator died
  bool requestor_gone = false, silent = false, ended_by_fault = false;
  bool settled_truth = false;  // the referee's last word was said
  std::vector<Fault> faults;
  std::vector<WriterPart> writers;
  std::vector<ProviderPart> providers;
  std::vector<ArmedTimer> timers;
  CutTruth cuts[machine::kVolumesMax];
  // The requestor's script.
  int step = 0;
  std::uint32_t script_component = 0;
  machine::RequestId next_request = 1, awaited = 0;
  std::vector<machine::EventKind> asked;  // what each request was
  std::vector<Nanos> asked_at;
  bool went_aborting = false;
  Nanos commit_begun = 0;
  std::vector<std::uint8_t> replies;  // how often each request was answered
  machine::RequestId unfit = 0;       // must fail, whatever the code
  machine::RequestId misuse = 0;      // must be refused
  std::optional<Errc> last_reply;
  bool script_over = false, published = false, completed_ok = false, copy_under_way = false;
  std::vector<std::uint8_t> component_good;
  Nanos frozen_at = 0, foreign_cut_ended = 0;
  bool turn = false;
  machine::CallSeq turn_seq = 0;
  int outstanding_records = 0;
  std::optional<machine::Record> closed_as;
};

// What the disk holds when a coordinator dies.
struct JournalEntry {
  bool intended = false, created = false, receipt = false, closed = false, left = false;
  int registrations_open = 0;
};

struct Violation {
  std::string what;
  Nanos at = 0;
  std::uint16_t session = kNoSession;
};

class RealWriter;

struct RunOptions {
  const machine::Table* table = &machine::session_table();
  Bug bug = Bug::none;
  Coverage* coverage = nullptr;  // told of every row and fault
  std::string* trace = nullptr;  // given a line for everything that happens
  // Play the first writers' parts; what they are asked is said to them.
  std::vector<RealWriter*> real_writers;
  BackupType type = BackupType::full;
};

// Reusable: a run allocates only where it exceeds what earlier runs needed. One thread.
class World {
 public:
  // Plays the plan to its end. Nothing if every invariant held.
  std::optional<Violation> run(const Plan& plan, const RunOptions& options);
  const std::vector<SessionActor>& sessions() const { return sessions_; }
  std::size_t session_count() const { return session_count_; }

 private:
  using Event = machine::Event;
  using EventKind = machine::EventKind;
  using Action = machine::Action;

  // world.cpp: time and the driver
  void reset(const Plan& plan);
  void handle(const Item& item);
  void put(ItemKind kind, Nanos delay, std::uint16_t session, std::uint32_t index = 0,
           std::uint32_t seq = 0, std::uint8_t extra = 0);
  void deliver(std::uint16_t session, const Event& event);
  void carry_out(std::uint16_t session, const Action& action);
  void note_phase(std::uint16_t session, machine::Phase before);
  void take_turns(std::uint16_t session, const Action& action);
  void release_turns(std::uint16_t session);
  void give_turns(const std::vector<SessionId>& granted);
  void start_operation(std::uint16_t session, Operation operation, machine::CallSeq seq);
  void finish_operation(const Item& item);
  void write_journal(std::uint16_t session, const Action& action);
  void arm_timer(std::uint16_t session, const Action& action);
  void fire_timer(const Item& item);
  void coordinator_dies();
  void coordinator_restarts();
  void reap();

  // world_faults.cpp
  Fault* fault_at(std::uint16_t session, PlaceKind place, std::uint8_t where, std::uint32_t victim,
                  std::uint32_t victims);
  void fire(Fault& fault);
  void phase_faults(std::uint16_t session);
  void fire_phase_fault(const Item& item);
  void misuse(std::uint16_t session);

  // world_writers.cpp
  void call_writer(std::uint32_t writer, const VerbCall& call);
  void give_up(std::uint16_t session, const Action& action);
  void begin_verb(std::uint32_t writer);
  void end_verb(std::uint32_t writer, std::uint32_t job);
  void carry_out_verb(std::uint32_t writer, const VerbCall& call);
  void answer_verb(std::uint32_t writer, const VerbCall& call, std::optional<Errc> failure);
  void writer_dies(std::uint32_t writer);
  void report_loss(std::uint32_t writer);
  void writer_restarts(std::uint32_t writer);
  void end_hold(std::uint32_t writer, bool by_itself);
  void arm_sdk_timers(std::uint32_t writer, std::uint16_t session);
  std::optional<Errc> say_for_real(std::uint32_t writer, const VerbCall& call);
  void set_heartbeat(std::uint16_t session, std::uint32_t writer, bool on);
  void lease_or_limit_over(const Item& item, bool lease);
  void audit_hold(const Item& item);

  // world_providers.cpp
  void call_provider(std::uint32_t provider, const ProviderActor::Call& call);
  void begin_step(std::uint32_t provider);
  void end_step(std::uint32_t provider, std::uint32_t job);
  void carry_out_step(std::uint32_t provider, const ProviderActor::Call& call);
  void answer_step(std::uint32_t provider, const ProviderActor::Call& call,
                   std::optional<Errc> failure);
  void cut(std::uint32_t provider, const ProviderActor::Call& call, bool only_some);
  void provider_dies(std::uint32_t provider);
  void report_provider_loss(std::uint32_t provider);
  void provider_restarts(std::uint32_t provider);

  // world_requestors.cpp
  void act(std::uint16_t session);
  void act_backup(std::uint16_t session);
  void act_restore(std::uint16_t session);
  bool staged_act(std::uint16_t session);
  void ask(std::uint16_t session, Event event);
  void ask(std::uint16_t session, EventKind kind, std::uint32_t writer = machine::kNone,
           std::uint32_t component = machine::kNone);
  void replied(std::uint16_t session, machine::RequestId request, std::optional<Errc> failure);
  Nanos thinking_time(std::uint16_t session);
  void copy_ends(std::uint16_t session);

  // world_steps.cpp
  void judge_step_taken(std::uint16_t session, machine::Phase before, const Event& event,
                        machine::CallSeq last_seq, bool was_stale);
  void judge_order(std::uint16_t session);
  void judge_taken_in(std::uint16_t session, machine::Phase before, const Event& event,
                      machine::CallSeq last_seq);
  void judge_reply(std::uint16_t session, machine::RequestId request, std::optional<Errc> failure);

  // world_referee.cpp
  void violated(std::uint16_t session, std::string what);
  void judge_labels(std::uint16_t session);
  void judge_verb(std::uint32_t writer, const VerbCall& call);
  void judge_step(std::uint32_t provider, const ProviderActor::Call& call);
  void judge_truncation(std::uint32_t writer, const VerbCall& call);
  void judge_levels(std::uint16_t session, std::uint32_t writer, Verb verb);
  void judge_end(std::uint16_t session);
  void judge_end_state(std::uint16_t session);
  void judge_end_participants(std::uint16_t session);
  void judge_completion(std::uint16_t session);
  void judge_restore_end(std::uint16_t session);
  void judge_run_end();
  bool truly_covered(const SessionActor& session, const machine::ComponentSlot& component) const;

  void trace(std::uint16_t session, const std::string& line);
  bool tracing() const { return options_.trace != nullptr; }
  bool has(Bug bug) const { return options_.bug == bug; }
  Nanos latency();
  SessionActor& at(std::uint16_t session) { return sessions_[session]; }

  const Plan* plan_ = nullptr;
  RunOptions options_;
  Rng rng_{0};
  Nanos now_ = 0;
  Agenda agenda_;
  std::uint32_t epoch_ = 0;
  bool coordinator_up_ = true;
  std::vector<WriterActor> writers_;
  std::vector<ProviderActor> providers_;
  std::vector<SessionActor> sessions_;
  std::size_t session_count_ = 0;
  std::vector<JournalEntry> journal_;
  machine::TurnQueue turns_;
  std::optional<Violation> violation_;
  bool slowness_ = false;  // something hung, came late or died: waiting may be in vain
  // Storage for one step.
  machine::Actions actions_;
  std::vector<machine::RowIndex> taken_;
  std::vector<machine::WriterSpec> writer_specs_;
  std::vector<machine::ComponentSpec> component_specs_;
  std::vector<machine::GroupSpec> group_specs_;
  std::vector<machine::VolumeMask> volume_masks_;
  std::vector<machine::CutTimes> cut_times_;
  std::vector<machine::TurnKey> keys_;
  std::vector<SessionId> granted_;
};

}  // namespace stillframe::testkit
