// The clock that ends a hold: its own tiny thread, so that nothing else an application does can be
// in its way.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include <stillframe/result.hpp>
#include <stillframe/time.hpp>

namespace stillframe {

class Alarm {
 public:
  virtual ~Alarm() = default;  // waits for a call that is under way

  // When to call next; nothing: not at all. Takes the place of what was set before. Any thread,
  // also with locks held: never blocks. A call that was already on its way still comes, so whoever
  // is called looks at the time for himself.
  virtual void set(std::optional<BootTime> at) = 0;
};

using AlarmFactory = std::function<Result<std::unique_ptr<Alarm>>(std::function<void()> ring)>;

// By timerfd on CLOCK_BOOTTIME, which also counts while the machine sleeps.
Result<std::unique_ptr<Alarm>> make_system_alarm(std::function<void()> ring);

// How long the machine has been suspended since it was booted: the difference of CLOCK_BOOTTIME and
// CLOCK_MONOTONIC, to within kSuspendResolution.
Duration time_suspended();
inline constexpr Duration kSuspendResolution = std::chrono::milliseconds(1);

}  // namespace stillframe
