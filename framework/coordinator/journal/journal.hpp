// What the coordinator must still know after it was killed: which snapshots it made, for whom,
// which backups were published, which restores were begun. One SQLite file in the state folder; the
// schema is in docs/journal.md.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <stillframe/provider.hpp>

namespace stillframe::coordinator {

// `intended` is written before a provider is asked for anything, so that whatever it managed to
// make before a crash is found and deleted.
struct JournalledSnapshot {
  SnapshotInfo info;
  SessionId session;
  bool auto_release = true;
  friend bool operator==(const JournalledSnapshot&, const JournalledSnapshot&) = default;
};

// One component of a published backup: what an incremental on top of it has to match.
struct JournalledComponent {
  WriterClassId writer_class;
  std::string instance_name;
  ComponentName name;
  std::string stamp;
  Consistency label = Consistency::failed;
  // Its writer took part until backup_complete() and said ok. Only then may a next backup build
  // on it: a writer that restarted in between has stamped nothing.
  bool completed = false;
  friend bool operator==(const JournalledComponent&, const JournalledComponent&) = default;
};

struct JournalledBackup {
  Receipt receipt;
  BackupType type = BackupType::full;
  std::string chain_owner;
  std::string outcome;  // "published" until backup_complete() was answered by everybody
  std::vector<JournalledComponent> components;
  friend bool operator==(const JournalledBackup&, const JournalledBackup&) = default;
};

// A component that was registered for restore. The record beside the target is the authority; this
// only says where to look, and what post_restore() its writer is owed.
struct JournalledRestore {
  enum class State { registered = 1, copied = 2, failed = 3, post_restore_owed = 4 };
  SessionId session;
  BackupComponent component;
  BackupType type = BackupType::full;
  State state = State::registered;
  WallTime since;
  friend bool operator==(const JournalledRestore&, const JournalledRestore&) = default;
};

// Thread-safe. Every write is on disk when it returns. Never called between freeze and thaw: the
// state folder may live on a file system that is held.
class Journal {
 public:
  // Opens or creates `file`. corrupt and future_version name the way out.
  static Result<std::unique_ptr<Journal>> open(const BytePath& file);
  virtual ~Journal() = default;

  // ---- snapshots
  virtual Status record_snapshots(const std::vector<JournalledSnapshot>& snapshots) = 0;
  virtual Status forget_snapshot(const SnapshotId& snapshot) = 0;
  virtual Status forget_set(const SetId& set) = 0;
  virtual Result<std::vector<JournalledSnapshot>> snapshots() = 0;

  // ---- evidence, by set; the last word about one replaces the earlier
  virtual Status record_evidence(const Evidence& evidence) = 0;
  virtual Result<Evidence> evidence(const SetId& set) = 0;  // not_found

  // ---- backups
  // Before any writer hears backup_complete(). The same receipt twice is harmless; another receipt
  // for the same backup is already_exists.
  virtual Status record_receipt(const JournalledBackup& backup) = 0;
  virtual Status component_completed(const BackupId& backup,
                                     const JournalledComponent& component) = 0;
  virtual Status record_outcome(const BackupId& backup, const std::string& outcome) = 0;
  virtual Result<JournalledBackup> backup(const BackupId& backup) = 0;  // not_found

  // ---- restores
  virtual Status record_restore(const JournalledRestore& restore) = 0;
  virtual Status forget_restore(const SessionId& session, const BackupComponent& component) = 0;
  virtual Result<std::vector<JournalledRestore>> restores() = 0;
};

}  // namespace stillframe::coordinator
