#include "framework/base/child_process.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "framework/base/posix_error.hpp"

namespace stillframe {

namespace {

// How often a wait looks at the clock and at its cancel token.
constexpr int kSliceMs = 50;
constexpr std::size_t kReadBytes = 16 * 1024;

struct Pipe {
  Descriptor read, write;
};

Result<Pipe> make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return posix_error(errno, "make", "a pipe to a child");
  return Pipe{Descriptor(ends[0]), Descriptor(ends[1])};
}

bool set_nonblocking(int fd) {
  return ::fcntl(fd, F_SETFL, O_NONBLOCK) == 0;
}

// Everything the child needs, made before the fork: after it, memory must not be allocated.
struct Image {
  std::vector<char*> argv, envp;
  std::vector<std::string> words, variables;
};

Image make_image(const ChildOptions& options) {
  Image image;
  image.words = options.command;
  for (const auto& [name, value] : options.environment) {
    image.variables.push_back(name + "=" + value);
  }
  for (std::string& word : image.words) image.argv.push_back(word.data());
  for (std::string& variable : image.variables) image.envp.push_back(variable.data());
  image.argv.push_back(nullptr);
  image.envp.push_back(nullptr);
  return image;
}

bool become(const ChildUser& user) {
  return ::setgroups(user.groups.size(), user.groups.data()) == 0 &&
         ::setresgid(user.gid, user.gid, user.gid) == 0 &&
         ::setresuid(user.uid, user.uid, user.uid) == 0;
}

// In the child. Reports errno through `failure` when the program cannot be run.
[[noreturn]] void run_child(const ChildOptions& options, const Image& image, int input, int output,
                            int error, int failure, pid_t parent) {
  ::setpgid(0, 0);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  for (int signal : {SIGPIPE, SIGCHLD, SIGHUP, SIGINT, SIGTERM}) ::signal(signal, SIG_DFL);
  bool ok = ::dup2(input, 0) == 0 && ::dup2(options.output_is_complaint ? error : output, 1) == 1 &&
            ::dup2(error, 2) == 2;
  ::syscall(SYS_close_range, 3u, ~0u, CLOSE_RANGE_CLOEXEC);
  if (ok && options.user) ok = become(*options.user);
  // After the change of user, which would clear it.
  if (ok && options.die_with_parent) {
    ok = ::prctl(PR_SET_PDEATHSIG, SIGKILL) == 0;
    if (::getppid() != parent) ::_exit(127);
  }
  if (ok && ::chdir(options.working_directory.c_str()) == 0) {
    ::execve(image.argv[0], image.argv.data(), image.envp.data());
  }
  const int reason = errno;
  [[maybe_unused]] const auto n = ::write(failure, &reason, sizeof reason);
  ::_exit(127);
}

// A pipe whose reader is gone must be an error here, not a signal to the whole program.
class PipeSignalBlocked {
 public:
  PipeSignalBlocked() {
    sigemptyset(&pipe_);
    sigaddset(&pipe_, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }
  PipeSignalBlocked(const PipeSignalBlocked&) = delete;
  PipeSignalBlocked& operator=(const PipeSignalBlocked&) = delete;
  ~PipeSignalBlocked() {
    if (!sigismember(&before_, SIGPIPE)) {
      const timespec at_once{};
      while (::sigtimedwait(&pipe_, nullptr, &at_once) > 0) continue;
    }
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }

 private:
  sigset_t pipe_{}, before_{};
};

int slice_until(Deadline deadline) {
  const auto left =
      std::chrono::duration_cast<std::chrono::milliseconds>(deadline.at() - system_clock().now())
          .count();
  return static_cast<int>(std::clamp<std::int64_t>(left + 1, 0, kSliceMs));
}

}  // namespace

std::string to_string(const ExitStatus& status) {
  if (!status.known) return "a status that nobody can tell any more";
  if (status.signal == 0) return "exit code " + std::to_string(status.code);
  const char* name = ::strsignal(status.signal);
  return "signal " + std::to_string(status.signal) + " (" + (name ? name : "?") + ")";
}

Result<std::unique_ptr<ChildProcess>> ChildProcess::start(const ChildOptions& options) {
  if (options.command.empty()) return Error(Errc::invalid_argument, "a child needs a command");
  auto input = make_pipe(), output = make_pipe(), error = make_pipe(), failure = make_pipe();
  for (const auto* pipe : {&input, &output, &error, &failure}) {
    if (!pipe->ok()) return pipe->error();
  }
  const Image image = make_image(options);
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) return posix_error(errno, "start", options.command[0]);
  if (pid == 0) {
    run_child(options, image, input.value().read.get(), output.value().write.get(),
              error.value().write.get(), failure.value().write.get(), parent);
  }
  ::setpgid(pid, pid);  // in both, so that neither depends on who runs first
  std::unique_ptr<ChildProcess> child(new ChildProcess());
  child->pid_ = pid;
  child->pidfd_ = Descriptor(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  child->input_ = std::move(input.value().write);
  child->output_ = std::move(output.value().read);
  child->error_ = std::move(error.value().read);
  if (!set_nonblocking(child->input_.get()) || !set_nonblocking(child->output_.get()) ||
      !set_nonblocking(child->error_.get()) || !child->pidfd_.valid()) {
    return posix_error(errno, "watch", options.command[0]);
  }
  // Closed by a successful exec, so this does not wait for longer than that takes.
  failure.value().write.reset();
  int reason = 0;
  ssize_t n;
  do n = ::read(failure.value().read.get(), &reason, sizeof reason);
  while (n < 0 && errno == EINTR);
  if (n == sizeof reason) return posix_error(reason, "run", options.command[0]);
  return child;
}

std::unique_ptr<ChildProcess> ChildProcess::adopt(AdoptedChild adopted) {
  std::unique_ptr<ChildProcess> child(new ChildProcess());
  child->pid_ = adopted.pid;
  child->input_ = std::move(adopted.descriptors.input);
  child->output_ = std::move(adopted.descriptors.output);
  child->error_ = std::move(adopted.descriptors.error);
  child->pidfd_ = std::move(adopted.descriptors.pidfd);
  child->kill_adopted_ = std::move(adopted.kill);
  child->adopted_ended_ = std::move(adopted.ended);
  return child;
}

Result<ChildDescriptors> ChildProcess::hand_over() {
  Descriptor pidfd(::fcntl(pidfd_.get(), F_DUPFD_CLOEXEC, 3));
  if (!pidfd.valid()) return posix_error(errno, "hand over", "a child");
  output_ended_ = true;
  return ChildDescriptors{std::move(input_), std::move(output_), std::move(error_),
                          std::move(pidfd)};
}

ChildProcess::~ChildProcess() {
  if (pid_ <= 0) return;
  kill_group();
  if (!status_ && !kill_adopted_) {
    while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) continue;
  }
}

