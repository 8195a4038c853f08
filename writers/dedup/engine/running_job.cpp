#include "writers/dedup/engine/running_job.hpp"

#include <algorithm>
#include <utility>

#include <stillframe/time.hpp>

#include "writers/dedup/jobs/garbage_collection.hpp"
#include "writers/dedup/jobs/optimization.hpp"
#include "writers/dedup/jobs/unoptimization.hpp"
#include "writers/dedup/volume/layout.hpp"

namespace stillframe::dedup {

namespace {

std::int64_t job_clock_ns() {
  return system_clock().wall_now().since_epoch().count();
}

}  // namespace

RunningJob::RunningJob(VolumeOnDevice& volume, JobFiles& files, JobRequest request,
                       EventSink* events)
    : volume_(volume),
      files_(files),
      request_(request),
      started_ns_(job_clock_ns()),
      events_(events, volume.device()),
      control_(request.limits) {}

std::shared_ptr<RunningJob> RunningJob::start(VolumeOnDevice& volume, JobFiles& files,
                                              JobRequest request, EventSink* events) {
  std::shared_ptr<RunningJob> job(new RunningJob(volume, files, request, events));
  job->thread_ = std::thread([running = job.get()] { running->run(); });
  return job;
}

RunningJob::~RunningJob() {
  control_.cancel();
  thread_.join();
}

void RunningJob::pause() {
  paused_ = true;
  control_.pause();
}

void RunningJob::resume() {
  paused_ = false;
  control_.resume();
}

JobProgress RunningJob::progress() const {
  const std::lock_guard lock(mutex_);
  return progress_;
}

bool RunningJob::ended() const {
  const std::lock_guard lock(mutex_);
  return ended_;
}

bool RunningJob::wait_for(std::chrono::milliseconds timeout) const {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, timeout, [this] { return ended_; });
}

Status RunningJob::work() {
  const JobVolume volume{volume_.root(), volume_.parts(), files_, volume_.files(),
                         volume_.own_folder() + "/" + kStoreFolder};
  switch (request_.kind) {
    case JobKind::optimization:
      return optimize(volume);
    case JobKind::garbage_collection:
      return collect(volume);
    case JobKind::scrubbing:
      return scrub(volume);
    case JobKind::unoptimization:
      break;
  }
  return unoptimize(volume);
}

void RunningJob::run() {
  events_.tell(VolumeEvent::job_started, EventLevel::info, job_name() + " begins", fields());
  const Status done = work();
  JobRecord& record = outcome_.record;
  record.started_ns = started_ns_;
  record.ended_ns = job_clock_ns();
  record.result = done.ok() ? 0 : static_cast<int>(done.error().code());
  record.message = done.ok() ? "" : done.error().what();
  // One that somebody else's job kept out has done nothing, and the record is of the last that did.
  const Status kept = began_ ? volume_.record(request_.kind, record) : Status(Ok{});
  if (!kept.ok() && done.ok()) {
    record.result = static_cast<int>(kept.error().code());
    record.message = kept.error().while_doing("write down what the job did").what();
  }
  tell_of_its_end(done.ok() ? kept : done);
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
  }
  changed_.notify_all();
}

void RunningJob::count(std::string name, std::uint64_t value) {
  outcome_.record.counts.emplace_back(std::move(name), value);
}

void RunningJob::name_failures(const FileFailures& failures) {
  for (const FileFailure& each : failures.named()) {
    outcome_.failures.push_back({each.path, each.why.what()});
  }
  count("failed", failures.count());
}

void RunningJob::tell(const JobProgress& progress) {
  const std::lock_guard lock(mutex_);
  progress_ = progress;
}

Status RunningJob::optimize(const JobVolume& volume) {
  OptimizationOptions options;
  options.policy = volume_.settings().policy;
  options.now_ns = started_ns_;
  // The files there were last time: close enough for a bar, and nothing else tells.
  const JobHistory history = volume_.history();
  const auto before = history.find(JobKind::optimization);
  const std::uint64_t total = before == history.end() ? 0 : before->second.count("bytes");
  options.progress = [&](const OptimizationReport& report) {
    tell({"files", report.bytes, std::max(total, report.bytes), report.files, 0, report.optimized});
  };
  const OptimizationReport report = optimize_volume(volume, options, control_);
  began_ = report.began;
  count("files", report.files);
  count("bytes", report.bytes);
  count("in_policy_files", report.in_policy);
  count("in_policy_bytes", report.in_policy_bytes);
  count("excluded", report.excluded);
  count("too_small", report.too_small);
  count("too_young", report.too_young);
  count("in_use", report.in_use);
  count("vanished", report.vanished);
  count("already_optimized", report.already_optimized);
  count("optimized_files", report.optimized);
  count("optimized_bytes", report.optimized_bytes);
  count("new_bytes", report.new_bytes);
  name_failures(report.failures);
  return report.ended;
}

