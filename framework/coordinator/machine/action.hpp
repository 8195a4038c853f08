// What the machine wants done. The driver (the coordinator, the testkit) does it in order and
// reports back by events that carry the action's `seq`.
#pragma once

#include <vector>

#include "framework/coordinator/machine/event.hpp"
#include "framework/model/verb.hpp"

namespace stillframe::machine {

enum class ProviderStep : std::uint8_t {
  begin_prepare,
  end_prepare,
  pre_commit,
  commit,
  post_commit,
  pre_final,
  post_final,
  abort,   // everything done for the set
  remove,  // every snapshot of the set
};
inline constexpr int kProviderSteps = static_cast<int>(ProviderStep::remove) + 1;
std::string_view to_string(ProviderStep step) noexcept;

// What the journal is told. The first three answer with `journalled`; the rest are not waited for.
enum class Record : std::uint8_t {
  set_intended,            // snapshots of this set may come to be: delete them after a crash
  set_created,             // the set is whole; after a crash delete it only if it is auto-release
  receipt,                 // the backup was published; writers are about to truncate
  registration_opened,     // restore: component's target may be interlocked
  registration_closed,     // restore: its copy was recorded as complete
  session_closed,          // nothing of the session is left
  session_left_snapshots,  // closed, but some snapshots could not be deleted: a reaper's work
};
inline constexpr int kRecords = static_cast<int>(Record::session_left_snapshots) + 1;
std::string_view to_string(Record record) noexcept;

enum class TimerKind : std::uint8_t { phase, commit, hold, call, start };
std::string_view to_string(TimerKind kind) noexcept;

enum class ActionKind : std::uint8_t {
  call_writer,      // verb, writer, seq, deadline, component; answer: writer_answered
  give_up_call,     // writer, seq: nobody waits for this call any more; ask it to give up
  start_heartbeat,  // writer: tell it every quarter of the lease that the coordinator lives
  stop_heartbeat,   // writer
  call_provider,    // step, group, seq, deadline; answer: provider_answered
  flush,            // seq, deadline: syncfs every volume of the set; answer: flushed
  take_turns,       // seq, deadline: volumes and writers; answer: turn_granted or turn_refused
  release_turns,    // given or still waited for
  journal,          // record, seq, component
  reply,            // request, failure
  arm_timer,        // timer, writer, seq, deadline; event: the timer's *_timeout
  cancel_timer,     // timer, writer, seq
};
inline constexpr int kActionKinds = static_cast<int>(ActionKind::cancel_timer) + 1;
std::string_view to_string(ActionKind kind) noexcept;

struct Action {
  ActionKind kind = ActionKind::reply;
  Verb verb = Verb::identify;
  ProviderStep step = ProviderStep::begin_prepare;
  Record record = Record::set_intended;
  TimerKind timer = TimerKind::phase;
  bool copied_ok = false;  // restore_complete
  std::uint32_t writer = kNone;
  std::uint32_t component = kNone;
  std::uint32_t group = kNone;
  CallSeq seq = 0;
  RequestId request = 0;  // reply; call_writer: the request the call is made for
  std::optional<Errc> failure;
  BootTime deadline;
};

using Actions = std::vector<Action>;

}  // namespace stillframe::machine
