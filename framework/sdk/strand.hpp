// Where a writer's verbs run: one at a time, in order.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

#include <stillframe/result.hpp>

#include "framework/transport/io_thread.hpp"

namespace stillframe {

enum class Pace { quick, slow };

// Jobs run on a thread of the strand's own. Given a loop, quick jobs run on that one's thread
// instead: no other thread is woken for them, which is most of what a verb costs. One that was not
// quick after all keeps nobody waiting (IoThread::lend), and those after it run on the own thread
// for a while. A job must not throw.
class Strand {
 public:
  // What a job may take that is called quick, and for how many jobs a late one is remembered.
  static constexpr std::chrono::milliseconds kQuick{5};
  static constexpr int kJobsAfterALateOne = 16;

  // The loop must outlive the strand, and run until stop() has returned.
  explicit Strand(IoThread* loop = nullptr) : loop_(loop) {}
  Strand(const Strand&) = delete;
  Strand& operator=(const Strand&) = delete;
  ~Strand() { stop(); }

  Status start(const char* name);  // at most 15 letters

  // False, and nothing happens, once stop() was called.
  bool post(std::function<void()> job, Pace pace = Pace::slow);
  // For work that may not wait for the job that runs now. Idle: `job` goes before everything that
  // waits, and the answer is true. Busy or ended: the caller does the work itself, and no further
  // job starts until it has called release().
  bool take_over(std::function<void()> job);
  void release();

  // Runs what was posted, then ends. Not from a job.
  void stop();
  // Whether the caller is a job.
  bool on_thread() const noexcept { return running_on_ == std::this_thread::get_id(); }

 private:
  struct Job {
    std::function<void()> run;
    Pace pace;
  };

  void wake();
  bool for_the_loop() const;
  void run();
  void run_on_loop();
  void run_quick_ones();
  void run_first(std::unique_lock<std::mutex>& lock);

  IoThread* const loop_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::deque<Job> jobs_;
  bool busy_ = false;
  bool paused_ = false;
  bool stopping_ = false;
  bool with_loop_ = false;  // a turn on the loop is posted or runs: the own thread leaves all to it
  int late_memory_ = 0;     // jobs still to come that the loop does not get
  std::atomic<std::thread::id> running_on_;
  std::thread thread_;
};

}  // namespace stillframe
