// Which call of a streaming backup is allowed when, as data.
#pragma once

#include <optional>
#include <string_view>

#include "writers/ese/format/ese_error.hpp"

namespace stillframe::ese {

enum class BackupState {
  none,
  databases,  // they are copied
  logs,       // they are listed, copied and removed; there is no way back
};
std::string_view name_of(BackupState state) noexcept;

enum class BackupCall {
  begin,
  attach_info,
  open_database,
  open_other,
  read,
  close,
  log_info,  // of the logs to copy, and of those to remove
  truncate_log,
  end,
  stop,
};
inline constexpr int kBackupCalls = 10;
std::string_view name_of(BackupCall call) noexcept;

struct BackupRule {
  std::optional<EseErr> refused = std::nullopt;  // always, here
  bool full_only = false;                        // else InvalidBackupSequence, as for what follows
  bool no_file_open = false;
  bool gives_up = false;  // allowed, and ends the backup as if it had failed
};

struct BackupFacts {
  BackupState state = BackupState::none;
  bool stopped = false;    // somebody wants the backup to end
  bool logs_only = false;  // an incremental or differential one
  bool file_open = false;
};

const BackupRule& backup_rule(BackupCall call, BackupState state, bool stopped) noexcept;
// What the call fails with before it does anything; none if it may go on.
std::optional<EseErr> backup_refusal(BackupCall call, const BackupFacts& facts) noexcept;

}  // namespace stillframe::ese
