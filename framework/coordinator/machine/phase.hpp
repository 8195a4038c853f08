// Where a session stands. The order is the order of a session; names are what people read in
// SessionInfo::phase and docs/states.md.
#pragma once

#include <cstdint>
#include <string_view>

namespace stillframe::machine {

enum class Phase : std::uint8_t {
  // Backup (and hold).
  created,
  identifying,
  gathered,
  preparing,
  prepared,
  queued,
  recording_intent,
  preparing_snapshot,
  provider_preparing,
  flushing,
  freezing,
  holding,
  pre_committing,
  committing,
  post_committing,
  thawing,
  finalizing,
  post_snapshot,
  sealing,
  recording_set,
  ready,
  journalling_receipt,
  completing,
  completed,
  aborting,
  releasing,
  shutting_down,
  // Restore.
  restore_created,
  restore_identifying,
  restore_gathered,
  pre_restoring,
  pre_restored,
  restore_preparing,
  locating,
  registering,
  copying,
  restore_completing,
  post_restoring,
  restored,
  restore_ending,
  // Both.
  ended,
};
inline constexpr int kPhases = static_cast<int>(Phase::ended) + 1;

// Whether writers are held, or may be.
constexpr bool is_hold(Phase phase) noexcept {
  return phase >= Phase::freezing && phase <= Phase::thawing;
}

enum class PhaseKind : std::uint8_t {
  home,     // waits for the requestor's next request
  waiting,  // waits for answers; `settled` follows the last one
  over,
};

// Which of Limits bounds the stay in a phase.
enum class Bound : std::uint8_t {
  none,  // by the hold timers of the frozen writers, or not at all (ended)
  hold,
  idle,
  identify,
  prepare,
  queue,
  journal,
  provider_prepare,
  flush,
  commit,  // the commit timer spans three phases
  thaw,
  finalize,
  complete,
  abort,
  shutdown,
  restore,
};

struct PhaseInfo {
  Phase phase;
  std::string_view name;
  PhaseKind kind;
  Bound bound;
  std::string_view meaning;
};

const PhaseInfo& info(Phase phase) noexcept;
std::string_view to_string(Phase phase) noexcept;
std::string_view to_string(Bound bound) noexcept;

}  // namespace stillframe::machine
