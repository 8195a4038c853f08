#include "framework/providers/guard/file_system_id.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <sstream>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "framework/base/posix_error.hpp"

namespace stillframe::guard {

namespace {

constexpr std::size_t kBackingDepthMax = 8;

struct MountLine {
  std::uint64_t mount_id = 0;
  FileSystemId id;
  BytePath mount_point;
  BytePath source;  // "/dev/loop0"
};

// mountinfo writes blanks, tabs, newlines and backslashes as \ooo.
BytePath decode_octal(std::string_view text) {
  BytePath out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size() && text[i + 1] >= '0' && text[i + 1] <= '3') {
      out.push_back(static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 +
                                      (text[i + 3] - '0')));
      i += 3;
    } else {
      out.push_back(text[i]);
    }
  }
  return out;
}

void for_each_mount(const std::function<void(const MountLine&)>& visit) {
  std::ifstream in("/proc/self/mountinfo");
  for (std::string line; std::getline(in, line);) {
    std::istringstream fields(line);
    MountLine mount;
    std::string parent, device, root, point;
    fields >> mount.mount_id >> parent >> device >> root >> point;
    const auto colon = device.find(':');
    if (!fields || colon == std::string::npos) continue;
    mount.id.major = static_cast<std::uint32_t>(std::strtoul(device.c_str(), nullptr, 10));
    mount.id.minor =
        static_cast<std::uint32_t>(std::strtoul(device.c_str() + colon + 1, nullptr, 10));
    mount.mount_point = decode_octal(point);
    // Any number of optional fields, a lone "-", the type, the source.
    for (std::string field; fields >> field && field != "-";) continue;
    std::string type, source;
    fields >> type >> source;
    mount.source = decode_octal(source);
    visit(mount);
  }
}

// The block device of a file system. btrfs shows a number of its own as its superblock's device;
// what it was mounted from names the real one.
FileSystemId device_below(FileSystemId id) {
  FileSystemId device = id;
  for_each_mount([&](const MountLine& mount) {
    struct stat about {};
    if (mount.id == id && ::stat(mount.source.c_str(), &about) == 0 && S_ISBLK(about.st_mode)) {
      device = {gnu_dev_major(about.st_rdev), gnu_dev_minor(about.st_rdev)};
    }
  });
  return device;
}

}  // namespace

Result<FileSystemId> file_system_of(int fd) {
  struct statx about {};
  if (::statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_MNT_ID, &about) != 0) {
    return posix_error(errno, "find the file system of", "descriptor " + std::to_string(fd));
  }
  FileSystemId id{about.stx_dev_major, about.stx_dev_minor};
  // st_dev of a btrfs subvolume is its own; the mount table knows the superblock's.
  if ((about.stx_mask & STATX_MNT_ID) != 0) {
    for_each_mount([&](const MountLine& mount) {
      if (mount.mount_id == about.stx_mnt_id) id = mount.id;
    });
  }
  return id;
}

Result<FileSystemId> file_system_of(const BytePath& path) {
  const int fd = ::open(path.c_str(), O_PATH | O_CLOEXEC);
  if (fd < 0) return posix_error(errno, "open", path);
  auto id = file_system_of(fd);
  ::close(fd);
  return id;
}

std::vector<BytePath> mount_points_of(FileSystemId id) {
  std::vector<BytePath> points;
  for_each_mount([&](const MountLine& mount) {
    if (mount.id == id) points.push_back(mount.mount_point);
  });
  return points;
}

std::vector<FileSystemId> with_backing(FileSystemId id) {
  std::vector<FileSystemId> chain{id};
  while (chain.size() < kBackingDepthMax) {
    std::ifstream in("/sys/dev/block/" + device_below(chain.back()).to_string() +
                     "/loop/backing_file");
    std::string image;
    if (!std::getline(in, image)) break;
    auto below = file_system_of(image);
    if (!below.ok() || std::find(chain.begin(), chain.end(), below.value()) != chain.end()) break;
    chain.push_back(below.value());
  }
  return chain;
}

}  // namespace stillframe::guard
