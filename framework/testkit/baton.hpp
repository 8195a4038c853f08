// A function on a thread of its own that only moves while its owner waits for it: a coroutine that
// may block anywhere, also deep inside somebody else's code.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace stillframe::testkit {

class Baton {
 public:
  explicit Baton(std::function<void()> body) : body_(std::move(body)) {}
  ~Baton();  // the body must be over, or never have begun

  // The owner's side: lets the body run until it waits or has returned.
  void go();
  bool begun() const { return thread_.joinable(); }
  bool over() const { return over_; }

  // The body's side: gives the turn back, until the next go().
  void wait();
  bool is_own_thread() const { return std::this_thread::get_id() == thread_.get_id(); }

 private:
  void run();

  std::function<void()> body_;
  std::mutex mutex_;  // guards the turn; its hand-over orders everything else
  std::condition_variable changed_;
  bool bodys_turn_ = false;
  bool over_ = false;  // written by the body's thread in its turn
  std::thread thread_;
};

}  // namespace stillframe::testkit
