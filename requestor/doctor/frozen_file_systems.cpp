#include "requestor/doctor/frozen_file_systems.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <set>
#include <vector>

#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <stillframe/descriptor.hpp>
#include <stillframe/ids.hpp>

#include "framework/base/service_command.hpp"
#include "framework/io/volumes.hpp"

namespace stillframe::requestor {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::milliseconds kPatience{1'000};

struct Probe {
  BytePath mount_point;
  pid_t process = -1;
  Descriptor pidfd;
};

// Removing what is not there asks for the right to write to the mount first, and that waits while
// the file system is frozen. The name is new, so nothing can be removed.
Probe start_probe(const BytePath& mount_point) {
  const BytePath name = mount_point + "/.stillframe-doctor-" + SessionId::generate().to_string();
  Probe probe;
  probe.mount_point = mount_point;
  probe.process = ::fork();
  if (probe.process == 0) {
    (void)::rmdir(name.c_str());
    ::_exit(0);
  }
  probe.pidfd = Descriptor(static_cast<int>(::syscall(SYS_pidfd_open, probe.process, 0)));
  return probe;
}

bool ended(const Probe& probe, Clock::time_point latest) {
  pollfd end{probe.pidfd.get(), POLLIN, 0};
  int ready = -1;
  do {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(latest - Clock::now());
    ready = ::poll(&end, 1, static_cast<int>(std::max<std::int64_t>(left.count(), 0)));
  } while (ready < 0 && errno == EINTR);
  if (ready > 0) ::waitpid(probe.process, nullptr, 0);
  return ready > 0;
}

// One mount point for each file system that may be frozen at all.
std::vector<BytePath> file_systems() {
  std::vector<BytePath> places;
  const auto directory = VolumeDirectory::read();
  if (!directory.ok()) return places;
  std::set<std::string> seen;
  for (const Volume& volume : directory.value().volumes()) {
    if (volume.read_only || is_remote_file_system(volume.fs_type)) continue;
    const std::string key = volume.fs_uuid.empty() ? std::to_string(volume.st_dev) : volume.fs_uuid;
    if (seen.insert(key).second) places.push_back(volume.mount_point);
  }
  return places;
}

Finding frozen(const BytePath& place, bool holding) {
  if (holding)
    return {Severity::note, "file_system.held", escape_path(place),
            "is frozen",    "a session holds",  ""};
  return {Severity::problem,
          "file_system.frozen",
          escape_path(place),
          "is frozen: whoever writes to it waits",
          "no session holds anything now; another program froze it, or one that died did",
          "fsfreeze --unfreeze " + shell_word(place)};
}

}  // namespace

void look_for_frozen(bool holding, Findings& findings) {
  std::vector<Probe> probes;
  for (const BytePath& place : file_systems()) probes.push_back(start_probe(place));
  const auto latest = Clock::now() + kPatience;
  for (const Probe& probe : probes)
    if (probe.pidfd.valid() && !ended(probe, latest))
      findings.push_back(frozen(probe.mount_point, holding));
}

}  // namespace stillframe::requestor
