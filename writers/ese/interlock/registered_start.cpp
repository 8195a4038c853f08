#include "writers/ese/interlock/registered_start.hpp"

#include <cstdio>
#include <utility>

#include "writers/ese/backup/hard_restore.hpp"
#include "writers/ese/format/ese_error.hpp"
#include "writers/ese/interlock/restore_interlock.hpp"
#include "writers/ese/recovery/attached_databases.hpp"
#include "writers/ese/recovery/recovery_journal.hpp"

namespace stillframe::ese {

namespace {

// Where the record lies is where the instance's logs are, whatever that folder was called.
HardRestore restore_of_record(const RestoreRecord& record, const InstanceOptions& options) {
  HardRestore restore;
  restore.databases = record.databases;
  restore.set = record.set == record.logs ? options.logs : record.set;
  restore.base = record.base;
  restore.low = record.low;
  restore.high = record.high;
  restore.logs = options.logs;
  restore.checkpoint = options.system.empty() ? options.logs : options.system;
  restore.page_bytes = options.page_bytes;
  restore.cache_bytes = options.cache_bytes;
  restore.clock = options.clock;
  restore.random = options.random;
  return restore;
}

Error refuses_start(const RestoreRecord& record, const BytePath& logs) {
  std::string why = "its files are still being put in place";
  if (record.state == RestoreState::failed) {
    char number[16];
    std::snprintf(number, sizeof number, "0x%08X", record.result);
    why = std::string("it failed with ") + number;
  }
  return ese_error(EseErr::restore_in_progress, "a restore was registered in '" +
                                                    escape_path(restore_record_path(logs)) +
                                                    "', and " + why + ": " + restore_way_out(logs));
}

// All were copies when the recovery began, so one that is none any more is through with it. What
// was to be written to one when the start was stopped is its own: nothing was copied since.
Result<std::vector<RestoredPath>> still_copies(Files& files, std::vector<RestoredPath> databases) {
  std::vector<RestoredPath> left;
  for (RestoredPath& each : databases) {
    const auto carried = carry_over(files, each.file);
    if (!carried.ok()) return carried.error();
    const auto header = read_database_header(files, each.file);
    if (!header.ok()) return header.error();
    const bool copy = header.value() && header.value()->header.full_current.low != Generation::none;
    if (copy || !header.value()) left.push_back(std::move(each));
  }
  return left;
}

Status recover_registered(Files& files, RestoreRecord& record, HardRestore restore) {
  if (record.state == RestoreState::copied) {
    if (Status s = check_restore(files, restore); !s.ok()) return s;
    record.state = RestoreState::recovering;
    if (Status s = write_restore_record(files, restore.logs, record); !s.ok()) return s;
  }
  auto left = still_copies(files, std::move(restore.databases));
  if (!left.ok()) return left.error();
  restore.databases = std::move(left).value();
  if (!restore.databases.empty()) {
    const auto restored = restore_databases(files, restore);
    if (!restored.ok()) return restored.error();
  }
  record.state = RestoreState::recovered;
  return write_restore_record(files, restore.logs, record);
}

}  // namespace

Status RegisteredStart::open(Files& files, const InstanceOptions& options) {
  auto found = read_restore_record(files, options.logs);
  if (!found.ok()) return check_no_restore(files, options.logs);
  if (!found.value()) return Ok{};
  RestoreRecord record = std::move(*found.value());
  const bool shut =
      record.state == RestoreState::registered || record.state == RestoreState::failed;
  if (shut) return refuses_start(record, options.logs);
  if (record.base != options.base) {
    return ese_error(EseErr::restore_in_progress,
                     "the restore in '" + escape_path(restore_record_path(options.logs)) +
                         "' is of logs named '" + escape_path(record.base) + "', not '" +
                         escape_path(options.base) + "'");
  }
  if (record.state != RestoreState::recovered) {
    HardRestore restore = restore_of_record(record, options);
    restore.progress = progress_;
    Status recovered = claim_all(restore.databases);
    if (recovered.ok()) recovered = recover_registered(files, record, std::move(restore));
    if (!recovered.ok()) {
      return recovered.error().while_doing("recovering the registered restore; " +
                                           restore_way_out(options.logs));
    }
  }
  remove_ = true;
  return Ok{};
}

Status RegisteredStart::claim_all(const std::vector<RestoredPath>& databases) const {
  if (!claim_) return Ok{};
  for (const RestoredPath& each : databases) {
    if (Status s = claim_(each.file); !s.ok()) return s;
  }
  return Ok{};
}

Status RegisteredStart::started(Files& files, const InstanceOptions& options) {
  return std::exchange(remove_, false) ? remove_restore_record(files, options.logs) : Ok{};
}

}  // namespace stillframe::ese
