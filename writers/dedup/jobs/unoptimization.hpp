// The unoptimization job: makes every deduplicated file an ordinary one again.
#pragma once

#include <cstdint>
#include <functional>

#include "writers/dedup/jobs/job_control.hpp"
#include "writers/dedup/jobs/job_report.hpp"
#include "writers/dedup/jobs/job_volume.hpp"

namespace stillframe::dedup {

struct UnoptimizationReport {
  bool began = false;  // or somebody else had the volume for a job
  std::uint64_t restored = 0, restored_bytes = 0;
  std::uint64_t in_use = 0;  // open for writing: they stay deduplicated
  FileFailures failures;     // they too
  // cancelled, no_space before a file that would not fit, or what else kept it from going on.
  Status ended = Ok{};
};

struct UnoptimizationOptions {
  std::function<void(const UnoptimizationReport&)> progress;  // after each file
  std::uint64_t free_bytes_min = kFreeBytesMin;               // that it leaves on the volume
};

// The store keeps what it has, for garbage collection to remove.
UnoptimizationReport unoptimize_volume(const JobVolume& volume,
                                       const UnoptimizationOptions& options, JobControl& control);

}  // namespace stillframe::dedup
