// Full backups of each kind, and what goes on from them, as the lifecycle test takes and places
// them.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/ese/support/backup_world.hpp"

namespace stillframe::ese::tests {

enum class BackupWay {
  streamed,   // the caller copies every file
  directory,  // into a folder
  atomic,     // into a folder that always has a whole set
  snapshot,   // the files are copied while they are held
};
inline constexpr int kBackupWays = 4;
std::string_view name_of(BackupWay way);

// What one backup of a chain is.
struct BackupStep {
  bool logs_only = false;
  bool keeps_logs = false;  // a copy, or a differential one
};

// A full backup in a folder, to which the logs of those that go on from it are added.
class BackupChain {
 public:
  BackupChain(BackupWorld& world, BackupWay way, BytePath folder)
      : world_(world), way_(way), folder_(std::move(folder)) {}

  BackupWay way() const { return way_; }
  // Takes one while whatever works goes on. The moment of the world is that of the backup.
  void take(const BackupStep& step);
  // Of an attempt that is to be refused with this error.
  void expect_refused(const BackupStep& step, EseErr err);

  // Where finished logs are.
  BytePath logs() const;

  struct Wanted {
    BytePath place;            // a folder for copies
    std::vector<bool> chosen;  // by database, as BackupWorld::paths() has them
    bool in_place = false;     // databases and logs are where they were, else in the folder
    // Folders with newer logs, that of the instance last; none: what the chain has is all.
    std::vector<BytePath> newer = {};
    bool without_checkpoint = false;  // of a snapshot: recovery finds out where to begin
  };
  // What of a restore is to be looked at.
  struct Restored {
    std::vector<BytePath> databases;  // empty: not restored
    InstanceOptions options;          // of an instance that has them, and maybe recovers them
    bool forgets = true;              // that there were backups
  };
  std::optional<Restored> restore(const Wanted& wanted);

 private:
  Status try_take(const BackupStep& step);
  Status take_streamed(const BackupStep& step);
  Status take_directory(const BackupStep& step);
  Status take_snapshot(const BackupStep& step);
  void copy_snapshot(const BackupStep& step);

  Restored planned(const Wanted& wanted) const;
  Status restore_streamed(const Wanted& wanted, const Restored& restored);
  Status restore_directory(const Wanted& wanted, const Restored& restored);
  void place_snapshot(const Wanted& wanted, Restored& restored);
  void bring_logs(const BytePath& from, const BytePath& to, Generation first);
  void bring_newer(const Wanted& wanted, const BytePath& to, Generation first);

  BackupWorld& world_;
  const BackupWay way_;
  const BytePath folder_;
  BackupSet set_;  // streamed
};

// Removes all files of the folder, and those of the folders that a restore makes in it.
void clear_place(Files& files, const BytePath& place);

}  // namespace stillframe::ese::tests
