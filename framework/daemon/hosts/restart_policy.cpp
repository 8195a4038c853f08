#include "framework/daemon/hosts/restart_policy.hpp"

#include <algorithm>

namespace stillframe::daemon {

std::optional<Duration> RestartPolicy::crashed(BootTime now, Duration ran) {
  crashes_.push_back(now);
  if (crashes_.size() > limits_.crashes_max) crashes_.pop_front();
  if (crashes(now) >= limits_.crashes_max) return std::nullopt;
  if (ran >= limits_.steady_after) next_wait_ = Duration(0);
  return postponed();
}

Duration RestartPolicy::postponed() {
  const Duration wait = std::max<Duration>(next_wait_, limits_.backoff_first);
  next_wait_ = std::min<Duration>(wait * 2, limits_.backoff_longest);
  return wait;
}

Duration RestartPolicy::taken_along() {
  next_wait_ = Duration(0);
  return postponed();
}

std::uint32_t RestartPolicy::crashes(BootTime now) const {
  const auto counts = [&](BootTime at) { return now - at < limits_.crash_window; };
  return static_cast<std::uint32_t>(std::count_if(crashes_.begin(), crashes_.end(), counts));
}

void RestartPolicy::forget() {
  crashes_.clear();
  next_wait_ = Duration(0);
}

}  // namespace stillframe::daemon
