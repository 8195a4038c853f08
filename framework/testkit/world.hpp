// One seed, played in virtual time: simulated writers, providers and requestors around the real
// session machine, and a referee who knows the truth about every hold, cut and file.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "framework/coordinator/machine/turn_queue.hpp"
#include "framework/testkit/actors.hpp"
#include "framework/testkit/bugs.hpp"
#include "framework/testkit/coverage.hpp"

namespace stillframe::testkit {

struct Violation {
  std::string what;
  Nanos at = 0;
  std::uint16_t session = kNoSession;
};

class RealWriter;
class SessionDocument;

// A requestor of somebody else's, on a thread of its own that moves only in its turn.
class GuestRequestor {
 public:
  virtual ~GuestRequestor() = default;
  virtual void go_on() = 0;  // until it waits for an answer or for time to pass
  virtual void answered(std::uint16_t session, machine::RequestId request,
                        std::optional<Errc> failure) = 0;
  virtual void lose_connection() = 0;  // the link broke, or the coordinator died
};

struct RunOptions {
  const machine::Table* table = &machine::session_table();
  Bug bug = Bug::none;
  Coverage* coverage = nullptr;  // told of every row and fault
  std::string* trace = nullptr;  // given a line for everything that happens
  // Play the first writers' parts; what they are asked is said to them.
  std::vector<RealWriter*> real_writers;
  std::vector<SessionDocument*> documents;  // by session; needed where there are real writers
  std::vector<GuestRequestor*> guests;      // started at once
};

// Reusable: a run allocates only where it exceeds what earlier runs needed. One thread.
class World {
 public:
  // Plays the plan to its end. Nothing if every invariant held.
  std::optional<Violation> run(const Plan& plan, const RunOptions& options);
  const std::vector<SessionActor>& sessions() const { return sessions_; }
  std::size_t session_count() const { return session_count_; }

  // ---- for guests, in their turn (world_guests.cpp)
  Nanos now() const { return now_; }
  bool coordinator_is_up() const { return coordinator_up_; }
  const Plan& plan() const { return *plan_; }
  void begin_session(std::uint16_t session);
  // Asks for what the event says and returns the request's name; answered() may come before it
  // returns.
  machine::RequestId next_request(std::uint16_t session) const {
    return sessions_[session].next_request;
  }
  void guest_asks(std::uint16_t session, const machine::Event& event);
  void guest_leaves(std::uint16_t session);
  void wake_guest(std::uint16_t guest, Nanos delay);
  // What a requestor takes to go on after an answer, so that the faults of a phase find it there.
  Nanos thinking_time(std::uint16_t session);
  // How long it sleeps on when it was to be silent; once.
  Nanos oversleeps(std::uint16_t session);
  void note_published(std::uint16_t session, std::span<const std::uint8_t> component_good);
  void note_foreign_cut(std::uint16_t session);
  void note_target(std::uint32_t writer, TargetFiles files);
  void move_faults(std::uint16_t from, std::uint16_t to);  // those still to come

 private:
  using Event = machine::Event;
  using EventKind = machine::EventKind;
  using Action = machine::Action;

  // world.cpp: time
  void reset(const Plan& plan);
  void handle(const Item& item);
  void put(ItemKind kind, Nanos delay, std::uint16_t session, std::uint32_t index = 0,
           std::uint32_t seq = 0, std::uint8_t extra = 0);

  // world_driver.cpp: the machine's events and actions
  void deliver(std::uint16_t session, const Event& event);
  void note_phase(std::uint16_t session, machine::Phase before);
  void carry_out(std::uint16_t session, const Action& action);
  void pass_to_writer(std::uint16_t session, const Action& action);
  void pass_to_provider(std::uint16_t session, const Action& action);

  // world_operations.cpp: turns, flush, journal, timers
  void take_turns(std::uint16_t session, const Action& action);
  void release_turns(std::uint16_t session);
  void give_turns(const std::vector<SessionId>& granted);
  void start_operation(std::uint16_t session, Operation operation, machine::CallSeq seq);
  void finish_operation(const Item& item);
  void write_journal(std::uint16_t session, const Action& action);
  void arm_timer(std::uint16_t session, const Action& action);
  void cancel_timer(std::uint16_t session, const Action& action);
  void fire_timer(const Item& item);

  // world_crash.cpp
  void coordinator_dies();
  void coordinator_restarts();
  void reap();

  // world_faults.cpp
  Fault* fault_at(std::uint16_t session, PlaceKind place, std::uint8_t where, std::uint32_t victim,
                  std::uint32_t victims);
  void fire(Fault& fault);
  void phase_faults(std::uint16_t session);
  void hasten_faults(std::uint16_t session);
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
  std::optional<Errc> say_thaw(std::uint32_t writer, std::uint16_t session);
  std::optional<Errc> say_for_real(std::uint32_t writer, const VerbCall& call);
  void note_broken(std::uint16_t session, std::uint32_t index);

  // world_holds.cpp: the SDK's own part
  void arm_sdk_timers(std::uint32_t writer, std::uint16_t session);
  void set_heartbeat(std::uint16_t session, std::uint32_t writer, bool on);
  void lease_or_limit_over(const Item& item, bool lease);
  void audit_hold(const Item& item);
  void end_hold(std::uint32_t writer, bool by_itself);

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
  void copy_ends(std::uint16_t session);

  // world_guests.cpp
  bool guest_hears(std::uint16_t session, machine::RequestId request, std::optional<Errc> failure);
  void guest_loses_connection(std::uint16_t session);

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
