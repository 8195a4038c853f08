#include "writers/dedup/engine/volume_status.hpp"

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <initializer_list>
#include <numeric>
#include <utility>
#include <vector>

#include <sys/stat.h>
#include <sys/statvfs.h>

#include "framework/base/byte_text.hpp"
#include "framework/base/posix_error.hpp"
#include "framework/chunkstore/container_reader.hpp"
#include "framework/chunkstore/store_reader.hpp"
#include "framework/chunkstore/stream_map.hpp"
#include "framework/io/file.hpp"
#include "framework/io/walk.hpp"
#include "writers/dedup/volume/layout.hpp"

namespace stillframe::dedup {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::int64_t kNsPerSecond = 1'000'000'000;

int percent_of(std::int64_t part, std::uint64_t whole) {
  if (whole == 0 || part <= 0) return 0;
  return static_cast<int>(static_cast<double>(part) * 100 / static_cast<double>(whole));
}

// How long the files of the volume's own folder are: store, table and the rest. Not what they take
// on the disk, because XFS reserves as much again behind a file that grows, and takes it back
// later.
Result<std::uint64_t> own_bytes(const VolumeOnDevice& volume) {
  const auto folder = open_directory(volume.own_folder());
  if (!folder.ok()) return folder.error();
  std::uint64_t bytes = 0;
  const Status walked =
      walk_tree(folder.value().get(), {}, [&](const WalkEntry& entry) -> Result<bool> {
        if (S_ISREG(entry.status.st_mode))
          bytes += static_cast<std::uint64_t>(entry.status.st_size);
        // Users' files, which take less than their length.
        return entry.path != kIncomingFolder && !entry.path.starts_with(kReplacedPrefix);
      });
  if (!walked.ok()) return walked.error();
  return bytes;
}

Json texts_json(const std::vector<std::string>& texts) {
  Json list = Json::array();
  for (const std::string& text : texts) list.push_back(escape_bytes(text));
  return list;
}

Json policy_json(const JobPolicy& policy) {
  return Json{{"age_min_s", policy.age_min.count()},
              {"bytes_min", policy.bytes_min},
              {"references_min", policy.references_min},
              {"excluded_folders", texts_json(policy.excluded_folders)},
              {"excluded_files", texts_json(policy.excluded_files)}};
}

// Of one kind of sealed containers.
struct ContainerFacts {
  std::uint64_t containers = 0, chunks = 0;
  std::vector<std::uint32_t> values;  // of each chunk: its bytes, or how many a stream map names

  void sort() { std::sort(values.begin(), values.end()); }
  std::uint64_t average() const {
    const std::uint64_t sum = std::accumulate(values.begin(), values.end(), std::uint64_t{0});
    return values.empty() ? 0 : sum / values.size();
  }
  // Of sorted ones.
  std::uint32_t median() const { return values.empty() ? 0 : values[values.size() / 2]; }
  std::uint32_t max() const { return values.empty() ? 0 : values.back(); }
};

// What only a job that looked at everything knows; nothing before the first one.
Json found_by(const JobHistory& history, JobKind kind, std::initializer_list<const char*> counts) {
  const auto last = history.find(kind);
  if (last == history.end() || last->second.result != 0) return nullptr;
  std::uint64_t sum = 0;
  for (const char* name : counts) sum += last->second.count(name);
  return sum;
}

}  // namespace

VolumeFacts count_files(const FileTable& table) {
  VolumeFacts facts;
  for (const auto& [file, record] : table.files()) {
    ++facts.files;
    facts.bytes += record.map.file_bytes();
    facts.local_bytes += record.map.bytes_from(Source::local);
  }
  return facts;
}

std::string time_text(std::int64_t ns) {
  if (ns == 0) return "";
  const std::time_t seconds = ns / kNsPerSecond;
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[sizeof "2026-11-30T08:40:58Z"];
  const std::size_t bytes = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return std::string(text, bytes);
}

Json record_json(const JobRecord& record) {
  const Errc code = errc_from_number(record.result);
  Json json{
      {"started", time_text(record.started_ns)},
      {"time", time_text(record.ended_ns)},
      {"seconds", static_cast<double>((record.ended_ns - record.started_ns) / 1'000'000) / 1e3},
      {"result", record.result},
      {"result_name", record.result == 0 ? "ok" : std::string(to_string(code))},
      {"result_message", escape_bytes(record.message)}};
  for (const auto& [name, value] : record.counts) json[name] = value;
  return json;
}

Json limits_json(const JobLimits& limits) {
  return Json{{"bytes_per_second", limits.bytes_per_second},
              {"cpu_percent", limits.cpu_percent},
              {"memory_bytes", limits.memory_bytes}};
}

