// What the broker opens and flushes for a process that could not do so itself.
#pragma once

#include <vector>

#include <stillframe/byte_path.hpp>
#include <stillframe/descriptor.hpp>
#include <stillframe/result.hpp>

namespace stillframe::daemon {

// Files of a snapshot that is exposed at `root`, one descriptor for each of `paths`, or none at
// all. `root` must lie below one of `allowed` and be a sealed mount there (read-only, nosuid,
// nodev); the files must be regular ones of that very mount, reached without a symbolic link.
Result<std::vector<Descriptor>> open_exposed_files(const std::vector<BytePath>& allowed,
                                                   const BytePath& root,
                                                   const std::vector<BytePath>& paths);

// Writes out the file system that is mounted at `path` or nearest above it. Only mount points are
// looked at, so that nobody learns by this what other directories hold. volume_not_supported for
// those of the kernel and of other machines.
Status flush_file_system(const BytePath& path);

}  // namespace stillframe::daemon
