#include "framework/transport/peer.hpp"

#include <array>
#include <cerrno>
#include <vector>

#include <fcntl.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "framework/base/posix_error.hpp"

namespace stillframe {
namespace {

constexpr std::size_t kCgroupBytesMax = 64 << 10;

std::string read_small_file(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::string text;
  std::array<char, 4096> buffer;
  while (file.valid() && text.size() < kCgroupBytesMax) {
    const ssize_t n = ::read(file.get(), buffer.data(), buffer.size());
    if (n <= 0) break;
    text.append(buffer.data(), static_cast<std::size_t>(n));
  }
  return text;
}

std::string user_name(std::int64_t uid) {
  std::vector<char> buffer(16 << 10);
  passwd entry{};
  passwd* found = nullptr;
  if (::getpwuid_r(static_cast<uid_t>(uid), &entry, buffer.data(), buffer.size(), &found) != 0 ||
      found == nullptr) {
    return {};
  }
  return entry.pw_name;
}

bool is_unit(std::string_view name) {
  for (std::string_view suffix : {".service", ".scope"}) {
    if (name.size() > suffix.size() && name.ends_with(suffix)) return true;
  }
  return false;
}

// The last element that names a unit: a service's own sub-groups lie below it.
std::string_view unit_in_path(std::string_view path) {
  std::string_view unit;
  while (!path.empty()) {
    const auto slash = path.find('/');
    const auto element = path.substr(0, slash);
    if (is_unit(element)) unit = element;
    path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
  }
  return unit;
}

}  // namespace

PeerCredentials own_credentials() {
  return {static_cast<std::int64_t>(::getpid()),
          static_cast<std::int64_t>(::geteuid()),
          static_cast<std::int64_t>(::getegid()),
          {}};
}

namespace {

// Those at the time of connect(), as the other credentials are. Empty where the kernel cannot say.
std::vector<std::int64_t> peer_groups(int fd) {
  std::vector<gid_t> groups(64);
  for (int attempt = 0; attempt < 2; ++attempt) {
    socklen_t bytes = static_cast<socklen_t>(groups.size() * sizeof(gid_t));
    const bool ok = ::getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &bytes) == 0;
    if (!ok && errno != ERANGE) return {};
    groups.resize(bytes / sizeof(gid_t));
    if (ok) break;
  }
  return {groups.begin(), groups.end()};
}

}  // namespace

Result<PeerCredentials> peer_credentials(int fd) {
  ucred peer{};
  socklen_t bytes = sizeof peer;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &bytes) != 0) {
    return posix_error(errno, "ask for the credentials of", "peer");
  }
  return PeerCredentials{peer.pid, static_cast<std::int64_t>(peer.uid),
                         static_cast<std::int64_t>(peer.gid), peer_groups(fd)};
}

Result<Descriptor> open_pidfd(std::int64_t pid) {
  const long fd = ::syscall(SYS_pidfd_open, static_cast<pid_t>(pid), 0);
  if (fd < 0) return posix_error(errno, "open a pidfd of process", std::to_string(pid));
  return Descriptor(static_cast<int>(fd));
}

std::string unit_from_cgroup(std::string_view cgroup_text) {
  // Lines are "ID:CONTROLLERS:PATH". systemd's own hierarchy, or the unified one, says it.
  std::string_view fallback;
  while (!cgroup_text.empty()) {
    const auto end = cgroup_text.find('\n');
    const auto line = cgroup_text.substr(0, end);
    cgroup_text.remove_prefix(end == std::string_view::npos ? cgroup_text.size() : end + 1);
    const auto first = line.find(':');
    if (first == std::string_view::npos) continue;
    const auto second = line.find(':', first + 1);
    if (second == std::string_view::npos) continue;
    const auto controllers = line.substr(first + 1, second - first - 1);
    const auto unit = unit_in_path(line.substr(second + 1));
    if (unit.empty()) continue;
    if (controllers.empty() || controllers == "name=systemd") return std::string(unit);
    fallback = unit;
  }
  return std::string(fallback);
}

WriterProcess describe_process(const PeerCredentials& credentials) {
  WriterProcess process;
  process.pid = credentials.pid;
  process.uid = credentials.uid;
  process.user = user_name(credentials.uid);
  if (credentials.pid <= 0) return process;  // in another pid namespace
  const std::string proc = "/proc/" + std::to_string(credentials.pid);
  std::array<char, kBytePathBytesMax> target;
  const ssize_t n = ::readlink((proc + "/exe").c_str(), target.data(), target.size());
  if (n > 0) process.executable.assign(target.data(), static_cast<std::size_t>(n));
  process.unit = unit_from_cgroup(read_small_file(proc + "/cgroup"));
  return process;
}

}  // namespace stillframe
