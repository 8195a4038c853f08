#include "writers/dedup/writer/mounted_place.hpp"

#include <cerrno>
#include <utility>

#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "framework/base/path.hpp"
#include "framework/base/posix_error.hpp"
#include "framework/io/file.hpp"
#include "framework/io/mounts.hpp"
#include "writers/dedup/engine/volume_on_device.hpp"

namespace stillframe::dedup {

namespace {

constexpr mode_t kForUsAlone = 0700;

}  // namespace

// Lazily: a requestor that died may have left files open.
Status clear_own_place(const BytePath& place) {
  for (;;) {
    const auto mounted = is_mount_point(place);
    if (!mounted.ok()) return mounted.error();
    if (!mounted.value()) return Ok{};
    if (::umount2(place.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) == 0) continue;
    return posix_error(errno, "unmount", place);
  }
}

Status make_own_place(const BytePath& place) {
  const BytePath folder = parent_path(place);
  if (Status s = make_directories(folder, kForUsAlone); !s.ok()) return s;
  if (::chmod(folder.c_str(), kForUsAlone) != 0) return posix_error(errno, "close", folder);
  if (Status s = clear_own_place(place); !s.ok()) return s;
  return make_directories(place, kForUsAlone);
}

Result<std::unique_ptr<MountedPlace>> MountedPlace::make(const BytePath& device,
                                                         const BytePath& place) {
  if (Status s = make_own_place(place); !s.ok()) return s.error();
  const auto root = mount_volume(device);
  if (!root.ok()) return root.error();
  if (Status s = attach_mount(root.value().get(), place); !s.ok()) return s.error();
  return std::unique_ptr<MountedPlace>(new MountedPlace(place));
}

MountedPlace::~MountedPlace() {
  (void)clear_own_place(place_);
  (void)::rmdir(place_.c_str());
}

}  // namespace stillframe::dedup
