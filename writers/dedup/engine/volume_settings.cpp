#include "writers/dedup/engine/volume_settings.hpp"

#include <limits>
#include <utility>

#include "framework/base/byte_text.hpp"
#include "framework/base/config.hpp"

namespace stillframe::dedup {

namespace {

constexpr std::int64_t kReferencesMinMax = 65535;
constexpr std::int64_t kAgeSecondsMax = std::int64_t{100} * 366 * 86400;

std::string quoted_list(const std::vector<std::string>& texts) {
  std::string list;
  for (const std::string& text : texts) list += (list.empty() ? "" : ", ") + quoted_toml(text);
  return "[" + list + "]";
}

std::vector<std::string> patterns(ConfigTable& table, const std::string& key) {
  std::vector<std::string> found;
  for (const std::string& text : table.texts(key)) {
    auto pattern = unescape_bytes(text);
    if (!pattern.ok()) table.reject(key, pattern.error().what());
    if (pattern.ok()) found.push_back(std::move(pattern).value());
  }
  return found;
}

std::uint64_t byte_count(ConfigTable& table, const std::string& key, std::uint64_t fallback) {
  return static_cast<std::uint64_t>(table.number(key, static_cast<std::int64_t>(fallback), 0,
                                                 std::numeric_limits<std::int64_t>::max()));
}

}  // namespace

std::string quoted_toml(std::string_view text) {
  // What is left of an escaped text has no control characters.
  std::string quoted = "\"";
  for (const char c : escape_bytes(text)) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "\"";
}

Result<JobPolicy> policy_for(const std::string& usage) {
  JobPolicy policy;
  if (usage == "default" || usage == "images") return policy;
  if (usage == "backup") {
    policy.age_min = std::chrono::seconds(0);
    return policy;
  }
  return Error(Errc::invalid_argument,
               "usage '" + usage + "' is none of default, images and backup");
}

std::string format_settings(const VolumeSettings& settings) {
  return "# Written by dedupctl enable.\n"
         "volume = \"" +
         uuid_to_string(settings.store) + "\"\nusage = " + quoted_toml(settings.usage) +
         (settings.key_file.empty() ? "" : "\nkey_file = " + quoted_toml(settings.key_file)) +
         "\n\n[policy]\nage_min_s = " + std::to_string(settings.policy.age_min.count()) +
         "\nbytes_min = " + std::to_string(settings.policy.bytes_min) +
         "\nreferences_min = " + std::to_string(settings.policy.references_min) +
         "\nexcluded_folders = " + quoted_list(settings.policy.excluded_folders) +
         "\nexcluded_files = " + quoted_list(settings.policy.excluded_files) +
         "\n\n[jobs]\nbytes_per_second = " + std::to_string(settings.limits.bytes_per_second) +
         "\ncpu_percent = " + std::to_string(settings.limits.cpu_percent) +
         "\nmemory_bytes = " + std::to_string(settings.limits.memory_bytes) + "\n";
}

Result<VolumeSettings> parse_settings(std::string_view text) {
  auto parsed = ConfigTable::parse(text, "the settings of the volume");
  if (!parsed.ok()) return parsed.error();
  ConfigTable& top = parsed.value();
  VolumeSettings settings;
  const auto id = parse_uuid(top.required_text("volume"));
  if (id.ok()) {
    settings.store = id.value();
  } else {
    top.reject("volume", id.error().what());
  }
  settings.usage = top.text("usage", settings.usage);
  const auto key_file = unescape_bytes(top.text("key_file"));
  if (!key_file.ok()) top.reject("key_file", key_file.error().what());
  if (key_file.ok()) settings.key_file = key_file.value();
  if (!settings.key_file.empty() && !settings.key_file.starts_with('/')) {
    top.reject("key_file", "it is written from / on");
  }
  ConfigTable policy = top.table("policy");
  settings.policy.age_min = std::chrono::seconds(
      policy.number("age_min_s", settings.policy.age_min.count(), 0, kAgeSecondsMax));
  settings.policy.bytes_min = byte_count(policy, "bytes_min", settings.policy.bytes_min);
  settings.policy.references_min = static_cast<std::uint32_t>(
      policy.number("references_min", settings.policy.references_min, 0, kReferencesMinMax));
  settings.policy.excluded_folders = patterns(policy, "excluded_folders");
  settings.policy.excluded_files = patterns(policy, "excluded_files");
  // Not there in those of a volume that was enabled before there were limits.
  ConfigTable jobs = top.table("jobs");
  settings.limits.bytes_per_second = byte_count(jobs, "bytes_per_second", 0);
  settings.limits.cpu_percent =
      static_cast<unsigned>(jobs.number("cpu_percent", 0, 0, kCpuPercentMax));
  settings.limits.memory_bytes = byte_count(jobs, "memory_bytes", 0);
  if (Status s = top.finish(); !s.ok()) return s.error();
  return settings;
}

}  // namespace stillframe::dedup
