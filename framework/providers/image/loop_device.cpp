#include "framework/providers/image/loop_device.hpp"

#include <cerrno>
#include <filesystem>
#include <system_error>

#include <fcntl.h>
#include <linux/fs.h>
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "framework/base/posix_error.hpp"
#include "framework/io/busy.hpp"
#include "framework/io/file.hpp"

namespace stillframe {

namespace {

// 0 or an errno. EBUSY: somebody else was faster, is still letting go of the device, or looks at
// what is on it.
int attach_free_loop(int control, int image, bool read_only, LoopDevice& loop) {
  const int number = ::ioctl(control, LOOP_CTL_GET_FREE);
  if (number < 0) return errno;
  loop.path = "/dev/loop" + std::to_string(number);
  Descriptor device(::open(loop.path.c_str(), (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC));
  // A free device can be removed (ENXIO, ENODEV) before it is taken.
  if (!device.valid()) return errno == ENXIO || errno == ENODEV ? EBUSY : errno;
  loop_config config{};
  config.fd = static_cast<std::uint32_t>(image);
  config.info.lo_flags = LO_FLAGS_AUTOCLEAR | (read_only ? LO_FLAGS_READ_ONLY : 0);
  if (::ioctl(device.get(), LOOP_CONFIGURE, &config) != 0) return errno;
  loop.handle = std::move(device);
  return 0;
}

}  // namespace

Result<LoopDevice> attach_loop(const BytePath& image, bool read_only) {
  auto file = open_file(image, read_only ? O_RDONLY : O_RDWR);
  if (!file.ok()) return file.error();
  auto control = open_file("/dev/loop-control", O_RDWR);
  if (!control.ok()) return control.error().while_doing("mounting an image needs loop devices");
  LoopDevice loop;
  const int failed = while_busy(
      [&] { return attach_free_loop(control.value().get(), file.value().get(), read_only, loop); });
  if (failed == 0) return loop;
  if (failed != EBUSY) return posix_error(failed, "attach a loop device to", image);
  return Error(Errc::out_of_resources, "no loop device stays free; detach some, then try again");
}

Result<Descriptor> claim_device(const BytePath& device) {
  int claimed = -1;
  const int failed = while_busy([&] {
    claimed = ::open(device.c_str(), O_RDONLY | O_EXCL | O_CLOEXEC);
    return claimed >= 0 ? 0 : errno;
  });
  if (failed != 0) return posix_error(failed, "claim the device", device);
  return Descriptor(claimed);
}

Result<bool> loop_shows(const BytePath& device, int image_fd) {
  auto open = open_file(device, O_RDONLY);
  if (!open.ok()) return open.error();
  loop_info64 info{};
  if (::ioctl(open.value().get(), LOOP_GET_STATUS64, &info) != 0) {
    return posix_error(errno, "ask what is shown by", device);
  }
  struct stat about {};
  if (::fstat(image_fd, &about) != 0) return posix_error(errno, "examine", device);
  return info.lo_inode == about.st_ino;
}

std::vector<BytePath> loops_showing(const BytePath& image) {
  std::vector<BytePath> found;
  struct stat wanted {};
  if (::stat(image.c_str(), &wanted) != 0) return found;
  std::error_code failure;
  for (std::filesystem::directory_iterator it("/sys/block", failure), end; !failure && it != end;
       it.increment(failure)) {
    const std::string name = it->path().filename().native();
    if (!name.starts_with("loop")) continue;
    auto backing = read_file(it->path().native() + "/loop/backing_file", 4096);
    if (!backing.ok()) continue;
    BytePath path = backing.value();
    while (!path.empty() && path.back() == '\n') path.pop_back();
    struct stat about {};
    const bool same = ::stat(path.c_str(), &about) == 0 && about.st_ino == wanted.st_ino &&
                      about.st_dev == wanted.st_dev;
    if (same) found.push_back("/dev/" + name);
  }
  return found;
}

void copy_no_cow(int from, int to) {
  int flags = 0, own = 0;
  if (::ioctl(from, FS_IOC_GETFLAGS, &flags) != 0 || ::ioctl(to, FS_IOC_GETFLAGS, &own) != 0)
    return;
  own = (own & ~FS_NOCOW_FL) | (flags & FS_NOCOW_FL);
  ::ioctl(to, FS_IOC_SETFLAGS, &own);
}

}  // namespace stillframe
