#include "writers/ese/backup/snapshot_states.hpp"

#include <array>
#include <cstddef>

namespace stillframe::ese {

namespace {

using Refusal = std::optional<EseErr>;
using SnapshotRow = std::array<Refusal, kSnapshotStates>;

constexpr Refusal kFine{}, kWrongOrder = EseErr::os_snapshot_invalid_sequence,
                           kLate = EseErr::os_snapshot_time_out,
                           kGone = EseErr::os_snapshot_invalid_snap_id;

// In the order of SnapshotCall.
constexpr std::array<SnapshotRow, kSnapshotCalls> kRefusals{{
    // prepared, frozen, timed_out, thawed, truncated, ended
    {kFine, kWrongOrder, kWrongOrder, kWrongOrder, kWrongOrder, kGone},  // add
    {kFine, kWrongOrder, kWrongOrder, kWrongOrder, kWrongOrder, kGone},  // freeze
    {kFine, kFine, kFine, kFine, kFine, kGone},                          // info
    {kWrongOrder, kFine, kLate, kWrongOrder, kWrongOrder, kGone},        // thaw
    {kWrongOrder, kWrongOrder, kWrongOrder, kFine, kFine, kGone},        // truncate_log
    {kFine, kWrongOrder, kWrongOrder, kFine, kFine, kGone},              // end
    {kFine, kFine, kFine, kFine, kFine, kGone},                          // abort
}};

}  // namespace

std::string_view name_of(SnapshotState state) noexcept {
  switch (state) {
    case SnapshotState::prepared:
      return "prepared";
    case SnapshotState::frozen:
      return "frozen";
    case SnapshotState::timed_out:
      return "timed out";
    case SnapshotState::thawed:
      return "thawed";
    case SnapshotState::truncated:
      return "thawed, logs removed";
    case SnapshotState::ended:
      return "ended";
  }
  return "unknown";
}

std::string_view name_of(SnapshotCall call) noexcept {
  switch (call) {
    case SnapshotCall::add:
      return "add an instance";
    case SnapshotCall::freeze:
      return "freeze";
    case SnapshotCall::info:
      return "tell of instances";
    case SnapshotCall::thaw:
      return "thaw";
    case SnapshotCall::truncate_log:
      return "truncate log";
    case SnapshotCall::end:
      return "end";
    case SnapshotCall::abort:
      return "abort";
  }
  return "unknown";
}

std::optional<EseErr> snapshot_refusal(SnapshotCall call, SnapshotState state) noexcept {
  return kRefusals[static_cast<std::size_t>(call)][static_cast<std::size_t>(state)];
}

}  // namespace stillframe::ese
