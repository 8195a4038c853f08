// btrfs subvolumes by libbtrfsutil and ioctls, errors as values.
#pragma once

#include <cstdint>
#include <vector>

#include <stillframe/byte_path.hpp>
#include <stillframe/result.hpp>

namespace stillframe {

// Whether the entry `name` of the open directory is a subvolume's root.
bool is_subvolume(int directory, const BytePath& name);

// Snapshots the subvolume whose root is open as `source` to the new entry `name` of `directory`:
// one ioctl, nothing else.
Status snapshot_subvolume(int source, int directory, const BytePath& name, bool read_only);

Status set_subvolume_read_only(int directory, const BytePath& path, bool read_only);

// Deletes the subvolume and those nested in it, sealed ones too.
Status delete_subvolume(int directory, const BytePath& name);

// Paths, relative to the subvolume open as `root`, of all subvolumes nested in it, parents first.
Result<std::vector<BytePath>> nested_subvolumes(int root);

// Removes an entry of any kind: a subvolume with its nested ones, or a tree, which may itself hold
// subvolumes.
Status remove_entry(int directory, const BytePath& name);

}  // namespace stillframe
