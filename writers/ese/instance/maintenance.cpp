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

void Maintenance::run(std::chrono::milliseconds pause) {
  std::unique_lock lock(mutex_);
  while (!changed_.wait_for(lock, pause, [this] { return stopping_; })) {
    lock.unlock();
    const Status done = work_();
    lock.lock();
    last_error_ = done.ok() ? std::nullopt : std::optional(done.error());
  }
}

}  // namespace stillframe::ese
