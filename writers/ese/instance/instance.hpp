// The engine in use: a folder of logs, the databases that are attached, and what they share. A
// start finds everything as it was when the last run ended, however that ended: what was committed
// durably is there, and nothing that was not committed.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <set>

#include <stillframe/byte_path.hpp>
#include <stillframe/result.hpp>

#include "framework/io/files.hpp"
#include "writers/ese/engine/log_stream.hpp"
#include "writers/ese/engine/open_transaction.hpp"
#include "writers/ese/engine/page_cache.hpp"
#include "writers/ese/engine/version_store.hpp"
#include "writers/ese/instance/attachment_list.hpp"
#include "writers/ese/instance/backup_hold.hpp"
#include "writers/ese/instance/checkpoint_file.hpp"
#include "writers/ese/instance/instance_database.hpp"
#include "writers/ese/instance/instance_events.hpp"
#include "writers/ese/instance/instance_options.hpp"
#include "writers/ese/instance/maintenance.hpp"
#include "writers/ese/recovery/recover.hpp"

namespace stillframe::ese {

class Instance;

// Makes transactions, one at a time. Goes before its instance does.
class [[nodiscard]] Session {
 public:
  Session(Session&& other) noexcept;
  Session& operator=(Session&&) = delete;
  ~Session();

  Procid id() const noexcept { return id_; }
  std::unique_ptr<OpenTransaction> begin();

 private:
  friend class Instance;
  Session(Instance& instance, Procid id) : instance_(&instance), id_(id) {}

  Instance* instance_;  // null when moved from
  Procid id_;
};

// Any thread.
class Instance {
 public:
  // Begins a log sequence in an empty folder; otherwise recovers what the logs speak of, and goes
  // on with them. Refuses as recovery does, with nothing changed. `files` outlives the instance.
  static Result<std::unique_ptr<Instance>> start(Files& files, InstanceOptions options);
  // Without stop(), leaves the files as a crash would.
  ~Instance();
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;

  // What is given out stays until the database is detached, or the instance goes.
  //
  // DatabaseDuplicate if there is such a file, unless its creation was interrupted: then it begins
  // anew. After an error there is no database.
  Result<InstanceDatabase*> create_database(const BytePath& path);
  // DatabaseDuplicate if it is attached; DatabaseDirtyShutdown for one that was not shut down by
  // this sequence of logs; PageSizeMismatch.
  Result<InstanceDatabase*> attach_database(const BytePath& path);
  // DatabaseInUse while a session has a table open or a transaction may have changed it;
  // DatabaseNotFound.
  Status detach_database(const BytePath& path);
  // None if it is not attached.
  InstanceDatabase* find_database(const BytePath& path) const { return attachments_.find(path); }

  Result<Session> open_session();

  // Until what this gives goes, databases neither come nor go, stop() refuses (BackupInProgress),
  // and circular logging keeps the logs from the checkpoint on. All other work goes on. Waits for
  // databases that are coming or going; BackupInProgress if one is held already.
  Result<BackupHold> hold_for_backup();
  // BackupInProgress while one is held, for who would change files of databases otherwise.
  Status check_not_held();

  // One round of what the background does: removes what nobody can see any more, writes pages that
  // have waited too long, and advances the checkpoint.
  Status maintain();
  // Writes every page that has changed, and advances the checkpoint as far as it goes.
  Status flush();
  Lgpos checkpoint() { return attachments_.checkpoint(); }
  // Why the background could not do its work the last time; it tries again.
  std::optional<Error> background_error() const { return background_.last_error(); }

  // Shuts all databases down and ends the run in the log. InUse while there are transactions or
  // open tables. After an error the instance can only go: the next start recovers.
  Status stop();

  // What the start had to do; none for a new sequence.
  const std::optional<RecoveryReport>& recovered() const noexcept { return recovered_; }
  LogStream& log() noexcept { return *log_; }
  Files& files() noexcept { return files_; }
  const InstanceEvents& events() const noexcept { return events_; }
  const InstanceOptions& options() const noexcept { return options_; }
  PageCacheStats cache_stats() const noexcept { return cache_->stats(); }

 private:
  friend class Session;
  friend class BackupHold;
  class Continuation;

  Instance(Files& files, InstanceOptions options);
  LogStreamOptions log_options() const;
  RecoveryOptions recovery_options() const;
  Signature new_signature() const;
  LogEnvironment environment() const;
  SharedParts parts() { return {*cache_, *log_, versions_, transactions_}; }

  Status start_up();
  void tell_start() const;
  std::unique_ptr<DatabaseStore> open_store(std::unique_ptr<File> file) const;
  void tell_database(EngineEvent event, const BytePath& path, const char* what) const;
  Status pass_gate();
  Status begin_log();
  Status continue_log();
  Status begin_run();
  Status leave_gate();

  // All of these with admin_mutex_ held.
  Result<Dbid> free_number() const;
  Attachment attachment_of(const InstanceDatabase& database, Lgpos consistent) const;
  Result<std::unique_ptr<InstanceDatabase>> make_file(const BytePath& path, Dbid id);
  Result<std::unique_ptr<InstanceDatabase>> open_file(const BytePath& path, Dbid id);
  Status log_creation(InstanceDatabase& database);
  Status log_attachment(InstanceDatabase& database);
  Status log_detachment(InstanceDatabase& database);
  void give_up(std::unique_ptr<InstanceDatabase> database);
  Status append_durably(Bytes record);
  Status close_database(InstanceDatabase& database);
  InstanceDatabase* keep(std::unique_ptr<InstanceDatabase> database);
  Status settle(InstanceDatabase& database);
  Status maintain_all();
  void tell_maintenance(const Status& done);
  Result<std::size_t> clean_up_once();
  Status forget_old_versions();
  Status clean_up();
  void make_room_for_versions();
  Status sync_databases();
  Status advance_checkpoint();
  Status write_checkpoint(Lgpos at, bool in_order);
  Status shut_down_databases();
  Status stop_all();
  Status end_run();
  Status check_no_backup(const std::string& task) const;
  Result<std::size_t> remove_spent_logs(Generation checkpoint);

  Files& files_;
  const InstanceOptions options_;
  const InstanceEvents events_;
  AttachmentList attachments_;
  Transactions transactions_;
  VersionStore versions_;
  CheckpointWriter checkpoint_writer_;
  std::optional<RecoveryReport> recovered_;
  std::unique_ptr<LogStream> log_;
  std::unique_ptr<PageCache> cache_;

  std::mutex admin_mutex_;  // databases come and go, and are maintained, one thing at a time
  std::vector<std::unique_ptr<InstanceDatabase>> databases_;
  // Those that the log has attached and that could not be opened, nor detached again.
  std::vector<std::unique_ptr<InstanceDatabase>> broken_;
  Lgpos run_begun_;
  // Why the last round of the background failed, as far as that has been told.
  std::optional<std::pair<Errc, std::int32_t>> background_trouble_;
  // There is a backup, and circular logging keeps the logs from here on for it.
  std::optional<Generation> backup_keeps_;

  std::mutex sessions_mutex_;
  std::set<Procid> sessions_;

  Maintenance background_;  // last: it uses all of the above
};

}  // namespace stillframe::ese
