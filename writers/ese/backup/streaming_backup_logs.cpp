// The second half of a streaming backup: the logs, and what it leaves behind.
#include <utility>

#include "framework/base/path.hpp"
#include "writers/ese/backup/streaming_backup.hpp"
#include "writers/ese/format/ese_error.hpp"
#include "writers/ese/recovery/log_files.hpp"

namespace stillframe::ese {

namespace {

Generation last_of(const LogRange& range) {
  return Generation{static_cast<std::int32_t>(range.end) - 1};
}

}  // namespace

// ---- Preparing

Status StreamingBackup::prepare() {
  if (run_->prepared) return Ok{};
  auto prepared = prepared_logs();
  if (!prepared.ok()) return give_up(prepared.error().while_doing("finding the logs to back up"));
  run_->prepared = std::move(prepared).value();
  run_->state = BackupState::logs;
  return Ok{};
}

// All that the databases' copies have is in logs that are finished once this has begun a new one.
Result<StreamingBackup::Prepared> StreamingBackup::prepared_logs() {
  Prepared prepared;
  prepared.time = instance_.options().clock();
  const auto mark = log_phase(BackupPhase::prepare_logs, run_->info);
  if (!mark.ok()) return mark.error();
  prepared.mark = mark.value();
  if (Status s = instance_.log().roll(); !s.ok()) return s.error();
  const InstanceOptions& options = instance_.options();
  auto archived = archived_logs(instance_.files(), options.logs, options.base);
  if (!archived.ok()) return archived.error();
  if (archived.value().empty()) {
    return ese_error(EseErr::file_not_found,
                     "'" + escape_path(options.logs) + "' has no finished log");
  }
  run_->archived = std::move(archived).value();
  LogSituation situation;
  situation.logs_only = run_->logs_only();
  situation.needed_from = run_->info.low;
  situation.oldest = run_->archived.begin()->first;
  situation.checkpoint = instance_.checkpoint().generation;
  situation.current = instance_.log().header().fields.generation;
  for (const Part& part : run_->parts) {
    const DatabaseHeader header = part.database->header();
    situation.databases.push_back({part.database->path(), header.full_previous.high,
                                   header.incremental_previous.high, part.copied});
  }
  auto logs = plan_backup_logs(situation);
  if (!logs.ok()) return logs.error();
  prepared.logs = logs.value();
  return prepared;
}

// A log that is not there is named as it would be called: opening it says that it is missing.
std::vector<BytePath> StreamingBackup::paths_of(const LogRange& range) const {
  const InstanceOptions& options = instance_.options();
  std::vector<BytePath> paths;
  for (const Generation generation : range.all()) {
    const auto found = run_->archived.find(generation);
    paths.push_back(
        found != run_->archived.end()
            ? found->second
            : join_path(options.logs, archived_log_name(options.base, generation,
                                                        options.extensions, options.eight_digits)));
  }
  return paths;
}

Result<BackupLogList> StreamingBackup::log_info() {
  const std::lock_guard lock(mutex_);
  if (const auto refused = refusal(BackupCall::log_info)) return *refused;
  if (Status s = prepare(); !s.ok()) return s.error();
  const LogRange& copy = run_->prepared->logs.copy;
  return BackupLogList{paths_of(copy), copy.first, stamp().high, instance_.options().base};
}

Result<std::vector<BytePath>> StreamingBackup::truncate_info() {
  const std::lock_guard lock(mutex_);
  if (const auto refused = refusal(BackupCall::log_info)) return *refused;
  if (Status s = prepare(); !s.ok()) return s.error();
  return paths_of(run_->prepared->logs.remove);
}

// ---- Removing

Status StreamingBackup::truncate_log() {
  const std::lock_guard lock(mutex_);
  if (const auto refused = refusal(BackupCall::truncate_log)) return *refused;
  if (!run_->prepared) {
    return ese_error(EseErr::invalid_backup_sequence,
                     "logs cannot be removed before they were listed and copied");
  }
  for (const Generation generation : run_->prepared->logs.copy.all()) {
    if (run_->copied.contains(generation)) continue;
    const Error missing = ese_error(
        EseErr::log_file_not_copied,
        "log generation " + std::to_string(static_cast<int>(generation)) +
            " was not read to its end, so nothing is removed; read it, or end the backup");
    tell(EventLevel::warning, missing.what());
    return missing;
  }
  const LogRange& remove = run_->prepared->logs.remove;
  const BackupInfo range{run_->prepared->mark, run_->prepared->time, remove.first, last_of(remove)};
  run_->truncated = true;
  if (auto logged = log_phase(BackupPhase::truncate, range); !logged.ok()) return logged.error();
  const auto removed = instance_.log().remove_below(remove.end);
  if (!removed.ok()) return removed.error().while_doing("removing logs that are backed up");
  tell(EventLevel::info, std::to_string(removed.value()) + " logs that are backed up were removed");
  return Ok{};
}

// ---- Ending

BackupInfo StreamingBackup::stamp() const {
  BackupInfo info = run_->info;
  if (!run_->prepared) return info;
  const Prepared& prepared = *run_->prepared;
  if (run_->logs_only()) {
    info.mark = prepared.mark;
    info.time = prepared.time;
  }
  info.low = prepared.logs.copy.first;
  info.high = last_of(prepared.logs.copy);
  return info;
}

// The log first, so that redo gives a header that was not written what it lacks.
void StreamingBackup::update_headers() {
  const BackupInfo info = stamp();
  for (const Part& part : run_->parts) {
    if (!run_->logs_only() && !part.copied) continue;
    InstanceDatabase& database = *part.database;
    const auto logged = log_phase(BackupPhase::update, info, database.id());
    Status done = logged.ok() ? Status(Ok{}) : Status(logged.error());
    if (done.ok()) {
      done = database.remember_backup(
          backup_record(BackupPhase::update, BackupKind::streaming, scope(), info, database.id()));
    }
    if (done.ok()) continue;
    tell(EventLevel::warning, "'" + escape_path(database.path()) +
                                  "' does not remember this backup: " + done.error().what());
  }
}

Status StreamingBackup::end(const BackupEnd& how) {
  const std::lock_guard lock(mutex_);
  if (const auto refused = refusal(BackupCall::end)) return *refused;
  const bool stopped = stopped_;
  const bool aborted =
      how.aborted || backup_rule(BackupCall::end, run_->state, stopped).gives_up || !run_->prepared;
  if (how.truncated) run_->truncated = true;
  if (!aborted && how.update_headers) update_headers();
  const std::string scope_name(name_of(scope()));
  finish(aborted);
  if (!aborted) {
    tell(EventLevel::info, "the " + scope_name + " backup has ended");
    return Ok{};
  }
  tell(EventLevel::warning,
       std::string("the backup was given up") + (stopped ? " because it was asked to stop" : ""));
  if (!stopped || how.aborted) return Ok{};
  return ese_error(EseErr::backup_abort_by_server,
                   "the backup was asked to stop, so it counts as failed");
}

}  // namespace stillframe::ese
