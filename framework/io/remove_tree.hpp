// Removing what was built, however deep it is.
#pragma once

#include <stillframe/byte_path.hpp>
#include <stillframe/result.hpp>

namespace stillframe {

// Removes the entry `name` of the open directory and everything in it; ok when there is none. Does
// not follow links and refuses (in_use) where something is mounted in the tree. btrfs subvolumes
// inside are emptied and removed like directories.
Status remove_tree(int directory, const BytePath& name);
Status remove_tree(const BytePath& path);

}  // namespace stillframe