Result<Json> status_json(const VolumeOnDevice& volume, const BytePath& place,
                         const VolumeFacts& facts) {
  struct statvfs about {};
  if (::fstatvfs(volume.root(), &about) != 0) {
    return posix_error(errno, "examine", volume.device());
  }
  const auto own = own_bytes(volume);
  if (!own.ok()) return own.error();
  const JobHistory history = volume.history();
  const std::uint64_t capacity = std::uint64_t{about.f_blocks} * about.f_frsize;
  const std::uint64_t used = (about.f_blocks - about.f_bfree) * about.f_frsize;
  // Negative while the store has more than it saves.
  const auto saved = static_cast<std::int64_t>(facts.bytes - facts.local_bytes) -
                     static_cast<std::int64_t>(own.value());
  const auto unoptimized = static_cast<std::uint64_t>(static_cast<std::int64_t>(used) + saved);
  const auto last = history.find(JobKind::optimization);
  Json json{{"volume", escape_bytes(volume.device())},
            {"place", place.empty() ? Json(nullptr) : Json(escape_bytes(place))},
            {"volume_id", uuid_to_string(volume.settings().store)},
            {"enabled", !volume.disabled()},
            {"data_access_enabled", !place.empty()},
            {"usage", escape_bytes(volume.settings().usage)},
            {"encrypted", !volume.settings().key_file.empty()},
            {"key_file", volume.settings().key_file.empty()
                             ? Json(nullptr)
                             : Json(escape_bytes(volume.settings().key_file))},
            {"capacity", capacity},
            {"free_space", std::uint64_t{about.f_bavail} * about.f_frsize},
            {"used_space", used},
            {"unoptimized_size", unoptimized},
            {"saved_space", saved},
            {"savings_rate", percent_of(saved, unoptimized)},
            {"optimized_files_count", facts.files},
            {"optimized_files_size", facts.bytes},
            {"optimized_files_savings_rate", percent_of(saved, facts.bytes)}};
  for (const auto& [field, count] : {std::pair("in_policy_files_count", "in_policy_files"),
                                     std::pair("in_policy_files_size", "in_policy_bytes")}) {
    // Only one that looked at all files can tell.
    const bool known = last != history.end() && last->second.result == 0;
    json[field] = known ? Json(last->second.count(count)) : Json(nullptr);
  }
  json["policy"] = policy_json(volume.settings().policy);
  json["limits"] = limits_json(volume.settings().limits);
  for (const JobKind kind : kJobKinds) {
    const auto record = history.find(kind);
    json["last_" + std::string(to_string(kind))] =
        record == history.end() ? Json(nullptr) : record_json(record->second);
  }
  const std::string trouble = volume.history_trouble();
  json["history_trouble"] = trouble.empty() ? Json(nullptr) : Json(escape_bytes(trouble));
  return json;
}

Result<Json> metadata_json(VolumeOnDevice& volume, const chunkstore::StoreCounts& counts,
                           chunkstore::ChunkProfile profile, const VolumeFacts& facts) {
  using namespace chunkstore;
  const BytePath store = volume.own_folder() + "/" + kStoreFolder;
  const auto commit = CommitFile::read_last(volume.files(), store);
  if (!commit.ok()) return commit.error();
  const auto own = own_bytes(volume);
  if (!own.ok()) return own.error();
  const auto names = volume.files().list(store + "/containers");
  if (!names.ok()) return names.error();
  ContainerFacts data, maps;
  for (const BytePath& name : names.value()) {
    const auto file = parse_container_file_name(name);
    if (!file.ok()) continue;
    const auto container =
        ContainerReader::open(volume.files(), store + "/containers/" + name, commit.value().store,
                              file.value(), volume.parts().store.cipher().get());
    // One that is appended to has no footer, one that is collected is gone: both by its counts.
    if (!container.ok()) continue;
    ContainerFacts& into = container.value()->kind() == ContainerKind::data ? data : maps;
    ++into.containers;
    into.chunks += container.value()->table().chunks.size();
    for (const ChunkRecord& chunk : container.value()->table().chunks) {
      into.values.push_back(&into == &data ? chunk.bytes : stream_map_entries(chunk.bytes));
    }
  }
  Json json{{"volume", escape_bytes(volume.device())},
            {"store_id", uuid_to_string(volume.settings().store)},
            {"mean_chunk_size", mean_chunk_bytes(profile)},
            {"optimized_files", facts.files},
            {"chunk_count", counts.chunks},
            {"container_count", counts.containers},
            {"damaged_container_count", counts.damaged},
            {"index_memory", counts.index_bytes},
            {"total_chunk_store_size", own.value()}};
  const JobHistory history = volume.history();
  json["data_store_uncompacted_free_space"] =
      found_by(history, JobKind::garbage_collection, {"left_dead_bytes"});
  json["corruption_log_entry_count"] =
      found_by(history, JobKind::scrubbing, {"damaged_containers", "damaged_files"});
  json["hotspot_chunk_count"] = found_by(history, JobKind::scrubbing, {"hotspot_chunks"});
  json["hotspot_median_reference_count"] =
      found_by(history, JobKind::scrubbing, {"hotspot_median_references"});
  data.sort();
  maps.sort();
  json["sealed"] = Json{{"data_container_count", data.containers},
                        {"data_chunk_count", data.chunks},
                        {"data_chunk_average_size", data.average()},
                        {"data_chunk_median_size", data.median()},
                        {"stream_map_container_count", maps.containers},
                        {"stream_map_chunk_count", maps.chunks},
                        {"stream_map_average_chunk_count", maps.average()},
                        {"stream_map_median_chunk_count", maps.median()},
                        {"stream_map_max_chunk_count", maps.max()}};
  return json;
}

}  // namespace stillframe::dedup
