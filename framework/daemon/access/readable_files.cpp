#include "framework/daemon/access/readable_files.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include <dirent.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/openat2.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "framework/base/path.hpp"
#include "framework/base/posix_error.hpp"
#include "framework/model/pattern.hpp"

namespace stillframe::daemon {
namespace {

constexpr int kDepthMax = 64;
constexpr std::size_t kListingBytes = 16 << 10;

// What the child says, in one write.
struct Verdict {
  enum class Kind : std::int32_t { readable, denied, no_right_to_ask } kind = Kind::readable;
  std::int32_t cause = 0;
  std::uint64_t place = 0;
  std::uint32_t path_bytes = 0;
  std::array<char, kBytePathBytesMax> path{};  // of what is denied, beneath the root
};

// Everything below runs in the child, after a fork of a process with many threads: system calls
// and the stack only.
class Looker {
 public:
  Looker(int root, LinksIn links, const ReadableLimits& limits)
      : root_(root), links_(links), names_max_(limits.names) {}

  // False: the verdict says what is kept from the user.
  bool look_at(const FilePlace& place) {
    name_ = &place.name;
    recursive_ = place.recursive;
    path_bytes_ = 0;
    append(place.directory);
    if (!place.recursive && is_literal(place.name)) return look_at_file(place);
    // Level by level, so that what lies near the top is looked at however much lies below.
    for (int depth = 0; depth < (place.recursive ? kDepthMax : 1); ++depth) {
      names_left_ = names_max_;
      deeper_ = false;
      const int directory = open_at(root_, place.directory.empty() ? "." : place.directory.c_str(),
                                    O_RDONLY | O_DIRECTORY);
      if (directory < 0) return is_absence(errno) || deny(errno);
      const bool readable = walk(directory, depth);
      ::close(directory);
      if (!readable) return false;
      if (!deeper_ || names_left_ == 0) return true;
    }
    return true;
  }

  const Verdict& verdict() const { return verdict_; }

 private:
  // What is not there, or where no reader gets to; of any other error the file cannot be read.
  static bool is_absence(int error) {
    return error == ENOENT || error == ENOTDIR || error == ELOOP || error == EXDEV ||
           error == ENAMETOOLONG;
  }

  int open_at(int at, const char* path, int flags) const {
    open_how how{};
    how.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC);
    if (links_ == LinksIn::refused)
      how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
    const long fd = ::syscall(SYS_openat2, at, path, &how, sizeof how);
    if (fd >= 0 || errno != ENOSYS) return static_cast<int>(fd);
    // Before Linux 5.6. The last element is held to the rule, which the ones above it are not.
    return ::openat(at, path, flags | O_CLOEXEC | (links_ == LinksIn::refused ? O_NOFOLLOW : 0));
  }

  bool look_at_file(const FilePlace& place) {
    const int directory = open_at(root_, place.directory.empty() ? "." : place.directory.c_str(),
                                  O_PATH | O_DIRECTORY);
    if (directory < 0) return is_absence(errno) || deny(errno);
    const bool readable = look_at_name(directory, place.name.c_str());
    ::close(directory);
    return readable;
  }

  bool look_at_name(int directory, const char* name) {
    struct stat about {};
    if (::fstatat(directory, name, &about, AT_SYMLINK_NOFOLLOW) != 0)
      return is_absence(errno) || deny(errno, name);
    if (!S_ISREG(about.st_mode)) return true;  // links and devices are kept as what they are
    if (::faccessat(directory, name, R_OK, 0) == 0) return true;
    return is_absence(errno) || deny(errno, name);
  }

  bool walk(int directory, int depth) {
    alignas(dirent64) std::array<char, kListingBytes> listing;
    while (true) {
      const long got = ::syscall(SYS_getdents64, directory, listing.data(), listing.size());
      if (got <= 0) return true;
      for (long at = 0; at < got;) {
        const auto* entry = reinterpret_cast<const dirent64*>(listing.data() + at);
        at += entry->d_reclen;
        if (std::strcmp(entry->d_name, ".") == 0 || std::strcmp(entry->d_name, "..") == 0) continue;
        if (names_left_ == 0) return true;
        --names_left_;
        if (!look_at_entry(directory, *entry, depth)) return false;
      }
    }
  }

  // On the last level only, because the levels above it were looked at before.
  bool look_at_entry(int directory, const dirent64& entry, int depth) {
    if (is_directory(directory, entry))
      return !recursive_ || descend(directory, entry.d_name, depth);
    if (depth > 0 || !matches_pattern(*name_, entry.d_name)) return true;
    return look_at_name(directory, entry.d_name);
  }

  static bool is_directory(int directory, const dirent64& entry) {
    if (entry.d_type != DT_UNKNOWN) return entry.d_type == DT_DIR;
    struct stat about {};
    return ::fstatat(directory, entry.d_name, &about, AT_SYMLINK_NOFOLLOW) == 0 &&
           S_ISDIR(about.st_mode);
  }

  bool descend(int directory, const char* name, int depth) {
    if (depth == 0) deeper_ = true;
    const int below = ::openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (below < 0) return is_absence(errno) || deny(errno, name);
    const std::size_t before = path_bytes_;
    append(name);
    bool readable = true;
    // A directory that can be listed may still not be entered.
    if (::faccessat(below, ".", X_OK, 0) != 0) readable = deny(errno);
    if (readable && depth > 0) readable = walk(below, depth - 1);
    path_bytes_ = before;
    ::close(below);
    return readable;
  }

  void append(std::string_view name) {
    if (name.empty() || path_bytes_ + name.size() + 1 > path_.size()) return;
    if (path_bytes_ != 0) path_[path_bytes_++] = '/';
    std::memcpy(path_.data() + path_bytes_, name.data(), name.size());
    path_bytes_ += name.size();
  }

