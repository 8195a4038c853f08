#include "framework/providers/guard/freeze_guard.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <new>

#include <fcntl.h>
#include <linux/fs.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "framework/base/posix_error.hpp"
#include "framework/providers/guard/guard_state.hpp"
#include "framework/providers/guard/helper_path.hpp"

namespace stillframe {

namespace {

using namespace guard;

constexpr std::int64_t kMs = 1'000'000;
constexpr std::int64_t kStartNs = 5'000 * kMs;
// Beyond the lease, what a live pair needs to thaw; then the client does it by itself.
constexpr std::int64_t kThawGraceNs = 2'000 * kMs;
constexpr std::int64_t kTickMaxNs = 100 * kMs;
constexpr std::int64_t kTickMinNs = 5 * kMs;

const char* describe(Cause cause) {
  switch (cause) {
    case Cause::none:
      return "it did not end";
    case Cause::requested:
      return "the client asked for it";
    case Cause::client_gone:
      return "the client ended";
    case Cause::client_silent:
      return "the client was silent for longer than the lease";
    case Cause::limit:
      return "the limit passed";
    case Cause::holder_gone:
      return "the holder died";
    case Cause::keeper_gone:
      return "the keeper died";
    case Cause::keeper_silent:
      return "the keeper was silent for longer than the lease";
    case Cause::holder_silent:
      return "the holder was silent for longer than the lease";
    case Cause::terminated:
      return "the guard was told to terminate";
    case Cause::freeze_failed:
      return "not every file system could be frozen";
  }
  return "of an unknown cause";
}

ThawedBy thawed_by(Party party) {
  switch (party) {
    case Party::none:
      return ThawedBy::nobody;
    case Party::holder:
      return ThawedBy::holder;
    case Party::keeper:
      return ThawedBy::keeper;
    case Party::client:
      return ThawedBy::client;
  }
  return ThawedBy::nobody;
}

bool ended(const Descriptor& pidfd) {
  pollfd about{pidfd.get(), POLLIN, 0};
  return !pidfd.valid() || ::poll(&about, 1, 0) > 0;
}

void kill_by(const Descriptor& pidfd) {
  if (pidfd.valid()) ::syscall(SYS_pidfd_send_signal, pidfd.get(), SIGKILL, nullptr, 0);
}

struct SharedMapping {
  SharedMapping() = default;
  SharedMapping(const SharedMapping&) = delete;
  SharedMapping& operator=(const SharedMapping&) = delete;
  ~SharedMapping() {
    if (shared != nullptr) ::munmap(shared, sizeof(Shared));
  }
  Shared* shared = nullptr;
  Descriptor file;
};

class GuardClient final : public FreezeGuard {
 public:
  explicit GuardClient(std::vector<Descriptor> targets) : targets_(std::move(targets)) {
    for (const Descriptor& target : targets_) target_fds_.push_back(target.get());
  }
  GuardClient(const GuardClient&) = delete;
  GuardClient& operator=(const GuardClient&) = delete;

  ~GuardClient() override {
    if (mapping_.shared == nullptr || keeper_pid_ == 0) return;
    (void)thaw();
    keeper_bell_.reset();
    holder_bell_.reset();
    // The pair ends by itself now. A stopped keeper does not, and is ours to reap.
    const std::int64_t until = boot_ns() + kThawGraceNs;
    while (!(ended(keeper_) && ended(holder_)) && boot_ns() < until) wait_a_tick();
    kill_by(keeper_);
    while (::waitpid(keeper_pid_, nullptr, 0) < 0 && errno == EINTR) continue;
  }

  Status start(const FreezeGuardOptions& options);
  Status freeze(Deadline deadline) override;
  void heartbeat() noexcept override { mapping_.shared->client_beat = boot_ns(); }
  Result<FreezeStatement> thaw() override;
  std::vector<std::string> warnings() const override;
  int holder_pid() const noexcept override { return mapping_.shared->holder_pid; }
  int keeper_pid() const noexcept override { return keeper_pid_; }

 private:
  Status make_shared(const FreezeGuardOptions& options);
  Status launch(const FreezeGuardOptions& options, const BytePath& program);
  Status why_not_frozen() const;
  FreezeStatement statement() const;
  void wait_a_tick();
  void order(Command command);
  bool thaw_without_the_pair();

  Shared& shared() const { return *mapping_.shared; }

