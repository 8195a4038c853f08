#include "writers/dedup/engine/volume_session.hpp"

#include <utility>

#include <unistd.h>

#include "framework/base/byte_text.hpp"
#include "framework/base/path.hpp"
#include "writers/dedup/engine/store_sealing.hpp"
#include "writers/dedup/engine/stored_measure.hpp"
#include "writers/dedup/engine/volume_status.hpp"
#include "writers/dedup/volume/layout.hpp"

namespace stillframe::dedup {

namespace {

// Of its step; nothing if that cannot be told.
Json percent_json(const JobProgress& progress) {
  if (progress.total_bytes > 0) return progress.done_bytes * 100 / progress.total_bytes;
  if (progress.total_items > 0) return progress.done_items * 100 / progress.total_items;
  return nullptr;
}

Json progress_json(const RunningJob& job) {
  const JobProgress progress = job.progress();
  const char* state = job.cancelled() ? "cancelling" : job.paused() ? "paused" : "running";
  return Json{{"job", to_string(job.request().kind)},
              {"state", state},
              {"started", time_text(job.started_ns())},
              {"full", job.request().full},
              {"process", ::getpid()},
              {"limits", limits_json(job.request().limits)},
              {"progress_percent", percent_json(progress)},
              {"step", progress.step},
              {"files", progress.files},
              {"done_bytes", progress.done_bytes},
              {"total_bytes", progress.total_bytes},
              {"done_items", progress.done_items},
              {"total_items", progress.total_items}};
}

Json troubles_json(const std::vector<NamedTrouble>& troubles) {
  Json list = Json::array();
  for (const NamedTrouble& each : troubles) {
    list.push_back(Json{{"path", escape_bytes(each.path)}, {"why", escape_bytes(each.why)}});
  }
  return list;
}

Json outcome_json(const RunningJob& job) {
  const JobOutcome& outcome = job.outcome();
  Json answer{{"job", to_string(job.request().kind)}};
  answer.update(record_json(outcome.record));
  answer["failures"] = troubles_json(outcome.failures);
  if (job.request().kind == JobKind::scrubbing) answer["damaged"] = troubles_json(outcome.damaged);
  return answer;
}

std::optional<JobKind> job_named(const std::string& word) {
  if (word == "optimize") return JobKind::optimization;
  if (word == "gc") return JobKind::garbage_collection;
  if (word == "scrub") return JobKind::scrubbing;
  if (word == "unoptimize") return JobKind::unoptimization;
  return std::nullopt;
}

std::string text_in(const Json& question, const char* key) {
  const auto found = question.find(key);
  return found != question.end() && found->is_string() ? found->get<std::string>() : "";
}

bool flag_in(const Json& question, const char* key) {
  const auto found = question.find(key);
  return found != question.end() && found->is_boolean() && found->get<bool>();
}

// Those that the question names.
Status read_limits(const Json& question, JobLimits& limits) {
  const auto named = question.find("limits");
  if (named == question.end()) return Ok{};
  const Error wrong(Errc::invalid_argument, "the limits of the job are none");
  if (!named->is_object()) return wrong;
  for (const auto& [name, value] : named->items()) {
    const bool counts =
        value.is_number_unsigned() || (value.is_number_integer() && value.get<std::int64_t>() >= 0);
    if (!counts) return wrong;
    const auto number = value.get<std::uint64_t>();
    if (name == "bytes_per_second") {
      limits.bytes_per_second = number;
    } else if (name == "cpu_percent" && number <= kCpuPercentMax) {
      limits.cpu_percent = static_cast<unsigned>(number);
    } else if (name == "memory_bytes") {
      limits.memory_bytes = number;
    } else {
      return wrong;
    }
  }
  return Ok{};
}

}  // namespace

VolumeSession::VolumeSession(VolumeOnDevice& volume, JobFiles& files, BytePath place,
                             EventSink* events)
    : volume_(volume), files_(files), place_(std::move(place)), events_(events) {}

Result<Json> VolumeSession::answer(const Json& question, const Tell& tell) {
  if (!question.is_object()) return Error(Errc::invalid_argument, "the question is no object");
  const std::string what = text_in(question, "do");
  if (const auto kind = job_named(what)) {
    JobLimits limits = volume_.settings().limits;
    if (Status s = read_limits(question, limits); !s.ok()) return s.error();
    return run_job({*kind, flag_in(question, "full"), limits}, flag_in(question, "background"),
                   tell);
  }
  if (what == "job" || what == "pause" || what == "resume" || what == "cancel") {
    return control_job(what);
  }
  if (what == "status") return status();
  if (what == "inspect") return inspect();
  if (what == "measure") return measure(text_in(question, "path"));
  if (what == "settle") return settle(flag_in(question, "seal"));
  if (what == "enable" || what == "disable") {
    if (Status s = volume_.set_disabled(what == "disable"); !s.ok()) return s.error();
    return Json{{"enabled", what == "enable"}};
  }
  return Error(Errc::invalid_argument, "nobody here knows how to '" + escape_bytes(what) + "'");
}

std::shared_ptr<RunningJob> VolumeSession::job() const {
  const std::lock_guard lock(mutex_);
  return job_ && !job_->ended() ? job_ : nullptr;
}

Result<Json> VolumeSession::run_job(const JobRequest& request, bool background, const Tell& tell) {
  // Asked here too, so that one that was refused is not what the job did last.
  if (volume_.disabled()) {
    return Error(Errc::wrong_state,
                 "deduplication of this volume is disabled: enable it before a job");
  }
  std::shared_ptr<RunningJob> started;
  {
    const std::lock_guard lock(mutex_);
    if (job_ && !job_->ended()) {
      return Error(Errc::in_progress, "the volume has a job under way: " +
                                          std::string(to_string(job_->request().kind)) +
                                          "; wait for it or cancel it");
    }
    started = job_ = RunningJob::start(volume_, files_, request, events_);
  }
  if (background) return progress_json(*started);
  while (!started->wait_for(kTellEvery)) {
    if (tell && !tell(progress_json(*started))) started->control().cancel();
  }
  return outcome_json(*started);
}

Result<Json> VolumeSession::control_job(const std::string& what) {
  const auto running = job();
  if (!running && what == "job") return Json{{"job", nullptr}};
  if (!running) return Error(Errc::not_found, "the volume has no job under way");
  if (what == "pause") running->pause();
  if (what == "resume") running->resume();
  if (what == "cancel") running->control().cancel();
  return progress_json(*running);
}

Result<Json> VolumeSession::status() {
  VolumeFacts facts;
  files_.exclusively([&] { facts = count_files(volume_.parts().table); });
  auto answer = status_json(volume_, place_, facts);
  if (!answer.ok()) return answer;
  const auto running = job();
  answer.value()["job"] = running ? progress_json(*running) : Json(nullptr);
  return answer;
}

// Between two batches of a job, which are durable one by one.
Result<Json> VolumeSession::settle(bool seal) {
  Status settled = Ok{};
  bool sealed = false;
  files_.exclusively([&] {
    settled = files_.settle();
    if (!settled.ok() || !seal || job()) return;
    const auto done = seal_for_snapshot(volume_.parts().store, volume_.files(),
                                        volume_.own_folder() + "/" + kStoreFolder);
    sealed = done.ok() && done.value();
    if (!done.ok()) settled = done.error();
  });
  if (!settled.ok()) return settled.error();
  return Json{{"settled", true}, {"sealed", sealed}};
}

// Users and jobs go on meanwhile; only the table is read while they wait.
Result<Json> VolumeSession::measure(const std::string& path) {
  const auto bytes = unescape_bytes(path);
  if (!bytes.ok()) return bytes.error();
  const BytePath tidy = bytes.value().empty() ? "" : tidy_path(bytes.value());
  StreamsOfFiles streams;
  files_.exclusively([&] { streams = streams_of(volume_.parts().table); });
  const auto measured = measure_stored(
      volume_.root(), tidy.starts_with('/') ? tidy.substr(1) : tidy, streams, volume_.files(),
      volume_.own_folder() + "/" + kStoreFolder, volume_.parts().store.cipher());
  if (!measured.ok()) return measured.error();
  return measured.value().to_json();
}

Result<Json> VolumeSession::inspect() {
  chunkstore::StoreCounts counts;
  chunkstore::ChunkProfile profile{};
  VolumeFacts facts;
  files_.exclusively([&] {
    counts = volume_.parts().store.counts();
    profile = volume_.parts().store.profile();
    facts = count_files(volume_.parts().table);
  });
  return metadata_json(volume_, counts, profile, facts);
}

}  // namespace stillframe::dedup
