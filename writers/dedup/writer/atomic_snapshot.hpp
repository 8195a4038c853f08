// Whether a snapshot shows a volume as it was at one instant.
#pragma once

#include <stillframe/byte_path.hpp>
#include <stillframe/result.hpp>

namespace stillframe::dedup {

// `snapshot` stands for `volume`, the root of a file system. True for a snapshot of a btrfs
// subvolume and for a copy of the whole device, which keeps the file system's UUID; false for files
// that were copied one by one.
Result<bool> shows_one_instant(const BytePath& snapshot, const BytePath& volume);

}  // namespace stillframe::dedup