  std::vector<Descriptor> targets_;
  std::vector<int> target_fds_;
  SharedMapping mapping_;
  Descriptor keeper_bell_, holder_bell_;  // our ends
  Descriptor keeper_, holder_;            // pidfds
  int keeper_pid_ = 0;
};

Status GuardClient::make_shared(const FreezeGuardOptions& options) {
  mapping_.file =
      Descriptor(static_cast<int>(::syscall(SYS_memfd_create, "stillframe-guard", MFD_CLOEXEC)));
  if (!mapping_.file.valid() || ::ftruncate(mapping_.file.get(), sizeof(Shared)) != 0) {
    return posix_error(errno, "make", "memory to share with the freeze guard");
  }
  void* memory =
      ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED, mapping_.file.get(), 0);
  if (memory == MAP_FAILED) return posix_error(errno, "map", "memory of the freeze guard");
  mapping_.shared = new (memory) Shared();
  shared().targets = static_cast<std::uint32_t>(targets_.size());
  shared().lease_ns = options.lease.count() * kMs;
  shared().limit_ns = options.limit.count() * kMs;
  shared().tick_ns = std::clamp(shared().lease_ns / 5, kTickMinNs, kTickMaxNs);
  return Ok{};
}

Status GuardClient::launch(const FreezeGuardOptions& options, const BytePath& program) {
  int keeper_pair[2], holder_pair[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, keeper_pair) != 0) {
    return posix_error(errno, "make", "a socket for the freeze guard");
  }
  keeper_bell_ = Descriptor(keeper_pair[0]);
  const Descriptor keeper_end(keeper_pair[1]);
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, holder_pair) != 0) {
    return posix_error(errno, "make", "a socket for the freeze guard");
  }
  holder_bell_ = Descriptor(holder_pair[0]);
  const Descriptor holder_end(holder_pair[1]);

  std::vector<int> passed = target_fds_;
  passed.insert(passed.end(), {mapping_.file.get(), keeper_end.get(), holder_end.get()});
  std::vector<std::string> words = {program,         "pair",
                                    "--shared",      std::to_string(mapping_.file.get()),
                                    "--keeper-bell", std::to_string(keeper_end.get()),
                                    "--holder-bell", std::to_string(holder_end.get()),
                                    "--client",      std::to_string(::getpid()),
                                    "--record-dir",  options.record_directory};
  for (const BytePath& path : options.never_freeze) words.insert(words.end(), {"--never", path});
  for (int fd : target_fds_) words.insert(words.end(), {"--target", std::to_string(fd)});
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  char* no_environment[] = {nullptr};

  // Between fork and exec only what is safe after a fork of a program with threads.
  const pid_t pid = ::fork();
  if (pid < 0) return posix_error(errno, "start", program);
  if (pid == 0) {
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    for (int fd : passed) ::fcntl(fd, F_SETFD, 0);
    ::execve(program.c_str(), argv.data(), no_environment);
    ::_exit(127);
  }
  keeper_pid_ = pid;
  keeper_ = Descriptor(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!keeper_.valid()) return posix_error(errno, "watch", program);
  return Ok{};
}

Status GuardClient::start(const FreezeGuardOptions& options) {
  if (targets_.empty() || targets_.size() > kTargetsMax) {
    return Error(Errc::invalid_argument, "a freeze guard holds 1 to " +
                                             std::to_string(kTargetsMax) + " file systems, not " +
                                             std::to_string(targets_.size()));
  }
  if (options.lease.count() <= 0 || options.limit.count() <= 0) {
    return Error(Errc::invalid_argument, "a freeze guard needs a lease and a limit above zero");
  }
  auto program = find_helper("stillframe-guard", options.helper_dir);
  if (!program.ok()) return program.error();
  if (Status s = make_shared(options); !s.ok()) return s;
  if (Status s = launch(options, program.value()); !s.ok()) return s;

  const std::int64_t until = boot_ns() + kStartNs;
  while (shared().phase == Phase::starting && !ended(keeper_) && boot_ns() < until) wait_a_tick();
  if (shared().phase == Phase::refused) return Error(Errc::not_supported, shared().message);
  if (shared().phase != Phase::ready) {
    return Error(Errc::provider_failed, "the freeze guard '" + escape_path(program.value()) +
                                            "' did not start; run it by hand to see why");
  }
  holder_ = Descriptor(static_cast<int>(::syscall(SYS_pidfd_open, shared().holder_pid.load(), 0)));
  return Ok{};
}

// Until somebody rings, a guard ends, or a tick passes.
void GuardClient::wait_a_tick() {
  pollfd watched[4] = {{keeper_bell_.get(), POLLIN, 0},
                       {holder_bell_.get(), POLLIN, 0},
                       {keeper_.get(), POLLIN, 0},
                       {holder_.get(), POLLIN, 0}};
  // What has ended stays readable and would turn the wait into a spin.
  for (pollfd& one : watched) {
    pollfd look = one;
    if (::poll(&look, 1, 0) > 0 && (look.revents & POLLHUP) != 0) one.fd = -1;
  }
  if (ended(keeper_)) watched[2].fd = -1;
  if (ended(holder_)) watched[3].fd = -1;
  ::poll(watched, 4, static_cast<int>(std::max<std::int64_t>(shared().tick_ns / kMs, 1)));
  char drained[64];
  for (const Descriptor* bell : {&keeper_bell_, &holder_bell_}) {
    while (bell->valid() && ::recv(bell->get(), drained, sizeof drained, MSG_DONTWAIT) > 0)
      continue;
  }
}

void GuardClient::order(Command command) {
  heartbeat();
  shared().command = command;
  for (const Descriptor* bell : {&keeper_bell_, &holder_bell_}) {
    const char byte = 0;
    [[maybe_unused]] const auto n = ::send(bell->get(), &byte, 1, MSG_DONTWAIT | MSG_NOSIGNAL);
  }
}

