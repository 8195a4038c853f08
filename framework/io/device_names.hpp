// What a file system calls itself, asked of the file system and not of a cache.
#pragma once

#include <cstdint>
#include <string>

#include <stillframe/byte_path.hpp>
#include <stillframe/result.hpp>

namespace stillframe {

// The UUID of the file system the open file is on, lower-case text; empty when it has none or will
// not say. Tries the generic call (6.9), then those of XFS, btrfs and ext4, then the links that
// udev makes for `device`.
std::string file_system_uuid(int fd, const BytePath& device);

// The btrfs subvolume an open directory or file is in.
Result<std::uint64_t> subvolume_id_of(int fd);
// Where that subvolume lies in its file system: "/" or "/@data/nested".
Result<BytePath> subvolume_path_of(int fd, std::uint64_t subvolume_id);

// The image behind "/dev/loop3", as the kernel knows it; empty for anything else.
BytePath loop_backing_file(const BytePath& device);

}  // namespace stillframe
