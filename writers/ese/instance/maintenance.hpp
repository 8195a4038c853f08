// A thread that does something again and again, with pauses.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

#include <stillframe/result.hpp>

namespace stillframe::ese {

class Maintenance {
 public:
  explicit Maintenance(std::function<Status()> work) : work_(std::move(work)) {}
  ~Maintenance() { stop(); }
  Maintenance(const Maintenance&) = delete;
  Maintenance& operator=(const Maintenance&) = delete;

  void start(std::chrono::milliseconds pause);
  // Returns once it does nothing any more. May be called again.
  void stop();
  // Asks for a round now, without a pause before it.
  void wake();
  // wake(), and returns when a round that began after this call has ended, or after `at_most`. At
  // once if nothing runs. Not from the work itself.
  void hurry(std::chrono::milliseconds at_most);
  // Why the last round failed, if it did. The next one tries again.
  std::optional<Error> last_error() const;

 private:
  void run(std::chrono::milliseconds pause);

  const std::function<Status()> work_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  bool wanted_ = false;                  // a round, without a pause
  std::uint64_t begun_ = 0, ended_ = 0;  // rounds
  std::optional<Error> last_error_;
  std::thread thread_;
};

}  // namespace stillframe::ese