Status GuardClient::freeze(Deadline deadline) {
  if (shared().command != Command::none) {
    return Error(Errc::wrong_state, "a freeze guard freezes once; start another");
  }
  shared().freeze_requested_at = boot_ns();
  order(Command::freeze);
  while (true) {
    const Phase phase = shared().phase;
    if (phase == Phase::frozen) return Ok{};
    if (is_final(phase)) return why_not_frozen();
    if (ended(keeper_) && ended(holder_)) break;
    if (deadline.passed(BootTime(Duration(boot_ns())))) {
      order(Command::thaw);
      return Error(Errc::timed_out,
                   "the file systems were not frozen in time; they are thawed as "
                   "soon as the kernel has done freezing them");
    }
    heartbeat();
    wait_a_tick();
  }
  (void)thaw();
  return Error(Errc::provider_failed, "the freeze guard died while freezing");
}

Status GuardClient::why_not_frozen() const {
  const int reason = shared().failed_errno;
  if (reason == 0) {
    return Error(Errc::provider_failed, std::string("the freeze ended before it was complete: ") +
                                            describe(shared().cause));
  }
  const std::string link =
      "/proc/self/fd/" + std::to_string(target_fds_.at(shared().failed_target.load()));
  char path[4096];
  const ssize_t length = ::readlink(link.c_str(), path, sizeof path);
  const BytePath target(path, static_cast<std::size_t>(std::max<ssize_t>(length, 0)));
  if (reason == EBUSY) {
    return Error(Errc::in_use, "'" + escape_path(target) +
                                   "' is frozen by somebody else already; thaw it there, or try "
                                   "again when they have");
  }
  if (reason == EOPNOTSUPP || reason == ENOTTY) {
    return Error(Errc::volume_not_supported,
                 "the file system at '" + escape_path(target) + "' cannot be frozen");
  }
  return posix_error(reason, "freeze", target);
}

// The last resort: both guards are dead, so the mount descriptors here are the only ones left.
bool GuardClient::thaw_without_the_pair() {
  give_cause(shared(), Cause::holder_gone);
  if (is_final(shared().phase)) return true;
  if (shared().phase == Phase::ready) {
    if (shared().record_path[0] != '\0') ::unlink(shared().record_path);
    shared().phase = Phase::closed;
    return true;
  }
  const Party owner = shared().thaw_owner.exchange(Party::client);
  return thaw_targets(shared(), target_fds_.data(), owner == Party::none);
}

Result<FreezeStatement> GuardClient::thaw() {
  order(Command::thaw);
  const std::int64_t kill_at = boot_ns() + shared().lease_ns + kThawGraceNs;
  const std::int64_t give_up_at = kill_at + kThawGraceNs + shared().limit_ns;
  bool killed = false;
  while (!is_final(shared().phase)) {
    const std::int64_t now = boot_ns();
    if (ended(keeper_) && ended(holder_)) {
      if (thaw_without_the_pair()) break;
    }
    if (now > kill_at && !killed) {
      kill_by(keeper_);  // first: it must not mistake the holder's end for its own to act on
      kill_by(holder_);
      killed = true;
    }
    if (now > give_up_at) {
      const int reason = shared().thaw_errno;
      if (reason != 0) return posix_error(reason, "thaw", "the frozen file systems");
      return Error(Errc::timed_out,
                   "the file systems are not thawed: FIFREEZE does not return; "
                   "`stillframe-guard thaw` thaws them when it has");
    }
    wait_a_tick();
  }
  return statement();
}

FreezeStatement GuardClient::statement() const {
  FreezeStatement said;
  const Cause cause = shared().cause;
  said.ended_because = describe(cause);
  said.on_request = cause == Cause::requested;
  said.thawed_by = thawed_by(shared().thaw_owner);
  if (shared().frozen_at == 0) return said;
  said.frozen_from = BootTime(Duration(shared().frozen_at));
  said.frozen_until = BootTime(Duration(shared().thaw_began_at));
  said.unbroken = shared().foreign_thaw == 0;
  if (!said.unbroken) said.ended_because = "somebody else thawed a file system that was held";
  return said;
}

std::vector<std::string> GuardClient::warnings() const {
  std::vector<std::string> found;
  const std::uint32_t bits = shared().warnings;
  if ((bits & kWarnNoCgroup) != 0) {
    found.push_back("the freeze guards share a cgroup with others: one order to it stops them all");
  }
  if ((bits & kWarnNotLocked) != 0) {
    found.push_back("the freeze guards' memory could not be locked: raise LimitMEMLOCK");
  }
  if ((bits & kWarnRecordNotTmpfs) != 0) {
    found.push_back("the record of held file systems is not on a tmpfs");
  }
  return found;
}

}  // namespace

Result<std::unique_ptr<FreezeGuard>> FreezeGuard::start(const FreezeGuardOptions& options,
                                                        std::vector<Descriptor> targets) {
  auto client = std::make_unique<GuardClient>(std::move(targets));
  if (Status s = client->start(options); !s.ok()) return s.error().while_doing("freeze guard");
  return std::unique_ptr<FreezeGuard>(std::move(client));
}

}  // namespace stillframe
