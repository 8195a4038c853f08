// The one thread that a writer's verbs run on.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

#include <stillframe/result.hpp>

namespace stillframe {

// Jobs run one at a time, in order. A job must not throw.
class Strand {
 public:
  Strand() = default;
  Strand(const Strand&) = delete;
  Strand& operator=(const Strand&) = delete;
  ~Strand() { stop(); }

  Status start(const char* name);  // at most 15 letters

  // False, and nothing happens, once stop() was called.
  bool post(std::function<void()> job);
  // For work that may not wait for the job that runs now. Idle: `job` goes before everything that
  // waits, and the answer is true. Busy or ended: the caller does the work itself, and no further
  // job starts until it has called release().
  bool take_over(std::function<void()> job);
  void release();

  // Runs what was posted, then ends. Not from a job.
  void stop();
  bool on_thread() const noexcept { return thread_.get_id() == std::this_thread::get_id(); }

 private:
  void run();

  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::deque<std::function<void()>> jobs_;
  bool busy_ = false;
  bool paused_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace stillframe
