// Everybody in a simulated run, and what is truly the matter with them, whatever they say.
#pragma once

#include <optional>
#include <vector>

#include "framework/coordinator/machine/machine.hpp"
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
  bool met_others_end = false;       // abort or shutdown of another session came within the hold
  std::optional<Errc> live_failure;  // the last failing answer that the session waited for
  Verb failed_verb = Verb::identify;
  bool refused_post_snapshot = false;  // by an answer that the session waited for
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
  // A requestor of somebody else's drives it; its plan is written as it goes.
  std::uint16_t guest = kNoGuest;
};

// What the disk holds when a coordinator dies.
struct JournalEntry {
  bool intended = false, created = false, receipt = false, closed = false, left = false;
  int registrations_open = 0;
};

}  // namespace stillframe::testkit
