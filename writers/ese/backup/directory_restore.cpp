#include "writers/ese/backup/directory_restore.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "framework/base/path.hpp"
#include "writers/ese/backup/restored_database.hpp"
#include "writers/ese/backup/set_databases.hpp"
#include "writers/ese/backup/write_behind.hpp"
#include "writers/ese/engine/page_shelter.hpp"
#include "writers/ese/format/ese_error.hpp"
#include "writers/ese/recovery/log_files.hpp"
#include "writers/ese/recovery/recovery_journal.hpp"

namespace stillframe::ese {

namespace {

constexpr const char* kCopying = ".restoring";
constexpr int kCopyPercent = 10;

struct Wanted {
  std::string logged;
  BytePath from, to;
};

class DirectoryReader {
 public:
  DirectoryReader(Files& files, const InstanceOptions& instance, const DirectoryRestore& how)
      : files_(files), instance_(instance), how_(how), meter_(how.progress) {}

  Result<HardRestored> run() {
    if (Status s = find_set(); !s.ok()) return s.error();
    if (Status s = check_logs(); !s.ok()) return s.error();
    if (Status s = find_databases(); !s.ok()) return s.error();
    if (Status s = check_databases(); !s.ok()) return s.error();
    meter_.begin();
    if (Status s = copy_databases(); !s.ok()) return s.error();
    auto restored = restore_databases(files_, hard_restore());
    if (restored.ok()) meter_.complete();
    return restored;
  }

 private:
  const BytePath& system() const {
    return instance_.system.empty() ? instance_.logs : instance_.system;
  }

  Status find_set() {
    if (!files_.list(how_.directory).ok()) {
      return ese_error(EseErr::invalid_path,
                       "there is no backup '" + escape_path(how_.directory) + "'");
    }
    for (const char* part : {"", "new", "old"}) {
      set_ = join_path(how_.directory, part);
      const auto logs = archived_logs(files_, set_, instance_.base);
      if (logs.ok() && !logs.value().empty()) return Ok{};
    }
    return ese_error(EseErr::file_not_found, "'" + escape_path(how_.directory) +
                                                 "' has no logs of '" + instance_.base + "'");
  }

  Status check_logs() {
    for (const BytePath& folder : {instance_.logs, system()}) {
      if (files_.list(folder).ok()) continue;
      return ese_error(EseErr::invalid_path,
                       "the instance's folder '" + escape_path(folder) + "' is not there");
    }
    auto logs = check_restore_logs(files_, {set_, instance_.base, {}, {}, instance_.logs, {}});
    if (!logs.ok()) return logs.error();
    logs_ = std::move(logs).value();
    const std::uint32_t page_bytes = logs_.newest_of_set.header.fields.page_size();
    if (instance_.page_bytes == 0 || page_bytes == instance_.page_bytes) return Ok{};
    return ese_error(EseErr::page_size_mismatch, "the backup is of databases with pages of " +
                                                     std::to_string(page_bytes) +
                                                     " bytes, those of this instance have " +
                                                     std::to_string(instance_.page_bytes));
  }

  Status find_databases() {
    auto found = find_set_databases(files_, set_, {instance_.base, logs_.low, logs_.high},
                                    how_.without_markers);
    if (!found.ok()) return found.error();
    std::vector<bool> used(how_.chosen.size());
    for (const SetDatabase& each : found.value()) {
      if (how_.chosen.empty()) {
        if (Status s = add(each, {}); !s.ok()) return s;
      }
      for (std::size_t i = 0; i < how_.chosen.size(); ++i) {
        if (!is_named(each, how_.chosen[i].logged)) continue;
        used[i] = true;
        if (Status s = add(each, how_.chosen[i].file); !s.ok()) return s;
      }
    }
    const auto unused = std::find(used.begin(), used.end(), false);
    if (unused == used.end()) return Ok{};
    const auto& missing = how_.chosen[static_cast<std::size_t>(unused - used.begin())];
    return ese_error(EseErr::attached_database_mismatch, "the backup in '" + escape_path(set_) +
                                                             "' has no database '" +
                                                             escape_path(missing.logged) + "'");
  }

  static bool is_named(const SetDatabase& database, const std::string& name) {
    return name == database.logged || name == database.name;
  }

  Status add(const SetDatabase& database, const BytePath& place) {
    if (!place.empty() || !how_.destination.empty()) {
      const BytePath to = place.empty() ? join_path(how_.destination, database.name) : place;
      wanted_.push_back({database.logged, database.file, to});
      return Ok{};
    }
    if (!database.logged.starts_with("/")) {
      return ese_error(EseErr::invalid_path, "'" + escape_path(database.logged) +
                                                 "' is a place on another machine; say where the "
                                                 "database shall be");
    }
    wanted_.push_back({database.logged, database.file, database.logged});
    return Ok{};
  }

