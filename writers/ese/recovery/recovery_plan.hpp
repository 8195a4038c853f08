// What recovery would do with the logs and databases that are there, or why it refuses: decided
// before anything is changed.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <stillframe/result.hpp>

#include "framework/io/files.hpp"
#include "writers/ese/format/log_reader.hpp"
#include "writers/ese/format/log_set.hpp"
#include "writers/ese/recovery/attached_databases.hpp"
#include "writers/ese/recovery/undone_transactions.hpp"

namespace stillframe::ese {

// The logs of a backup, and newer ones that go on from them.
struct RestoredLogs {
  BytePath set;  // the folder of the backup's logs
  Generation low = Generation::none, high = Generation::none;
  BytePath further;  // that of the newer ones; it may be the same one, and need not have any
  Generation further_last = Generation::none;  // if it is set, no newer ones than this
};

// What becomes of databases that the log has attached where it ends, and whose files are not there,
// or not named.
enum class MissingDatabases {
  left,     // they are noted, unless there is no other
  refused,  // AttachedDatabaseMismatch for any
  ignored,  // they are noted, whether there is another or not
};

struct RecoveryOptions {
  BytePath logs;    // the folder
  BytePath system;  // that of the checkpoint, if it is another one
  // A backup is recovered: these are the logs, from the oldest of the set on, whatever a checkpoint
  // says, and the databases are the copies that databases.streamed knows.
  std::optional<RestoredLogs> restored;
  std::string base;  // "edb"
  DatabasePlaces databases;
  // Begin with this generation, whatever a checkpoint says; none: where it has to begin.
  Generation from = Generation::none;
  // Undo nothing, and stop at the last position where no transaction is open, so that newer logs
  // can be replayed later: the databases are as a crash there would leave them. The log is not
  // continued.
  bool pause = false;
  MissingDatabases missing = MissingDatabases::left;
  // Go on when generations are missing that hold only newer transactions: these are lost then.
  bool accept_lost_commits = false;
  std::size_t cache_bytes = std::size_t{64} << 20;
  // What databases get that are finished apart from their logs, and the time in their headers.
  Signature identity;
  LogTime now;
  // Called now and then: generations read of those there are.
  std::function<void(std::string_view what, std::uint64_t done, std::uint64_t total)> progress;
};

enum class PlannedAction {
  redo,       // changes are replayed, then what is not committed is undone
  create,     // the log makes the database from nothing
  nothing,    // it was shut down in good order, and the logs have nothing newer
  set_aside,  // the logs are not for this file, or it is not there
};
std::string_view name_of(PlannedAction action) noexcept;

struct PlannedDatabase {
  std::string logged_path;
  BytePath file;
  PlannedAction action = PlannedAction::nothing;
  std::string why;            // it is set aside
  bool clean_at_end = false;  // the log itself shuts it down
};

inline constexpr std::uint64_t kKeptLogBytesMax = std::uint64_t{64} << 20;

struct RecoveryPlan {
  LogSet logs;
  Lgpos start;
  Generation last = Generation::none;
  bool from_checkpoint = false;
  std::vector<Attachment> attached;  // at the start
  std::vector<PlannedDatabase> databases;
  std::uint64_t records = 0;
  LogStreamEnd end;
  UndoneTransactions undone;
  bool ended_in_order = false;     // the last record ends a run, or a recovery
  bool commits_lost = false;       // logs that had committed transactions are gone: accepted
  std::vector<std::string> notes;  // for people: what is odd, and harmless
  // The first generations as planning read them, up to kKeptLogBytesMax, so that redo need not read
  // them again. Redo takes them out.
  std::map<Generation, LogGeneration> kept;

  bool anything_to_do() const;
};

// A generation of the plan's logs. Of restored logs every one of the set is complete, and an error
// says whether the set is damaged (570, 573) or what goes on from it (571, 574).
Result<LogGeneration> read_planned(Files& files, const RecoveryOptions& options, const LogSet& logs,
                                   Generation generation, bool last);

// Reads all logs that would be replayed. An error is a refusal, and names what is missing, wrong or
// not supported: a file, or a record by its position.
Result<RecoveryPlan> plan_recovery(Files& files, const RecoveryOptions& options);

}  // namespace stillframe::ese
