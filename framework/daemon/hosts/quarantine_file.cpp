#include "framework/daemon/hosts/quarantine_file.hpp"

#include <nlohmann/json.hpp>

#include "framework/base/sha256.hpp"
#include "framework/io/file.hpp"
#include "framework/model/json_codec.hpp"
#include "framework/model/json_parse.hpp"

namespace stillframe::daemon {

namespace {

using nlohmann::json;

constexpr int kVersion = 1;
constexpr std::size_t kBytesMax = std::size_t{1} << 20;
constexpr std::size_t kDigestChars = 64;

Error wrong(const std::string& what) {
  return {Errc::corrupt, "the list of quarantined plug-ins: " + what};
}

Result<QuarantineEntry> parse_entry(const json& value) {
  const auto has = [&](const char* key, bool (json::*is)() const noexcept) {
    return value.is_object() && value.contains(key) && (value[key].*is)();
  };
  if (!has("name", &json::is_string) || !has("spec", &json::is_string) ||
      !has("reason", &json::is_string) || !has("since", &json::is_number_integer) ||
      !has("crashes", &json::is_number_unsigned)) {
    return wrong("an entry lacks a member, or it has another type");
  }
  QuarantineEntry entry;
  entry.name = value["name"].get<std::string>();
  entry.spec = value["spec"].get<std::string>();
  entry.reason = value["reason"].get<std::string>();
  entry.since = WallTime(Duration(value["since"].get<std::int64_t>()));
  const auto crashes = value["crashes"].get<std::uint64_t>();
  if (entry.name.empty() || entry.spec.size() != kDigestChars || crashes > UINT32_MAX) {
    return wrong("an entry says what no entry can");
  }
  entry.crashes = static_cast<std::uint32_t>(crashes);
  return entry;
}

}  // namespace

std::string spec_digest(const HostSpec& spec) {
  Sha256 digest;
  // Each with its length, so that no two specs are the same text.
  for (const std::string& part :
       {std::string(kind_name(spec.kind)), spec.file, spec.user, spec.config_json}) {
    digest.update(std::to_string(part.size()) + ":");
    digest.update(part);
  }
  return to_hex(digest.finish());
}

std::string quarantine_text(const std::vector<QuarantineEntry>& entries) {
  json list = json::array();
  for (const QuarantineEntry& entry : entries) {
    json value = json::object();
    value["name"] = entry.name;
    value["spec"] = entry.spec;
    value["since"] = entry.since.since_epoch().count();
    value["crashes"] = entry.crashes;
    value["reason"] = entry.reason;
    list.push_back(std::move(value));
  }
  json file = json::object();
  file["version"] = kVersion;
  file["quarantined"] = std::move(list);
  return dump_json(file) + "\n";
}

Result<std::vector<QuarantineEntry>> parse_quarantine(std::string_view text) {
  auto parsed = parse_json_text(text, kBytesMax);
  if (!parsed.ok()) return parsed.error();
  const json& file = parsed.value();
  if (!file.is_object() || !file.contains("version") || !file["version"].is_number_integer()) {
    return wrong("it is no object with a version");
  }
  if (file["version"] > kVersion) {
    return Error(Errc::future_version,
                 "the list of quarantined plug-ins was written by a newer stillframed");
  }
  if (file["version"] != kVersion || !file.contains("quarantined") ||
      !file["quarantined"].is_array()) {
    return wrong("it holds no list");
  }
  std::vector<QuarantineEntry> entries;
  for (const json& value : file["quarantined"]) {
    auto entry = parse_entry(value);
    if (!entry.ok()) return entry.error();
    entries.push_back(std::move(entry).value());
  }
  return entries;
}

Result<std::vector<QuarantineEntry>> read_quarantine(const BytePath& path) {
  if (!exists(path)) return std::vector<QuarantineEntry>{};
  auto text = read_file(path, kBytesMax);
  if (!text.ok()) return text.error();
  return parse_quarantine(text.value());
}

Status write_quarantine(const BytePath& path, const std::vector<QuarantineEntry>& entries) {
  return write_file_durably(path, quarantine_text(entries));
}

}  // namespace stillframe::daemon
