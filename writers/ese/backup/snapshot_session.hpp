// A snapshot of instances by somebody else, a volume's or a copy of their folders: their files are
// held for so long, and remember it afterwards.
//
//   add() each instance → freeze() → the snapshot is made → thaw() → truncate_log() → end()
//
// What the files hold while frozen can be recovered to everything that was committed durably
// before. A freeze ends by itself at its timeout; then the snapshot is worth nothing, and thaw()
// says so.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <stillframe/event.hpp>
#include <stillframe/result.hpp>

#include "writers/ese/backup/backup_logs.hpp"
#include "writers/ese/backup/freezable_files.hpp"
#include "writers/ese/backup/snapshot_states.hpp"
#include "writers/ese/format/backup_stamp.hpp"
#include "writers/ese/instance/instance.hpp"

namespace stillframe::ese {

struct SnapshotOptions {
  bool logs_only = false;  // goes on from the last full snapshot
  bool copy = false;       // no log goes, and nothing goes on from it
  // Otherwise thaw() ends it too.
  bool continue_after_thaw = false;
  // What an administrator may want to read later. Called from any thread.
  std::function<void(EventLevel level, const std::string& what)> tell{};
};

// Any thread. Aborts what is not ended when it goes.
class SnapshotSession {
 public:
  explicit SnapshotSession(SnapshotOptions options) : options_(std::move(options)) {}
  ~SnapshotSession();
  SnapshotSession(const SnapshotSession&) = delete;
  SnapshotSession& operator=(const SnapshotSession&) = delete;

  // `files` are those that the instance was started with. Both outlive the session, or leave() it.
  Status add(Instance& instance, FreezableFiles& files);
  // From here on until the end databases neither come nor go. OSSnapshotNotAllowed while another
  // backup runs; of logs alone InvalidBackup, MissingFullBackup, MissingFileToBackup. After an
  // error nothing is held. `before` runs when all is prepared and nothing is held yet.
  Status freeze(std::chrono::milliseconds timeout, const std::function<void()>& before = {});
  // OSSnapshotTimeOut after the timeout. Never fails for what has happened to the files.
  Status thaw();
  // Of one instance, or of all of them. With databases that were not in the snapshot nothing is
  // removed. Not of a copy: OSSnapshotInvalidSequence.
  Status truncate_log(bool all_databases, const Instance* only = nullptr);
  // After a thaw the databases remember the snapshot, as a full one, a copy and so on.
  Status end();
  // They do not. InvalidSnapId when it has ended.
  Status abort();
  // The instance goes: waits for a freeze to end, and takes it out of the session.
  void leave(const Instance& instance);

  SnapshotState state() const;
  // Whether it keeps the instance as a backup does.
  bool holds(const Instance& instance) const;

 private:
  struct Part {
    Instance* instance;
    FreezableFiles* files;
    std::unique_ptr<BackupHold> hold{};
    BackupInfo info{};
    LogRange remove{};
    bool circular() const { return instance->options().circular; }
  };

  // All of these with the mutex held.
  Status check(SnapshotCall call) const;
  Result<Lgpos> log_phase(Part& part, BackupPhase phase, const BackupInfo& info,
                          Dbid database = {});
  Status hold(Part& part);
  Status check_full_snapshots(const Part& part) const;
  Status prepare_logs(Part& part);
  void let_go(Part& part);
  void remember(Part& part);
  Status truncate(Part& part);
  void finish(Part& part, bool aborted);
  Status end_all();
  void abort_all();
  void release_files();
  void tell(EventLevel level, const std::string& what) const;

  Status start_timer(std::chrono::milliseconds timeout);
  void time_out_at(std::chrono::steady_clock::time_point deadline);
  std::thread take_timer() { return std::move(timer_); }

  const SnapshotOptions options_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;  // of state_
  SnapshotState state_ = SnapshotState::prepared;
  std::vector<Part> parts_;
  std::thread timer_;  // lets go what is frozen too long
};

}  // namespace stillframe::ese
