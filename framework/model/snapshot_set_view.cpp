#include <stillframe/writer.hpp>

#include "framework/model/path_text.hpp"

namespace stillframe {
namespace {

// The volume of the set whose mount point is the longest one above `path`.
const VolumeInSet* volume_of(const SnapshotSetView& set, const BytePath& path) {
  const VolumeInSet* best = nullptr;
  for (const VolumeInSet& volume : set.volumes) {
    if (!is_beneath_or_equal(path, volume.mount_point)) continue;
    if (best == nullptr || volume.mount_point.size() > best->mount_point.size()) best = &volume;
  }
  return best;
}

}  // namespace

bool SnapshotSetView::covers(const BytePath& path) const {
  return volume_of(*this, path) != nullptr;
}

Result<BytePath> SnapshotSetView::in_snapshot(const BytePath& path) const {
  const VolumeInSet* volume = volume_of(*this, path);
  if (volume == nullptr) {
    return Error(Errc::not_found, "'" + escape_path(path) +
                                      "' is on none of the volumes of snapshot set " +
                                      set.to_string() + "; add its volume to the set");
  }
  if (volume->snapshot_root.empty()) {
    return Error(Errc::wrong_state, "the snapshot of '" + escape_path(volume->mount_point) +
                                        "' cannot be entered before post_snapshot");
  }
  const BytePath inside = path_relative_to(path, volume->mount_point);
  const BytePath root = trim_slashes(volume->snapshot_root);
  if (inside.empty()) return root;
  return root == "/" ? root + inside : root + "/" + inside;
}

}  // namespace stillframe
