// Where the content of an original path is read: inside the snapshot of the volume it lies on, or
// live.
#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include <stillframe/provider.hpp>

#include "requestor/backup/source_tree.hpp"

namespace stillframe::requestor {

class SourceMap {
 public:
  // Opens the root of every snapshot of the set, and "/" for live files.
  static Result<SourceMap> open(const std::vector<SnapshotInfo>& snapshots);

  // The same from trees that are open, wherever they are.
  struct Root {
    BytePath mount_point;
    std::unique_ptr<SourceTree> tree;
  };
  SourceMap(std::vector<Root> roots, std::unique_ptr<SourceTree> live);

  struct Place {
    const SourceTree* tree = nullptr;
    BytePath relative;  // beneath the tree
    FileOrigin origin = FileOrigin::live;
  };
  // inconsistent_snapshot when the set holds no volume that `path` is on.
  Result<Place> in_snapshot(const BytePath& path) const;
  Place live(const BytePath& path) const;

  bool has_no_snapshot() const noexcept { return roots_.empty(); }

 private:
  std::unique_ptr<SourceTree> live_;
  std::vector<Root> roots_;  // longest mount point first; the trees are handed out
};

}  // namespace stillframe::requestor
