#include "writers/ese/backup/set_databases.hpp"

#include <algorithm>
#include <cctype>
#include <set>
#include <utility>

#include "framework/base/path.hpp"
#include "writers/ese/backup/directory_backup.hpp"
#include "writers/ese/format/ese_error.hpp"
#include "writers/ese/recovery/attached_databases.hpp"
#include "writers/ese/recovery/log_files.hpp"
#include "writers/ese/recovery/log_lifecycle.hpp"

namespace stillframe::ese {

namespace {

constexpr std::size_t kBaseLetters = 3;
constexpr const char* kMarkerEnding = ".pat";

std::string in_small_letters(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

// Every path that the set's logs attach: where they begin, or later. The newest comes last.
Result<std::vector<std::string>> logged_paths_of_set(Files& files, const BytePath& directory,
                                                     const LogsOfSet& logs) {
  const auto set = read_log_set(files, directory, logs.base);
  if (!set.ok()) return set.error();
  DatabasePlaces none;
  none.named_only = true;
  AttachedDatabases databases(files, none);
  LogLifecycle lifecycle(databases);
  const LogFileHeader& first = set.value().chain.find(logs.low)->header;
  if (Status s = lifecycle.begin(first.attachments, first); !s.ok()) return s.error();
  LogReader reader([&](Generation generation,
                       bool) { return read_generation(files, set.value(), generation, false); },
                   logs.low, logs.high);
  for (;;) {
    const auto record = reader.next();
    if (!record.ok()) {
      return ese_error(EseErr::log_corrupt_during_hard_restore, record.error().what());
    }
    if (!record.value()) break;
    if (!LogLifecycle::changes_attachments(record.value()->type())) continue;
    const Status followed = lifecycle.follow(*record.value(), reader.generation()->header());
    if (!followed.ok()) return followed.error();
  }
  std::vector<std::string> paths;
  for (const KnownDatabase& known : databases.all()) paths.push_back(known.logged_path);
  return paths;
}

class SetListing {
 public:
  SetListing(Files& files, const BytePath& set, std::vector<BytePath> names,
             std::vector<std::string> logged)
      : files_(files), set_(set), names_(std::move(names)), logged_(std::move(logged)) {}

  Result<std::vector<SetDatabase>> find(bool without_markers) {
    const bool marked = std::any_of(names_.begin(), names_.end(), [](const BytePath& name) {
      return name.ends_with(kMarkerEnding);
    });
    Status found = Ok{};
    if (marked) found = by_markers();
    if (!marked && without_markers) found = by_headers();
    if (!found.ok()) return found.error();
    if (!databases_.empty()) return std::move(databases_);
    return ese_error(EseErr::patch_file_missing,
                     "'" + escape_path(set_) + "' has no NAME.pat, so no database to restore");
  }

 private:
  Status by_markers() {
    for (const BytePath& marker : names_) {
      if (!marker.ends_with(kMarkerEnding)) continue;
      const bool added = add([&](const std::string& name) {
        return in_small_letters(backup_marker_name(name)) == in_small_letters(marker);
      });
      if (!added) return unknown(marker, "stands for");
    }
    return Ok{};
  }

  Status by_headers() {
    for (const BytePath& file : names_) {
      const auto header = read_database_header(files_, join_path(set_, file));
      const bool copy =
          header.ok() && header.value() && header.value()->header.full_current.low != Generation{};
      if (!copy) continue;
      const bool added = add([&](const std::string& name) {
        return in_small_letters(name) == in_small_letters(file);
      });
      if (!added) return unknown(file, "is a copy of");
    }
    return Ok{};
  }

  template <class Matches>
  bool add(const Matches& matches) {
    for (auto logged = logged_.rbegin(); logged != logged_.rend(); ++logged) {
      const std::string name = name_of_logged_path(*logged);
      if (!matches(name)) continue;
      databases_.push_back({*logged, join_path(set_, existing_name(name)), name});
      return true;
    }
    return false;
  }

  // Windows does not mind which letters are small.
  BytePath existing_name(const std::string& name) const {
    for (const BytePath& there : names_) {
      if (there == name) return there;
    }
    for (const BytePath& there : names_) {
      if (in_small_letters(there) == in_small_letters(name)) return there;
    }
    return name;
  }

  Error unknown(const BytePath& file, const char* relation) const {
    return ese_error(EseErr::attached_database_mismatch,
                     "the logs of the backup have no database "
                     "that '" +
                         escape_path(file) + "' " + relation);
  }

  Files& files_;
  const BytePath& set_;
  const std::vector<BytePath> names_;
  const std::vector<std::string> logged_;
  std::vector<SetDatabase> databases_;
};

// The first letters of a name such as "edb0001A.log".
std::optional<std::string> base_of_finished_log(const BytePath& file) {
  if (file.size() <= kBaseLetters) return {};
  const std::string base = file.substr(0, kBaseLetters);
  const auto name = parse_log_file_name(base, file);
  return name && name->kind == LogFileKind::archived ? std::optional(base) : std::nullopt;
}

}  // namespace

std::string name_of_logged_path(const std::string& logged) {
  if (logged.starts_with("/")) return last_component(logged);
  const std::size_t slash = logged.find_last_of("\\/");
  return slash == std::string::npos ? logged : logged.substr(slash + 1);
}

Result<std::vector<SetDatabase>> find_set_databases(Files& files, const BytePath& set,
                                                    const LogsOfSet& logs, bool without_markers) {
  auto names = files.list(set);
  if (!names.ok()) return names.error();
  auto logged = logged_paths_of_set(files, set, logs);
  if (!logged.ok()) return logged.error();
  return SetListing(files, set, std::move(names).value(), std::move(logged).value())
      .find(without_markers);
}

Result<std::string> base_of_finished_logs(Files& files, const BytePath& folder) {
  const auto names = files.list(folder);
  if (!names.ok()) return names.error();
  std::set<std::string> bases;
  for (const BytePath& name : names.value()) {
    if (const auto base = base_of_finished_log(name)) bases.insert(in_small_letters(*base));
  }
  if (bases.size() == 1) return *bases.begin();
  if (bases.empty()) {
    return Error(Errc::not_found, "'" + escape_path(folder) +
                                      "' has no finished log, such as edb00001.log; give the "
                                      "folder of a backup");
  }
  return Error(Errc::invalid_argument, "'" + escape_path(folder) +
                                           "' has logs of several sequences; say which one, by "
                                           "its base name");
}

}  // namespace stillframe::ese
