// Which logs a backup copies, and which may go once it has them.
#pragma once

#include <string>
#include <vector>

#include <stillframe/result.hpp>

#include "writers/ese/format/small_types.hpp"

namespace stillframe::ese {

// Generations from `first` up to, without, `end`.
struct LogRange {
  Generation first = Generation::none, end = Generation::none;

  bool empty() const { return first >= end; }
  std::vector<Generation> all() const;
  friend bool operator==(const LogRange&, const LogRange&) = default;
};

struct BackupLogs {
  LogRange copy, remove;
  friend bool operator==(const BackupLogs&, const BackupLogs&) = default;
};

// What an attached database remembers of its backups, and what this one has of it.
struct BackedUpDatabase {
  std::string name;
  Generation full_high = Generation::none;         // of its last full backup
  Generation incremental_high = Generation::none;  // of its last incremental one
  bool copied = false;                             // by this backup, to its end
};

struct LogSituation {
  bool logs_only = false;
  Generation needed_from = Generation::none;  // by the copies: the checkpoint when it began
  Generation oldest = Generation::none;       // that is there
  Generation checkpoint = Generation::none;   // now
  Generation current = Generation::none;      // has just begun
  std::vector<BackedUpDatabase> databases;
};

// missing_file_to_backup for a backup of logs alone when a log is gone that no backup has.
Result<BackupLogs> plan_backup_logs(const LogSituation& situation);

}  // namespace stillframe::ese
