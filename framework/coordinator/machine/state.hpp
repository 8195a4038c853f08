// Everything a session knows, as a plain value: copying it forks the session, which tests do.
#pragma once

#include <vector>

#include <stillframe/requestor.hpp>

#include "framework/coordinator/machine/action.hpp"
#include "framework/coordinator/machine/limits.hpp"

namespace stillframe::machine {

struct WriterSlot {
  FreezeLevel level = FreezeLevel::front_end;
  Capabilities capabilities;
  Duration hold_limit{0};

  WriterState state = WriterState::unknown;
  ConsistencyPolicy policy = ConsistencyPolicy::skip;  // the strictest of its components
  bool alive = true;
  bool selected = false;
  bool engaged = false;     // was asked more than identify: owed shutdown or restore_end
  bool takes_part = false;  // in the hold: between prepare_snapshot and post_snapshot
  bool failed = false;      // gets no further verb but abort and shutdown
  bool dropped = false;     // failed and already told to abort
  bool owes_thaw = false;   // a freeze was called and neither thaw nor abort has answered since
  bool authorised = false;  // restore_prepare succeeded
  bool awaited = false;     // restore: gone, and post_restore waits for its return

  // The one call under way, 0 if none, and for whom it is made.
  CallSeq call = 0;
  Verb verb = Verb::identify;
  RequestId request = 0;
  ComponentIndex call_component = kNone;
  bool call_timed = false;  // a call timer is armed for it
  // A thaw or abort beside the session's course, for a writer that was left behind.
  CallSeq side_call = 0;
  CallSeq freeze_call = 0;  // the last freeze, to know its late answer by
  CallSeq hold_timer = 0;

  std::optional<Errc> failure;
  Verb failed_at = Verb::identify;
  std::optional<HoldTimes> hold;
  ComponentIndex first_component = kNone;
};

struct ComponentSlot {
  WriterIndex writer = 0;
  ConsistencyPolicy policy = ConsistencyPolicy::require;
  bool has_logs = false;
  bool succeeded = false;     // by the requestor's word, when it completes
  bool truncate_due = false;  // completing: its logs may go
  bool truncated = false;
  VolumeMask volumes = 0;
  std::optional<Errc> failure;
  Consistency label = Consistency::failed;
  enum class Staged : std::uint8_t { none, registered, completed } staged = Staged::none;
  ComponentIndex next_of_writer = kNone;
};

struct GroupSlot {
  Atomicity atomicity = Atomicity::file;
  VolumeMask volumes = 0;
  bool alive = true;
  bool begun = false;   // begin_prepare was called: owed abort
  bool undone = false;  // abort or remove succeeded: nothing of the set is left there
  CallSeq call = 0;
  ProviderStep step = ProviderStep::begin_prepare;
  CallSeq side_call = 0;    // an abort for a cut that came late
  CallSeq commit_call = 0;  // the last commit, to know its late answer by
  std::optional<Errc> failure;
};

struct SessionOptions {
  Limits limits;
  bool truncates = false;  // the backup's type ends with truncation: full, incremental, log
};

// Why a session failed first; later failures are consequences.
struct FirstFailure {
  Errc code = Errc::internal;
  Phase phase = Phase::created;
  EventKind event = EventKind::settled;
  std::uint32_t writer = kNone;
  std::uint32_t group = kNone;
};

struct State {
  Phase phase = Phase::created;
  SessionOptions options;
  std::vector<WriterSlot> writers;
  std::vector<ComponentSlot> components;
  std::vector<GroupSlot> groups;
  std::vector<CutTimes> cuts;  // by volume, of this set or of somebody else (hold)

  bool hold_only = false;  // the cut is somebody else's
  bool auto_release = true;
  bool sealed = false;      // the set is whole and recorded
  bool turn_taken = false;  // asked for, granted or not
  bool requestor_gone = false;
  bool closing = false;  // ends by itself once what cannot be undone is done
  bool receipt_recorded = false;
  bool start_wait_over = false;
  int level = -1;  // the level being frozen or, counting down, thawed
  BootTime all_frozen;

  RequestId pending = 0;  // the request whose work is under way
  RequestId abort_pending = 0;
  RequestId end_pending = 0;

  std::uint32_t outstanding = 0;  // answers the present phase waits for
  CallSeq last_seq = 0;
  CallSeq operation = 0;  // flush, journal or turn under way
  CallSeq phase_timer = 0, commit_timer = 0, start_timer = 0;
  std::optional<FirstFailure> failure;

  static State backup(const SessionOptions& options);
  static State restore(const SessionOptions& options);
  // A new session in the same storage: the vectors keep their capacity.
  void restart(Phase first_phase, const SessionOptions& session_options);
};

// Whether its requestor ended it before its time; what failed by itself did not end that way,
// though whoever failed may say `cancelled` too.
bool given_up(const State& state) noexcept;
// No answer is awaited any more, side calls included: the driver may drop an ended session.
bool drained(const State& state) noexcept;
bool is_restore(const State& state) noexcept;

// What the component would be called if its set were judged now; the rule is the model's.
Consistency label_of(const State& state, const ComponentSlot& component) noexcept;

}  // namespace stillframe::machine
