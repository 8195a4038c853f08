// What a btrfs revert writes down before it touches anything, in the state directory: the volume
// is unmounted for a while, and whoever comes after a crash finds it by this alone.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <stillframe/byte_path.hpp>
#include <stillframe/ids.hpp>
#include <stillframe/result.hpp>

namespace stillframe {

struct MountToKeep {
  BytePath mount_point;
  BytePath below;       // what of the subvolume was mounted: "" for its root
  std::string options;  // "rw,nosuid,relatime"
  friend bool operator==(const MountToKeep&, const MountToKeep&) = default;
};

struct RevertJournal {
  SnapshotId snapshot;
  BytePath device;
  std::string fs_uuid;
  std::string super_options;  // of the file system, for a mount after a crash
  // Paths from the file system's top level.
  BytePath volume;  // the subvolume that is reverted
  BytePath next;    // what comes in its place
  BytePath aside;   // where it goes
  BytePath store;   // the snapshots' directory, within the subvolume
  // Records of snapshots of the volume that are kept outside of it, and what they call it.
  BytePath records;  // a store, by its path in the tree of mounts
  std::string volume_id;
  std::vector<MountToKeep> mounts;  // in the order they were made
  bool swapping = false;            // from here it is finished, before it is undone
  friend bool operator==(const RevertJournal&, const RevertJournal&) = default;
};

std::string to_json(const RevertJournal& journal);
// corrupt for anything else; paths are safe to join.
Result<RevertJournal> parse_revert_journal(std::string_view json);

}  // namespace stillframe
