#include "requestor/backup/source_map.hpp"

#include <algorithm>

#include "framework/base/path.hpp"

namespace stillframe::requestor {

Result<SourceMap> SourceMap::open(const std::vector<SnapshotInfo>& snapshots) {
  auto live = Tree::open("/");
  if (!live.ok()) return live.error();
  std::vector<Root> roots;
  for (const SnapshotInfo& snapshot : snapshots) {
    if (snapshot.root.empty()) {
      return Error(Errc::provider_failed, "the snapshot of '" +
                                              escape_path(snapshot.volume.mount_point) +
                                              "' cannot be read: " + snapshot.reason_unusable);
    }
    auto tree = Tree::open(snapshot.root);
    if (!tree.ok()) {
      return tree.error().while_doing("opening the snapshot of '" +
                                      escape_path(snapshot.volume.mount_point) + "'");
    }
    roots.push_back({snapshot.volume.mount_point, local_source(std::move(tree).value())});
  }
  return SourceMap(std::move(roots), local_source(std::move(live).value()));
}

SourceMap::SourceMap(std::vector<Root> roots, std::unique_ptr<SourceTree> live)
    : live_(std::move(live)), roots_(std::move(roots)) {
  for (Root& root : roots_) root.mount_point = tidy_path(root.mount_point);
  std::stable_sort(roots_.begin(), roots_.end(), [](const Root& a, const Root& b) {
    return a.mount_point.size() > b.mount_point.size();
  });
}

Result<SourceMap::Place> SourceMap::in_snapshot(const BytePath& path) const {
  for (const auto& root : roots_) {
    if (auto below = path_below(path, root.mount_point)) {
      return Place{root.tree.get(), std::move(*below), FileOrigin::snapshot};
    }
  }
  return Error(Errc::inconsistent_snapshot,
               "no volume of the snapshot set holds '" + escape_path(path) +
                   "'; add its volume to the set or leave the component out");
}

SourceMap::Place SourceMap::live(const BytePath& path) const {
  return {live_.get(), path == "/" ? BytePath() : path.substr(1), FileOrigin::live};
}

}  // namespace stillframe::requestor
