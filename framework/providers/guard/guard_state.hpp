// What the client, the holder and the keeper of one file-system freeze share: a page of memory that
// all three map. Everything a party must know to end the freeze is here or in its own descriptors,
// so that any of them can go on alone. The sockets between them carry no data; they only wake.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include <time.h>

namespace stillframe::guard {

inline constexpr std::uint32_t kSharedMagic = 0x53464731;  // "SFG1"
inline constexpr std::size_t kTargetsMax = 64;             // file systems one pair can hold
inline constexpr std::size_t kMessageBytesMax = 512;

enum class Command : std::uint32_t { none = 0, freeze = 1, thaw = 2 };

enum class Phase : std::uint32_t {
  starting = 0,
  refused = 1,   // final: the pair did not start; `message` says why
  ready = 2,     // both run, nothing is frozen
  freezing = 3,  // the holder is in FIFREEZE
  frozen = 4,    // every target is frozen
  thawing = 5,
  failed = 6,  // final: FIFREEZE failed on one target; those frozen before it are thawed
  thawed = 7,  // final
  closed = 8,  // final: ended without a freeze
};

constexpr bool is_final(Phase phase) noexcept {
  return phase == Phase::refused || phase == Phase::failed || phase == Phase::thawed ||
         phase == Phase::closed;
}

enum class Party : std::uint32_t { none = 0, holder = 1, keeper = 2, client = 3 };

// Why the pair thawed. The first reason stays.
enum class Cause : std::uint32_t {
  none = 0,
  requested = 1,
  client_gone = 2,
  client_silent = 3,  // the lease ran out
  limit = 4,
  holder_gone = 5,
  keeper_gone = 6,
  keeper_silent = 7,
  holder_silent = 8,
  terminated = 9,  // SIGTERM
  freeze_failed = 10,
};

enum class TargetState : std::uint32_t {
  untouched = 0,
  calling = 1,  // FIFREEZE is under way, or its caller died in it: may be frozen
  frozen = 2,
  refused = 3,  // FIFREEZE failed: not ours
  thawed = 4,
};

// Only lock-free atomics and plain values written before the other side starts. Valid for one
// freeze.
struct Shared {
  std::uint32_t magic = kSharedMagic;
  std::uint32_t targets = 0;
  std::int64_t lease_ns = 0;
  std::int64_t limit_ns = 0;
  std::int64_t tick_ns = 0;

  std::atomic<std::int64_t> client_beat{0};  // boot time
  std::atomic<std::int64_t> freeze_requested_at{0};
  std::atomic<Command> command{Command::none};

  std::atomic<Phase> phase{Phase::starting};
  std::atomic<std::int32_t> holder_pid{0};
  std::atomic<std::int32_t> keeper_pid{0};
  std::atomic<std::int64_t> holder_beat{0};
  std::atomic<std::int64_t> keeper_beat{0};
  std::atomic<std::uint32_t> warnings{0};

  std::atomic<TargetState> target[kTargetsMax];
  std::atomic<std::int64_t> frozen_at{0};      // after the last FIFREEZE returned
  std::atomic<std::int64_t> thaw_began_at{0};  // before the first FITHAW was called
  std::atomic<std::int64_t> thawed_at{0};      // after the last FITHAW returned
  std::atomic<Party> thaw_owner{Party::none};  // who thaws; taken over only from the dead
  std::atomic<Cause> cause{Cause::none};
  std::atomic<std::uint32_t> foreign_thaw{0};   // a target was thawed by somebody else meanwhile
  std::atomic<std::int32_t> failed_target{-1};  // index
  std::atomic<std::int32_t> failed_errno{0};
  std::atomic<std::int32_t> thaw_errno{0};  // of the last FITHAW that failed and is tried again
  char message[kMessageBytesMax] = {};      // for Phase::refused
  char record_path[4096] = {};              // the record to unlink once nothing is held
};

static_assert(std::atomic<std::int64_t>::is_always_lock_free);
static_assert(std::atomic<Phase>::is_always_lock_free);

// Bits of Shared::warnings.
inline constexpr std::uint32_t kWarnNoCgroup = 1, kWarnNotLocked = 2, kWarnRecordNotTmpfs = 4;

inline std::int64_t boot_ns() noexcept {
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  return static_cast<std::int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
}

// Keeps the first reason that somebody gave.
inline void give_cause(Shared& shared, Cause cause) noexcept {
  Cause none = Cause::none;
  shared.cause.compare_exchange_strong(none, cause);
}

// Thaws every target that is or may be frozen, then unlinks the record. The caller owns
// `thaw_owner`, and nobody is inside FIFREEZE any more: only then does EINVAL say "not frozen".
// `first` is false for a party that goes on where a dead one stopped. Answers whether all is done;
// false means that FITHAW failed and must be tried again. Allocates nothing, logs nothing.
bool thaw_targets(Shared& shared, const int* fds, bool first) noexcept;

}  // namespace stillframe::guard
