// From file sets to the files they name on a volume now.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <vector>

#include <sys/stat.h>

#include <stillframe/provider.hpp>

namespace stillframe {

// By path relative to the volume's mount point, so that parents come before what is in them ("" is
// the volume's root, always there).
using FileScan = std::map<BytePath, struct stat>;

struct ScanRequest {
  BytePath mount_point;
  const std::vector<FileSet>& files;  // none: everything on the volume
  const std::vector<ExcludedFiles>& exclude;
  BytePath storage;             // a directory left out wherever it is met; may be empty
  std::uint64_t files_max = 0;  // more is limit_reached
  const std::atomic<bool>* cancelled = nullptr;
  bool stay_on_device = false;  // other btrfs subvolumes are listed and not entered
};

// Files that match, the directories in recursive sets, and every directory on the way to them. What
// is mounted inside the volume, and directories named like a store, are left out. A set's directory
// that does not exist has no files; one that is not on the volume, or is reached by a symbolic
// link, is refused.
Result<FileScan> scan_files(int root, const ScanRequest& request);

}  // namespace stillframe
