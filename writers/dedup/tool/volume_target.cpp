#include "writers/dedup/tool/volume_target.hpp"

#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdlib>
#include <memory>

#include <sys/stat.h>

#include "framework/base/path.hpp"
#include "framework/base/posix_error.hpp"
#include "framework/io/mountinfo.hpp"
#include "writers/dedup/jobs/job_volume.hpp"
#include "writers/dedup/tool/syslog_events.hpp"

namespace stillframe::dedup::tool {

namespace {

constexpr const char* kViewType = "fuse.dedup";

volatile std::sig_atomic_t interrupted = 0;

// A job of this process ends between two files; a second interrupt ends the process.
class InterruptWatch {
 public:
  InterruptWatch() {
    interrupted = 0;
    struct sigaction wanted {};
    wanted.sa_handler = [](int) { interrupted = 1; };
    wanted.sa_flags = SA_RESTART | static_cast<int>(SA_RESETHAND);
    ::sigaction(SIGINT, &wanted, &before_);
  }
  ~InterruptWatch() { ::sigaction(SIGINT, &before_, nullptr); }
  InterruptWatch(const InterruptWatch&) = delete;
  InterruptWatch& operator=(const InterruptWatch&) = delete;

 private:
  struct sigaction before_ {};
};

bool is_block_device(const BytePath& path) {
  struct stat about {};
  return ::stat(path.c_str(), &about) == 0 && S_ISBLK(about.st_mode);
}

// A path of a view whose process was killed cannot be resolved, and need not be.
BytePath resolved(const BytePath& path) {
  const std::unique_ptr<char, decltype(&std::free)> real(::realpath(path.c_str(), nullptr),
                                                         &std::free);
  if (real) return real.get();
  if (path.starts_with('/')) return tidy_path(path);
  const std::unique_ptr<char, decltype(&std::free)> here(::realpath(".", nullptr), &std::free);
  return tidy_path(join_path(here ? here.get() : "/", path));
}

Result<Json> ask_here(const BytePath& device, const Json& question,
                      const std::function<void(const Json&)>& told) {
  const auto volume = VolumeOnDevice::open(device);
  if (!volume.ok()) return volume.error();
  UnmountedFiles files(volume.value()->root(), volume.value()->parts());
  SyslogEvents events;
  VolumeSession session(*volume.value(), files, "", &events);
  const InterruptWatch watch;
  return session.answer(question, [&](const Json& progress) {
    if (told) told(progress);
    return interrupted == 0;
  });
}

}  // namespace

BytePath socket_folder() {
  const char* named = std::getenv("STILLFRAME_DEDUP_RUN");
  return named != nullptr && *named != '\0' ? named : "/run/stillframe-dedup";
}

Result<VolumeTarget> VolumeTarget::find(const BytePath& named) {
  const auto mounts = read_mountinfo();
  if (!mounts.ok()) return mounts.error();
  const BytePath path = resolved(named);
  const bool device = is_block_device(path);
  VolumeTarget target;
  for (const MountEntry& mount : mounts.value()) {
    if (mount.fs_type != kViewType) continue;
    if ((device ? mount.source : mount.mount_point) == path) {
      target = {mount.source, mount.mount_point};
    }
  }
  if (!target.device.empty()) return target;
  if (device) return VolumeTarget{path, ""};
  return Error(Errc::not_found, quoted_path(named) +
                                    " is neither a block device nor where a deduplicated volume "
                                    "is mounted");
}

Result<std::pair<BytePath, BytePath>> VolumeTarget::find_holder(const BytePath& named) {
  const auto mounts = read_mountinfo();
  if (!mounts.ok()) return mounts.error();
  const BytePath path = resolved(named);
  std::optional<std::pair<BytePath, BytePath>> found;
  for (const MountEntry& mount : mounts.value()) {
    const auto below = path_below(path, mount.mount_point);
    if (mount.fs_type == kViewType && below) found.emplace(mount.mount_point, *below);
  }
  if (found) return *found;
  return Error(Errc::not_found,
               quoted_path(named) + " is on no deduplicated volume that is mounted");
}

Result<ControlClient> VolumeTarget::connect() const {
  const auto path = control_socket_path(socket_folder(), device);
  if (!path.ok()) return path.error();
  return ControlClient::connect(path.value());
}

Result<Json> ask_volume(const BytePath& named, const Json& question,
                        const std::function<void(const Json&)>& told) {
  const auto target = VolumeTarget::find(named);
  if (!target.ok()) return target.error();
  auto client = target.value().connect();
  if (client.ok()) return client.value().ask(question, told);
  if (client.error().code() != Errc::disconnected) return client.error();
  return ask_here(target.value().device, question, told);
}

Result<BytePath> resolved_key_file(const BytePath& named) {
  const std::unique_ptr<char, decltype(&std::free)> real(::realpath(named.c_str(), nullptr),
                                                         &std::free);
  if (!real) return posix_error(errno, "find the key file", named);
  return BytePath(real.get());
}

void describe_volume(CLI::App& command, std::string& volume) {
  command.add_option("volume", volume, "Its block device, or where it is mounted")->required();
}

}  // namespace stillframe::dedup::tool
