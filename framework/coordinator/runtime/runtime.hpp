// The coordinator's threads: a few run the sessions' strands and timers; slow calls have workers of
// their own. Asio stays behind this header.
#pragma once

#include <functional>
#include <memory>

#include <stillframe/result.hpp>
#include <stillframe/time.hpp>

namespace stillframe::coordinator {

// Runs what is posted one after the other, in order, on any thread of the runtime. Copies share one
// order. What is posted after the runtime stopped is dropped.
class Strand {
 public:
  class Impl;

  void post(std::function<void()> work) const;

  // Posts it, but runs it on the caller's thread at once when nothing else of the strand runs or
  // waits: that saves waking another thread. For work that is short and cannot block.
  void run_or_post(std::function<void()> work) const;

 private:
  friend class Runtime;
  explicit Strand(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<Impl> impl_;  // shared with every copy and every timer of the strand
};

// One alarm at a CLOCK_BOOTTIME instant, which keeps its promise through a suspend. Used from its
// strand only.
class BootTimer {
 public:
  virtual ~BootTimer() = default;  // disarms
  // Replaces an alarm that has not gone off. `ring` is posted to the strand at or after `when`.
  virtual void arm(BootTime when, std::function<void()> ring) = 0;
  virtual void disarm() = 0;
};

class Runtime {
 public:
  static Result<std::unique_ptr<Runtime>> start(int threads);
  ~Runtime();  // stop()

  Strand make_strand();
  Result<std::unique_ptr<BootTimer>> make_timer(const Strand& strand);

  // Joins, then runs what is still queued on the caller's thread. What is posted later stays
  // undone. Not from a thread of the runtime.
  void stop();

 private:
  class Impl;
  explicit Runtime(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace stillframe::coordinator
