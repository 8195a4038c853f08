#include "writers/ese/backup/backup_states.hpp"

#include <array>
#include <cstddef>

namespace stillframe::ese {

namespace {

using enum EseErr;

constexpr BackupRule kOk{};
constexpr BackupRule refuse(EseErr err) {
  return {.refused = err};
}
constexpr BackupRule kNoBackup = refuse(no_backup), kStopped = refuse(backup_abort_by_server),
                     kOrder = refuse(invalid_backup_sequence);
constexpr BackupRule kFullOnly{.full_only = true}, kNoFileOpen{.no_file_open = true},
    kGivesUp{.gives_up = true};

constexpr std::size_t kColumns = 4;  // the states, and last "stopped", whichever state it is then
using Row = std::array<BackupRule, kColumns>;

// In the order of BackupCall.
constexpr std::array<Row, kBackupCalls> kRules{{
    // none      databases                     logs          stopped
    {kOk, refuse(backup_in_progress), refuse(backup_in_progress), refuse(backup_in_progress)},
    {kNoBackup, kOk, kFullOnly, kStopped},                   // attach_info
    {kNoBackup, kOk, kOrder, kStopped},                      // open_database
    {kNoBackup, refuse(database_not_found), kOk, kStopped},  // open_other
    {kNoBackup, kOk, kOk, kStopped},                         // read
    {kNoBackup, kOk, kOk, kOk},                              // close
    {kNoBackup, kNoFileOpen, kNoFileOpen, kStopped},         // log_info
    {kNoBackup, kOrder, kNoFileOpen, kStopped},              // truncate_log
    {kNoBackup, kGivesUp, kOk, kGivesUp},                    // end
    {kOk, kOk, kOk, kOk},                                    // stop
}};

}  // namespace

std::string_view name_of(BackupState state) noexcept {
  switch (state) {
    case BackupState::none:
      return "no backup";
    case BackupState::databases:
      return "copying databases";
    case BackupState::logs:
      return "copying logs";
  }
  return "unknown";
}

std::string_view name_of(BackupCall call) noexcept {
  switch (call) {
    case BackupCall::begin:
      return "begin";
    case BackupCall::attach_info:
      return "attach info";
    case BackupCall::open_database:
      return "open a database";
    case BackupCall::open_other:
      return "open another file";
    case BackupCall::read:
      return "read";
    case BackupCall::close:
      return "close";
    case BackupCall::log_info:
      return "log info";
    case BackupCall::truncate_log:
      return "truncate log";
    case BackupCall::end:
      return "end";
    case BackupCall::stop:
      return "stop";
  }
  return "unknown";
}

const BackupRule& backup_rule(BackupCall call, BackupState state, bool stopped) noexcept {
  const bool running = state != BackupState::none;
  const std::size_t column = running && stopped ? kColumns - 1 : static_cast<std::size_t>(state);
  return kRules[static_cast<std::size_t>(call)][column];
}

std::optional<EseErr> backup_refusal(BackupCall call, const BackupFacts& facts) noexcept {
  const BackupRule& rule = backup_rule(call, facts.state, facts.stopped);
  if (rule.refused) return rule.refused;
  const bool out_of_order =
      (rule.full_only && facts.logs_only) || (rule.no_file_open && facts.file_open);
  if (out_of_order) return invalid_backup_sequence;
  return std::nullopt;
}

}  // namespace stillframe::ese
