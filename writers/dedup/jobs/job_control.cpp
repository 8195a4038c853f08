#include "writers/dedup/jobs/job_control.hpp"

namespace stillframe::dedup {

void JobControl::pause() {
  const std::lock_guard lock(mutex_);
  paused_ = true;
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

Status JobControl::wait_to_go_on() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return cancelled_ || !paused_; });
  return cancelled_ ? Status(Error(Errc::cancelled, "the job was cancelled")) : Status(Ok{});
}

bool JobControl::has_a_wish() const {
  const std::lock_guard lock(mutex_);
  return paused_ || cancelled_;
}

}  // namespace stillframe::dedup
