#include "framework/testkit/baton.hpp"

#include "framework/base/check.hpp"

namespace stillframe::testkit {

Baton::~Baton() {
  STILLFRAME_CHECK(!thread_.joinable() || over_, "the owner lets the body come to its end");
  if (thread_.joinable()) thread_.join();
}

void Baton::go() {
  if (over_) return;
  std::unique_lock lock(mutex_);
  bodys_turn_ = true;
  if (!thread_.joinable()) {
    thread_ = std::thread([this] { run(); });
  } else {
    changed_.notify_all();
  }
  changed_.wait(lock, [this] { return !bodys_turn_; });
}

void Baton::wait() {
  std::unique_lock lock(mutex_);
  bodys_turn_ = false;
  changed_.notify_all();
  changed_.wait(lock, [this] { return bodys_turn_; });
}

void Baton::run() {
  {
    std::unique_lock lock(mutex_);  // until go() waits
    changed_.wait(lock, [this] { return bodys_turn_; });
  }
  body_();
  std::lock_guard lock(mutex_);
  over_ = true;
  bodys_turn_ = false;
  changed_.notify_all();
}

}  // namespace stillframe::testkit
