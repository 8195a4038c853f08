#include "writers/ese/backup/directory_backup.hpp"

#include <map>
#include <set>
#include <utility>

#include "framework/base/path.hpp"
#include "writers/ese/backup/backup_file_copy.hpp"
#include "writers/ese/backup/backup_target.hpp"
#include "writers/ese/format/ese_error.hpp"
#include "writers/ese/recovery/log_files.hpp"

namespace stillframe::ese {

namespace {

constexpr int kDatabasesPercent = 90;  // of a full backup; the rest are its logs

// How many bytes these are, as far as that can be told now.
std::uint64_t bytes_of(Files& files, const std::vector<BytePath>& paths) {
  std::uint64_t bytes = 0;
  for (const BytePath& path : paths) {
    const auto file = files.open(path, FileAccess::read);
    if (!file.ok()) continue;
    if (const auto size = file.value()->size(); size.ok()) bytes += size.value();
  }
  return bytes;
}

class DirectoryWriter {
 public:
  DirectoryWriter(StreamingBackup& backup, BackupTarget target, const DirectoryBackup& how)
      : backup_(backup),
        files_(backup.instance().files()),
        target_(std::move(target)),
        stored_(files_),
        how_(how),
        meter_(how.progress) {}

  Status run() {
    meter_.begin();
    Status done = copy();
    if (done.ok()) done = target_.keep();
    if (!done.ok()) return done;
    // From here on logs may go, so the set stays whatever happens.
    Status ended = backup_.truncate_log();
    if (ended.ok()) ended = backup_.end();
    if (ended.ok()) ended = target_.remove_previous();
    if (!ended.ok()) return ended.error().while_doing("ending a backup whose files are whole");
    meter_.complete();
    return ended;
  }

 private:
  bool full() const { return how_.contents == BackupContents::full; }

  Status copy() {
    if (full()) {
      if (Status s = copy_databases(); !s.ok()) return s;
    }
    const auto logs = backup_.log_info();
    if (!logs.ok()) return logs.error();
    if (!full()) {
      if (Status s = check_continues(logs.value()); !s.ok()) return s;
    }
    const Status copied = copy_all(logs.value().files, full() ? kDatabasesPercent : 0, 100);
    return copied.ok() ? as_backup_error(stored_.settle()) : copied;
  }

  Status copy_databases() {
    const auto paths = backup_.attach_info();
    if (!paths.ok()) return paths.error();
    std::set<std::string> markers;
    for (const BytePath& path : paths.value()) {
      if (!markers.insert(backup_marker_name(path)).second) {
        return ese_error(EseErr::database_duplicate,
                         "a folder cannot have two databases called as '" + escape_path(path) +
                             "' is; rename one of them");
      }
    }
    for (const std::string& marker : markers) target_.add_marker(marker);
    const Status copied = copy_all(paths.value(), 0, kDatabasesPercent);
    // Here the log is written to, and two threads that change files would do so in any order.
    return copied.ok() ? as_backup_error(stored_.wait()) : copied;
  }

  // All logs between those of the set and these are there.
  Status check_continues(const BackupLogList& logs) const {
    const auto there = archived_logs(files_, target_.set(), logs.base);
    if (!there.ok()) return there.error();
    const int newest = there.value().empty() ? 0 : static_cast<int>(there.value().rbegin()->first);
    if (newest + 1 >= static_cast<int>(logs.low)) return Ok{};
    return ese_error(EseErr::invalid_log_sequence,
                     "the logs in '" + escape_path(target_.set()) + "' end with generation " +
                         std::to_string(newest) + ", the oldest that is still there is " +
                         std::to_string(static_cast<int>(logs.low)) +
                         ": this backup does not go on from that set");
  }

  Status copy_all(const std::vector<BytePath>& paths, int from, int to) {
    const std::uint64_t total = bytes_of(files_, paths);
    std::uint64_t done = 0;
    for (const BytePath& path : paths) {
      const BytePath place = target_.place_for(last_component(path));
      const Status copied =
          copy_backup_file(backup_, path, stored_, place, [&](std::uint64_t bytes) {
            done += bytes;
            meter_.advance(done, total, from, to);
          });
      if (!copied.ok()) return copied;
    }
    return Ok{};
  }

  StreamingBackup& backup_;
  Files& files_;
  BackupTarget target_;  // takes away what is in it when stored_ writes no more
  WriteBehind stored_;
  const DirectoryBackup& how_;
  ProgressMeter meter_;
};

// With circular logging they go by themselves.
Status remove_spent_logs(Instance& instance) {
  const auto hold = instance.hold_for_backup();
  if (!hold.ok()) return hold.error();
  if (instance.options().circular) return Ok{};
  const auto removed = instance.log().remove_below(hold.value().kept_from());
  return removed.ok() ? Status(Ok{}) : Status(removed.error());
}

Status copy_to_target(StreamingBackup& backup, const DirectoryBackup& how) {
  auto target = BackupTarget::prepare(backup.instance().files(),
                                      {how.directory, how.contents, how.atomic, how.create_path});
  if (!target.ok()) return target.error();
  return DirectoryWriter(backup, std::move(target).value(), how).run();
}

}  // namespace

std::string backup_marker_name(const BytePath& database) {
  const std::string name = last_component(database);
  const std::size_t dot = name.rfind('.');
  return (dot == std::string::npos || dot == 0 ? name : name.substr(0, dot)) + ".pat";
}

// What is wrong with the backup itself comes before what is wrong with the folder, so nothing is
// moved there for one that cannot begin.
Status back_up_to_directory(StreamingBackup& backup, const DirectoryBackup& how) {
  if (how.directory.empty()) return remove_spent_logs(backup.instance());
  if (Status s = backup.begin(how.contents); !s.ok()) return s;
  Status done = copy_to_target(backup, how);
  if (!done.ok() && backup.state() != BackupState::none) (void)backup.end({.aborted = true});
  return done.ok() ? done
                   : done.error().while_doing("backing up to '" + escape_path(how.directory) + "'");
}

}  // namespace stillframe::ese
