#include "framework/sdk/strand.hpp"

#include <algorithm>
#include <system_error>

#include <pthread.h>

namespace stillframe {

Status Strand::start(const char* name) {
  try {
    thread_ = std::thread([this] { run(); });
  } catch (const std::system_error& e) {
    return Error(Errc::out_of_resources,
                 std::string("cannot start the writer's thread: ") + e.what());
  }
  ::pthread_setname_np(thread_.native_handle(), name);
  return Ok{};
}

bool Strand::post(std::function<void()> job, Pace pace) {
  const std::lock_guard lock(mutex_);
  if (stopping_) return false;
  jobs_.push_back({std::move(job), pace});
  wake();
  return true;
}

bool Strand::take_over(std::function<void()> job) {
  const std::lock_guard lock(mutex_);
  if (stopping_ || busy_ || paused_) {
    paused_ = true;
    return false;
  }
  jobs_.push_front({std::move(job), Pace::quick});
  wake();
  return true;
}

void Strand::release() {
  const std::lock_guard lock(mutex_);
  paused_ = false;
  wake();
}

void Strand::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

// With the mutex held: whoever has the next job is told, unless he is at work already.
void Strand::wake() {
  if (with_loop_ || busy_ || paused_ || jobs_.empty()) return;
  if (!for_the_loop()) return changed_.notify_all();
  with_loop_ = true;
  loop_->post([this] { run_on_loop(); });
}

bool Strand::for_the_loop() const {
  return loop_ != nullptr && late_memory_ == 0 && jobs_.front().pace == Pace::quick;
}

void Strand::run_on_loop() {
  const bool ran = loop_->lend([this] { run_quick_ones(); });
  const std::lock_guard lock(mutex_);
  with_loop_ = false;
  if (!ran) late_memory_ = std::max(late_memory_, 1);  // the loop has no time
  if (stopping_ || (!jobs_.empty() && !paused_)) changed_.notify_all();
}

void Strand::run_quick_ones() {
  std::unique_lock lock(mutex_);
  while (!jobs_.empty() && !paused_ && for_the_loop()) {
    const auto begun = std::chrono::steady_clock::now();
    run_first(lock);
    if (std::chrono::steady_clock::now() - begun > kQuick) late_memory_ = kJobsAfterALateOne;
  }
}

void Strand::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock,
                  [this] { return !paused_ && !with_loop_ && (!jobs_.empty() || stopping_); });
    if (jobs_.empty()) return;
    run_first(lock);
    if (late_memory_ > 0) --late_memory_;
  }
}

void Strand::run_first(std::unique_lock<std::mutex>& lock) {
  Job job = std::move(jobs_.front());
  jobs_.pop_front();
  busy_ = true;
  running_on_ = std::this_thread::get_id();
  lock.unlock();
  job.run();
  job.run = nullptr;  // what it holds is let go of on this thread, too
  running_on_ = std::thread::id();
  lock.lock();
  busy_ = false;
}

}  // namespace stillframe
