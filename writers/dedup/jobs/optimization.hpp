// The optimization job: moves the files of a volume that its policy wants into the store, and those
// again that were written to since.
#pragma once

#include <cstdint>
#include <functional>

#include "writers/dedup/jobs/job_control.hpp"
#include "writers/dedup/jobs/job_report.hpp"
#include "writers/dedup/jobs/job_volume.hpp"
#include "writers/dedup/jobs/policy.hpp"

namespace stillframe::dedup {

struct OptimizationReport {
  bool began = false;                  // or somebody else had the volume for a job
  std::uint64_t files = 0, bytes = 0;  // that were looked at
  // What became of them; of those in excluded folders nothing is known.
  std::uint64_t excluded = 0, too_small = 0, too_young = 0;
  std::uint64_t in_policy = 0, in_policy_bytes = 0;  // all others
  std::uint64_t in_use = 0;  // open for writing, or written to while they were read
  std::uint64_t vanished = 0;
  std::uint64_t already_optimized = 0;
  std::uint64_t optimized = 0, optimized_bytes = 0;
  std::uint64_t new_bytes = 0;  // of these, what no other file had, before compression
  FileFailures failures;
  // cancelled, or what kept it from going on: then the rest of the tree was not looked at.
  Status ended = Ok{};

  std::uint64_t saved_bytes() const { return optimized_bytes - new_bytes; }
};

struct OptimizationOptions {
  JobPolicy policy;
  std::int64_t now_ns = 0;  // since 1970, what ages are told by
  // After each batch, from the job's thread.
  std::function<void(const OptimizationReport&)> progress;
  // What users may have to wait for: a batch ends when it has that many files or bytes.
  std::size_t batch_files_max = 64;
  std::uint64_t batch_bytes_max = std::uint64_t{64} << 20;
};

OptimizationReport optimize_volume(const JobVolume& volume, const OptimizationOptions& options,
                                   JobControl& control);

}  // namespace stillframe::dedup
