#include "requestor/doctor/machine.hpp"

#include <unistd.h>

namespace stillframe::requestor {
namespace {

bool usable(const char* path, int mode) {
  return ::access(path, mode) == 0;
}

}  // namespace

void look_at_machine(Findings& findings) {
  if (::geteuid() != 0) {
    findings.push_back({Severity::note, "machine.not_root", "this look",
                        "was not made by root, who sees more", "", ""});
    return;
  }
  if (!usable("/dev/loop-control", R_OK | W_OK))
    findings.push_back({Severity::note, "machine.no_loop_devices", "/dev/loop-control",
                        "cannot be used, and the image provider needs it",
                        "the kernel has no loop devices, or this is a container", ""});
  if (!usable("/run/systemd/system", F_OK) && !usable("/sys/fs/cgroup", W_OK))
    findings.push_back({Severity::warning, "machine.no_cgroup", "/sys/fs/cgroup",
                        "cannot be written, and there is no systemd",
                        "the guards of a freeze share the fate of whoever started them",
                        "mount -o remount,rw /sys/fs/cgroup"});
}

}  // namespace stillframe::requestor