Status RunningJob::collect(const JobVolume& volume) {
  const auto extent = request_.full ? CollectionExtent::full : CollectionExtent::regular;
  const auto tell_progress = [&](const GarbageCollectionProgress& at) {
    if (at.bytes == 0) return tell({"marking", 0, 0, at.marked, at.files, 0});
    tell({"containers", at.done_bytes, at.bytes, 0, 0, at.files});
  };
  const GarbageCollectionReport report = collect_garbage(volume, extent, control_, tell_progress);
  began_ = report.began;
  count("full", request_.full ? 1 : 0);
  count("forgotten_files", report.forgotten);
  count("dead_chunks", report.plan.dead_chunks);
  count("dead_bytes", report.plan.dead_bytes);
  count("left_dead_bytes", report.plan.left_bytes);
  count("rewritten_containers", report.result.rewritten);
  count("removed_containers", report.result.removed);
  count("dropped_chunks", report.result.dropped_chunks);
  count("freed_bytes", report.result.freed_bytes);
  count("damaged_containers", report.plan.damaged.size() + report.result.damaged.size());
  tell_of_damage(report.plan.damaged);
  tell_of_damage(report.result.damaged);
  name_failures(report.failures);
  return report.ended;
}

Status RunningJob::scrub(const JobVolume& volume) {
  ScrubbingOptions options;
  options.depth = request_.full ? chunkstore::ScrubDepth::deep : chunkstore::ScrubDepth::regular;
  options.references_min = volume_.settings().policy.references_min;
  options.tell = [&](const chunkstore::ScrubProgress& at) {
    if (at.done_containers < at.containers) {
      return tell({"containers", at.done_bytes, at.bytes, at.done_containers, at.containers, 0});
    }
    tell({"streams", 0, 0, at.done_streams, at.streams, at.done_streams});
  };
  const ScrubbingReport report = scrub_volume(volume, options, control_);
  began_ = report.began;
  count("deep", request_.full ? 1 : 0);
  count("files", report.files);
  count("containers", report.store.containers);
  count("chunks", report.store.chunks);
  count("bytes", report.store.bytes);
  count("damaged_containers", report.store.damage.size());
  count("damaged_files", report.damaged.size());
  count("repaired_containers", report.repaired_containers);
  count("repaired_chunks", report.repaired_chunks);
  count("hotspot_chunks", report.copies.chunks);
  count("hotspot_new_bytes", report.copies.written_bytes);
  count("hotspots_left_out", report.copies.left_out);
  count("hotspot_median_references", report.median_references);
  for (const DamagedFile& file : report.damaged) {
    const BytePath name = file.path.empty() ? "file " + file.file.to_string() : file.path;
    outcome_.damaged.push_back({name, file.why.what()});
  }
  tell_of_damage(report.found);
  if (report.repaired_chunks > 0) tell_of_repair(report);
  for (std::size_t i = 0; i < std::min(report.damaged.size(), kToldOfMax); ++i) {
    tell_of_loss(report.damaged[i]);
  }
  name_failures(report.failures);
  return report.ended;
}

Status RunningJob::unoptimize(const JobVolume& volume) {
  std::uint64_t total = 0;
  files_.exclusively([&] {
    for (const auto& [file, known] : volume.parts.table.files()) total += known.map.file_bytes();
  });
  UnoptimizationOptions options;
  options.progress = [&](const UnoptimizationReport& report) {
    tell({"files", report.restored_bytes, std::max(total, report.restored_bytes), report.restored,
          0, report.restored});
  };
  const UnoptimizationReport report = unoptimize_volume(volume, options, control_);
  began_ = report.began;
  count("restored_files", report.restored);
  count("restored_bytes", report.restored_bytes);
  count("in_use", report.in_use);
  name_failures(report.failures);
  return report.ended;
}

}  // namespace stillframe::dedup
