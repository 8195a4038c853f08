// A job in a thread of its own.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "writers/dedup/engine/job_history.hpp"
#include "writers/dedup/engine/volume_on_device.hpp"
#include "writers/dedup/jobs/job_control.hpp"
#include "writers/dedup/jobs/job_report.hpp"
#include "writers/dedup/jobs/job_volume.hpp"

namespace stillframe::dedup {

struct JobRequest {
  JobKind kind = JobKind::optimization;
  bool full = false;  // collects every dead chunk; scrubs every byte
};

struct NamedTrouble {
  BytePath path;
  std::string why;
};

struct JobOutcome {
  JobRecord record;                    // as the history has it
  std::vector<NamedTrouble> failures;  // files that the job went on without, some of them
  std::vector<NamedTrouble> damaged;   // files that a scrub found to have lost something
};

struct JobProgress {
  std::uint64_t done_bytes = 0, total_bytes = 0;  // total 0: it cannot be told
  std::uint64_t files = 0;                        // that are done
};

class RunningJob {
 public:
  // `volume` and `files` outlive it. Its last step is to write down what became of it. Shared by
  // whoever waits for it.
  static std::shared_ptr<RunningJob> start(VolumeOnDevice& volume, JobFiles& files,
                                           JobRequest request);
  ~RunningJob();  // cancels it and waits

  const JobRequest& request() const { return request_; }
  std::int64_t started_ns() const { return started_ns_; }
  JobControl& control() { return control_; }
  void pause();
  void resume();
  bool paused() const { return paused_; }
  JobProgress progress() const;
  bool ended() const;
  // Whether it has ended by then.
  bool wait_for(std::chrono::milliseconds timeout) const;
  const JobOutcome& outcome() const { return outcome_; }  // once it has ended

 private:
  RunningJob(VolumeOnDevice& volume, JobFiles& files, JobRequest request);
  void run();
  Status optimize(const JobVolume& volume);
  Status collect(const JobVolume& volume);
  Status scrub(const JobVolume& volume);
  Status unoptimize(const JobVolume& volume);
  void count(std::string name, std::uint64_t value);
  void name_failures(const FileFailures& failures);
  void tell(const JobProgress& progress);

  VolumeOnDevice& volume_;
  JobFiles& files_;
  const JobRequest request_;
  const std::int64_t started_ns_;
  JobControl control_;
  std::atomic<bool> paused_{false};
  JobOutcome outcome_;
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  JobProgress progress_;
  bool ended_ = false;
  std::thread thread_;
};

}  // namespace stillframe::dedup
