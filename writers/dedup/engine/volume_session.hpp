// What can be asked of a volume that is open, from this process or through the control socket:
// questions and answers are JSON either way.
#pragma once

#include <functional>
#include <memory>
#include <mutex>

#include <nlohmann/json.hpp>

#include "writers/dedup/engine/running_job.hpp"

namespace stillframe::dedup {

using Json = nlohmann::ordered_json;

class VolumeSession {
 public:
  // `place`: where the view is, if there is one. `events` may be null. What is passed outlives it.
  VolumeSession(VolumeOnDevice& volume, JobFiles& files, BytePath place,
                EventSink* events = nullptr);

  // Called every kTellEvery while a job runs. False: whoever asked is gone, and the job ends.
  using Tell = std::function<bool(const Json& progress)>;
  static constexpr std::chrono::milliseconds kTellEvery{200};

  // By the question's "do":
  //   optimize, gc, scrub, unoptimize   a job; "full"; "limits" in place of those of the volume;
  //                                     with "background" the answer comes at once
  //   job, pause, resume, cancel        of the job under way
  //   status, inspect, enable, disable
  //   measure                           what the files at "path" take in the store
  //   settle                            what users wrote is durable; waits for no job; with "seal"
  //                                     containers are closed, as far as that is worth it
  // Any number of threads at once.
  Result<Json> answer(const Json& question, const Tell& tell);

 private:
  Result<Json> run_job(const JobRequest& request, bool background, const Tell& tell);
  Result<Json> control_job(const std::string& what);
  std::shared_ptr<RunningJob> job() const;
  Result<Json> status();
  Result<Json> inspect();
  Result<Json> settle(bool seal);
  Result<Json> measure(const std::string& path);

  VolumeOnDevice& volume_;
  JobFiles& files_;
  const BytePath place_;
  EventSink* const events_;
  mutable std::mutex mutex_;
  // Shared with the threads that wait for it.
  std::shared_ptr<RunningJob> job_;
};

}  // namespace stillframe::dedup
