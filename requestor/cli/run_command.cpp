#include "requestor/cli/run_command.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "framework/base/posix_error.hpp"

namespace stillframe::cli {
namespace {

constexpr int kPollMs = 100;

// In the child: what failed, for the parent's message.
[[noreturn]] void give_up(int report, const char* what) {
  char text[256];
  std::snprintf(text, sizeof text, "%s: %s", what, std::strerror(errno));
  (void)!::write(report, text, std::strlen(text));
  _exit(kNotFoundStatus);
}

// Programs expect the signals they would have from a shell.
void reset_signals() {
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  signal(SIGPIPE, SIG_DFL);
}

// Bind mounts of the snapshots over their volumes, seen by the command and its children only.
void enter_in_place(const std::vector<InPlace>& places, int report) {
  if (places.empty()) return;
  if (unshare(CLONE_NEWNS) != 0) give_up(report, "cannot make a mount namespace");
  // Slaves, not private: what is unmounted outside while the command runs goes away in here too.
  // A private copy would keep everybody's file systems and their devices busy until the end.
  if (mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) != 0) {
    give_up(report, "cannot keep mounts to ourselves");
  }
  // The snapshots first into descriptors: one may lie below a mount point that another covers.
  std::vector<int> roots;
  for (const InPlace& place : places) {
    roots.push_back(open(place.snapshot_root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (roots.back() < 0) give_up(report, "cannot open a snapshot");
  }
  for (std::size_t i = 0; i < places.size(); ++i) {
    char source[64];
    std::snprintf(source, sizeof source, "/proc/self/fd/%d", roots[i]);
    const char* target = places[i].mount_point.c_str();
    if (mount(source, target, nullptr, MS_BIND, nullptr) != 0) {
      give_up(report, "cannot mount a snapshot in place of its volume");
    }
    constexpr unsigned long kSealed = MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV;
    if (mount(nullptr, target, nullptr, kSealed, nullptr) != 0) {
      give_up(report, "cannot make a snapshot read-only");
    }
  }
}

int pidfd_of(pid_t child) {
  return static_cast<int>(syscall(SYS_pidfd_open, child, 0));
}

// 0: it ended; ETIMEDOUT: the deadline passed.
int wait_until(int pidfd, pid_t child, const std::optional<Deadline>& deadline,
               const std::stop_token& stop) {
  bool told = false;
  while (true) {
    pollfd wait{pidfd, POLLIN, 0};
    if (poll(&wait, 1, kPollMs) > 0) return 0;
    if (stop.stop_requested() && !told) {
      kill(child, SIGTERM);
      told = true;
    }
    if (deadline && deadline->passed(system_clock().now())) return ETIMEDOUT;
  }
}

}  // namespace

Result<int> run_command(const CommandOptions& options, std::stop_token stop) {
  if (options.command.empty()) {
    return Error(Errc::invalid_argument, "no command; put it after --");
  }
  std::vector<char*> arguments;
  for (const auto& argument : options.command) {
    arguments.push_back(const_cast<char*>(argument.c_str()));
  }
  arguments.push_back(nullptr);
  std::vector<InPlace> places = options.in_place;
  std::sort(places.begin(), places.end(), [](const InPlace& a, const InPlace& b) {
    return a.mount_point.size() < b.mount_point.size();  // outer volumes before inner ones
  });
  int report[2];
  if (pipe2(report, O_CLOEXEC) != 0) return posix_error(errno, "make a pipe for", arguments[0]);

  const pid_t child = fork();
  if (child < 0) {
    ::close(report[0]);
    ::close(report[1]);
    return posix_error(errno, "start", arguments[0]);
  }
  if (child == 0) {
    for (const auto& [name, value] : options.environment) setenv(name.c_str(), value.c_str(), 1);
    enter_in_place(places, report[1]);
    reset_signals();
    execvp(arguments[0], arguments.data());
    give_up(report[1], arguments[0]);
  }
  ::close(report[1]);
  char text[256] = {};
  const ssize_t got = ::read(report[0], text, sizeof text - 1);  // ends when exec succeeded
  ::close(report[0]);
  int status = 0;
  if (got > 0) {
    waitpid(child, &status, 0);
    return Error(Errc::not_found, std::string("cannot run the command: ") + text);
  }
  const Descriptor pidfd(pidfd_of(child));
  const int waited = wait_until(pidfd.get(), child, options.kill_at, stop);
  if (waited != 0) kill(child, SIGKILL);
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
  if (waited != 0) {
    return Error(Errc::timed_out, "'" + options.command[0] +
                                      "' was killed: it ran longer than the writers can hold");
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : kKilledStatus + WTERMSIG(status);
}

}  // namespace stillframe::cli
