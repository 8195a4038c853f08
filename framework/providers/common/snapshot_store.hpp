// A directory of snapshots: STORE/SET/SNAPSHOT/{record.json, owner, ...content}. Several providers,
// also in several processes, share one store; each touches what its own records describe.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <stillframe/descriptor.hpp>

#include "framework/io/file_lock.hpp"
#include "framework/providers/common/snapshot_record.hpp"

namespace stillframe {

// One snapshot's directory.
class SnapshotDirectory {
 public:
  // Makes it, mode 0700, and takes the lock that says its maker is alive. already_exists when the
  // id is taken.
  static Result<SnapshotDirectory> create(const BytePath& store, const SetId& set,
                                          const SnapshotId& snapshot);

  const BytePath& path() const noexcept { return path_; }
  BytePath entry(std::string_view name) const;
  Status write(const SnapshotRecord& record) const;
  // Its maker has finished with it.
  void disown() { owner_.reset(); }
  // Takes it all back, also when it was disowned.
  Status remove(const BytePath& store) const;

 private:
  SnapshotDirectory(BytePath path, FileLock owner)
      : path_(std::move(path)), owner_(std::make_shared<FileLock>(std::move(owner))) {}
  BytePath path_;
  std::shared_ptr<FileLock> owner_;  // shared only so that the object can be moved and reset
};

// A record found in a store.
struct StoredSnapshot {
  BytePath store;
  BytePath directory;
  SnapshotRecord record;  // with info.root filled in
};

// The lock that a snapshot's maker has, taken by whoever changes or removes it later: what it is
// mounted on, or where, is nobody else's business meanwhile. in_progress, naming the process, while
// somebody else has it; not_found when the snapshot is gone.
enum class LockWait { none, a_moment };
Result<FileLock> lock_snapshot(const BytePath& directory, LockWait wait = LockWait::a_moment);

Status write_snapshot_record(const BytePath& directory, const SnapshotRecord& record);
Result<SnapshotRecord> read_snapshot_record(const BytePath& directory);

// What a store holds of one provider.
struct StoreFindings {
  std::vector<StoredSnapshot> snapshots;
  // Without a living owner and without a record that says "created": their maker died, or whoever
  // was removing them. Nothing in them is of use; `info` of those without a record has ids only.
  std::vector<StoredSnapshot> abandoned;
  std::vector<Error> unreadable;
  int at_work = 0;  // being made, or removed, by a living process
};
StoreFindings look_through(const BytePath& store, const std::string& provider);

// Held while leftovers are removed: who looks for them meanwhile would take the remover for a
// living maker. Waits a moment; in_progress when somebody else goes on cleaning.
Result<Descriptor> lock_for_cleaning(const BytePath& store);

// Removes a snapshot's directory with all it holds, subvolumes too, and its parents when that
// leaves them empty. The record goes first: a crash midway leaves what look_through() calls
// abandoned. The caller holds the snapshot's lock.
Status remove_snapshot_directory(const BytePath& store, const BytePath& directory);

}  // namespace stillframe