void ChildProcess::kill_group() noexcept {
  // The group's number is ours for as long as the child is not reaped; wait() reaps only after
  // this.
  if (pid_ <= 0 || status_) return;
  if (!kill_adopted_) {
    ::kill(-pid_, SIGKILL);
  } else if (running()) {
    kill_adopted_();
  }
}

void ChildProcess::ask_to_end() noexcept {
  close_input();
  // A child of another user may refuse the signal; its closed input says the same.
  if (!status_) ::syscall(SYS_pidfd_send_signal, pidfd_.get(), SIGTERM, nullptr, 0);
}

bool ChildProcess::running() const {
  pollfd about{pidfd_.get(), POLLIN, 0};
  return !status_ && ::poll(&about, 1, 0) == 0;
}

void ChildProcess::drain_complaints() {
  std::array<char, kReadBytes> buffer;
  // A bound, so that a child that writes without end does not keep us here.
  for (int rounds = 0; rounds < 64 && error_.valid(); ++rounds) {
    const ssize_t n = ::read(error_.get(), buffer.data(), buffer.size());
    if (n == 0) error_.reset();
    if (n <= 0) return;
    complaints_.append(buffer.data(), static_cast<std::size_t>(n));
    if (complaints_.size() > kComplaintBytesMax) {
      complaints_.erase(0, complaints_.size() - kComplaintBytesMax);
    }
  }
}

