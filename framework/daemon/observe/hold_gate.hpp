// Whether some session holds writers or file systems now: while one does, whatever writes to a disk
// of this machine waits, because that disk may be the one that is held.
#pragma once

#include <map>
#include <mutex>
#include <string>

#include <stillframe/time.hpp>

namespace stillframe::daemon {

// Thread-safe.
class HoldGate {
 public:
  // A hold whose end nobody told is believed over after `hold_max`: no hold lasts that long, and a
  // log must not stay silent because one event is missing.
  HoldGate(const Clock& clock, Duration hold_max) : clock_(clock), hold_max_(hold_max) {}

  void begins(const std::string& session) {
    const std::lock_guard lock(mutex_);
    holds_[session] = clock_.now();
  }
  // Whether this was the end of a hold.
  bool ends(const std::string& session) {
    const std::lock_guard lock(mutex_);
    return holds_.erase(session) != 0;
  }
  bool holding() const {
    const std::lock_guard lock(mutex_);
    const BootTime now = clock_.now();
    for (const auto& [session, begun] : holds_)
      if (now - begun < hold_max_) return true;
    return false;
  }

 private:
  const Clock& clock_;
  const Duration hold_max_;
  mutable std::mutex mutex_;
  std::map<std::string, BootTime> holds_;  // by session; at most one each
};

}  // namespace stillframe::daemon
