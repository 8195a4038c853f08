// Which volumes a backup copies whole, and what of them it never copies.
#pragma once

#include <vector>

#include <stillframe/provider.hpp>

#include "framework/model/volume_plan.hpp"

namespace stillframe::requestor {

struct WholeVolumes {
  std::vector<BytePath> wanted;  // any path on a volume stands for it; empty: every one of the set
  BytePath store;                // where the backup goes, which may be on one of them
  BytePath exclude_lists;        // folder of the machine's lists
  // They are another machine's: paths mean what its mount points say, and neither its lists nor
  // what else is mounted there can be looked up here.
  bool elsewhere = false;
};

// not_found for a path whose volume is not in the set, and the errors of the lists.
Result<VolumePlanOptions> choose_whole_volumes(const WholeVolumes& whole,
                                               const std::vector<SnapshotInfo>& snapshots);

}  // namespace stillframe::requestor
