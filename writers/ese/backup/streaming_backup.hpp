// A backup whose bytes the caller copies: the engine gives consistent bytes and says which files.
//
//   begin() → attach_info() → for each database open(), read() until 0, close()
//     → log_info() → for each log the same → truncate_log() → end()
//
// One of logs alone leaves the databases out; one that keeps all logs leaves out truncate_log().
// The instance is fully usable meanwhile, but for what BackupHold says. Errors carry JET's numbers.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include <stillframe/byte_path.hpp>
#include <stillframe/event.hpp>
#include <stillframe/result.hpp>

#include "writers/ese/backup/backup_logs.hpp"
#include "writers/ese/backup/backup_states.hpp"
#include "writers/ese/backup/database_copy.hpp"
#include "writers/ese/backup/log_copy.hpp"
#include "writers/ese/format/backup_stamp.hpp"
#include "writers/ese/instance/instance.hpp"

namespace stillframe::ese {

enum class BackupContents {
  full,       // databases, and the logs that they need
  logs_only,  // those since the last full or incremental backup
};

// A file of a backup that is being read.
enum class BackupFile : std::uint64_t {};

struct BackupLogList {
  std::vector<BytePath> files;  // oldest first
  // Of the files, both included. A restore needs to be told these.
  Generation low = Generation::none, high = Generation::none;
  std::string base;
};

struct BackupEnd {
  bool aborted = false;        // the caller could not store what it read
  bool truncated = false;      // the caller saw to that itself: counts as truncate_log()
  bool update_headers = true;  // of a good one
};

struct StreamingBackupOptions {
  // Before a damaged page is read again: so long, then twice, three times so long, and so on.
  std::chrono::milliseconds retry_pause{100};
  // What an administrator may want to read later. Called from the thread that makes the call.
  std::function<void(EventLevel level, const std::string& what)> tell;
};

// All backups of one instance, one after the other. Goes before the instance does; gives up a
// backup that is not ended. Any thread; one call waits for another, but for stop().
class StreamingBackup {
 public:
  explicit StreamingBackup(Instance& instance, StreamingBackupOptions options = {});
  ~StreamingBackup();
  StreamingBackup(const StreamingBackup&) = delete;
  StreamingBackup& operator=(const StreamingBackup&) = delete;

  // Waits for databases that are being attached or detached. On failure nothing has changed.
  Status begin(BackupContents contents);
  // The paths of all databases.
  Result<std::vector<BytePath>> attach_info();

  struct Opened {
    BackupFile file{};
    std::uint64_t bytes = 0;  // that read() will give
  };
  // A database, or a file that log_info() named; anything else is only opened as it is. One at a
  // time: OutOfMemory for a second one.
  Result<Opened> open(const BytePath& path);
  // `into` begins at a multiple of 4096 and is as long as some pages are, at least three the first
  // time that a database is read. 0 at the end. A database that fails is left out of the backup and
  // closed; a log that fails ends the backup.
  Result<std::size_t> read(BackupFile file, MutableBytes into);
  // Only what was read to its end counts as copied.
  Status close(BackupFile file);

  // The first call finishes the current log; there are no more databases to copy then.
  Result<BackupLogList> log_info();
  // What truncate_log() would remove. Prepares as log_info() does.
  Result<std::vector<BytePath>> truncate_info();
  // LogFileNotCopied, and nothing is removed, unless every log of log_info() was.
  Status truncate_log();

  // The backup is over whatever this returns, but for NoBackup. BackupAbortByServer after stop().
  // Without log_info() before, it counts as aborted.
  Status end(const BackupEnd& how = {});
  // All further calls but close() and end() fail, and a read that tries again gives up.
  void stop();

  BackupState state() const;
  Instance& instance() const noexcept { return instance_; }

 private:
  struct Part {
    InstanceDatabase* database;
    bool copied = false;
  };
  struct Prepared {
    BackupLogs logs;
    Lgpos mark;
    LogTime time;
  };
  using Open = std::variant<DatabaseCopy, LogCopy>;
  struct Run {
    BackupHold hold;
    BackupContents contents;
    BackupInfo info;  // mark and time of the beginning, and the oldest log that copies need
    std::vector<Part> parts;
    std::optional<Prepared> prepared;
    std::set<Generation> copied;
    std::map<Generation, BytePath> archived;
    bool truncated = false;
    BackupState state;
    std::optional<Open> open;
    BackupFile number{};  // of the open one

    bool logs_only() const { return contents == BackupContents::logs_only; }
  };

  // All of these with the mutex held.
  std::optional<Error> refusal(BackupCall call) const;
  Status check_full_backups(const BackupHold& hold) const;
  Result<Generation> oldest_for_recovery() const;
  Result<Lgpos> log_phase(BackupPhase phase, const BackupInfo& info, Dbid database = {});
  BackupScope scope() const;
  Part* find_part(const BytePath& path);
  Result<Open> open_file(const BytePath& path, Part* part);
  Status check_buffer(MutableBytes into) const;
  ReadRetries retries();
  Status pause(int attempt);
  Error give_up(const Error& cause);
  Status prepare();
  Result<Prepared> prepared_logs();
  std::vector<BytePath> paths_of(const LogRange& range) const;
  BackupInfo stamp() const;
  void update_headers();
  void finish(bool aborted);
  void tell(EventLevel level, const std::string& what) const;

  Instance& instance_;
  const StreamingBackupOptions options_;
  mutable std::mutex mutex_;
  std::optional<Run> run_;
  std::uint64_t opened_ = 0;

  std::mutex stop_mutex_;  // for the pause alone
  std::condition_variable stop_changed_;
  std::atomic<bool> stopped_{false};
};

}  // namespace stillframe::ese
