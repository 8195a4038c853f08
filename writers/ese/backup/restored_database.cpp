#include "writers/ese/backup/restored_database.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "framework/base/path.hpp"
#include "writers/ese/format/backup_trailer.hpp"
#include "writers/ese/format/ese_error.hpp"
#include "writers/ese/format/newest_log.hpp"
#include "writers/ese/recovery/recovery_journal.hpp"

namespace stillframe::ese {

namespace {

constexpr std::uint64_t kHeaderPages = 2;

Result<DatabaseHeader> read_header(Files& files, const BytePath& path) {
  if (path.empty()) {
    return ese_error(EseErr::database_invalid_name, "a database to restore has no new path");
  }
  if (!files.exists(path)) {
    return ese_error(EseErr::file_not_found,
                     quoted_path(path) + " is to be restored, and is not there; copy it first");
  }
  const auto found = read_database_header(files, path);
  if (!found.ok()) return ese_error(EseErr::database_corrupted, found.error().what());
  const DatabaseHeader& header = found.value()->header;
  if (header.full_current.low != Generation::none) return header;
  return ese_error(EseErr::restore_of_non_backup_database,
                   quoted_path(path) +
                       " is no copy from an online backup, or was restored already; "
                       "copy it from the backup again");
}

Status check_logs(const DatabaseHeader& header, const BytePath& path, const RestoreLogs& logs) {
  const LogHeader& log = logs.newest_of_set.header.fields;
  const auto number = [](Generation generation) {
    return std::to_string(static_cast<int>(generation));
  };
  if (header.page_size() != log.page_size()) {
    return ese_error(EseErr::page_size_mismatch,
                     quoted_path(path) + " has pages of " + std::to_string(header.page_size()) +
                         " bytes, those of the logs have " + std::to_string(log.page_size()));
  }
  if (header.sign_log != log.log) {
    return ese_error(EseErr::database_log_set_mismatch,
                     quoted_path(path) + " belongs to another sequence of logs than the backup's");
  }
  if (header.full_current.low < logs.low) {
    return ese_error(EseErr::starting_restore_log_too_high,
                     quoted_path(path) + " needs the logs from " + number(header.full_current.low) +
                         " on, the restore begins with " + number(logs.low));
  }
  if (header.full_current.high > logs.high) {
    return ese_error(EseErr::ending_restore_log_too_low,
                     quoted_path(path) + " needs the logs up to " +
                         number(header.full_current.high) + ", the backup's end with " +
                         number(logs.high));
  }
  return Ok{};
}

// Its pages may have changes from any log of the set.
void raise_ranges(DatabaseHeader& header, const RestoreLogs& logs) {
  const LogTime created = logs.newest_of_set.header.fields.created;
  header.full_current.high = logs.high;
  if (header.gen_max_required <= logs.high) set_newest_required(header, logs.high, created);
  if (header.gen_max_committed <= logs.high) {
    header.gen_max_committed = logs.high;
    header.time_gen_max_create = created;
  }
}

}  // namespace

Result<StreamedCopy> check_restored_database(Files& files, const BytePath& path,
                                             const RestoreLogs& logs) {
  const auto header = read_header(files, path);
  if (!header.ok()) return header.error();
  // An unfinished journal is nothing; a finished one may be of this copy, or of one before it.
  if (Status s = discard_incomplete(files, path); !s.ok()) return s.error();
  if (files.exists(journal_path(path))) {
    return ese_error(EseErr::database_dirty_shutdown,
                     "a recovery of " + quoted_path(path) + " was interrupted: remove '" +
                         escape_path(journal_path(path)) +
                         "', copy the database from the backup again, and restore again");
  }
  const std::size_t page_bytes = header.value().page_size();
  auto file = files.open(path, FileAccess::read);
  if (!file.ok()) return file.error();
  const auto size = file.value()->size();
  if (!size.ok()) return size.error();
  const std::uint64_t pages = size.value() / page_bytes;
  StreamedCopy copy{header.value(), {}};
  std::uint64_t last = pages <= kHeaderPages ? 0 : pages - kHeaderPages;
  // With its newest log in the header the trailer was used, and made empty, by who wrote that.
  if (copy.header.full_current.high == Generation::none) {
    std::vector<std::byte> page(last == 0 ? 0 : page_bytes);
    if (Status s = file.value()->read((pages - 1) * page_bytes, page); !s.ok()) return s.error();
    const auto trailer = read_backup_trailer(page, escape_path(path));
    if (!trailer.ok()) return trailer.error();
    auto merged = merge_backup_trailer(copy.header, trailer.value(), escape_path(path));
    if (!merged.ok()) return merged.error();
    copy.header = merged.value();
    --last;
  }
  if (Status s = check_logs(copy.header, path, logs); !s.ok()) return s.error();
  raise_ranges(copy.header, logs);
  copy.last = Pgno{static_cast<std::uint32_t>(last)};
  return copy;
}

}  // namespace stillframe::ese
