#include "writers/ese/backup/backup_logs.hpp"

#include <algorithm>

#include "writers/ese/format/ese_error.hpp"
#include "writers/ese/format/small_types.hpp"

namespace stillframe::ese {

namespace {

// Every log since a database's last backup has to be there.
Status check_unbroken(const LogSituation& situation) {
  for (const BackedUpDatabase& database : situation.databases) {
    const Generation covered = std::max(database.full_high, database.incremental_high);
    if (generation_after(covered) >= situation.oldest) continue;
    return ese_error(EseErr::missing_file_to_backup,
                     "the last backup of '" + database.name + "' ends with log generation " +
                         std::to_string(static_cast<int>(covered)) + ", the oldest log is " +
                         std::to_string(static_cast<int>(situation.oldest)) +
                         ": those between them are in no backup; make a full one");
  }
  return Ok{};
}

}  // namespace

std::vector<Generation> LogRange::all() const {
  std::vector<Generation> generations;
  for (Generation each = first; each < end; each = generation_after(each))
    generations.push_back(each);
  return generations;
}

// A database that is not in this backup still needs what came since its own: one that was never
// backed up keeps every log.
Result<BackupLogs> plan_backup_logs(const LogSituation& situation) {
  if (situation.logs_only) {
    if (Status s = check_unbroken(situation); !s.ok()) return s.error();
  }
  BackupLogs logs;
  logs.copy = {situation.logs_only ? situation.oldest : situation.needed_from, situation.current};
  logs.remove = {situation.oldest, std::min(situation.checkpoint, situation.current)};
  for (const BackedUpDatabase& database : situation.databases) {
    if (situation.logs_only || database.copied) continue;
    logs.remove.end = std::min(logs.remove.end, database.full_high);
  }
  logs.remove.first = std::min(logs.remove.first, logs.remove.end);
  return logs;
}

}  // namespace stillframe::ese
