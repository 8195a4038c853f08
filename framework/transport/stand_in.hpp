// Runs an event loop in the place of its thread, while that is lent to a job which takes long.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include <stillframe/descriptor.hpp>
#include <stillframe/result.hpp>

namespace boost::asio {
class io_context;
}

namespace stillframe {

class StandIn {
 public:
  // How long the loop may stand still before its place is taken.
  static constexpr std::chrono::milliseconds kPatience{2};

  // `on_loop` says which thread runs the loop: nobody while a job has it and is still quick.
  static Result<std::unique_ptr<StandIn>> start(const char* name, boost::asio::io_context& context,
                                                std::atomic<std::thread::id>& on_loop);
  StandIn(const StandIn&) = delete;
  StandIn& operator=(const StandIn&) = delete;
  ~StandIn();  // no job may be under way

  bool on_thread() const noexcept { return thread_.get_id() == std::this_thread::get_id(); }
  // On the loop's own thread; returns when the job is done and the loop is its own again. A job
  // that is quick wakes nobody.
  void cover(const std::function<void()>& job);

 private:
  using Clock = std::chrono::steady_clock;

  StandIn(boost::asio::io_context& context, std::atomic<std::thread::id>& on_loop, Descriptor timer)
      : context_(context), on_loop_(on_loop), timer_(std::move(timer)) {}
  void wake_in(std::chrono::nanoseconds time) const;
  void run();
  void take_the_loop(std::unique_lock<std::mutex>& lock);

  boost::asio::io_context& context_;
  std::atomic<std::thread::id>& on_loop_;
  const Descriptor timer_;

  std::mutex mutex_;  // guards what follows
  std::condition_variable over_, left_;
  bool busy_ = false;        // a job is under way,
  Clock::time_point begun_;  // since then
  bool armed_ = false;       // the timer will ring
  bool standing_in_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace stillframe
