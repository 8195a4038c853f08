// The holder calls FIFREEZE and, in the good case, FITHAW. FIFREEZE can take seconds and cannot be
// interrupted, so a thread of its own makes the call while the main thread goes on watching; that
// way a holder that is stopped or stuck shows as silence, whatever it was doing.
#include <cerrno>

#include <linux/fs.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "framework/providers/guard/party.hpp"

namespace stillframe::guard {

namespace {

constexpr std::size_t kWorkerStackBytes = 128 * 1024;

struct Worker {
  Shared* shared = nullptr;
  const int* targets = nullptr;
  int start = -1, done = -1;  // eventfds
};

// Stops at the first refusal; what was frozen before it is thawed by the main thread.
void freeze_all(Shared& shared, const int* targets) {
  for (std::uint32_t i = 0; i < shared.targets; ++i) {
    shared.target[i] = TargetState::calling;
    if (::ioctl(targets[i], FIFREEZE, 0) != 0) {
      shared.failed_errno = errno;
      // EBUSY is somebody else's freeze: from here on this target is none of ours.
      shared.target[i] = TargetState::refused;
      shared.failed_target = static_cast<std::int32_t>(i);
      return;
    }
    shared.target[i] = TargetState::frozen;
  }
  shared.frozen_at = boot_ns();
}

void* run_worker(void* argument) {
  Worker& worker = *static_cast<Worker*>(argument);
  std::uint64_t count = 0;
  while (::read(worker.start, &count, sizeof count) < 0 && errno == EINTR) continue;
  freeze_all(*worker.shared, worker.targets);
  count = 1;
  [[maybe_unused]] const auto n = ::write(worker.done, &count, sizeof count);
  return nullptr;
}

bool start_worker(Worker& worker) {
  worker.start = ::eventfd(0, EFD_CLOEXEC);
  worker.done = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, kWorkerStackBytes);
  pthread_t thread;
  const int failure = pthread_create(&thread, &attributes, run_worker, &worker);
  pthread_attr_destroy(&attributes);
  return worker.start >= 0 && worker.done >= 0 && failure == 0;
}

class Holder {
 public:
  Holder(Shared& shared, PartyFds fds) noexcept
      : shared_(shared), fds_(fds), keeper_watch_(shared.lease_ns, boot_ns()) {}

  int run() {
    worker_.shared = &shared_;
    worker_.targets = fds_.targets;
    if (!start_worker(worker_)) return 1;
    shared_.holder_beat = boot_ns();
    ring(fds_.bell);
    while (!is_final(shared_.phase)) step();
    if (keeper_silent_) ::syscall(SYS_pidfd_send_signal, fds_.peer, SIGKILL, nullptr, 0);
    ring(fds_.bell);
    return 0;
  }

 private:
  void step() {
    const Wakeup seen = wait_for_wakeup(fds_, worker_.done);
    shared_.holder_beat = seen.now;
    notice_worker();
    if (cause_ == Cause::none) cause_ = judge(seen);
    if (cause_ != Cause::none) return finish();
    if (shared_.command == Command::freeze && shared_.phase == Phase::ready) begin_freeze();
  }

  void begin_freeze() {
    shared_.phase = Phase::freezing;
    busy_ = true;
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto n = ::write(worker_.start, &one, sizeof one);
  }

  void notice_worker() {
    std::uint64_t count = 0;
    if (!busy_ || ::read(worker_.done, &count, sizeof count) < 0) return;
    busy_ = false;
    if (shared_.failed_errno != 0) {
      cause_ = Cause::freeze_failed;
    } else {
      shared_.phase = Phase::frozen;
      ring(fds_.bell);
    }
  }

  Cause judge(const Wakeup& seen) {
    // Alone there is no one to thaw after us, so the hold ends while there still is.
    if (seen.peer_gone) return Cause::keeper_gone;
    keeper_silent_ = keeper_watch_.silent(shared_.keeper_beat, seen.now);
    if (keeper_silent_) return Cause::keeper_silent;
    return due(shared_, seen);
  }

  // Ends the hold as soon as nobody is inside FIFREEZE. Comes again with every tick until it is
  // done, so a FITHAW that failed is tried again.
  void finish() {
    give_cause(shared_, cause_);
    if (busy_) return;
    if (shared_.phase == Phase::ready || shared_.phase == Phase::starting) {
      if (shared_.record_path[0] != '\0') ::unlink(shared_.record_path);
      shared_.phase = Phase::closed;
      return;
    }
    Party owner = Party::none;
    shared_.thaw_owner.compare_exchange_strong(owner, Party::holder);
    if (owner == Party::none || owner == Party::holder) {
      thaw_targets(shared_, fds_.targets, true);
    }
  }

  Shared& shared_;
  PartyFds fds_;
  PeerWatch keeper_watch_;
  Worker worker_;
  bool busy_ = false;
  bool keeper_silent_ = false;
  Cause cause_ = Cause::none;
};

}  // namespace

int run_holder(Shared& shared, PartyFds fds) {
  return Holder(shared, fds).run();
}

}  // namespace stillframe::guard
