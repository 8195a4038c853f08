#include "framework/coordinator/session/snapshot_pruning.hpp"

#include "framework/sdk/snapshot_tree.hpp"

namespace stillframe::coordinator {

FilesTakenOut prune_snapshots(const SnapshotPruning& pruning,
                              const std::vector<SnapshotInfo>& snapshots) {
  SnapshotSetView set;
  for (const SnapshotInfo& info : snapshots) {
    set.set = info.set;
    set.volumes.push_back({info.volume.mount_point, info.snapshot, info.root});
  }
  std::vector<const WriterMetadata*> writers;
  for (const WriterMetadata& writer : pruning.writers) writers.push_back(&writer);
  SnapshotTree tree(set);
  auto plan = plan_snapshot_exclusion(pruning.lists, writers, tree);
  if (!plan.ok()) return {0, {plan.error().what() + "; nothing was taken out of the snapshots"}};
  return take_out(tree, plan.value());
}

}  // namespace stillframe::coordinator
