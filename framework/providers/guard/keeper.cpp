// The keeper calls no FIFREEZE and so never sticks in one. It lets the holder thaw; when the holder
// is dead, silent or late it makes sure of the holder's end and thaws itself. Only after that end
// is FITHAW's EINVAL final: until then a FIFREEZE under way can still complete.
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "framework/providers/guard/party.hpp"

namespace stillframe::guard {

namespace {

// How long the holder, told by the same signs, may take before the keeper acts in its place.
constexpr std::int64_t kHolderGraceNs = 250'000'000;

class Keeper {
 public:
  Keeper(Shared& shared, PartyFds fds) noexcept
      : shared_(shared), fds_(fds), holder_watch_(shared.lease_ns, boot_ns()) {}

  int run() {
    while (!done_) step();
    // Nothing of ours is held. The record may be there still when the holder died on the way out.
    if (shared_.record_path[0] != '\0') ::unlink(shared_.record_path);
    ring(fds_.bell);
    return 0;
  }

 private:
  void step() {
    const Wakeup seen = wait_for_wakeup(fds_, -1);
    shared_.keeper_beat = seen.now;
    if (seen.peer_gone) return after_holder();
    Cause cause = due(shared_, seen);
    if (is_final(shared_.phase) || shared_.phase == Phase::thawing) {
      // The holder is on its way out; stuck on it, it is as bad as any other delay.
      if (cause == Cause::none) cause = Cause::requested;
    } else if (holder_watch_.silent(shared_.holder_beat, seen.now)) {
      give_cause(shared_, Cause::holder_silent);
      return kill_holder();
    }
    if (cause == Cause::none) {
      due_since_ = 0;
      return;
    }
    if (due_since_ == 0) due_since_ = seen.now;
    if (seen.now - due_since_ > kHolderGraceNs) {
      give_cause(shared_, cause);
      kill_holder();
    }
  }

  // The pidfd tells when it has ended, all its threads with it; until then there is nothing to do
  // but wait, ticking.
  void kill_holder() { ::syscall(SYS_pidfd_send_signal, fds_.peer, SIGKILL, nullptr, 0); }

  void after_holder() {
    if (is_final(shared_.phase)) {
      done_ = true;
    } else if (shared_.phase == Phase::ready || shared_.phase == Phase::starting) {
      give_cause(shared_, Cause::holder_gone);
      shared_.phase = Phase::closed;
      done_ = true;
    } else {
      give_cause(shared_, Cause::holder_gone);
      Party owner = shared_.thaw_owner.exchange(Party::keeper);
      if (thaw_targets(shared_, fds_.targets, owner == Party::none)) done_ = true;
    }
    // Reaped here, because nobody else will where process 1 does not.
    if (done_) ::waitpid(shared_.holder_pid, nullptr, WNOHANG);
  }

  Shared& shared_;
  PartyFds fds_;
  PeerWatch holder_watch_;
  std::int64_t due_since_ = 0;
  bool done_ = false;
};

}  // namespace

int run_keeper(Shared& shared, PartyFds fds) {
  return Keeper(shared, fds).run();
}

}  // namespace stillframe::guard
