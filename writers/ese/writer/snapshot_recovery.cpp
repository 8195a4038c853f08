#include "writers/ese/writer/snapshot_recovery.hpp"

#include <utility>

#include <fcntl.h>

#include "framework/base/path.hpp"
#include "framework/io/beneath.hpp"
#include "framework/io/file.hpp"
#include "framework/model/path_text.hpp"
#include "writers/ese/writer/newest_backup.hpp"

namespace stillframe::ese {

namespace {

// A link in the snapshot may lead to where the instance is at work.
Result<BytePath> place_inside(const SnapshotSetView& set, const BytePath& path) {
  auto there = set.in_snapshot(path);
  if (!there.ok()) return there;
  const VolumeInSet& volume = *set.volume_of(path);
  const auto root = open_directory(volume.snapshot_root);
  if (!root.ok()) return root.error();
  const BytePath relative = path_relative_to(path, volume.mount_point);
  if (relative.empty()) return there;
  const auto found = open_beneath(root.value().get(), relative, O_PATH | O_CLOEXEC);
  if (found.ok()) return there;
  if (found.error().code() == Errc::not_found) return found.error();
  return Error(Errc::not_supported, "'" + escape_path(path) +
                                        "' cannot be recovered in the snapshot, where it leads "
                                        "out of it (" +
                                        found.error().what() +
                                        "); name the files by where they are");
}

Result<InstancePlaces> places_inside(const SnapshotSetView& set, const InstancePlaces& places) {
  InstancePlaces inside = places;
  for (BytePath* path : {&inside.logs, &inside.system}) {
    auto there = place_inside(set, *path);
    if (!there.ok()) return there.error();
    *path = std::move(there).value();
  }
  for (BytePath& path : inside.databases) {
    auto there = place_inside(set, path);
    if (!there.ok()) return there.error();
    path = std::move(there).value();
  }
  return inside;
}

}  // namespace

Status recover_in_snapshot(InstanceHost& host, const SnapshotSetView& set) {
  const auto inside = places_inside(set, host.places());
  if (!inside.ok()) return inside.error();
  if (Status s = host.recover_copy(inside.value()); !s.ok()) return s;
  // Its log goes another way from here on, and no increment of an earlier backup fits that.
  return remove_stamp(host.files(), inside.value());
}

}  // namespace stillframe::ese
