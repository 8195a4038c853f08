// A thread for calls that may block: a provider's, a syncfs. What one worker is given runs in
// order.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include <stillframe/result.hpp>

namespace stillframe::coordinator {

class Worker {
 public:
  // Result only because a thread may be refused: out_of_resources.
  static Result<std::unique_ptr<Worker>> start(const std::string& name);
  ~Worker();  // stop()

  // Runs what is queued, then joins. What is posted later is never run.
  void stop();

  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  void post(std::function<void()> work);

 private:
  Worker() = default;
  void run();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> queue_;  // bounded by the sessions: each waits for its answers
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace stillframe::coordinator
