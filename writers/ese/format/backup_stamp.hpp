// What a finished backup leaves in the headers of its databases, and in the log, so that redo does
// the same.
#pragma once

#include <cstdint>
#include <string_view>

#include "writers/ese/format/database_header.hpp"
#include "writers/ese/format/record_database.hpp"
#include "writers/ese/format/small_types.hpp"

namespace stillframe::ese {

// The numbers are those of the log record.
enum class BackupScope : std::uint8_t {
  full = 1,         // databases and logs; older logs were removed
  incremental = 2,  // logs; older logs were removed
  copy = 3,         // as full, and every log stayed
  differential = 4  // as incremental, and every log stayed
};
std::string_view name_of(BackupScope scope) noexcept;

// By what was copied and what became of the logs.
BackupScope backup_scope(bool logs_only, bool truncated);

enum class BackupPhase : std::uint8_t {
  begin = 1,
  prepare_logs = 2,
  truncate = 3,
  update = 4,  // of one database's header
  stop = 5,
  abort = 6
};

BackupRecord2 backup_record(BackupPhase phase, BackupKind kind, BackupScope scope,
                            const BackupInfo& info, Dbid database = {});

// Does what an `update` record says. Nothing if the header has a newer backup of this scope.
void stamp_backup(DatabaseHeader& header, const BackupRecord2& record);

// What another log knows nothing of: the backups that a database remembers, since their generations
// mean nothing there.
void forget_backups(DatabaseHeader& header);

}  // namespace stillframe::ese
