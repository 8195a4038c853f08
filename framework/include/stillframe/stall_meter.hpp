// Measures how long an application's writes wait while it is held, for
// HoldStatement::longest_stall.
#pragma once

#include <algorithm>
#include <mutex>
#include <set>

#include <stillframe/time.hpp>

namespace stillframe {

// One per writer; any thread. Cheap beside the wait it measures.
class StallMeter {
 public:
  explicit StallMeter(const Clock& clock = system_clock()) : clock_(clock) {}

  // Lives as long as one write waits for the hold to end:
  //
  //   StallMeter::Wait wait(meter);
  //   gate.wait(lock, [&] { return !held; });
  class [[nodiscard]] Wait {
   public:
    explicit Wait(StallMeter& meter) : meter_(meter), entry_(meter.begin()) {}
    Wait(const Wait&) = delete;
    Wait& operator=(const Wait&) = delete;
    ~Wait() { meter_.end(entry_); }

   private:
    StallMeter& meter_;
    std::multiset<BootTime>::iterator entry_;
  };

  // Forgets what was; waits that go on count from their own beginning. Call it in freeze().
  void reset() {
    std::lock_guard lock(mutex_);
    longest_ = Duration{0};
  }

  // The longest wait since reset(), those that still go on included. Call it at the end of thaw().
  Duration longest() const {
    std::lock_guard lock(mutex_);
    if (waiting_.empty()) return longest_;
    return std::max(longest_, clock_.now() - *waiting_.begin());
  }

 private:
  std::multiset<BootTime>::iterator begin() {
    std::lock_guard lock(mutex_);
    return waiting_.insert(clock_.now());
  }
  void end(std::multiset<BootTime>::iterator entry) {
    std::lock_guard lock(mutex_);
    longest_ = std::max(longest_, clock_.now() - *entry);
    waiting_.erase(entry);
  }

  const Clock& clock_;
  mutable std::mutex mutex_;  // guards what follows
  std::multiset<BootTime> waiting_;
  Duration longest_{0};
};

}  // namespace stillframe
