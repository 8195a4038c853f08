#include "framework/io/volumes.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <set>
#include <tuple>

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <stillframe/descriptor.hpp>

#include "framework/base/path.hpp"
#include "framework/base/posix_error.hpp"
#include "framework/io/device_names.hpp"
#include "framework/io/file.hpp"
#include "framework/io/walk.hpp"

namespace stillframe {
namespace {

constexpr int kViewLevelsMax = 8;  // views of views; more is a loop
constexpr std::string_view kDeleted = "//deleted";

constexpr std::array<std::string_view, 24> kKernelTypes = {
    "autofs",  "binfmt_misc", "bpf",       "cgroup",   "cgroup2", "configfs",
    "debugfs", "devpts",      "devtmpfs",  "efivarfs", "fusectl", "hugetlbfs",
    "mqueue",  "nsfs",        "proc",      "pstore",   "ramfs",   "rpc_pipefs",
    "rootfs",  "securityfs",  "selinuxfs", "sysfs",    "tracefs", "pipefs"};
constexpr std::array<std::string_view, 10> kRemoteTypes = {
    "nfs", "nfs4", "cifs", "smb3", "ceph", "9p", "afs", "glusterfs", "lustre", "virtiofs"};

bool is_fuse(std::string_view fs_type) {
  return fs_type == "fuse" || fs_type.rfind("fuse.", 0) == 0;
}

bool mentions_store(const BytePath& path) {
  const std::string name = "/" + std::string(kStoreName);
  const auto at = path.find(name);
  if (at == BytePath::npos) return false;
  return at + name.size() == path.size() || path[at + name.size()] == '/';
}

std::string device_id(const MountEntry& mount) {
  return "dev:" + std::to_string(mount.major) + ":" + std::to_string(mount.minor);
}

std::string_view mount_option_value(std::string_view options, std::string_view name) {
  while (!options.empty()) {
    const auto comma = options.find(',');
    const auto option = options.substr(0, comma);
    const auto equals = option.find('=');
    if (equals != std::string_view::npos && option.substr(0, equals) == name) {
      return option.substr(equals + 1);
    }
    options.remove_prefix(comma == std::string_view::npos ? options.size() : comma + 1);
  }
  return {};
}

Result<BytePath> subvolume_by_options(const MountEntry& mount, std::uint64_t id) {
  const auto mounted = mount_option_value(mount.super_options, "subvolid");
  if (mounted == std::to_string(id)) {
    return unescape_mountinfo(mount_option_value(mount.super_options, "subvol"));
  }
  return Error(Errc::access_denied, "find the path of subvolume " + std::to_string(id) +
                                        ": needs root unless the subvolume is mounted itself");
}

Result<BytePath> real_path(const BytePath& path) {
  char* resolved = ::realpath(path.c_str(), nullptr);
  if (resolved == nullptr) return posix_error(errno, "find the volume of", path);
  BytePath real(resolved);
  ::free(resolved);
  return real;
}

// ioctls need an open file, and a fifo or device must not be opened: its directory stands for it.
Result<Descriptor> open_for_questions(const BytePath& real) {
  struct stat st {};
  if (::lstat(real.c_str(), &st) != 0) return posix_error(errno, "look at", real);
  const bool plain = S_ISDIR(st.st_mode) || S_ISREG(st.st_mode);
  return open_file(plain ? real : parent_path(real), O_RDONLY | O_NONBLOCK | O_NOCTTY);
}

}  // namespace

bool is_kernel_file_system(std::string_view fs_type) {
  return std::find(kKernelTypes.begin(), kKernelTypes.end(), fs_type) != kKernelTypes.end();
}

bool is_remote_file_system(std::string_view fs_type) {
  return is_fuse(fs_type) ||
         std::find(kRemoteTypes.begin(), kRemoteTypes.end(), fs_type) != kRemoteTypes.end();
}

// How a part of a file system can be named from outside.
struct VolumeDirectory::Place {
  const MountEntry* mount = nullptr;
  BytePath point;  // where `base`, or the part of it that is mounted, can be seen
  BytePath root;   // which path of the file system that is
};

Result<VolumeDirectory> VolumeDirectory::read(DiscoveryOptions options) {
  auto mounts = read_mountinfo();
  if (!mounts.ok()) return mounts.error();
  return VolumeDirectory(std::move(options), std::move(mounts).value());
}

const MountEntry* VolumeDirectory::mount_by_id(std::uint64_t id) const {
  for (const auto& mount : mounts_) {
    if (mount.id == id) return &mount;
  }
  return nullptr;
}

bool VolumeDirectory::visible(const MountEntry& entry) const {
  Descriptor there(::open(entry.mount_point.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  return there.valid() && mount_id_of(there.get()) == entry.id;
}

bool VolumeDirectory::is_snapshot_view(const MountEntry& entry) const {
  // Clones of images are mounted inside a store and bear the original's UUID.
  if (mentions_store(entry.root) || mentions_store(entry.mount_point)) return true;
  return std::any_of(options_.snapshot_views.begin(), options_.snapshot_views.end(),
                     [&](const BytePath& view) { return is_within(entry.mount_point, view); });
}

Result<LocatedPath> VolumeDirectory::locate(const BytePath& path) const {
  return locate_within(path, kViewLevelsMax);
}

Result<LocatedPath> VolumeDirectory::locate_within(const BytePath& path, int levels_left) const {
  auto real = real_path(path);
  if (!real.ok()) return real.error();
  Descriptor there(::open(real.value().c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  if (!there.valid()) return posix_error(errno, "find the volume of", path);
  const MountEntry* mount = mount_by_id(mount_id_of(there.get()));
  if (mount == nullptr) {
    return Error(Errc::io, "find the volume of '" + escape_path(path) +
                               "': its mount is not in the table of mounts; it was mounted or "
                               "unmounted meanwhile, try again");
  }
  if (is_fuse(mount->fs_type) && options_.lower != nullptr && levels_left > 0) {
    const BytePath lower = options_.lower->lower_path(*mount, real.value());
    if (!lower.empty()) return locate_within(lower, levels_left - 1);
  }
  if (is_kernel_file_system(mount->fs_type)) {
    return Error(Errc::volume_not_supported, "'" + escape_path(path) + "' is on a " +
                                                 mount->fs_type +
                                                 " file system, made by the kernel");
  }
  if (is_snapshot_view(*mount) || mentions_store(real.value())) {
    return Error(Errc::invalid_argument,
                 "'" + escape_path(path) + "' is inside a snapshot; name the live file");
  }
  auto open = open_for_questions(real.value());
  if (!open.ok()) return open.error();
  return locate_on(*mount, real.value(), open.value().get(), levels_left);
}

Result<LocatedPath> VolumeDirectory::locate_on(const MountEntry& mount, const BytePath& real,
                                               int fd, int) const {
  // `inside`: where the file lies in its file system, whatever part of it is mounted where.
  const auto below = path_below(real, mount.mount_point);
  if (!below) {
    return Error(Errc::io, "find the volume of '" + escape_path(real) + "': it is not below '" +
                               escape_path(mount.mount_point) + "'; it was moved, try again");
  }
  const BytePath inside = join_path(mount.root, *below);

  Volume volume;
  volume.fs_type = mount.fs_type;
  volume.device = !mount.source.empty() && mount.source.front() == '/' ? mount.source : BytePath();
  volume.fs_uuid = file_system_uuid(fd, volume.device);
  volume.backing_image = loop_backing_file(volume.device);
  struct stat st {};
  if (::fstat(fd, &st) != 0) return posix_error(errno, "look at", real);
  volume.st_dev = st.st_dev;
  BytePath base = "/";
  if (mount.fs_type == "btrfs") {
    auto id = subvolume_id_of(fd);
    if (!id.ok()) return id.error().while_doing("find the volume of '" + escape_path(real) + "'");
    auto path = subvolume_path_of(fd, id.value());
    // Walking the tree of subvolumes takes privilege; the mount's own options need none.
    if (!path.ok()) path = subvolume_by_options(mount, id.value());
    if (!path.ok()) return path.error();
    volume.subvolume_id = id.value();
    base = std::move(path).value();
  }
  const std::string name =
      volume.fs_uuid.empty() ? device_id(mount) : mount.fs_type + ":" + volume.fs_uuid;
  volume.id = name;
  if (volume.subvolume_id != 0) volume.id += ":" + std::to_string(volume.subvolume_id);

  auto place = choose_place(mount, base, inside);
  if (!place.ok()) return place.error();
  volume.mount_point = place.value().point;
  volume.mount_root = place.value().root;
  volume.read_only = place.value().mount->read_only();
  return LocatedPath{volume, join_path(volume.mount_point, *path_below(inside, volume.mount_root))};
}

// Of all mounts that show the volume: one that shows all of it, rather than a part that happens to
// be bound elsewhere; among those the shortest name. The mount that was asked through comes last,
// and only counts when no better one shows the file.
Result<VolumeDirectory::Place> VolumeDirectory::choose_place(const MountEntry& mount,
                                                             const BytePath& base,
                                                             const BytePath& inside) const {
  std::optional<Place> best;
  const auto rank = [&](const Place& place) {
    const int shows = place.mount->root == base ? 0 : place.root == base ? 1 : 2;
    return std::tuple(shows, place.root.size(), place.point.size(), place.point);
  };
  for (const auto& candidate : mounts_) {
    if (candidate.major != mount.major || candidate.minor != mount.minor) continue;
    if (!path_below(inside, candidate.root) || is_snapshot_view(candidate)) continue;
    Place place{&candidate, candidate.mount_point, candidate.root};
    if (const auto down = path_below(base, candidate.root)) {
      place.point = join_path(candidate.mount_point, *down);
      place.root = base;
    }
    if (best && rank(*best) <= rank(place)) continue;
    const auto rest = path_below(inside, place.root);
    Descriptor seen(::open(join_path(place.point, *rest).c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    Descriptor point(::open(place.point.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    const bool shows = seen.valid() && mount_id_of(seen.get()) == candidate.id && point.valid() &&
                       mount_id_of(point.get()) == candidate.id;
    if (shows) best = place;
  }
  if (best) return *best;
  return Error(Errc::io, "no mount shows '" + escape_path(inside) + "' of " + mount.source +
                             "; the mounts changed meanwhile, try again");
}

std::vector<Volume> VolumeDirectory::volumes() const {
  std::vector<Volume> found;
  std::set<std::string> seen;
  for (const auto& mount : mounts_) {
    const bool deleted =
        mount.root.size() >= kDeleted.size() &&
        mount.root.compare(mount.root.size() - kDeleted.size(), kDeleted.size(), kDeleted) == 0;
    if (deleted || is_kernel_file_system(mount.fs_type) || is_snapshot_view(mount)) continue;
    // Asking a remote file system can hang for as long as its server is away.
    if (is_remote_file_system(mount.fs_type) || !visible(mount)) continue;
    auto located = locate(mount.mount_point);
    if (!located.ok() || !seen.insert(located.value().volume.id).second) continue;
    found.push_back(std::move(located).value().volume);
  }
  std::sort(found.begin(), found.end(),
            [](const Volume& a, const Volume& b) { return a.mount_point < b.mount_point; });
  return found;
}

}  // namespace stillframe
