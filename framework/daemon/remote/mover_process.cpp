#include "framework/daemon/remote/mover_process.hpp"

#include <cerrno>
#include <csignal>
#include <mutex>
#include <thread>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "framework/base/child_process.hpp"
#include "framework/base/posix_error.hpp"

namespace stillframe::daemon {
namespace {

constexpr std::chrono::hours kForEver{24 * 365};

// The program gets one end of a socket as descriptor 3, and nothing else of ours but standard
// error.
Result<pid_t> spawn(const BytePath& program, int control) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_init(&attributes);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, control, kMoverControlDescriptor);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
  std::string name = program;
  char* arguments[] = {name.data(), nullptr};
  char* environment[] = {nullptr};  // the service manager's socket, say, is none of its business
  pid_t pid = -1;
  const int failed =
      ::posix_spawn(&pid, name.c_str(), &actions, &attributes, arguments, environment);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) return posix_error(failed, "start", program);
  return pid;
}

class SpawnedMover final : public MoverProcess {
 public:
  SpawnedMover(pid_t pid, Descriptor control, MoverProcessOptions options)
      : pid_(pid), control_(std::move(control)), options_(std::move(options)) {}

  ~SpawnedMover() override { stop(); }

  Status begin() {
    MoverStart start;
    start.client = options_.client;
    std::vector<Descriptor> directories;
    for (MoverRoot& root : options_.roots) {
      start.mount_points.push_back(root.mount_point);
      directories.push_back(std::move(root.directory));
    }
    options_.roots.clear();
    if (Status s = send_packet(control_.get(), encode(start), directories); !s.ok()) return s;
    auto packet = receive_packet(control_.get(), options_.start_limit);
    if (!packet.ok()) return packet.error();
    if (packet.value().text.empty())
      return Error(Errc::disconnected, "it ended at once: " + to_string(reap()));
    auto answer = decode_from_mover(packet.value().text);
    if (!answer.ok()) return answer.error();
    if (const auto* failed = std::get_if<MoverFailed>(&answer.value())) return failed->error;
    const auto* ready = std::get_if<MoverReady>(&answer.value());
    if (ready == nullptr) return Error(Errc::corrupt, "it does not say that it is ready");
    certificate_ = ready->certificate;
    listener_ = std::thread([this] { listen(); });
    return Ok{};
  }

  const Sha256Digest& certificate() const override { return certificate_; }

  Status admit(const MoverAdmit& admit) override { return tell(admit, {}); }
  Status give_connection(Descriptor socket) override {
    return tell(MoverConnection{}, std::move(socket));
  }
  Status give_stream(std::uint64_t key, Descriptor pipe) override {
    return tell(MoverStream{key}, std::move(pipe));
  }

  void stop() override {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
      if (!reaped_) ::kill(pid_, SIGKILL);
    }
    const std::lock_guard lock(join_mutex_);
    if (listener_.joinable()) listener_.join();
    reap();
  }

 private:
  Status tell(const ToMover& message, Descriptor descriptor) {
    std::vector<Descriptor> along;
    if (descriptor.valid()) along.push_back(std::move(descriptor));
    const std::lock_guard lock(mutex_);
    if (reaped_ || stopping_) return Error(Errc::disconnected, "the session's mover has ended");
    return send_packet(control_.get(), encode(message), along);
  }

  void listen() {
    while (true) {
      auto packet = receive_packet(control_.get(), kForEver);
      if (!packet.ok() || packet.value().text.empty()) break;
      auto message = decode_from_mover(packet.value().text);
      const auto* note = message.ok() ? std::get_if<MoverNote>(&message.value()) : nullptr;
      if (note == nullptr) break;  // nothing else is due; whoever breaks that rule is ended
      if (options_.noted) options_.noted(note->message);
    }
    ::kill(pid_, SIGKILL);  // not reaped yet, so the number is still its own
    const ExitStatus status = reap();
    bool wanted = false;
    {
      const std::lock_guard lock(mutex_);
      wanted = stopping_;
    }
    if (!wanted && options_.died)
      options_.died(Error(Errc::disconnected, "the mover ended with " + to_string(status)));
  }

  // Waits for its end, once.
  ExitStatus reap() {
    {
      const std::lock_guard lock(mutex_);
      if (reaped_) return status_;
    }
    siginfo_t ended{};
    while (::waitid(P_PID, static_cast<id_t>(pid_), &ended, WEXITED | WNOWAIT) != 0 &&
           errno == EINTR) {
    }
    const std::lock_guard lock(mutex_);
    if (reaped_) return status_;
    int status = 0;
    ::waitpid(pid_, &status, 0);
    reaped_ = true;
    status_.code = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
    status_.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    return status_;
  }

  const pid_t pid_;
  const Descriptor control_;
  MoverProcessOptions options_;
  Sha256Digest certificate_{};
  std::mutex join_mutex_;
  std::thread listener_;
  std::mutex mutex_;  // guards what follows, and that signals go to nobody else
  bool stopping_ = false;
  bool reaped_ = false;
  ExitStatus status_;
};

}  // namespace

Result<std::unique_ptr<MoverProcess>> MoverProcess::start(MoverProcessOptions options) {
  int ends[2] = {-1, -1};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
    return posix_error(errno, "create", "socket pair");
  Descriptor own(ends[0]), its(ends[1]);
  // dup2() onto itself would leave it close-on-exec.
  if (its.get() == kMoverControlDescriptor)
    its = Descriptor(::fcntl(its.get(), F_DUPFD_CLOEXEC, 4));
  auto pid = spawn(options.program, its.get());
  if (!pid.ok()) return pid.error();
  its.reset();
  auto mover = std::make_unique<SpawnedMover>(pid.value(), std::move(own), std::move(options));
  if (Status s = mover->begin(); !s.ok()) return s.error().while_doing("starting a mover");
  return std::unique_ptr<MoverProcess>(std::move(mover));
}

}  // namespace stillframe::daemon
