// The scrub job: looks for damage in the store, and says of which files what is lost.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "framework/chunkstore/hotspots.hpp"
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
  // What was put right: then all above is as of afterwards, but what was found is `found`.
  std::vector<chunkstore::Damage> found;
  std::uint64_t repaired_chunks = 0, repaired_containers = 0;
  chunkstore::HotspotCopies copies;
  std::uint32_t median_references = 0;  // of chunks that are kept twice
  Status ended = Ok{};  // cancelled, or what kept it from going on: not that there is damage
};

// Called by the job's thread, after each frame and stream.
using TellScrubbing = std::function<void(const chunkstore::ScrubProgress&)>;

struct ScrubbingOptions {
  chunkstore::ScrubDepth depth = chunkstore::ScrubDepth::regular;
  std::uint32_t references_min = 0;  // from which on a chunk is kept twice; 0: none anew
  TellScrubbing tell;
};

// Reads beside the volume's users. They wait while copies of chunks are written, while a container
// is repaired, and while the names of damaged files are looked for.
ScrubbingReport scrub_volume(const JobVolume& volume, const ScrubbingOptions& options,
                             JobControl& control);

}  // namespace stillframe::dedup
