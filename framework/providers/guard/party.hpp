// What holder and keeper have in common: their descriptors, their tick, and when a hold must end.
#pragma once

#include <csignal>

#include "framework/providers/guard/guard_state.hpp"

namespace stillframe::guard {

// Set by SIGTERM: the service manager wants the hold to end now.
extern volatile std::sig_atomic_t g_terminated;

// Descriptors, none owned: the process ends with them.
struct PartyFds {
  int bell = -1;   // socket to the client: any byte wakes; end of file means the client is gone
  int peer = -1;   // pidfd of the other guard
  int timer = -1;  // timerfd on CLOCK_BOOTTIME, every tick
  const int* targets = nullptr;
};

int make_tick_timer(std::int64_t tick_ns);

// What one wait saw.
struct Wakeup {
  bool client_gone = false;
  bool peer_gone = false;
  std::int64_t now = 0;
};

// Waits for a bell, a tick, the peer's end or `extra` (-1: none) to become readable, and drains
// them.
Wakeup wait_for_wakeup(const PartyFds& fds, int extra);

void ring(int bell) noexcept;

// Whether the hold must end, and why, as far as both guards judge it alike.
Cause due(const Shared& shared, const Wakeup& seen) noexcept;

// Whether the peer, whose last beat was `beat`, has been silent for longer than the lease. A guard
// that was itself asleep (a stopped machine) gives the peer time to beat again.
class PeerWatch {
 public:
  PeerWatch(std::int64_t lease_ns, std::int64_t now) noexcept
      : lease_ns_(lease_ns), awake_since_(now), last_look_(now) {}
  bool silent(std::int64_t beat, std::int64_t now) noexcept {
    if (now - last_look_ > lease_ns_ / 2) awake_since_ = now;
    last_look_ = now;
    return now - (beat > awake_since_ ? beat : awake_since_) > lease_ns_;
  }

 private:
  std::int64_t lease_ns_, awake_since_, last_look_;
};

// The two roles. Each returns the process's exit status once the phase is final.
int run_holder(Shared& shared, PartyFds fds);
int run_keeper(Shared& shared, PartyFds fds);

}  // namespace stillframe::guard
