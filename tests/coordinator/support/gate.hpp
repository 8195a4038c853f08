// Where a test stops somebody else's thread until it has looked around.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

namespace stillframe::tests {

class Gate {
 public:
  ~Gate() { open(); }

  // Stops here until open(); at most a minute, so that a failed test ends.
  void pass() {
    std::unique_lock lock(mutex_);
    reached_ = true;
    changed_.notify_all();
    changed_.wait_for(lock, std::chrono::minutes(1), [this] { return open_; });
  }
  // Waits until somebody stands before it.
  bool wait_reached() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(20), [this] { return reached_; });
  }
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool reached_ = false, open_ = false;
};

}  // namespace stillframe::tests