  Status check_databases() const {
    for (const Wanted& each : wanted_) {
      const BytePath folder = parent_path(each.to);
      if (!files_.list(folder).ok()) {
        return ese_error(EseErr::invalid_path,
                         "the folder '" + escape_path(folder) + "' for a database is not there");
      }
      if (auto copy = check_restored_database(files_, each.from, logs_); !copy.ok()) {
        return copy.error();
      }
      if (!how_.claim_place) continue;
      if (Status s = how_.claim_place(each.to); !s.ok()) return s;
    }
    return Ok{};
  }

  // Under its name it is whole, and nothing is beside it that belongs to one that was there before.
  Status copy_databases() {
    std::uint64_t total = 0;
    std::vector<std::unique_ptr<File>> from;
    for (const Wanted& each : wanted_) {
      auto file = files_.open(each.from, FileAccess::read);
      if (!file.ok()) return file.error();
      const auto bytes = file.value()->size();
      if (!bytes.ok()) return bytes.error();
      total += bytes.value();
      from.push_back(std::move(file).value());
    }
    std::uint64_t done = 0;
    for (std::size_t i = 0; i < wanted_.size(); ++i) {
      const BytePath copying = wanted_[i].to + kCopying;
      if (Status s = copy_file(*from[i], copying, total, done); !s.ok()) return s;
      if (Status s = take_place(copying, wanted_[i].to); !s.ok()) return s;
    }
    return Ok{};
  }

  Status copy_file(const File& from, const BytePath& to, std::uint64_t total, std::uint64_t& done) {
    if (files_.exists(to)) {
      if (Status s = files_.remove(to); !s.ok()) return s;
    }
    const auto bytes = from.size();
    if (!bytes.ok()) return bytes.error();
    WriteBehind copy(files_);
    if (Status s = copy.begin(to); !s.ok()) return s;
    for (std::uint64_t at = 0; at < bytes.value();) {
      const auto room = copy.room();
      if (!room.ok()) return room.error();
      const auto some =
          room.value().first(std::min<std::uint64_t>(room.value().size(), bytes.value() - at));
      if (Status s = from.read(at, some); !s.ok()) return s;
      copy.put(some.size());
      at += some.size();
      done += some.size();
      meter_.advance(done, total, 0, kCopyPercent);
    }
    return copy.settle();
  }

  Status take_place(const BytePath& copied, const BytePath& to) {
    if (files_.exists(journal_path(to))) {
      if (Status s = files_.remove(journal_path(to)); !s.ok()) return s;
    }
    if (Status s = remove_shelter(files_, to); !s.ok()) return s;
    if (Status s = files_.rename(copied, to); !s.ok()) return s;
    return files_.sync_directory(parent_path(to));
  }

  HardRestore hard_restore() {
    HardRestore restore;
    for (const Wanted& each : wanted_) restore.databases.push_back({each.logged, each.to});
    restore.set = set_;
    restore.base = instance_.base;
    restore.low = logs_.low;
    restore.high = logs_.high;
    restore.logs = instance_.logs;
    restore.checkpoint = system();
    restore.page_bytes = instance_.page_bytes;
    restore.cache_bytes = instance_.cache_bytes;
    restore.clock = instance_.clock;
    restore.random = instance_.random;
    restore.progress = [this](std::string_view what, std::uint64_t done, std::uint64_t total) {
      if (what == "replaying") meter_.advance(done, total, kCopyPercent, 100);
    };
    return restore;
  }

  Files& files_;
  const InstanceOptions& instance_;
  const DirectoryRestore& how_;
  ProgressMeter meter_;
  BytePath set_;
  RestoreLogs logs_;
  std::vector<Wanted> wanted_;
};

// Callers of this family know one number for logs that do not go on from each other.
Error in_this_family(const Error& error) {
  const bool mismatch = is(error, EseErr::existing_log_file_has_bad_signature) ||
                        is(error, EseErr::existing_log_file_is_not_contiguous);
  return mismatch ? ese_error(EseErr::invalid_log_sequence, error.what()) : error;
}

}  // namespace

Result<HardRestored> restore_from_directory(Files& files, const InstanceOptions& instance,
                                            const DirectoryRestore& how) {
  auto restored = DirectoryReader(files, instance, how).run();
  if (restored.ok()) return restored;
  return in_this_family(restored.error())
      .while_doing("restoring from '" + escape_path(how.directory) + "'");
}

}  // namespace stillframe::ese
