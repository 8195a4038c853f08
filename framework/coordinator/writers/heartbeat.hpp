// Tells held writers that their coordinator lives, from a thread that does nothing else: no slow
// cut, disk or requestor can make a lease run out.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <thread>

#include "framework/transport/writer_link.hpp"

namespace stillframe::coordinator {

// Thread-safe.
class Heartbeat {
 public:
  static Result<std::unique_ptr<Heartbeat>> start();
  ~Heartbeat();

  // Beats every quarter of `lease` for this session's writer, until stopped. The first beat is one
  // quarter from now at most: freeze itself starts the lease.
  void start_beating(const SessionId& session, Duration lease, std::shared_ptr<WriterLink> writer);
  void stop_beating(const SessionId& session, const WriterInstanceId& writer);
  void stop_beating(const SessionId& session);
  bool beating() const;  // for any writer

 private:
  struct Hold {
    Duration interval{0};
    std::chrono::steady_clock::time_point next;
    std::map<WriterInstanceId, std::shared_ptr<WriterLink>> writers;
  };

  Heartbeat() = default;
  void run();

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::map<SessionId, Hold> holds_;
  bool stopping_ = false;
  std::thread thread_;
};

// How long the machine has slept since it booted: the clocks that count and do not count sleep have
// moved this far apart.
Duration time_machine_slept();

// Whether the machine slept since this object was made, by a clock as the one above.
class SuspendWatch {
 public:
  explicit SuspendWatch(std::function<Duration()> time_slept)
      : time_slept_(std::move(time_slept)), before_(time_slept_()) {}
  Duration slept() const { return time_slept_() - before_; }
  bool suspended() const { return slept() > kTolerance; }

 private:
  // The two clocks are read one after the other; a preempted thread may see this much in between.
  static constexpr Duration kTolerance = std::chrono::milliseconds(50);
  std::function<Duration()> time_slept_;
  Duration before_;
};

}  // namespace stillframe::coordinator
