// Jobs on a volume one after the other, in a thread of their own, while somebody uses its files.
#pragma once

#include <atomic>
#include <cstdint>
#include <random>
#include <thread>

#include "tests/dedup/view/mounted_volume.hpp"
#include "writers/dedup/engine/view_files.hpp"
#include "writers/dedup/jobs/job_control.hpp"

namespace stillframe::dedup::tests {

struct JobsDone {
  std::uint64_t optimized = 0, restored = 0;    // files
  std::uint64_t collected = 0, scrubbed = 0;    // jobs
  std::uint64_t forgotten = 0, containers = 0;  // entries and containers that went
};

class JobsBeside {
 public:
  JobsBeside(MountedVolume& volume, std::uint64_t seed, JobsDone& done);
  ~JobsBeside();

 private:
  void run(std::uint64_t seed);
  void optimize();
  void collect();
  void scrub();
  void unoptimize();

  MountedVolume& volume_;
  ViewFiles files_;
  JobControl control_;
  JobsDone& done_;
  std::atomic<bool> ending_{false};
  std::thread thread_;
};

}  // namespace stillframe::dedup::tests
