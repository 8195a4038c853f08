#include "framework/providers/guard/isolation.hpp"

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "framework/base/sanitized.hpp"

namespace stillframe::guard {

namespace {

constexpr const char* kGroup = "stillframe-guard";

// Under systemd the guards' unit is their isolation and only what it delegates is ours; without it
// the root of the hierarchy is.
std::string own_group(const std::string& hierarchy) {
  if (::access("/run/systemd/system", F_OK) != 0) return {};
  std::ifstream in("/proc/self/cgroup");
  for (std::string line; std::getline(in, line);) {
    const auto first = line.find(':'), second = line.find(':', first + 1);
    if (second != std::string::npos && line.substr(first + 1, second - first - 1) == hierarchy) {
      return line.substr(second + 1);
    }
  }
  return {};
}

std::vector<std::string> group_parents() {
  std::vector<std::string> parents;
  std::ifstream in("/proc/self/mounts");
  for (std::string line; std::getline(in, line);) {
    std::istringstream fields(line);
    std::string source, point, type, options;
    fields >> source >> point >> type >> options;
    const bool freezer =
        type == "cgroup" && ("," + options + ",").find(",freezer,") != std::string::npos;
    if (type == "cgroup2") parents.push_back(point + own_group("") + "/" + kGroup);
    if (freezer) parents.push_back(point + own_group("freezer") + "/" + kGroup);
  }
  return parents;
}

bool write_text(const std::string& path, const std::string& text) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (fd < 0) return false;
  const bool ok = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  ::close(fd);
  return ok;
}

}  // namespace

bool move_to_own_cgroup(std::string_view role) {
  const std::vector<std::string> parents = group_parents();
  bool moved = !parents.empty();
  for (const std::string& parent : parents) {
    const std::string group = parent + "/" + std::string(role) + "-" + std::to_string(::getpid());
    ::mkdir(parent.c_str(), 0755);
    moved &= (::mkdir(group.c_str(), 0755) == 0 || errno == EEXIST) &&
             write_text(group + "/cgroup.procs", "0");
  }
  return moved;
}

void sweep_cgroups() {
  for (const std::string& parent : group_parents()) {
    std::error_code failure;
    std::vector<std::string> groups;
    for (std::filesystem::directory_iterator it(parent, failure), end; !failure && it != end;
         it.increment(failure)) {
      if (it->is_directory(failure)) groups.push_back(it->path().native());
    }
    for (const std::string& group : groups) ::rmdir(group.c_str());  // refuses one in use
  }
}

void raise_priority() {
  write_text("/proc/self/oom_score_adj", "-1000");
  sched_param lowest_real_time{};
  lowest_real_time.sched_priority = 1;
  if (::sched_setscheduler(0, SCHED_FIFO, &lowest_real_time) != 0) {
    ::setpriority(PRIO_PROCESS, 0, -20);
  }
}

bool lock_memory() {
  if (kAddressSanitizer || kThreadSanitizer) return true;  // their shadow is terabytes
  return ::mlockall(MCL_CURRENT | MCL_FUTURE) == 0;
}

}  // namespace stillframe::guard
