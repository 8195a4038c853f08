// What can happen to a session. Events are plain values; the spans and pointers in them are read
// only during the step they are handed to.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include <stillframe/evidence.hpp>

#include "framework/coordinator/machine/phase.hpp"

namespace stillframe::machine {

using WriterIndex = std::uint32_t;     // position in the list that `gather` brought
using ComponentIndex = std::uint32_t;  // position in the order of selection
using GroupIndex = std::uint32_t;      // position in SetSpec::groups
using CallSeq = std::uint32_t;         // names one call or timer; 0 names none
using RequestId = std::uint32_t;       // the driver's name for a request; 0: nobody waits

inline constexpr std::uint32_t kNone = ~std::uint32_t{0};
inline constexpr std::size_t kVolumesMax = 64;  // per set
inline constexpr std::size_t kWritersMax = 65'536;
inline constexpr std::size_t kComponentsMax = 1'048'576;

using VolumeMask = std::uint64_t;  // bit i: volume i of the set

enum class EventKind : std::uint8_t {
  // A requestor asks; each is replied to exactly once unless the requestor goes away.
  gather,
  select,
  prepare,
  snapshot,
  hold_begin,
  hold_end,
  open_stream,
  close_stream,
  list_logs,
  complete,
  abort,  // also: cancel, and forced ends (with request 0)
  end,
  pre_restore,
  restore_prepare,
  restore_locations,
  restore_register,
  file_status,
  restore_complete,
  post_restore,
  // The world answers.
  requestor_gone,
  writer_answered,
  writer_gone,
  writer_returned,   // restore: the same instance name registered again
  component_failed,  // before the writer's answer: one component, with its own code
  provider_answered,
  provider_gone,
  flushed,
  journalled,
  turn_granted,
  turn_refused,
  // Time passes.
  phase_timeout,
  commit_timeout,
  hold_timeout,
  call_timeout,
  start_timeout,
  suspended,  // the machine slept
  // Raised by the interpreter itself: nothing is outstanding in a waiting phase.
  settled,
};
inline constexpr int kEventKinds = static_cast<int>(EventKind::settled) + 1;
inline constexpr int kRequestKinds = static_cast<int>(EventKind::requestor_gone);

constexpr bool is_request(EventKind kind) noexcept {
  return static_cast<int>(kind) < kRequestKinds;
}
std::string_view to_string(EventKind kind) noexcept;

// A live writer, as `gather` brings it.
struct WriterSpec {
  FreezeLevel level = FreezeLevel::front_end;
  Capabilities capabilities;
  std::optional<Duration> hold_limit;  // lowers the set's
};

// One explicitly selected component.
struct ComponentSpec {
  WriterIndex writer = 0;
  ConsistencyPolicy policy = ConsistencyPolicy::require;
  bool has_logs = false;  // truncate_logs is owed after a good backup that truncates
};

// One provider with the volumes it cuts.
struct GroupSpec {
  Atomicity atomicity = Atomicity::file;
  VolumeMask volumes = 0;
};

struct SetSpec {
  std::span<const GroupSpec> groups;
  std::span<const VolumeMask> component_volumes;  // one per selected component
  std::span<const ConsistencyPolicy> policies;    // likewise; empty: as they were selected
  bool auto_release = true;
};

struct CompleteSpec {
  bool receipt_valid = false;               // its session and set are this session's
  std::span<const std::uint8_t> succeeded;  // one per selected component
};

// The moment one volume was cut.
struct CutTimes {
  std::uint8_t volume = 0;
  BootTime begun, ended;
};

// What the machine needs of a HoldStatement.
struct HoldTimes {
  BootTime from, until;
  bool unbroken = false;
  bool asserted_only = false;
};

struct Event {
  EventKind kind = EventKind::settled;
  RequestId request = 0;
  std::uint32_t writer = kNone;               // answers, writer requests, hold and call timers
  std::uint32_t component = kNone;            // restore requests, component_failed
  std::uint32_t group = kNone;                // provider events
  CallSeq seq = 0;                            // answers and timers: which call or timer
  std::optional<Errc> failure;                // answers: none means ok
  bool copied_ok = false;                     // restore_complete
  HoldTimes hold;                             // answer to thaw
  std::span<const CutTimes> cuts;             // answer to commit
  std::span<const WriterSpec> writers;        // gather
  std::span<const ComponentSpec> components;  // select
  const SetSpec* set = nullptr;               // snapshot, hold_begin (component_volumes unused)
  const CompleteSpec* complete = nullptr;     // complete
};

}  // namespace stillframe::machine
