#include "requestor/backup/source_map.hpp"

#include <algorithm>

#include "framework/base/path.hpp"

namespace stillframe::requestor {

Result<SourceMap> SourceMap::open(const std::vector<SnapshotInfo>& snapshots) {
  auto live = Tree::open("/");
  if (!live.ok()) return live.error();
  SourceMap map(std::move(live).value());
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
    map.roots_.push_back(std::make_unique<Root>(
        Root{tidy_path(snapshot.volume.mount_point), std::move(tree).value()}));
  }
  std::stable_sort(map.roots_.begin(), map.roots_.end(), [](const auto& a, const auto& b) {
    return a->mount_point.size() > b->mount_point.size();
  });
  return map;
}

Result<SourceMap::Place> SourceMap::in_snapshot(const BytePath& path) const {
  for (const auto& root : roots_) {
    if (auto below = path_below(path, root->mount_point)) {
      return Place{&root->tree, std::move(*below), FileOrigin::snapshot};
    }
  }
  return Error(Errc::inconsistent_snapshot,
               "no volume of the snapshot set holds '" + escape_path(path) +
                   "'; add its volume to the set or leave the component out");
}

SourceMap::Place SourceMap::live(const BytePath& path) const {
  return {&live_, path == "/" ? BytePath() : path.substr(1), FileOrigin::live};
}

}  // namespace stillframe::requestor
