// Snapshots on another machine, as a backup reads them.
#pragma once

#include <memory>

#include "requestor/backup/backup_run.hpp"
#include "requestor/remote/mover_pool.hpp"

namespace stillframe::requestor {

// Reads the snapshot of the volume at `mount_point` through the pool, which outlives it.
std::unique_ptr<SourceTree> remote_tree(MoverPool& pool, BytePath mount_point);

// Stands for a machine whose live files cannot be read.
std::unique_ptr<SourceTree> unreachable_tree();

}  // namespace stillframe::requestor
