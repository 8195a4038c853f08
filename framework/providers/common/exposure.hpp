// Showing a snapshot at a place of the administrator's choice, and taking that back.
#pragma once

#include <stillframe/byte_path.hpp>
#include <stillframe/result.hpp>

#include "framework/providers/common/snapshot_store.hpp"

namespace stillframe {

// Makes `place` (absolute; an empty directory of mode 0700, or nothing yet) and mounts the
// snapshot's root there, sealed. The record says so before the mount exists, so that a crash leaves
// no mount that nobody knows of. Changes `snapshot.record`.
Status expose_snapshot(StoredSnapshot& snapshot, const BytePath& place);

// Unmounts it and removes the directory if it was made for it. ok when the mount is gone already;
// wrong_state when the snapshot is not exposed.
Status unexpose_snapshot(StoredSnapshot& snapshot);

// Where the snapshot can really be seen now; empty after a reboot, whatever the record says.
BytePath exposed_now(const SnapshotRecord& record);

}  // namespace stillframe
