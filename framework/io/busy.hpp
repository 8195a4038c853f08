// Waiting for passers-by. A mount or a device is busy for moments for no reason of its user's: a
// prober has it open, a process was forked and has not yet closed what it inherited, another
// program of ours looks for snapshots. Whoever stays is worth an error, whoever passes is not.
#pragma once

#include <cerrno>
#include <chrono>
#include <thread>

namespace stillframe {

inline constexpr std::chrono::milliseconds kBusyPause{10};
inline constexpr int kBusyTries = 150;
inline constexpr int kBusyTriesOfAScan = 20;  // of all processes, which takes its time

// Calls `attempt` (0 or an errno) again while it answers EBUSY, `tries_max` times at most, and
// returns its last answer.
template <class Attempt>
int while_busy(Attempt attempt, int tries_max = kBusyTries) {
  for (int tries = 1;; ++tries) {
    const int failed = attempt();
    if (failed != EBUSY || tries == tries_max) return failed;
    std::this_thread::sleep_for(kBusyPause);
  }
}

}  // namespace stillframe
