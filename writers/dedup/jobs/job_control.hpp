// How whoever started a job makes it wait, go on or end, from any thread.
#pragma once

#include <condition_variable>
#include <mutex>

#include <stillframe/result.hpp>

namespace stillframe::dedup {

// A job looks here between two files or containers, and what it has begun it finishes. One that
// waits holds nothing that users of the volume would wait for. Outlives the job.
class JobControl {
 public:
  void pause();
  void resume();
  void cancel();  // for good, and ends a pause

  // For the job: waits while it is paused. Errc::cancelled when it is to end.
  Status wait_to_go_on();
  // Whether wait_to_go_on() would do anything but return at once.
  bool has_a_wish() const;

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool paused_ = false, cancelled_ = false;
};

}  // namespace stillframe::dedup
