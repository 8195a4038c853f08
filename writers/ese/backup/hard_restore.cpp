#include "writers/ese/backup/hard_restore.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "framework/base/path.hpp"
#include "writers/ese/backup/restored_database.hpp"
#include "writers/ese/backup/restored_log.hpp"
#include "writers/ese/format/ese_error.hpp"
#include "writers/ese/format/record_transaction.hpp"
#include "writers/ese/instance/instance_options.hpp"

namespace stillframe::ese {

namespace {

Status check_path(Files& files, const BytePath& path, const char* what) {
  if (!path.empty() && files.list(path).ok()) return Ok{};
  return ese_error(EseErr::invalid_path, "the folder for " + std::string(what) + ", '" +
                                             escape_path(path) +
                                             "', is not there or cannot be read; make it");
}

class Restorer {
 public:
  Restorer(Files& files, const HardRestore& asked) : files_(files), asked_(asked) {}

  Status check() {
    if (Status s = check_arguments(); !s.ok()) return s;
    auto logs = check_restore_logs(files_, asked_logs());
    if (!logs.ok()) return logs.error();
    logs_ = std::move(logs).value();
    return check_databases();
  }

  Result<HardRestored> run() {
    if (Status s = check(); !s.ok()) return s.error();
    HardRestored restored{logs_.low, logs_.high, {}};
    if (asked_.databases.empty()) return restored;
    if (Status s = make_paths(); !s.ok()) return s.error();
    RestoredLog log(files_, log_options(), clock());
    auto report = recover(files_, recovery_options(), &log);
    if (!report.ok()) return report.error();
    restored.recovery = std::move(report).value();
    const auto& known = restored.recovery.plan.databases;
    const bool others = std::any_of(known.begin(), known.end(), [](const PlannedDatabase& each) {
      return each.action == PlannedAction::set_aside;
    });
    if (Status s = log.write_checkpoint(others); !s.ok()) return s.error();
    return restored;
  }

 private:
  LogStream::Clock clock() const { return asked_.clock ? asked_.clock : log_time_now; }
  bool beside_running() const { return !asked_.running_logs.empty(); }
  BytePath set() const { return tidy_path(asked_.set); }
  BytePath further() const {
    return tidy_path(beside_running() ? asked_.running_logs : asked_.logs);
  }

  Status check_arguments() const {
    if (Status s = check_path(files_, asked_.set, "the logs of the backup"); !s.ok()) return s;
    if (!asked_.create_paths) {
      if (Status s = check_path(files_, asked_.logs, "logs"); !s.ok()) return s;
      if (Status s = check_path(files_, asked_.checkpoint, "the checkpoint"); !s.ok()) return s;
    }
    std::set<BytePath> targets;
    for (const RestoredPath& each : asked_.databases) {
      if (targets.insert(tidy_path(each.file)).second) continue;
      return ese_error(EseErr::invalid_parameter,
                       "two databases are to be restored as '" + escape_path(each.file) + "'");
    }
    return beside_running() ? check_own_logs() : Ok{};
  }

  Status check_own_logs() const {
    const auto names = files_.list(asked_.logs);
    if (!names.ok()) return Ok{};  // it will be made
    for (const BytePath& name : names.value()) {
      const auto log = parse_log_file_name(asked_.base, name);
      if (!log || (log->kind != LogFileKind::current && log->kind != LogFileKind::archived))
        continue;
      return ese_error(EseErr::existing_log_file_is_not_contiguous,
                       "'" + escape_path(join_path(asked_.logs, name)) +
                           "' is in the way of the logs of this restore; remove what an earlier "
                           "one left");
    }
    return Ok{};
  }

  RestoreLogsAsked asked_logs() const {
    RestoreLogsAsked asked{asked_.set,  asked_.base, asked_.low,
                           asked_.high, {},          asked_.running_last};
    // A folder that is still to be made has none.
    if (files_.list(further()).ok()) asked.further = further();
    return asked;
  }

  Status check_databases() {
    const std::uint32_t page_bytes = logs_.newest_of_set.header.fields.page_size();
    if (asked_.page_bytes != 0 && page_bytes != asked_.page_bytes) {
      return ese_error(EseErr::page_size_mismatch, "the backup is of databases with pages of " +
                                                       std::to_string(page_bytes) + " bytes, not " +
                                                       std::to_string(asked_.page_bytes));
    }
    for (const RestoredPath& each : asked_.databases) {
      auto copy = check_restored_database(files_, each.file, logs_);
      if (!copy.ok()) return copy.error();
      copies_.emplace(each.file, std::move(copy).value());
    }
    return Ok{};
  }

  Status make_paths() const {
    if (!asked_.create_paths) return Ok{};
    if (Status s = files_.make_directory(asked_.logs); !s.ok()) return s;
    return files_.make_directory(asked_.checkpoint);
  }

  RestoredLogOptions log_options() const {
    const LogHeader& newest = logs_.newest_of_set.header.fields;
    RestoredLogOptions options;
    options.stream.directory.path = asked_.logs;
    options.stream.directory.base = asked_.base;
    options.stream.directory.extensions = logs_.newest_of_set.name.extensions;
    options.stream.directory.eight_digits = logs_.eight_digits;
    options.stream.directory.reserves = 0;
    options.stream.page_bytes = static_cast<std::uint16_t>(newest.page_size());
    options.checkpoint = asked_.checkpoint;
    options.newest_in = logs_.further ? further() : set();
    return options;
  }

  RecoveryOptions recovery_options() const {
    RecoveryOptions options;
    options.base = asked_.base;
    options.logs = set();
    options.restored = RestoredLogs{set(), logs_.low, logs_.high,
                                    logs_.further ? further() : BytePath(), asked_.running_last};
    options.databases.named_only = true;
    options.databases.streamed = copies_;
    for (const RestoredPath& each : asked_.databases) {
      options.databases.by_path[each.logged] = each.file;
    }
    options.cache_bytes = asked_.cache_bytes;
    options.now = clock()();
    options.identity =
        Signature{asked_.random ? asked_.random() : random_number(), options.now, {}};
    options.progress = asked_.progress;
    return options;
  }

  Files& files_;
  const HardRestore& asked_;
  RestoreLogs logs_;
  std::map<BytePath, StreamedCopy> copies_;
};

}  // namespace

Result<Generation> finish_log_for_restore(Instance& target) {
  LogStream& log = target.log();
  OldBackupRecord note;
  note.type = RecordType::external_restore2;
  if (auto noted = log.append(encode_record(note, {Bytes{}})); !noted.ok()) return noted.error();
  if (Status s = log.roll(); !s.ok()) return s.error();
  return Generation{static_cast<std::int32_t>(log.header().fields.generation) - 1};
}

Status check_restore(Files& files, const HardRestore& restore) {
  Status checked = Restorer(files, restore).check();
  return checked.ok() ? checked : checked.error().while_doing("restoring databases");
}

Result<HardRestored> restore_databases(Files& files, const HardRestore& restore) {
  auto restored = Restorer(files, restore).run();
  return restored.ok() ? restored : restored.error().while_doing("restoring databases");
}

}  // namespace stillframe::ese
