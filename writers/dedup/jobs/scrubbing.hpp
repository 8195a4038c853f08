// The scrub job: looks for damage in the store, and says of which files what is lost.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "framework/chunkstore/scrub.hpp"
#include "writers/dedup/jobs/job_control.hpp"
#include "writers/dedup/jobs/job_report.hpp"
#include "writers/dedup/jobs/job_volume.hpp"

namespace stillframe::dedup {

struct DamagedFile {
  // The first of its names; empty for an entry of the table whose file is gone.
  BytePath path;
  FileId file;
  std::vector<chunkstore::LostRange> lost;  // of what it has now, in order
  Error why;                                // of the first of them
};

struct ScrubbingReport {
  bool began = false;             // or somebody else had the volume for a job
  std::uint64_t files = 0;        // deduplicated ones
  chunkstore::ScrubReport store;  // its streams are told as files
  std::vector<DamagedFile> damaged;
  FileFailures failures;  // files whose names could not be compared with what is lost
  Status ended = Ok{};    // cancelled, or what kept it from going on: not that there is damage
};

// Called by the job's thread, after each frame and stream.
using TellScrubbing = std::function<void(const chunkstore::ScrubProgress&)>;

// Reads beside the volume's users, and changes nothing. They wait while the names of damaged files
// are looked for, which happens only if there are any.
ScrubbingReport scrub_volume(const JobVolume& volume, chunkstore::ScrubDepth depth,
                             JobControl& control, const TellScrubbing& tell = {});

}  // namespace stillframe::dedup
