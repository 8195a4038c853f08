// What a job tells an administrator.
#include <algorithm>
#include <string>

#include "framework/base/byte_text.hpp"
#include "writers/dedup/engine/running_job.hpp"

namespace stillframe::dedup {

std::string RunningJob::job_name() const {
  std::string name(to_string(request_.kind));
  std::replace(name.begin(), name.end(), '_', ' ');
  return name;
}

VolumeEvents::Fields RunningJob::fields() const {
  return {{"job", std::string(to_string(request_.kind))}, {"full", request_.full ? "yes" : "no"}};
}

void RunningJob::tell_of_its_end(const Status& done) const {
  const JobRecord& record = outcome_.record;
  VolumeEvents::Fields said = fields();
  said["duration_ms"] = std::to_string((record.ended_ns - record.started_ns) / 1'000'000);
  for (const auto& [name, value] : record.counts) said.emplace(name, std::to_string(value));
  if (done.ok()) {
    const bool whole = record.count("failed") + record.count("damaged_files") +
                           record.count("damaged_containers") ==
                       0;
    return events_.tell(VolumeEvent::job_completed, whole ? EventLevel::info : EventLevel::warning,
                        job_name() + (whole ? " has ended" : " has ended, and found trouble"),
                        std::move(said));
  }
  said["failure"] = to_string(done.error().code());
  if (done.error().code() == Errc::cancelled) {
    return events_.tell(VolumeEvent::job_cancelled, EventLevel::info,
                        job_name() + " was cancelled; what it has done stays", std::move(said));
  }
  events_.tell(VolumeEvent::job_failed, EventLevel::error,
               job_name() + " failed: " + escape_bytes(done.error().what()), std::move(said));
}

void RunningJob::tell_of_damage(const std::vector<chunkstore::Damage>& damage) const {
  for (std::size_t i = 0; i < std::min(damage.size(), kToldOfMax); ++i) {
    VolumeEvents::Fields said = fields();
    said["container"] = std::to_string(damage[i].container);
    events_.tell(VolumeEvent::store_damaged, EventLevel::error,
                 "container " + said["container"] +
                     " of the store is damaged: " + escape_bytes(damage[i].error.what()),
                 std::move(said));
  }
}

void RunningJob::tell_of_repair(const ScrubbingReport& report) const {
  VolumeEvents::Fields said = fields();
  said["containers"] = std::to_string(report.repaired_containers);
  said["chunks"] = std::to_string(report.repaired_chunks);
  events_.tell(VolumeEvent::repaired, EventLevel::warning,
               said["chunks"] +
                   " damaged chunks of the store were put right from second copies; "
                   "look at the disk",
               std::move(said));
}

void RunningJob::tell_of_loss(const DamagedFile& file) const {
  VolumeEvents::Fields said = fields();
  said["file"] = file.path.empty() ? "" : escape_bytes(file.path);
  said["id"] = file.file.to_string();
  std::uint64_t bytes = 0;
  for (const chunkstore::LostRange& range : file.lost) bytes += range.bytes;
  said["lost_bytes"] = std::to_string(bytes);
  if (!file.lost.empty()) said["first_at"] = std::to_string(file.lost.front().offset);
  const std::string name = file.path.empty() ? "file " + said["id"] : "'" + said["file"] + "'";
  events_.tell(VolumeEvent::data_lost, EventLevel::error,
               name + " has lost " + said["lost_bytes"] +
                   " bytes, restore it from a backup: " + escape_bytes(file.why.what()),
               std::move(said));
}

}  // namespace stillframe::dedup