Status ChildProcess::wait_for(Wanted wanted, Deadline deadline, const CancelToken* cancel) {
  while (true) {
    drain_complaints();
    if (cancel != nullptr && cancel->cancelled()) {
      return Error(Errc::cancelled, "the call was cancelled");
    }
    pollfd watched[2] = {{-1, POLLIN, 0}, {error_.get(), POLLIN, 0}};
    if (wanted == Wanted::input) watched[0] = {input_.get(), POLLOUT, 0};
    if (wanted == Wanted::output) watched[0].fd = output_.get();
    if (wanted == Wanted::end) watched[0].fd = pidfd_.get();
    const int n = ::poll(watched, 2, slice_until(deadline));
    if (n > 0 && watched[0].revents != 0) return Ok{};
    if (deadline.passed(system_clock().now())) {
      return Error(Errc::timed_out, "the program did not answer in time");
    }
  }
}

Status ChildProcess::write(std::string_view bytes, Deadline deadline, const CancelToken* cancel) {
  const PipeSignalBlocked blocked;
  while (!bytes.empty()) {
    if (!input_.valid()) return Error(Errc::disconnected, "the program's input is closed");
    const ssize_t n = ::write(input_.get(), bytes.data(), bytes.size());
    if (n > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(n));
    } else if (errno == EAGAIN) {
      if (Status s = wait_for(Wanted::input, deadline, cancel); !s.ok()) return s;
    } else if (errno != EINTR) {
      return Error(Errc::disconnected, "the program does not read its input any more");
    }
  }
  return Ok{};
}

Result<std::string> ChildProcess::read_line(std::size_t bytes_max, Deadline deadline,
                                            const CancelToken* cancel) {
  while (true) {
    const auto newline = pending_.find('\n', searched_);
    if (newline != std::string::npos && newline <= bytes_max) {
      std::string line = pending_.substr(0, newline);
      pending_.erase(0, newline + 1);
      searched_ = 0;
      return line;
    }
    searched_ = std::min(pending_.size(), newline);
    if (pending_.size() > bytes_max) {
      return Error(Errc::limit_reached,
                   "the program wrote a line of more than " + std::to_string(bytes_max) + " bytes");
    }
    if (output_ended_) return Error(Errc::disconnected, "the program closed its output");
    if (Status s = wait_for(Wanted::output, deadline, cancel); !s.ok()) return s.error();
    std::array<char, kReadBytes> buffer;
    const ssize_t n = ::read(output_.get(), buffer.data(), buffer.size());
    if (n > 0) pending_.append(buffer.data(), static_cast<std::size_t>(n));
    if (n == 0) output_ended_ = true;
  }
}

Result<ExitStatus> ChildProcess::wait(Deadline deadline, const CancelToken* cancel) {
  if (status_) return *status_;
  if (Status s = wait_for(Wanted::end, deadline, cancel); !s.ok()) return s.error();
  drain_complaints();
  status_ = adopted_ended_ ? ask_starter() : reap();
  return *status_;
}

ExitStatus ChildProcess::ask_starter() {
  auto status = adopted_ended_();
  if (status.ok()) return status.value();
  complaints_ += (complaints_.empty() ? "" : "\n") + status.error().what();
  return ExitStatus{0, 0, false};
}

ExitStatus ChildProcess::reap() {
  // Before the child is reaped: until then nobody else's group can have the number.
  ::kill(-pid_, SIGKILL);
  int raw = 0;
  while (::waitpid(pid_, &raw, 0) < 0 && errno == EINTR) continue;
  return WIFSIGNALED(raw) ? ExitStatus{0, WTERMSIG(raw)} : ExitStatus{WEXITSTATUS(raw), 0};
}

std::string ChildProcess::complaints() {
  drain_complaints();
  std::string_view text = complaints_;
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.remove_suffix(1);
  std::string line;
  for (const char c : text) line += c == '\n' ? "; " : std::string(1, c);
  return escape_path(line);
}

}  // namespace stillframe
