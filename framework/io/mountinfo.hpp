// The kernel's table of mounts as text and as values. Parsing is pure: it is given the text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <stillframe/byte_path.hpp>
#include <stillframe/result.hpp>

namespace stillframe {

struct MountEntry {
  std::uint64_t id = 0;
  std::uint64_t parent = 0;
  std::uint32_t major = 0, minor = 0;  // of the file system; not what stat() says on btrfs
  BytePath root;                       // the path inside the file system that is mounted
  BytePath mount_point;
  std::string options;        // of this mount: "rw,nosuid"
  std::string fs_type;        // "fuse.gocryptfs" as a whole
  BytePath source;            // "/dev/loop0"; may be anything
  std::string super_options;  // of the file system: "rw,subvolid=5,subvol=/"

  friend bool operator==(const MountEntry&, const MountEntry&) = default;

  bool read_only() const;  // the mount or the file system
};

// Lines of /proc/PID/mountinfo in their order, later ones on top of earlier. corrupt, with the
// line's number, when a line does not have the form the kernel documents; empty lines are ignored.
Result<std::vector<MountEntry>> parse_mountinfo(std::string_view text);

// `\040` and the like back into bytes; anything that is no such escape stays.
BytePath unescape_mountinfo(std::string_view text);

// Whether `options`, a comma-separated list, has `name` (with or without "=value").
bool has_mount_option(std::string_view options, std::string_view name);

// A process's table, read whole: our own unless another is named.
Result<std::vector<MountEntry>> read_mountinfo(const BytePath& table = "/proc/self/mountinfo");

}  // namespace stillframe
