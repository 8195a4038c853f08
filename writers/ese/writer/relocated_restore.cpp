#include "writers/ese/writer/relocated_restore.hpp"

#include <algorithm>
#include <utility>

#include "framework/base/path.hpp"
#include "framework/io/file.hpp"
#include "framework/model/environment.hpp"
#include "writers/ese/engine/time_and_chance.hpp"
#include "writers/ese/format/log_names.hpp"
#include "writers/ese/recovery/recover.hpp"
#include "writers/ese/writer/ese_writer.hpp"

namespace stillframe::ese {

namespace {

// Where the file set of `folder` and `pattern` goes; empty: it stays.
Result<BytePath> target_of(const std::vector<NewTarget>& targets, const BytePath& folder,
                           const BytePath& pattern) {
  for (const NewTarget& target : targets) {
    const auto from = expand_path(target.path, {});
    if (!from.ok()) return from.error();
    if (tidy_path(from.value()) != tidy_path(folder) || target.pattern != pattern) continue;
    auto to = expand_path(target.destination, {});
    return to.ok() ? Result<BytePath>(tidy_path(to.value())) : to;
  }
  return BytePath();
}

// Of a head: all members unless some are named.
bool is_chosen(const std::vector<ComponentName>& members, const ComponentName& member) {
  return members.empty() || std::find(members.begin(), members.end(), member) != members.end();
}

Error stays_behind(const BytePath& path) {
  return Error(Errc::not_supported, "'" + escape_path(path) +
                                        "' would stay where it was; what is chosen of an "
                                        "instance is moved all together or not at all");
}

Error is_its_own(const BytePath& path) {
  return Error(Errc::invalid_argument,
               "'" + escape_path(path) + "' is the instance's own; choose another place");
}

}  // namespace

Result<std::optional<RelocatedRestore>> RelocatedRestore::of(const RestoreView& restore,
                                                             const InstancePlaces& places) {
  const auto head = std::find_if(
      restore.components.begin(), restore.components.end(),
      [](const BackupComponent& component) { return component.name == log_stream_component(); });
  const bool asked = head != restore.components.end() && head->restore;
  if (!asked || head->restore->new_targets.empty()) return std::optional<RelocatedRestore>();
  const std::vector<NewTarget>& targets = head->restore->new_targets;
  const std::vector<ComponentName>& members = head->restore->subcomponents;
  if (!is_chosen(members, logs_component())) {
    return Error(Errc::not_supported, "databases cannot be recovered without their logs; choose '" +
                                          logs_component().full() + "' too");
  }

  RelocatedRestore moved;
  auto logs = target_of(targets, places.logs, log_pattern(places));
  if (!logs.ok()) return logs.error();
  if (logs.value().empty()) return stays_behind(places.logs);
  if (logs.value() == tidy_path(places.logs)) return is_its_own(places.logs);
  moved.logs = std::move(logs).value();
  for (const BytePath& path : places.databases) {
    if (!is_chosen(members, component_of(path))) continue;
    const auto folder = target_of(targets, parent_path(path), last_component(path));
    if (!folder.ok()) return folder.error();
    if (folder.value().empty()) return stays_behind(path);
    moved.databases.push_back(join_path(folder.value(), last_component(path)));
    moved.originals.push_back(path);
    const bool own = std::find(places.databases.begin(), places.databases.end(),
                               moved.databases.back()) != places.databases.end();
    if (own) return is_its_own(moved.databases.back());
  }
  return std::optional<RelocatedRestore>(std::move(moved));
}

std::vector<StreamedCopyPlace> RelocatedRestore::copied() const {
  std::vector<StreamedCopyPlace> all;
  for (std::size_t i = 0; i < databases.size(); ++i) all.push_back({originals[i], databases[i]});
  return all;
}

Status RelocatedRestore::make_room(Files& files, const InstancePlaces& places) const {
  if (Status s = make_directories(logs); !s.ok()) return s;
  const auto names = files.list(logs);
  if (!names.ok()) return names.error();
  for (const BytePath& name : names.value()) {
    if (!parse_log_file_name(places.base, name)) continue;
    return Error(Errc::already_exists, "'" + escape_path(join_path(logs, name)) +
                                           "' is there, and would not fit what is restored; "
                                           "choose a folder without logs");
  }
  return Ok{};
}

Status RelocatedRestore::recover(Files& files, const InstancePlaces& places) const {
  RecoveryOptions recovery;
  recovery.logs = logs;
  recovery.base = places.base;
  recovery.databases.directory = logs;
  recovery.databases.by_signature = databases;
  recovery.identity = Signature{random_number(), log_time_now(), {}};
  recovery.now = log_time_now();
  const auto report = ese::recover(files, recovery);
  return report.ok() ? Status(Ok{}) : Status(report.error());
}

}  // namespace stillframe::ese
