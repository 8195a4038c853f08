// What a provider writes down about a snapshot, beside it: whoever finds the directory later can
// list, expose, revert and remove it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <stillframe/provider.hpp>

namespace stillframe {

// A subvolume that was cut: `place` is its path in the snapshot ("" for the volume itself), `held`
// the name it has in the snapshot's directory until it is put there.
struct CutSubvolume {
  BytePath place;
  BytePath held;
  friend bool operator==(const CutSubvolume&, const CutSubvolume&) = default;
};

// The mount of a volume that a revert took away for a while: whoever finishes or undoes the revert
// puts it back.
struct UnmountedVolume {
  BytePath mount_point;
  std::string options;        // of the mount: "rw,nosuid"
  std::string super_options;  // of the file system
  friend bool operator==(const UnmountedVolume&, const UnmountedVolume&) = default;
};

enum class RevertStep {
  none = 0,
  staging = 1,   // the files to come are being made ready; the volume is untouched
  swapping = 2,  // the volume is changing; only going on helps
};

struct SnapshotRecord {
  SnapshotInfo info;   // `root` is left empty: it follows from where the record lies
  BytePath view;       // the root below the record's directory, such as "tree"
  CutRequest request;  // what was asked for: a revert needs the file sets
  std::vector<CutSubvolume> subvolumes;
  bool sealed = false;
  bool place_made = false;  // the directory it is exposed at was made for it
  RevertStep revert = RevertStep::none;
  std::optional<UnmountedVolume> unmounted;
  friend bool operator==(const SnapshotRecord&, const SnapshotRecord&);
};

inline constexpr std::uint32_t kSnapshotRecordVersion = 1;
inline constexpr std::size_t kSnapshotRecordBytesMax = std::size_t{256} << 20;

std::string to_json(const SnapshotRecord& record);
// corrupt for bytes that are no record, future_version for a newer one. Paths in the result are
// safe to join to a directory.
Result<SnapshotRecord> parse_snapshot_record(std::string_view json);

}  // namespace stillframe
