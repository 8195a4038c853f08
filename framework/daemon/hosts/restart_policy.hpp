// When a host process that ended is started again, and when no more. Time is given, never asked.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>

#include <stillframe/time.hpp>

namespace stillframe::daemon {

struct RestartLimits {
  std::chrono::milliseconds backoff_first{100};
  std::chrono::milliseconds backoff_longest{30'000};
  std::chrono::milliseconds steady_after{60'000};  // having run that long, it begins at the first
  std::uint32_t crashes_max = 5;                   // so many within `crash_window`: quarantine
  std::chrono::milliseconds crash_window{600'000};
};

// Of one host.
class RestartPolicy {
 public:
  explicit RestartPolicy(const RestartLimits& limits) : limits_(limits) {}

  // It crashed at `now` after it had run for `ran`. How long to wait before the next start, or
  // nothing: quarantine.
  std::optional<Duration> crashed(BootTime now, Duration ran);
  // It could not even be started, for a reason that may pass: how long to wait. No crash of its
  // own.
  Duration postponed();
  // It ended with whoever had started it. No crash of its own, nor are earlier waits held against
  // it.
  Duration taken_along();
  // How many crashes count at `now`.
  std::uint32_t crashes(BootTime now) const;
  void forget();

 private:
  const RestartLimits limits_;
  std::deque<BootTime> crashes_;  // oldest first, at most crashes_max
  Duration next_wait_{0};
};

}  // namespace stillframe::daemon
