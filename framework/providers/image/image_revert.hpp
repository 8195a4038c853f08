// Putting an image back to what a snapshot holds.
#pragma once

#include "framework/providers/common/environment.hpp"
#include "framework/providers/common/snapshot_store.hpp"

namespace stillframe {

// Where nothing shows the image, a clone of the snapshot's replaces it by one rename: a crash
// leaves the old or the new one. Where the volume is mounted it is unmounted, the blocks are shared
// into the image in place, because its loop device stays attached, and it is mounted again; the
// record says how far that is, and what was unmounted. in_use, naming who, when the volume cannot
// be unmounted everywhere or something else shows the image; nothing is changed then.
Status revert_image(const WorkEnvironment& environment, StoredSnapshot& snapshot);

// Finishes a revert that a crash ended after the image began to change, undoes one that it ended
// before, and mounts the volume again. The caller has the snapshot's lock. in_use when somebody has
// mounted the half reverted volume meanwhile: unmount it.
Status recover_image_revert(const WorkEnvironment& environment, StoredSnapshot& snapshot);

}  // namespace stillframe
