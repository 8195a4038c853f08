// The garbage collection job: what no file of the volume needs goes from the store.
#pragma once

#include <cstdint>
#include <functional>

#include "framework/chunkstore/collection.hpp"
#include "writers/dedup/jobs/job_control.hpp"
#include "writers/dedup/jobs/job_report.hpp"
#include "writers/dedup/jobs/job_volume.hpp"

namespace stillframe::dedup {

enum class CollectionExtent {
  regular,  // rewrites a container when a good part of it is dead
  full,     // when one chunk is, and the container that is appended to as well
};

struct GarbageCollectionReport {
  bool began = false;           // or somebody else had the volume for a job
  std::uint64_t forgotten = 0;  // entries of the file table whose files are gone
  // Files that could not be looked at. With one of them no entry is forgotten: it might be of this
  // file. What else is dead is collected all the same.
  FileFailures failures;
  chunkstore::CollectionPlan plan;
  chunkstore::CollectionResult result;
  // cancelled (`result` says how far it came), or what kept it from going on: then what was dropped
  // so far is gone, and the store is whole.
  Status ended = Ok{};
};

// It marks first, then it deals with containers.
struct GarbageCollectionProgress {
  std::uint64_t files = 0, marked = 0;      // whose content is kept
  std::uint64_t bytes = 0, done_bytes = 0;  // of the chunks in containers that are planned
};
using TellGarbageCollection = std::function<void(const GarbageCollectionProgress&)>;

// Users wait while the marks of all files are read, and not while containers are rewritten. `tell`
// is called by the job's thread, after each file and container.
GarbageCollectionReport collect_garbage(const JobVolume& volume, CollectionExtent extent,
                                        JobControl& control,
                                        const TellGarbageCollection& tell = {});

}  // namespace stillframe::dedup