  bool deny(int cause, const char* name = "") {
    append(name);
    verdict_.kind = Verdict::Kind::denied;
    verdict_.cause = cause;
    verdict_.path = path_;
    verdict_.path_bytes = static_cast<std::uint32_t>(path_bytes_);
    return false;
  }

  const int root_;
  const LinksIn links_;
  const std::size_t names_max_;
  const BytePath* name_ = nullptr;
  bool recursive_ = false;
  bool deeper_ = false;
  std::size_t names_left_ = 0;
  std::array<char, kBytePathBytesMax> path_{};
  std::size_t path_bytes_ = 0;
  Verdict verdict_;
};

// For good, and with every capability gone, however this process came by them. By system calls of
// their own: the C library would wait for threads that the child does not have.
bool become(uid_t uid, gid_t gid, const std::vector<gid_t>& groups) {
  if (::syscall(SYS_setgroups, groups.size(), groups.data()) != 0) return false;
  if (::syscall(SYS_setresgid, gid, gid, gid) != 0) return false;
  if (::syscall(SYS_setresuid, uid, uid, uid) != 0) return false;
  (void)::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0,
                0);  // there are none since 4.3 only
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> none{};
  return ::syscall(SYS_capset, &header, none.data()) == 0;
}

[[noreturn]] void run_child(int root, int answer, const PeerCredentials& user,
                            const std::vector<gid_t>& groups, LinksIn links,
                            const std::vector<FilePlace>& places, const ReadableLimits& limits) {
  Looker looker(root, links, limits);
  Verdict verdict;
  if (!become(static_cast<uid_t>(user.uid), static_cast<gid_t>(user.gid), groups)) {
    verdict.kind = Verdict::Kind::no_right_to_ask;
    verdict.cause = errno;
  } else {
    std::size_t at = 0;
    while (at < places.size() && looker.look_at(places[at])) ++at;
    verdict = looker.verdict();
    verdict.place = at;
  }
  const ssize_t written = ::write(answer, &verdict, sizeof verdict);
  ::_exit(written == static_cast<ssize_t>(sizeof verdict) ? 0 : 1);
}

// Kills and reaps the child however we leave. One that is inside the kernel for good stays behind.
class Child {
 public:
  Child(pid_t pid, Descriptor end) : pid_(pid), end_(std::move(end)) {}
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    constexpr int kPatienceMs = 1'000;
    ::kill(pid_, SIGKILL);
    pollfd ended{end_.get(), POLLIN, 0};
    if (::poll(&ended, 1, kPatienceMs) > 0) (void)::waitpid(pid_, nullptr, 0);
  }

 private:
  const pid_t pid_;
  const Descriptor end_;
};

std::optional<Verdict> read_verdict(int from, std::chrono::milliseconds patience) {
  const auto until = std::chrono::steady_clock::now() + patience;
  Verdict verdict;
  std::size_t got = 0;
  while (got < sizeof verdict) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        until - std::chrono::steady_clock::now());
    if (left.count() <= 0) return std::nullopt;
    pollfd readable{from, POLLIN, 0};
    if (::poll(&readable, 1, static_cast<int>(left.count()) + 1) <= 0) continue;
    const ssize_t n = ::read(from, reinterpret_cast<char*>(&verdict) + got, sizeof verdict - got);
    if (n == 0 || (n < 0 && errno != EINTR)) return std::nullopt;
    if (n > 0) got += static_cast<std::size_t>(n);
  }
  return verdict;
}

Result<std::optional<Unreadable>> judge(const Verdict& verdict, const PeerCredentials& user) {
  switch (verdict.kind) {
    case Verdict::Kind::readable:
      return std::optional<Unreadable>();
    case Verdict::Kind::no_right_to_ask:
      return Error(Errc::not_supported, "this process has no right to look at files as uid " +
                                            std::to_string(user.uid) + ": " +
                                            std::strerror(verdict.cause));
    case Verdict::Kind::denied:
      break;
  }
  Unreadable found;
  found.place = static_cast<std::size_t>(verdict.place);
  const std::size_t bytes = std::min<std::size_t>(verdict.path_bytes, verdict.path.size());
  found.path.assign(verdict.path.data(), bytes);
  found.why = std::strerror(verdict.cause);
  return std::optional<Unreadable>(std::move(found));
}

}  // namespace

Result<std::optional<Unreadable>> find_unreadable(const PeerCredentials& user, const BytePath& root,
                                                  LinksIn links,
                                                  const std::vector<FilePlace>& places,
                                                  const ReadableLimits& limits) {
  const Descriptor top(::open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!top.valid()) return posix_error(errno, "open", root);
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return posix_error(errno, "make", "a pipe");
  const Descriptor reading(ends[0]);
  Descriptor writing(ends[1]);
  const std::vector<gid_t> groups(user.groups.begin(), user.groups.end());
  const pid_t pid = ::fork();
  if (pid < 0) return posix_error(errno, "start", "a child that looks at files");
  if (pid == 0) run_child(top.get(), writing.get(), user, groups, links, places, limits);
  writing.reset();
  auto end = open_pidfd(pid);
  if (!end.ok()) {
    ::kill(pid, SIGKILL);
    (void)::waitpid(pid, nullptr, 0);
    return end.error();
  }
  const Child child(pid, std::move(end).value());
  const auto verdict = read_verdict(reading.get(), limits.time);
  if (!verdict)
    return Error(Errc::timed_out,
                 "the files below '" + escape_path(root) + "' could not be looked at as uid " +
                     std::to_string(user.uid) + " within " + std::to_string(limits.time.count()) +
                     " ms; see whether their file system answers");
  return judge(*verdict, user);
}

}  // namespace stillframe::daemon
