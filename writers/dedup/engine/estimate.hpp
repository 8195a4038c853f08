// How much deduplication would save of a folder, on any file system: files are read and cut as
// optimization would, and nothing is written.
#pragma once

#include <cstdint>
#include <functional>

#include "framework/chunkstore/cut.hpp"
#include "writers/dedup/jobs/job_report.hpp"
#include "writers/dedup/jobs/policy.hpp"

namespace stillframe::dedup {

struct Estimate {
  std::uint64_t files = 0, bytes = 0;                    // that were read
  std::uint64_t excluded_files = 0, excluded_bytes = 0;  // by the policy
  std::uint64_t zero_bytes = 0;                          // that nothing would be stored of
  std::uint64_t chunks = 0, distinct_chunks = 0;
  std::uint64_t distinct_bytes = 0;    // stored, without compression
  std::uint64_t compressed_bytes = 0;  // and with it
  std::uint64_t files_with_duplicates = 0;
  FileFailures failures;
};

struct EstimateOptions {
  JobPolicy policy;
  chunkstore::ChunkProfile profile = chunkstore::ChunkProfile::kib64;
  std::int64_t now_ns = 0;
  std::function<void(const Estimate&)> progress;  // after each file
};

// Takes some 60 bytes of memory for each distinct chunk.
Result<Estimate> estimate_folder(const BytePath& folder, const EstimateOptions& options);

}  // namespace stillframe::dedup
