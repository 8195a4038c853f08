#include "writers/ese/backup/backup_states.hpp"

#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace stillframe::ese {
namespace {

using enum BackupCall;
using enum EseErr;

constexpr BackupState kStates[] = {BackupState::none, BackupState::databases, BackupState::logs};
constexpr BackupCall kCalls[] = {begin, attach_info, open_database, open_other, read,
                                 close, log_info,    truncate_log,  end,        stop};

// What the call ends with, as text: of a full backup, of one of logs, and with a file open.
std::string outcome(BackupCall call, BackupState state, bool stopped) {
  const auto of = [&](bool logs_only, bool file_open) {
    const auto refused = backup_refusal(call, {state, stopped, logs_only, file_open});
    return refused ? std::to_string(static_cast<int>(*refused)) : std::string("ok");
  };
  const std::string plain = of(false, false);
  std::string text = plain;
  if (of(true, false) != plain) text += ", logs only " + of(true, false);
  if (of(false, true) != plain) text += ", file open " + of(false, true);
  if (backup_rule(call, state, stopped).gives_up) text += ", gives up";
  return text;
}

// The rows are those of the interface's description, written down a second time.
TEST(BackupStates, EveryCellIsAsDescribed) {
  struct Row {
    std::string none, databases, logs, stopped;
  };
  const std::map<BackupCall, Row> rows{
      {begin, {"ok", "-505", "-505", "-505"}},
      {attach_info, {"-520", "ok", "ok, logs only -521", "-801"}},
      {open_database, {"-520", "ok", "-521", "-801"}},
      {open_other, {"-520", "-1203", "ok", "-801"}},
      {read, {"-520", "ok", "ok", "-801"}},
      {close, {"-520", "ok", "ok", "ok"}},
      {log_info, {"-520", "ok, file open -521", "ok, file open -521", "-801"}},
      {truncate_log, {"-520", "-521", "ok, file open -521", "-801"}},
      {end, {"-520", "ok, gives up", "ok", "ok, gives up"}},
      {stop, {"ok", "ok", "ok", "ok"}}};
  ASSERT_EQ(rows.size(), std::size(kCalls));
  for (const BackupCall call : kCalls) {
    SCOPED_TRACE(name_of(call));
    const Row& row = rows.at(call);
    EXPECT_EQ(outcome(call, BackupState::none, false), row.none);
    EXPECT_EQ(outcome(call, BackupState::none, true), row.none) << "stopped without a backup";
    EXPECT_EQ(outcome(call, BackupState::databases, false), row.databases);
    EXPECT_EQ(outcome(call, BackupState::logs, false), row.logs);
    EXPECT_EQ(outcome(call, BackupState::databases, true), row.stopped);
    EXPECT_EQ(outcome(call, BackupState::logs, true), row.stopped);
  }
}

TEST(BackupStates, EveryStateAndCallHasAName) {
  for (const BackupState state : kStates) EXPECT_NE(name_of(state), "unknown");
  for (const BackupCall call : kCalls) EXPECT_NE(name_of(call), "unknown");
}

}  // namespace
}  // namespace stillframe::ese
