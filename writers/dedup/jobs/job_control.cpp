#include "writers/dedup/jobs/job_control.hpp"

#include <algorithm>

namespace stillframe::dedup {

void JobControl::pause() {
  const std::lock_guard lock(mutex_);
  paused_ = true;
  changed_.notify_all();
}

void JobControl::resume() {
  const std::lock_guard lock(mutex_);
  paused_ = false;
  changed_.notify_all();
}

void JobControl::cancel() {
  const std::lock_guard lock(mutex_);
  cancelled_ = true;
  changed_.notify_all();
}

bool JobControl::cancelled() const {
  const std::lock_guard lock(mutex_);
  return cancelled_;
}

Status JobControl::wait_to_go_on() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return cancelled_ || !paused_; });
    if (cancelled_) return Error(Errc::cancelled, "the job was cancelled");
    const Duration owed = throttle_.owed();
    if (owed == Duration(0)) break;
    meter_.rest(lock, changed_, owed);
  }
  return throttle_.within_memory();
}

std::uint64_t JobControl::bytes_at_once(std::uint64_t most) const {
  const std::uint64_t a_second = throttle_.limits().bytes_per_second;
  return a_second == 0 ? most : std::min(most, a_second);
}

bool JobControl::has_a_wish() const {
  const std::lock_guard lock(mutex_);
  return paused_ || cancelled_;
}

}  // namespace stillframe::dedup
