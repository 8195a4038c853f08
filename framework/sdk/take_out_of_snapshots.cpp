#include <stillframe/writer.hpp>

#include "framework/model/snapshot_exclusion.hpp"
#include "framework/sdk/process_environment.hpp"
#include "framework/sdk/snapshot_tree.hpp"

namespace stillframe {

Result<FilesTakenOut> take_out_of_snapshots(const SnapshotSetView& set,
                                            const std::vector<ExcludedFiles>& excluded) {
  std::vector<ExcludedFiles> placed = excluded;
  const Environment environment = process_environment();
  for (ExcludedFiles& one : placed) {
    auto path = expand_path(one.path, environment);
    if (!path.ok()) return path.error().while_doing("files to take out of the snapshot");
    one.path = literal_path(path.value());
  }
  SnapshotTree tree(set);
  auto plan = plan_snapshot_exclusion(placed, tree);
  if (!plan.ok()) return plan.error();
  return take_out(tree, plan.value());
}

}  // namespace stillframe
