// How whoever started a job makes it wait, go on or end, from any thread, and how fast it may be.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>

#include <stillframe/result.hpp>

#include "writers/dedup/jobs/job_throttle.hpp"

namespace stillframe::dedup {

// A job looks here between two files or containers, and what it has begun it finishes. One that
// waits or rests holds nothing that users of the volume would wait for. Outlives the job.
class JobControl {
 public:
  explicit JobControl(const JobLimits& limits = {}, const JobMeter& meter = system_job_meter())
      : meter_(meter), throttle_(limits, meter) {}

  void pause();
  void resume();
  void cancel();  // for good, and ends a pause or a rest
  bool cancelled() const;

  // For the job's thread: waits while it is paused, and rests as its limits want. Errc::cancelled
  // when it is to end, out_of_resources when the process has become too large.
  Status wait_to_go_on();
  // For the job's thread: content that it has read.
  void moved(std::uint64_t bytes) { throttle_.moved(bytes); }
  // What it should take on at most before it asks again.
  std::uint64_t bytes_at_once(std::uint64_t most) const;
  // Whether somebody wants it to wait or to end.
  bool has_a_wish() const;

 private:
  const JobMeter& meter_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool paused_ = false, cancelled_ = false;
  JobThrottle throttle_;  // of the job's thread
};

}  // namespace stillframe::dedup
