#include "writers/ese/instance/maintenance.hpp"

namespace stillframe::ese {

void Maintenance::start(std::chrono::milliseconds pause) {
  thread_ = std::thread([this, pause] { run(pause); });
}

void Maintenance::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

std::optional<Error> Maintenance::last_error() const {
  const std::lock_guard lock(mutex_);
  return last_error_;
}

void Maintenance::wake() {
  {
    const std::lock_guard lock(mutex_);
    wanted_ = true;
  }
  changed_.notify_all();
}

void Maintenance::hurry(std::chrono::milliseconds at_most) {
  std::unique_lock lock(mutex_);
  if (!thread_.joinable() || stopping_) return;
  wanted_ = true;
  const std::uint64_t mine = begun_ + 1;
  changed_.notify_all();
  changed_.wait_for(lock, at_most, [&] { return stopping_ || ended_ >= mine; });
}

void Maintenance::run(std::chrono::milliseconds pause) {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait_for(lock, pause, [this] { return stopping_ || wanted_; });
    if (stopping_) return;
    wanted_ = false;
    ++begun_;
    lock.unlock();
    const Status done = work_();
    lock.lock();
    last_error_ = done.ok() ? std::nullopt : std::optional(done.error());
    ended_ = begun_;
    changed_.notify_all();
  }
}

}  // namespace stillframe::ese
