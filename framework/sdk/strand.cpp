#include "framework/sdk/strand.hpp"

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

bool Strand::post(std::function<void()> job) {
  std::lock_guard lock(mutex_);
  if (stopping_) return false;
  jobs_.push_back(std::move(job));
  changed_.notify_all();
  return true;
}

bool Strand::take_over(std::function<void()> job) {
  std::lock_guard lock(mutex_);
  if (stopping_ || busy_ || paused_) {
    paused_ = true;
    return false;
  }
  jobs_.push_front(std::move(job));
  changed_.notify_all();
  return true;
}

void Strand::release() {
  std::lock_guard lock(mutex_);
  paused_ = false;
  changed_.notify_all();
}

void Strand::stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

void Strand::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return !paused_ && (stopping_ || !jobs_.empty()); });
    if (jobs_.empty()) return;
    auto job = std::move(jobs_.front());
    jobs_.pop_front();
    busy_ = true;
    lock.unlock();
    job();
    job = nullptr;  // what it holds is let go of on this thread, too
    lock.lock();
    busy_ = false;
  }
}

}  // namespace stillframe
