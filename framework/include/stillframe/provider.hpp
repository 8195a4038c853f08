// What cuts snapshots. A provider runs in a host process of its own; the coordinator makes its
// calls in the order of the class below, for all volumes of a set or for none.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <stillframe/documents.hpp>
#include <stillframe/writer.hpp>

namespace stillframe {

// One mounted file system or subvolume, as discovery found it. Two paths are on one volume exactly
// if their `id` is equal.
struct Volume {
  std::string id;        // "btrfs:UUID:subvolume-id", "xfs:UUID", "dev:8:1"
  BytePath mount_point;  // where it is mounted (the shortest of several)
  BytePath mount_root;   // the path inside the file system that is mounted there ("/" if all of it)
  BytePath device;       // "/dev/loop3"; empty for file systems without one
  std::string fs_type;   // "btrfs", "xfs", "ext4", ...
  std::string fs_uuid;   // empty when the file system has none
  std::uint64_t st_dev = 0;
  std::uint64_t subvolume_id = 0;  // btrfs
  bool read_only = false;
  BytePath backing_image;  // the loop image the file system lives on; empty when there is none
  friend bool operator==(const Volume&, const Volume&) = default;
};

struct ProviderCapabilities {
  static constexpr std::uint32_t kPersistent = 1, kWritable = 2, kExpose = 4, kRevert = 8,
                                 kDifferential = 16, kClone = 32;
  std::uint32_t bits = 0;
  bool has(std::uint32_t bit) const noexcept { return (bits & bit) != 0; }
};

struct ProviderInfo {
  ProviderId id;
  std::string name;  // "btrfs"
  Version version;
  Atomicity atomicity = Atomicity::file;
  ProviderCapabilities capabilities;
  bool freezes_file_system = false;  // cuts below the file system, under FIFREEZE by the guard pair
  int preference = 0;                // the highest that supports a volume is chosen
  std::chrono::milliseconds expected_commit{100};
};

struct SnapshotAttributes {
  bool persistent = false;    // survives the session and a restart
  bool auto_recovery = true;  // writable until post_final; false: read-only at once
  bool for_rollback = false;
  bool differential = false;  // only copy-on-write will do
  bool clone = false;         // only a full copy will do
  friend bool operator==(const SnapshotAttributes&, const SnapshotAttributes&) = default;
};

// One volume of a set. Providers that cut below or at the file system take it whole; reflink and
// copy take the file sets only.
struct CutRequest {
  SetId set;
  SnapshotId snapshot;
  Volume volume;
  SnapshotAttributes attributes;
  std::vector<FileSet> files;  // absolute paths on this volume, environment variables resolved
  std::vector<ExcludedFiles> exclude;
  std::uint64_t bytes_limit =
      0;  // refuse (limit_reached) an estimate above this; 0: the provider's own
};

struct CutEstimate {
  std::uint64_t bytes_needed = 0;  // new space on the provider's storage
  std::uint64_t bytes_available = 0;
  std::uint64_t files = 0;
  Duration commit{0};  // expected time inside the hold
};

enum class SnapshotState {
  preparing = 1,
  prepared = 2,
  committed = 3,
  created = 4,
  aborted = 5,
  deleted = 6
};

struct SnapshotInfo {
  SnapshotId snapshot;
  SetId set;
  ProviderId provider;
  std::string provider_name;
  Volume volume;
  SnapshotAttributes attributes;
  SnapshotState state = SnapshotState::preparing;
  WallTime created;
  BytePath root;        // where the volume's content can be read: stands for volume.mount_point
  BytePath exposed_at;  // empty when not exposed
  std::string host;
  std::string reason_unusable;  // empty when fine
  friend bool operator==(const SnapshotInfo&, const SnapshotInfo&) = default;
};

struct RevertOptions {
  bool force = false;  // also when the volume is busy, if the provider can
};

// One object serves one set at a time per thread, several sets in turn; the host serialises calls.
// Everything until post_final() may be followed by abort(). An object that is destroyed leaves
// snapshots as they are; the next object of the same provider finds them by query().
class Provider {
 public:
  virtual ~Provider() = default;

  virtual ProviderInfo info() const = 0;
  // ok when the provider can cut this volume with these attributes; volume_not_supported says why
  // not.
  virtual Status supports(const Volume& volume, const SnapshotAttributes& attributes) = 0;

  // Starts slow work for one volume and returns at once.
  virtual Status begin_prepare(const CutRequest& request) = 0;
  // Waits for it; refuses with no_space or limit_reached beyond the limits.
  virtual Result<CutEstimate> end_prepare(const SetId& set) = 0;
  // Inside the hold, writers frozen. A second or two at most.
  virtual Status pre_commit(const SetId& set) = 0;
  // The cut of every volume of the set. No logging, no I/O on the volumes but the cut itself.
  virtual Result<std::vector<CutRecord>> commit(const SetId& set) = 0;
  virtual Status post_commit(const SetId& set) = 0;
  // Writers are thawed. The snapshots become readable, and writable if they ask for auto-recovery.
  virtual Result<std::vector<SnapshotInfo>> pre_final(const SetId& set) = 0;
  // Seals them read-only.
  virtual Status post_final(const SetId& set) = 0;
  // Takes back everything done for the set; idempotent, at any moment, also for an unknown set.
  virtual void abort(const SetId& set) = 0;

  virtual Result<std::vector<SnapshotInfo>> query() = 0;
  virtual Status remove(const SnapshotId& snapshot) = 0;
  // Makes the snapshot's root visible at `place` (nosuid, nodev, noexec, read-only; place is mode
  // 0700).
  virtual Status expose(const SnapshotId& snapshot, const BytePath& place) = 0;
  virtual Status unexpose(const SnapshotId& snapshot) = 0;
  virtual Status make_writable(const SnapshotId& snapshot) = 0;
  // Puts the volume back to the snapshot. in_use when something else holds the volume.
  virtual Status revert(const SnapshotId& snapshot, const RevertOptions& options) = 0;
};

}  // namespace stillframe
