// A job in a thread of its own.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "writers/dedup/engine/job_history.hpp"
#include "writers/dedup/engine/volume_events.hpp"
#include "writers/dedup/engine/volume_on_device.hpp"
#include "writers/dedup/jobs/job_control.hpp"
#include "writers/dedup/jobs/job_report.hpp"
#include "writers/dedup/jobs/job_volume.hpp"
#include "writers/dedup/jobs/scrubbing.hpp"

namespace stillframe::dedup {

struct JobRequest {
  JobKind kind = JobKind::optimization;
  bool full = false;  // collects every dead chunk; scrubs every byte
  JobLimits limits;
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
  // What is counted here; what a job does first is over before the next begins.
  std::string_view step = "files";
  std::uint64_t done_bytes = 0, total_bytes = 0;  // total 0: it cannot be told
  std::uint64_t done_items = 0, total_items = 0;  // files, containers or streams, the same
  std::uint64_t files = 0;                        // that are done
};

class RunningJob {
 public:
  // Of as many damaged containers, and as many files, it tells one by one.
  static constexpr std::size_t kToldOfMax = 256;

  // What is passed outlives it, and `events` may be null. Its last step is to write down what
  // became of it, unless somebody else had the volume for a job. Shared by whoever waits for it.
  static std::shared_ptr<RunningJob> start(VolumeOnDevice& volume, JobFiles& files,
                                           JobRequest request, EventSink* events);
  ~RunningJob();  // cancels it and waits

  const JobRequest& request() const { return request_; }
  std::int64_t started_ns() const { return started_ns_; }
  JobControl& control() { return control_; }
  void pause();
  void resume();
  bool paused() const { return paused_; }
  bool cancelled() const { return control_.cancelled(); }
  JobProgress progress() const;
  bool ended() const;
  // Whether it has ended by then.
  bool wait_for(std::chrono::milliseconds timeout) const;
  const JobOutcome& outcome() const { return outcome_; }  // once it has ended

 private:
  RunningJob(VolumeOnDevice& volume, JobFiles& files, JobRequest request, EventSink* events);
  void run();
  Status work();
  void tell_of_its_end(const Status& done) const;
  void tell_of_damage(const std::vector<chunkstore::Damage>& damage) const;
  void tell_of_repair(const ScrubbingReport& report) const;
  void tell_of_loss(const DamagedFile& file) const;
  Status optimize(const JobVolume& volume);
  Status collect(const JobVolume& volume);
  Status scrub(const JobVolume& volume);
  Status unoptimize(const JobVolume& volume);
  // What it has done, in words and in numbers.
  std::string job_name() const;
  VolumeEvents::Fields fields() const;
  void count(std::string name, std::uint64_t value);
  void name_failures(const FileFailures& failures);
  void tell(const JobProgress& progress);

  VolumeOnDevice& volume_;
  JobFiles& files_;
  const JobRequest request_;
  const std::int64_t started_ns_;
  const VolumeEvents events_;
  JobControl control_;
  std::atomic<bool> paused_{false};
  bool began_ = false;
  JobOutcome outcome_;
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  JobProgress progress_;
  bool ended_ = false;
  std::thread thread_;
};

}  // namespace stillframe::dedup
