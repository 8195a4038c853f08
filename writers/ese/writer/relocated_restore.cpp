#include "writers/ese/writer/relocated_restore.hpp"

#include <algorithm>
#include <utility>

#include "framework/base/path.hpp"
#include "framework/io/file.hpp"
#include "framework/model/environment.hpp"
#include "writers/ese/engine/database_store.hpp"
#include "writers/ese/engine/page_shelter.hpp"
#include "writers/ese/engine/time_and_chance.hpp"
#include "writers/ese/format/backup_stamp.hpp"
#include "writers/ese/format/log_names.hpp"
#include "writers/ese/recovery/attached_databases.hpp"
#include "writers/ese/recovery/recover.hpp"
#include "writers/ese/recovery/recovery_journal.hpp"
#include "writers/ese/writer/ese_writer.hpp"
#include "writers/ese/writer/newest_backup.hpp"

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
                                        "' would stay where it was; a database is restored to its "
                                        "own place beside others if it is named, with the logs, "
                                        "and the logs go to another place");
}

// No log is for it, as for a database that a recovery has finished apart from its logs.
bool is_stranger(const DatabaseHeader& header) {
  return header.clean() && !header.sign_log.set();
}

// Recovered with its own logs in good order, a database is still one of them. The instance's logs
// have another past of it, so it gets an identity that they do not know.
Status make_stranger(Files& files, const BytePath& path) {
  const auto found = read_database_header(files, path);
  if (!found.ok()) return found.error();
  if (!found.value() || !found.value()->header.clean()) {
    return Error(Errc::corrupt, "'" + escape_path(path) +
                                    "' cannot be used after its recovery: the backup has it in a "
                                    "state that its logs do not end");
  }
  DatabaseHeader header = found.value()->header;
  if (is_stranger(header)) return Ok{};
  header.sign_db = Signature{random_number(), log_time_now(), {}};
  header.sign_log = Signature{};
  header.lgpos_consistent = header.lgpos_attach = header.lgpos_detach = Lgpos{};
  header.lgpos_last_resize = Lgpos{};
  forget_backups(header);
  auto file = files.open(path, FileAccess::write);
  if (!file.ok()) return file.error();
  return DatabaseStore(std::move(file).value(), header.page_size()).write_header(header);
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
    moved.originals.push_back(path);
    if (folder.value().empty()) {
      if (members.empty()) return stays_behind(path);
      moved.databases.push_back(path);
      moved.replaces = true;
      continue;
    }
    moved.databases.push_back(join_path(folder.value(), last_component(path)));
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

Status RelocatedRestore::clear_replaced(Files& files, const InstancePlaces& places) const {
  // What comes back knows of no backup, so nothing goes on from the newest one of all.
  if (Status s = remove_stamp(files, places); !s.ok()) return s;
  for (std::size_t i = 0; i < databases.size(); ++i) {
    if (databases[i] != originals[i]) continue;
    if (Status s = remove_shelter(files, databases[i]); !s.ok()) return s;
    if (Status s = discard_incomplete(files, databases[i]); !s.ok()) return s;
  }
  return Ok{};
}

// An earlier run may have been through with some.
Status RelocatedRestore::recover_by_logs(Files& files, const InstancePlaces& places) const {
  std::vector<BytePath> left;
  for (const BytePath& database : databases) {
    const auto found = read_database_header(files, database);
    if (!found.ok()) return found.error();
    if (!found.value() || !is_stranger(found.value()->header)) left.push_back(database);
  }
  if (left.empty()) return Ok{};
  RecoveryOptions recovery;
  recovery.logs = logs;
  recovery.base = places.base;
  recovery.databases.directory = logs;
  recovery.databases.by_signature = std::move(left);
  recovery.identity = Signature{random_number(), log_time_now(), {}};
  recovery.now = log_time_now();
  const auto report = ese::recover(files, recovery);
  return report.ok() ? Status(Ok{}) : Status(report.error());
}

Status RelocatedRestore::recover(Files& files, const InstancePlaces& places) const {
  InstancePlaces there = places;
  there.logs = there.system = logs;
  if (Status s = recover_streamed_copies(files, there, copied()); !s.ok()) return s;
  if (Status s = recover_by_logs(files, places); !s.ok()) return s;
  for (const BytePath& database : databases) {
    if (Status s = make_stranger(files, database); !s.ok()) return s;
  }
  return Ok{};
}

// ---- Beside the instance's own logs

void RelocatedRestore::describe_in(InterlockRecord& record) const {
  record.registration.backup_log_path = logs;
  record.registration.moved.clear();
  for (std::size_t i = 0; i < databases.size(); ++i) {
    record.registration.moved.emplace_back(originals[i], databases[i]);
  }
}

std::optional<RelocatedRestore> RelocatedRestore::of_record(const InterlockRecord& record,
                                                            const InstancePlaces& places) {
  const BytePath& logs = record.registration.backup_log_path;
  if (logs.empty() || tidy_path(logs) == tidy_path(places.logs)) return std::nullopt;
  RelocatedRestore moved;
  moved.logs = logs;
  moved.replaces = true;
  for (const auto& [original, database] : record.registration.moved) {
    moved.originals.push_back(original);
    moved.databases.push_back(database);
  }
  return moved;
}

Status finish_restored(Files& files, const InstancePlaces& places) {
  const auto record = read_interlock(places.logs);
  if (!record.ok() || record.value().state != InterlockRecord::State::copied) return Ok{};
  const auto replaced = RelocatedRestore::of_record(record.value(), places);
  return replaced ? replaced->recover(files, places) : recover_streamed_copies(files, places);
}

}  // namespace stillframe::ese
