#include "tests/dedup/operations/jobs_beside.hpp"

#include <chrono>
#include <string>

#include <gtest/gtest.h>

#include "writers/dedup/jobs/garbage_collection.hpp"
#include "writers/dedup/jobs/optimization.hpp"
#include "writers/dedup/jobs/scrubbing.hpp"
#include "writers/dedup/jobs/unoptimization.hpp"

namespace stillframe::dedup::tests {

namespace {

// A job that was told to end has ended well.
void expect_ended(const char* job, const Status& ended, const FileFailures& failures) {
  const bool well = ended.ok() || ended.error().code() == Errc::cancelled;
  EXPECT_TRUE(well) << job << ": " << ended.error().what();
  for (const FileFailure& one : failures.named()) {
    ADD_FAILURE() << job << ": " << one.path << ": " << one.why.what();
  }
}

}  // namespace

JobsBeside::JobsBeside(MountedVolume& volume, std::uint64_t seed, JobsDone& done)
    : volume_(volume), files_(volume.view()), done_(done), thread_([this, seed] { run(seed); }) {}

JobsBeside::~JobsBeside() {
  ending_ = true;
  control_.cancel();
  thread_.join();
}

void JobsBeside::run(std::uint64_t seed) {
  std::mt19937_64 random(seed);
  while (!ending_) {
    const auto job = random() % 16;
    if (job < 9) {
      optimize();
    } else if (job < 13) {
      collect();
    } else if (job < 15) {
      scrub();
    } else {
      unoptimize();
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(random() % 100));
  }
}

void JobsBeside::optimize() {
  OptimizationOptions options;
  options.policy.age_min = std::chrono::seconds(0);
  options.policy.bytes_min = 4096;
  options.now_ns = std::int64_t{1} << 62;
  options.batch_files_max = 4;
  const auto report = optimize_volume(volume_.for_jobs(files_), options, control_);
  expect_ended("optimization", report.ended, report.failures);
  done_.optimized += report.optimized;
}

void JobsBeside::collect() {
  const auto report = collect_garbage(volume_.for_jobs(files_), CollectionExtent::full, control_);
  expect_ended("collection", report.ended, report.failures);
  ++done_.collected;
  done_.forgotten += report.forgotten;
  done_.containers += report.result.removed + report.result.rewritten;
}

void JobsBeside::scrub() {
  const auto report =
      scrub_volume(volume_.for_jobs(files_), {chunkstore::ScrubDepth::deep, 0, {}}, control_);
  expect_ended("scrubbing", report.ended, report.failures);
  EXPECT_TRUE(report.damaged.empty()) << report.damaged.front().why.what();
  EXPECT_TRUE(report.found.empty());
  ++done_.scrubbed;
}

void JobsBeside::unoptimize() {
  const auto report = unoptimize_volume(volume_.for_jobs(files_), {}, control_);
  expect_ended("unoptimization", report.ended, report.failures);
  done_.restored += report.restored;
}

}  // namespace stillframe::dedup::tests
