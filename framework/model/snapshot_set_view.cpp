#include <stillframe/writer.hpp>

#include "framework/model/path_text.hpp"

namespace stillframe {

const VolumeInSet* SnapshotSetView::volume_of(const BytePath& path) const {
  const VolumeInSet* best = nullptr;
  for (const VolumeInSet& volume : volumes) {
    if (!is_beneath_or_equal(path, volume.mount_point)) continue;
    if (best == nullptr || volume.mount_point.size() > best->mount_point.size()) best = &volume;
  }
  return best;
}

Result<BytePath> SnapshotSetView::in_snapshot(const BytePath& path) const {
  const VolumeInSet* volume = volume_of(path);
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
