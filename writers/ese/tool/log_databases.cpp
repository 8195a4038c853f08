#include "writers/ese/tool/log_databases.hpp"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "writers/ese/format/database_file.hpp"
#include "writers/ese/format/log_requirement.hpp"
#include "writers/ese/format/record_show.hpp"

namespace stillframe::ese::tool {

namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t kDatabaseBytesMin = 2 * kPageBytesMin;

LogDatabase read_database(const std::string& path) {
  auto file = DatabaseFile::open(path);
  if (!file.ok()) return {path, file.error()};
  return {path, file.value()->header()};
}

bool another_kind(const LogDatabase& database) {
  return !database.header.ok() && is(database.header.error(), EseErr::invalid_database_version);
}

std::string generation_text(Generation generation) {
  return fmt::format("{:X}", static_cast<std::uint32_t>(generation));
}

Json generations_json(const std::vector<Generation>& generations) {
  Json json = Json::array();
  for (const Generation generation : generations) json.push_back(generation_text(generation));
  return json;
}

Json findings_json(const std::vector<ChainFinding>& findings) {
  Json json = Json::array();
  for (const ChainFinding& finding : findings) {
    json.push_back({{"generation", generation_text(finding.generation)},
                    {"name", name_of(finding.err)},
                    {"what", escape_bytes(finding.what)}});
  }
  return json;
}

const LogSet* set_of(const DatabaseHeader& database, const std::vector<LogSet>& sets) {
  const auto its = std::find_if(sets.begin(), sets.end(), [&](const LogSet& set) {
    return std::any_of(set.chain.logs.begin(), set.chain.logs.end(), [&](const ChainLog& log) {
      return log.header.fields.log == database.sign_log;
    });
  });
  if (its != sets.end()) return &*its;
  return sets.size() == 1 ? &sets.front() : nullptr;
}

}  // namespace

Result<std::vector<LogDatabase>> databases_beside(const std::string& folder,
                                                  const std::vector<std::string>& more) {
  std::error_code failed;
  std::vector<std::string> paths;
  fs::directory_iterator entry(folder, failed);
  for (; !failed && entry != fs::directory_iterator(); entry.increment(failed)) {
    std::error_code gone;  // a file that vanishes meanwhile is none of ours
    if (!entry->is_regular_file(gone) || entry->file_size(gone) < kDatabaseBytesMin) continue;
    paths.push_back(entry->path());
  }
  if (failed) {
    return Error(Errc::io, "listing '" + escape_path(folder) + "': " + failed.message());
  }
  std::sort(paths.begin(), paths.end());
  std::vector<LogDatabase> databases;
  for (const std::string& path : paths) {
    LogDatabase database = read_database(path);
    database.file = fs::path(path).filename();
    if (!another_kind(database)) databases.push_back(std::move(database));
  }
  for (const std::string& path : more) databases.push_back(read_database(path));
  return databases;
}

DatabaseAnswer database_answer(const LogDatabase& database, const std::vector<LogSet>& sets) {
  Json json{{"file", escape_bytes(database.file)}};
  if (!database.header.ok()) {
    json["error"] = escape_bytes(database.header.error().what());
    return {std::move(json), false};
  }
  const DatabaseHeader& header = database.header.value();
  const LogSet* set = set_of(header, sets);
  static const LogSet kNone{};
  const LogSet& logs = set == nullptr ? kNone : *set;
  const LogRequirement required = examine_requirement(
      header, logs.chain, [&](Generation g, bool last) { return logs.open(g, last); });
  json["state"] = name_of(header.state);
  json["sign_log"] = to_text(header.sign_log);
  if (!required.anything()) {
    json["required"] = nullptr;
    return {std::move(json), true};
  }
  json["base"] = set == nullptr ? Json(nullptr) : Json(escape_bytes(set->base));
  json["required"] = {{"first", generation_text(required.low)},
                      {"last", generation_text(required.high)},
                      {"committed", generation_text(required.committed)}};
  json["missing"] = generations_json(required.missing);
  json["committed_missing"] = generations_json(required.committed_missing);
  json["mismatched"] = findings_json(required.mismatched);
  json["torn"] = findings_json(required.torn);
  return {std::move(json), required.met()};
}

}  // namespace stillframe::ese::tool
