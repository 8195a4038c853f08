// How long each step of a session may take. Every wait has a bound; every bound fails safe.
#pragma once

#include <stillframe/time.hpp>

#include "framework/coordinator/machine/phase.hpp"

namespace stillframe::machine {

inline constexpr Duration kHoldLimit = std::chrono::seconds(60);    // receipt of freeze to thaw
inline constexpr Duration kCommitLimit = std::chrono::seconds(10);  // pre_commit to post_commit
inline constexpr Duration kLease = std::chrono::seconds(5);
inline constexpr Duration kIdleLimit = std::chrono::hours(48);  // a requestor that says nothing
inline constexpr Duration kIdentifyLimit = std::chrono::seconds(30);
inline constexpr Duration kPrepareLimit = std::chrono::minutes(10);
inline constexpr Duration kQueueLimit = std::chrono::minutes(10);
inline constexpr Duration kJournalLimit = std::chrono::seconds(30);
inline constexpr Duration kProviderPrepareLimit = std::chrono::minutes(10);
inline constexpr Duration kFlushLimit = std::chrono::minutes(2);
inline constexpr Duration kThawLimit = std::chrono::seconds(10);  // per level
inline constexpr Duration kFinalizeLimit = std::chrono::minutes(2);
inline constexpr Duration kCompleteLimit = std::chrono::minutes(10);
inline constexpr Duration kAbortLimit = std::chrono::seconds(30);
inline constexpr Duration kShutdownLimit = std::chrono::seconds(10);
inline constexpr Duration kRestoreLimit = std::chrono::hours(1);
inline constexpr Duration kCallLimit = std::chrono::minutes(1);  // open_stream, list_logs, close

struct Limits {
  Duration hold = kHoldLimit;
  Duration commit = kCommitLimit;
  Duration lease = kLease;
  Duration idle = kIdleLimit;
  Duration identify = kIdentifyLimit;
  Duration prepare = kPrepareLimit;
  Duration queue = kQueueLimit;
  Duration journal = kJournalLimit;
  Duration provider_prepare = kProviderPrepareLimit;
  Duration flush = kFlushLimit;
  Duration thaw = kThawLimit;
  Duration finalize = kFinalizeLimit;
  Duration complete = kCompleteLimit;
  Duration abort = kAbortLimit;
  Duration shutdown = kShutdownLimit;
  Duration restore = kRestoreLimit;
  Duration call = kCallLimit;
  Duration start_wait{0};  // restore: how long post_restore waits for a target's next start
};

// Zero for Bound::none and Bound::commit: their phases have timers of another kind.
Duration limit_of(const Limits& limits, Bound bound) noexcept;

}  // namespace stillframe::machine
