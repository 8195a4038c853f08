#include "framework/transport/stand_in.hpp"

#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <pthread.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "framework/base/posix_error.hpp"

namespace stillframe {

Result<std::unique_ptr<StandIn>> StandIn::start(const char* name, boost::asio::io_context& context,
                                                std::atomic<std::thread::id>& on_loop) {
  Descriptor timer(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC));
  if (!timer.valid()) return posix_error(errno, "create", "timer");
  std::unique_ptr<StandIn> stand_in(new StandIn(context, on_loop, std::move(timer)));
  try {
    stand_in->thread_ = std::thread([raw = stand_in.get()] { raw->run(); });
  } catch (const std::system_error& e) {
    return Error(Errc::out_of_resources, std::string("cannot start a thread: ") + e.what());
  }
  ::pthread_setname_np(stand_in->thread_.native_handle(), name);
  return stand_in;
}

StandIn::~StandIn() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_in(std::chrono::nanoseconds(1));
  thread_.join();
}

// A timer of the kernel's, because a thread that waits for a condition with a time limit is woken
// twice for every job, however quick.
void StandIn::wake_in(std::chrono::nanoseconds time) const {
  itimerspec spec{};
  spec.it_value.tv_nsec = time.count();
  ::timerfd_settime(timer_.get(), 0, &spec, nullptr);
}

void StandIn::cover(const std::function<void()>& job) {
  bool arm = false;
  {
    const std::lock_guard lock(mutex_);
    busy_ = true;
    begun_ = Clock::now();
    on_loop_ = std::thread::id();
    arm = !std::exchange(armed_, true);
  }
  if (arm) wake_in(kPatience);
  job();
  std::unique_lock lock(mutex_);
  busy_ = false;
  if (standing_in_) {
    boost::asio::post(context_, [] {});  // out of its wait for something to do
    over_.notify_one();
    left_.wait(lock, [this] { return !standing_in_; });
  }
  on_loop_ = std::this_thread::get_id();
}

// A timer that was set for one job rings for all that came meanwhile: setting it for each would
// cost more than a quick job does.
void StandIn::run() {
  while (true) {
    std::uint64_t rings = 0;
    if (::read(timer_.get(), &rings, sizeof rings) < 0 && errno != EINTR) return;
    std::unique_lock lock(mutex_);
    if (stopping_) return;
    const auto left = begun_ + kPatience - Clock::now();
    if (busy_ && left > Clock::duration(0)) {
      wake_in(left);
      continue;
    }
    if (busy_) take_the_loop(lock);
    armed_ = false;
  }
}

void StandIn::take_the_loop(std::unique_lock<std::mutex>& lock) {
  standing_in_ = true;
  on_loop_ = std::this_thread::get_id();
  while (busy_) {
    lock.unlock();
    const bool ended = context_.run_one() == 0;
    lock.lock();
    if (ended) over_.wait(lock, [this] { return !busy_; });
  }
  standing_in_ = false;
  left_.notify_one();
}

}  // namespace stillframe
