// Beats for a freeze guard while this process is busy with the cut: a clone of a large image may
// block for longer than a lease, and that is no reason to give up the hold.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "framework/providers/guard/freeze_guard.hpp"

namespace stillframe {

// Owns one thread, which ends with it. `guard` must outlive it.
class Heartbeat {
 public:
  Heartbeat(FreezeGuard& guard, std::chrono::milliseconds lease)
      : thread_([this, &guard, every = lease / 5] {
          std::unique_lock lock(mutex_);
          while (!stop_) {
            guard.heartbeat();
            wake_.wait_for(lock, every);
          }
        }) {}
  Heartbeat(const Heartbeat&) = delete;
  Heartbeat& operator=(const Heartbeat&) = delete;
  ~Heartbeat() {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    wake_.notify_all();
    thread_.join();
  }

 private:
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace stillframe
