// From a path to the volume that a snapshot has to cut.
#pragma once

#include <string>
#include <vector>

#include <stillframe/provider.hpp>

#include "framework/io/mountinfo.hpp"

namespace stillframe {

// Where file systems that only show another one (FUSE views) say what lies beneath. The seam for
// dedup volumes; discovery asks for every path on a mount of type "fuse...".
class LowerFileSystems {
 public:
  virtual ~LowerFileSystems() = default;
  // The path on the lower file system that holds what `path` shows; empty when unknown.
  virtual BytePath lower_path(const MountEntry& mount, const BytePath& path) = 0;
};

struct DiscoveryOptions {
  // Mounts at or below these are views of snapshots: never a volume. So is every mount whose root
  // lies in a ".stillframe" directory.
  std::vector<BytePath> snapshot_views;
  LowerFileSystems* lower = nullptr;  // not owned
};

// The directory at a volume's root where providers keep snapshots.
inline constexpr std::string_view kStoreName = ".stillframe";

struct LocatedPath {
  Volume volume;
  // The same file named through volume.mount_point, symbolic links and bind mounts resolved.
  BytePath path;
  friend bool operator==(const LocatedPath&, const LocatedPath&) = default;
};

// A look at the mounts of this moment. Cheap to make; make a new one for each set.
class VolumeDirectory {
 public:
  static Result<VolumeDirectory> read(DiscoveryOptions options = {});

  // The volume `path` (which must exist) is on. Paths on one volume get the same Volume through
  // whatever mount they are named. not_found when there is no such path; volume_not_supported for
  // kernel-made file systems such as /proc; invalid_argument inside a snapshot.
  Result<LocatedPath> locate(const BytePath& path) const;

  // Every mounted volume that could hold data: one entry for each file system, or btrfs subvolume
  // that is mounted, in order of mount points. Those that cannot be looked at are left out.
  std::vector<Volume> volumes() const;

  const std::vector<MountEntry>& mounts() const noexcept { return mounts_; }

  // True when entry `index` is the top one at its mount point and none of its parents is hidden.
  bool visible(const MountEntry& entry) const;

 private:
  struct Place;
  VolumeDirectory(DiscoveryOptions options, std::vector<MountEntry> mounts)
      : options_(std::move(options)), mounts_(std::move(mounts)) {}

  const MountEntry* mount_by_id(std::uint64_t id) const;
  bool is_snapshot_view(const MountEntry& entry) const;
  Result<LocatedPath> locate_on(const MountEntry& mount, const BytePath& real, int fd,
                                int levels_left) const;
  Result<LocatedPath> locate_within(const BytePath& path, int levels_left) const;
  Result<Place> choose_place(const MountEntry& mount, const BytePath& base,
                             const BytePath& inside) const;

  DiscoveryOptions options_;
  std::vector<MountEntry> mounts_;
};

// Whether a file system of this type never holds files of its own (proc, sysfs, cgroup, ...).
bool is_kernel_file_system(std::string_view fs_type);
// Whether its files live on another machine or behind another program.
bool is_remote_file_system(std::string_view fs_type);

}  // namespace stillframe
