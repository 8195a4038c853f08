// One subvolume takes the place of another: the steps of a revert, each of which may find that it
// was done before a crash.
#pragma once

#include <stillframe/descriptor.hpp>

#include "framework/io/beneath.hpp"
#include "framework/io/file_lock.hpp"
#include "framework/providers/btrfs/revert_journal.hpp"
#include "framework/providers/common/environment.hpp"
#include "framework/providers/common/snapshot_record.hpp"

namespace stillframe {

// Where the journals of reverts lie.
BytePath revert_journals_in(const WorkEnvironment& environment);

// `environment` is not owned.
class SubvolumeSwap {
 public:
  SubvolumeSwap(const WorkEnvironment& environment, RevertJournal journal)
      : environment_(environment), journal_(std::move(journal)) {}

  // Before all others, and held until the end: in_progress while another process is at it.
  Result<FileLock> lock() const;
  // Keeps the file system mounted, so that its options live on while the volume is not.
  Status open_top();
  Status write_journal() const;

  // The writable copy, nested subvolumes in their places, without the store of the volume's past.
  Status build_next(const SnapshotRecord& record, const BytePath& snapshot_directory);
  Status drop_next();
  // With `force` mounts that are busy are detached: who is in them keeps the old state.
  Status unmount_all(bool force);

  // From swap() on the revert is finished, by whoever finds its journal, and not undone.
  Status swap();
  Status finish();
  Status mount_all();
  Status forget();

  const RevertJournal& journal() const { return journal_; }

 private:
  BytePath journal_path() const;
  BytePath device() const;
  Result<ParentBeneath> open_parent(const BytePath& path) const;
  bool has(const BytePath& path) const;
  Status rename(const BytePath& from, const BytePath& to) const;
  Status keep_default();
  Status mount_again(const MountToKeep& mount);

  const WorkEnvironment& environment_;
  RevertJournal journal_;
  Descriptor mount_, top_;
};

}  // namespace stillframe
