// The thread and event loop that connections, listeners and timers of one owner run on.
#pragma once

#include <functional>
#include <memory>

#include <stillframe/result.hpp>

namespace boost::asio {
class io_context;
}

namespace stillframe {

class IoThread {
 public:
  static Result<std::unique_ptr<IoThread>> start(const char* name);  // at most 15 letters
  IoThread(const IoThread&) = delete;
  IoThread& operator=(const IoThread&) = delete;
  ~IoThread();  // stop()

  // Runs `task` on the thread, after everything posted before; dropped after stop().
  void post(std::function<void()> task);
  // The same, and waits for it. Runs it at once when called on the thread itself; does nothing
  // after stop().
  void run(const std::function<void()>& task);
  bool on_thread() const noexcept;
  // On the thread: lends it to a job that may block, and is back when that is done. After a moment
  // another thread runs the loop meanwhile, so nothing else has to wait. False, and nothing
  // happens, if it is that other thread, which is not to be kept, or there is none.
  bool lend(const std::function<void()>& job);

  // Ends the loop and joins. What was posted before still runs. Not from the thread itself.
  void stop();

  boost::asio::io_context& context();

 private:
  struct Impl;
  explicit IoThread(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace stillframe
