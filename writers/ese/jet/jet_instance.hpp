// An instance as callers have it: from its creation through its run to its end.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <vector>

#include <stillframe/result.hpp>

#include "framework/io/files.hpp"
#include "writers/ese/backup/freezable_files.hpp"
#include "writers/ese/backup/hard_restore.hpp"
#include "writers/ese/backup/snapshot_session.hpp"
#include "writers/ese/instance/instance.hpp"
#include "writers/ese/jet/answer.hpp"
#include "writers/ese/jet/databases.hpp"
#include "writers/ese/jet/jet_backups.hpp"
#include "writers/ese/jet/parameters.hpp"
#include "writers/ese/jet/row_locks.hpp"

namespace stillframe::ese::jet {

class JetInstance;

// A call is inside an instance: it runs, and does not end before the call does.
class [[nodiscard]] InstanceUse {
 public:
  // What stands in the way, by its number: the service stopped, the instance ends, or has not
  // begun.
  static Result<InstanceUse> enter(std::shared_ptr<JetInstance> instance);
  // The same for what belongs to backups, which know one that starts by another number:
  // BackupNotAllowedYet.
  static Result<InstanceUse> enter_for_backup(std::shared_ptr<JetInstance> instance);

  JetInstance& instance() const noexcept { return *instance_; }
  const std::shared_ptr<JetInstance>& shared() const noexcept { return instance_; }

 private:
  explicit InstanceUse(std::shared_ptr<JetInstance> instance);

  std::shared_ptr<JetInstance> instance_;  // callers may end it from another thread meanwhile
  std::shared_lock<std::shared_mutex> inside_;
};

struct InitRequest {
  JET_GRBIT grbit = 0;
  std::vector<RestoredPath> map{};  // without a logged path: by the database's signature
  // Told what happens, and of how far it is.
  std::function<void(JET_SNT what, JET_SNPROG& progress)> tell{};
  Status arguments = Ok{};  // what is wrong with the rest
};

struct RestoreRequest {
  BytePath directory;
  BytePath destination;  // empty: each database goes where it was
  JET_PFNSTATUS progress = nullptr;
};

// Any thread.
class JetInstance {
 public:
  JetInstance(JET_INSTANCE handle, std::string name, std::string display,
              const Parameters& parameters)
      : handle_(handle),
        name_(std::move(name)),
        display_(std::move(display)),
        parameters_(parameters) {}

  JET_INSTANCE handle() const noexcept { return handle_; }
  const std::string& name() const noexcept { return name_; }
  Parameters& parameters() noexcept { return parameters_; }
  bool created_only() const noexcept { return state_.load() == State::created; }
  bool ended() const noexcept { return state_.load() == State::ended; }
  bool terminating() const noexcept { return state_.load() == State::terminating; }

  // AlreadyInitialized, InitInProgress, RestoreInProgress. After an error in starting it is of no
  // use any more.
  Status check_can_start() const;
  Answer start(const Parameters& process, const InitRequest& request);
  // As before a start, whatever comes of it.
  Answer restore(const Parameters& process, const RestoreRequest& request);
  // No call enters from here on, and none is inside; until reopen(), or for good. InitInProgress,
  // RestoreInProgress, TermInProgress. A backup is asked to stop meanwhile, or refuses the end:
  // BackupInProgress.
  enum class WithBackup { stop_it, refuse };
  Status close_for_term(WithBackup with_backup);
  void reopen();
  // Between these two, with every session gone: shuts down in good order, or leaves the files as a
  // crash would.
  Answer end(bool dirty);

  void stop_service() noexcept { stopped_ = true; }
  // Nothing if none runs.
  void stop_backup();

  // While it runs.
  Instance& engine() noexcept { return *engine_; }
  Databases& databases() noexcept { return *databases_; }
  RowLocks& row_locks() noexcept { return row_locks_; }
  JetBackups& backups() noexcept { return *backups_; }
  FreezableFiles& freezable_files() noexcept { return *freezable_; }

  // The snapshot session that it belongs to, if any; one at most.
  bool join_snapshot(const std::shared_ptr<SnapshotSession>& session);
  void leave_snapshot(const SnapshotSession& session);

 private:
  friend class InstanceUse;
  enum class State { created, restoring, starting, running, terminating, ended };

  Error cannot_start() const;
  Status take_folders();
  Status restore_here(const Parameters& process, const RestoreRequest& request);
  Status check_no_backup() const;
  void leave_snapshots();

  const JET_INSTANCE handle_;
  const std::string name_, display_;
  Parameters parameters_;
  std::atomic<State> state_{State::created};
  State before_term_ = State::created;
  std::atomic<bool> stopped_{false};
  std::shared_mutex calls_;  // shared by calls inside; alone by whoever starts or ends it
  PathLock logs_lock_, system_lock_;
  std::unique_ptr<Files> files_;
  std::unique_ptr<FreezableFiles> freezable_;  // these, as the engine has them
  std::unique_ptr<Instance> engine_;
  std::unique_ptr<Databases> databases_;
  RowLocks row_locks_;
  mutable std::mutex backups_mutex_;  // for who is not inside: it may be ended meanwhile
  std::unique_ptr<JetBackups> backups_;
  std::weak_ptr<SnapshotSession> snapshot_;  // ended ones are as none
};

}  // namespace stillframe::ese::jet
