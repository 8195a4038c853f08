#include "writers/ese/backup/snapshot_states.hpp"

#include <map>
#include <string>

#include <gtest/gtest.h>

namespace stillframe::ese {
namespace {

std::string outcome(SnapshotCall call, SnapshotState state) {
  const auto refused = snapshot_refusal(call, state);
  return refused ? std::to_string(static_cast<int>(*refused)) : std::string("ok");
}

// The rows are those of the interface's description, written down a second time.
TEST(SnapshotStates, EveryCellIsAsDescribed) {
  using enum SnapshotCall;
  using enum SnapshotState;
  using Row = std::map<SnapshotCall, std::string>;
  const std::map<SnapshotState, Row> rows{{prepared,
                                           {{add, "ok"},
                                            {freeze, "ok"},
                                            {info, "ok"},
                                            {thaw, "-2401"},
                                            {truncate_log, "-2401"},
                                            {end, "ok"},
                                            {abort, "ok"}}},
                                          {frozen,
                                           {{add, "-2401"},
                                            {freeze, "-2401"},
                                            {info, "ok"},
                                            {thaw, "ok"},
                                            {truncate_log, "-2401"},
                                            {end, "-2401"},
                                            {abort, "ok"}}},
                                          {timed_out,
                                           {{add, "-2401"},
                                            {freeze, "-2401"},
                                            {info, "ok"},
                                            {thaw, "-2402"},
                                            {truncate_log, "-2401"},
                                            {end, "-2401"},
                                            {abort, "ok"}}},
                                          {thawed,
                                           {{add, "-2401"},
                                            {freeze, "-2401"},
                                            {info, "ok"},
                                            {thaw, "-2401"},
                                            {truncate_log, "ok"},
                                            {end, "ok"},
                                            {abort, "ok"}}},
                                          {truncated,
                                           {{add, "-2401"},
                                            {freeze, "-2401"},
                                            {info, "ok"},
                                            {thaw, "-2401"},
                                            {truncate_log, "ok"},
                                            {end, "ok"},
                                            {abort, "ok"}}},
                                          {ended,
                                           {{add, "-2404"},
                                            {freeze, "-2404"},
                                            {info, "-2404"},
                                            {thaw, "-2404"},
                                            {truncate_log, "-2404"},
                                            {end, "-2404"},
                                            {abort, "-2404"}}}};
  ASSERT_EQ(rows.size(), static_cast<std::size_t>(kSnapshotStates));
  for (const auto& [state, row] : rows) {
    ASSERT_EQ(row.size(), static_cast<std::size_t>(kSnapshotCalls));
    for (const auto& [call, expected] : row) {
      EXPECT_EQ(outcome(call, state), expected) << name_of(call) << ", " << name_of(state);
    }
  }
}

}  // namespace
}  // namespace stillframe::ese
