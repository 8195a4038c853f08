#include "requestor/backup/whole_volumes.hpp"

#include <algorithm>
#include <filesystem>

#include "framework/base/path.hpp"
#include "framework/io/volumes.hpp"
#include "framework/lists/machine_lists.hpp"

namespace stillframe::requestor {
namespace {

// Links and ".." resolved as far as the path exists.
Result<BytePath> resolved(const BytePath& path) {
  std::error_code failed;
  const auto real = std::filesystem::weakly_canonical(path, failed);
  if (failed) {
    return Error(Errc::io, "resolving '" + escape_path(path) + "': " + failed.message());
  }
  return tidy_path(real.native());
}

Result<BytePath> volume_of(const BytePath& path, const std::vector<SnapshotInfo>& snapshots,
                           bool elsewhere) {
  auto real = elsewhere ? Result<BytePath>(tidy_path(path)) : resolved(path);
  if (!real.ok()) return real.error();
  const BytePath* best = nullptr;
  for (const SnapshotInfo& snapshot : snapshots) {
    const BytePath& mount = snapshot.volume.mount_point;
    if (!is_within(real.value(), tidy_path(mount))) continue;
    if (best == nullptr || mount.size() > best->size()) best = &mount;
  }
  if (best != nullptr) return tidy_path(*best);
  return Error(Errc::not_found, "no volume of the snapshot set holds '" + escape_path(path) + "'");
}

}  // namespace

Result<VolumePlanOptions> choose_whole_volumes(const WholeVolumes& whole,
                                               const std::vector<SnapshotInfo>& snapshots) {
  VolumePlanOptions options;
  for (const BytePath& path : whole.wanted) {
    auto volume = volume_of(path, snapshots, whole.elsewhere);
    if (!volume.ok()) return volume.error();
    options.volumes.push_back(std::move(volume).value());
  }
  if (!whole.elsewhere) {
    auto store = resolved(whole.store);
    if (!store.ok()) return store.error();
    options.never.push_back(std::move(store).value());
  }
  for (const SnapshotInfo& snapshot : snapshots) {
    const BytePath mount = tidy_path(snapshot.volume.mount_point);
    if (whole.wanted.empty()) options.volumes.push_back(mount);
    options.never.push_back(join_path(mount, kStoreName));
    options.never.push_back(tidy_path(snapshot.root));
  }
  if (whole.elsewhere) return options;
  auto places = look_up_machine_places();
  if (!places.ok()) return places.error();
  for (const BytePath& mount : places.value().volumes) {
    const auto& chosen = options.volumes;
    if (std::find(chosen.begin(), chosen.end(), mount) == chosen.end())
      options.other_mounts.push_back(mount);
  }
  auto lists = read_machine_lists(whole.exclude_lists);
  if (!lists.ok()) return lists.error();
  options.machine_exclude = std::move(lists).value();
  return options;
}

}  // namespace stillframe::requestor
