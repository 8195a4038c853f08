// The backups of an instance that runs, as calls have them.
#pragma once

#include <mutex>
#include <utility>

#include <stillframe/ese/jet.h>

#include "writers/ese/backup/streaming_backup.hpp"
#include "writers/ese/jet/handles.hpp"

namespace stillframe::ese::jet {

// The two kinds exclude each other through the engine, and neither can be ended by calls of the
// other. Goes before the engine does. Any thread.
class JetBackups {
 public:
  explicit JetBackups(Instance& engine) : external_(engine), directory_(engine) {}

  // Of JetBeginExternalBackup.
  StreamingBackup& external() noexcept { return external_; }
  // Of JetBackup: it begins and ends inside one call.
  StreamingBackup& directory() noexcept { return directory_; }

  // The handle of what open() gave; one of another file, or of another instance, is none of ours.
  JET_HANDLE add_file(BackupFile file) {
    const std::lock_guard lock(mutex_);
    open_ = {new_handle(), file};
    return open_.first;
  }
  BackupFile find_file(JET_HANDLE handle) const {
    const std::lock_guard lock(mutex_);
    return handle == open_.first ? open_.second : BackupFile{};
  }

  bool running() const {
    return external_.state() != BackupState::none || directory_.state() != BackupState::none;
  }
  // Whichever runs; nothing if none does.
  void stop() {
    external_.stop();
    directory_.stop();
  }

 private:
  StreamingBackup external_, directory_;
  mutable std::mutex mutex_;
  std::pair<JET_HANDLE, BackupFile> open_{};  // of the external one; it has one at a time
};

}  // namespace stillframe::ese::jet
