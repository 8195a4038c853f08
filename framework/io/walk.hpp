// Walks a directory tree by descriptors: paths longer than PATH_MAX, thousands of levels and names
// that are not UTF-8 are all the same to it, and a symbolic link put in the way is not followed.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include <sys/stat.h>

#include <stillframe/byte_path.hpp>
#include <stillframe/result.hpp>

namespace stillframe {

struct WalkEntry {
  int directory = -1;         // the parent, open for the length of the call
  const BytePath& name;       // in the parent
  const BytePath& path;       // relative to where the walk began
  const struct stat& status;  // of the entry itself, links not followed
};

struct WalkOptions {
  // Directories where something else is mounted are reported and not entered.
  bool stay_on_mount = true;
  // Directories of another device number (btrfs subvolumes) are reported and not entered.
  bool stay_on_device = false;
};

// Called before a directory's content; answers whether to go into it (ignored for other types).
using WalkEnter = std::function<Result<bool>(const WalkEntry&)>;
// Called after a directory's content, for those that were entered.
using WalkLeave = std::function<Status(const WalkEntry&)>;

// In byte order of names within each directory. Entries that vanish meanwhile are left out. The
// first error of a callback ends the walk.
Status walk_tree(int root, const WalkOptions& options, const WalkEnter& enter,
                 const WalkLeave& leave = {});

// The names in the open directory, without "." and "..", in byte order.
Result<std::vector<BytePath>> list_names(int directory);

// Which mount the open file is on; 0 when the kernel (before 5.8) does not say.
std::uint64_t mount_id_of(int fd);

}  // namespace stillframe
