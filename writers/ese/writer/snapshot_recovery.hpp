// Recovers an instance's databases inside a snapshot of them that is not sealed yet, for whoever
// rolls back to it.
#pragma once

#include <stillframe/writer.hpp>

#include "writers/ese/writer/instance_host.hpp"

namespace stillframe::ese {

// not_found for a file that no volume of the set has; not_supported for one whose path leads out of
// the snapshot, where it is the instance's own. Then nothing has changed.
Status recover_in_snapshot(InstanceHost& host, const SnapshotSetView& set);

}  // namespace stillframe::ese
