// Which file system a descriptor or path is on, told by its superblock: all mounts and all btrfs
// subvolumes of one file system answer the same.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <stillframe/byte_path.hpp>
#include <stillframe/result.hpp>

namespace stillframe::guard {

struct FileSystemId {
  std::uint32_t major = 0;
  std::uint32_t minor = 0;
  std::string to_string() const { return std::to_string(major) + ":" + std::to_string(minor); }
  friend auto operator<=>(const FileSystemId&, const FileSystemId&) = default;
};

Result<FileSystemId> file_system_of(int fd);
Result<FileSystemId> file_system_of(const BytePath& path);

// Where `id` is mounted in this mount namespace, each as the kernel lists it.
std::vector<BytePath> mount_points_of(FileSystemId id);

// `id` and, when it lies on a loop device, the file system its image lies on, and so on down:
// freezing any of them stops writes to `id`.
std::vector<FileSystemId> with_backing(FileSystemId id);

}  // namespace stillframe::guard
