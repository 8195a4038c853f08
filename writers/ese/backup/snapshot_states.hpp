// Which call of a snapshot session is allowed when, as data.
#pragma once

#include <optional>
#include <string_view>

#include "writers/ese/format/ese_error.hpp"

namespace stillframe::ese {

enum class SnapshotState {
  prepared,
  frozen,
  timed_out,  // it was let go by itself: whatever was copied is worth nothing
  thawed,     // in time
  truncated,  // and asked to remove logs
  ended,
};
inline constexpr int kSnapshotStates = 6;
std::string_view name_of(SnapshotState state) noexcept;

enum class SnapshotCall { add, freeze, info, thaw, truncate_log, end, abort };
inline constexpr int kSnapshotCalls = 7;
std::string_view name_of(SnapshotCall call) noexcept;

// What the call fails with before it does anything; none if it may go on.
std::optional<EseErr> snapshot_refusal(SnapshotCall call, SnapshotState state) noexcept;

}  // namespace stillframe::ese
