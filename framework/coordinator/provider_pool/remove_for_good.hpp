// Deleting a snapshot, and being sure that it is gone.
#pragma once

#include <stillframe/provider.hpp>

namespace stillframe::coordinator {

// Somebody may have deleted the snapshot before; but a provider's "not found" is believed only when
// it does not list the snapshot either, because mounts come and go while it looks. On the
// provider's thread.
Status remove_for_good(Provider& provider, const SnapshotId& snapshot);

}  // namespace stillframe::coordinator
