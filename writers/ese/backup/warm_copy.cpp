#include "writers/ese/backup/warm_copy.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "framework/base/path.hpp"
#include "writers/ese/backup/log_copy.hpp"
#include "writers/ese/backup/restore_logs.hpp"
#include "writers/ese/backup/restored_database.hpp"
#include "writers/ese/backup/set_databases.hpp"
#include "writers/ese/format/ese_error.hpp"
#include "writers/ese/format/newest_log.hpp"
#include "writers/ese/instance/instance_options.hpp"
#include "writers/ese/recovery/log_files.hpp"

namespace stillframe::ese {

namespace {

constexpr const char* kBegun = "warm.copy.partial";
constexpr const char* kKept = "warm.copy";
constexpr const char* kFinished = "warm.copy.finished";
constexpr const char* kShipping = ".partial";
constexpr std::size_t kShipBytes = std::size_t{1} << 20;
constexpr std::uint64_t kHeaderCopiesOfWarm = 2;

Generation following(Generation generation) {
  return Generation{static_cast<std::int32_t>(generation) + 1};
}

Status make_marker(Files& files, const BytePath& path) {
  auto made = files.create(path);
  if (!made.ok()) return made.error();
  if (Status s = made.value()->sync(); !s.ok()) return s;
  return files.sync_directory(parent_path(path));
}

// A finished log, verified, under its name once it is durable.
Status ship_log(Files& files, const BytePath& from, Generation generation, const BytePath& folder) {
  const BytePath to = join_path(folder, last_component(from));
  const BytePath partial = to + kShipping;
  if (files.exists(partial)) {
    if (Status s = files.remove(partial); !s.ok()) return s;
  }
  auto log = LogCopy::open(files, from, generation);
  if (!log.ok()) return log.error();
  auto file = files.create(partial);
  if (!file.ok()) return file.error();
  std::vector<std::byte> buffer(kShipBytes);
  for (std::uint64_t at = 0;;) {
    const auto read = log.value().read(buffer);
    if (!read.ok()) return read.error();
    if (read.value() == 0) break;
    if (Status s = file.value()->write(at, Bytes(buffer).first(read.value())); !s.ok()) return s;
    at += read.value();
  }
  if (Status s = file.value()->sync(); !s.ok()) return s;
  if (Status s = files.rename(partial, to); !s.ok()) return s;
  return files.sync_directory(folder);
}

// Puts a set into an empty folder. What an interrupted call left is recognised by its marker.
class WarmCopyBegin {
 public:
  WarmCopyBegin(Files& files, const WarmCopy& copy, const BytePath& set)
      : files_(files), copy_(copy), set_(set) {}

  Status run() {
    if (Status s = clear(); !s.ok()) return s;
    auto logs = check_restore_logs(files_, {set_, copy_.base, {}, {}, {}, {}});
    if (!logs.ok()) return logs.error();
    const auto found =
        find_set_databases(files_, set_, {copy_.base, logs.value().low, logs.value().high}, true);
    if (!found.ok()) return found.error();
    if (Status s = make_marker(files_, part(kBegun)); !s.ok()) return s;
    for (const SetDatabase& database : found.value()) {
      if (Status s = place(database, logs.value()); !s.ok()) return s;
    }
    const auto finished = archived_logs(files_, set_, copy_.base);
    if (!finished.ok()) return finished.error();
    for (const auto& [generation, path] : finished.value()) {
      if (Status s = ship_log(files_, path, generation, copy_.folder); !s.ok()) return s;
    }
    if (Status s = files_.rename(part(kBegun), part(kKept)); !s.ok()) return s;
    return files_.sync_directory(copy_.folder);
  }

 private:
  BytePath part(const std::string& name) const { return join_path(copy_.folder, name); }

  Status clear() {
    const auto names = files_.list(copy_.folder);
    if (!names.ok()) return names.error();
    if (!names.value().empty() && !files_.exists(part(kBegun))) {
      return Error(Errc::already_exists, "'" + escape_path(copy_.folder) +
                                             "' has something already; a copy begins in an empty "
                                             "folder");
    }
    for (const BytePath& name : names.value()) {
      if (name == kBegun) continue;
      if (Status s = files_.remove(part(name)); !s.ok()) return s;
    }
    if (names.value().empty()) return Ok{};
    return files_.remove(part(kBegun));  // last: without it the rest would be somebody's
  }

  // Its header says what the trailer knows: from here on it is a database after a crash.
  Status place(const SetDatabase& database, const RestoreLogs& logs) {
    const auto checked = check_restored_database(files_, database.file, logs);
    if (!checked.ok()) return checked.error();
    DatabaseHeader header = checked.value().header;
    set_state(header, DbState::dirty_shutdown, header.full_current.low, logs.high);
    set_newest_log(header, logs.high, logs.newest_of_set.header.fields.created);
    header.full_current = BackupInfo{};
    auto from = files_.open(database.file, FileAccess::read);
    if (!from.ok()) return from.error();
    auto to = files_.create(part(database.name));
    if (!to.ok()) return to.error();
    std::vector<std::byte> page(header.page_size());
    seal_header(header, page);
    for (std::uint64_t i = 0; i < kHeaderCopiesOfWarm; ++i) {
      if (Status s = to.value()->write(i * page.size(), page); !s.ok()) return s;
    }
    const std::uint64_t pages = static_cast<std::uint32_t>(checked.value().last);
    return copy_pages(*from.value(), *to.value(), kHeaderCopiesOfWarm * page.size(),
                      (kHeaderCopiesOfWarm + pages) * page.size());
  }

  Status copy_pages(const File& from, File& to, std::uint64_t at, std::uint64_t end) {
    std::vector<std::byte> buffer(kShipBytes);
    while (at < end) {
      const auto some =
          MutableBytes(buffer).first(std::min<std::uint64_t>(buffer.size(), end - at));
      if (Status s = from.read(at, some); !s.ok()) return s;
      if (Status s = to.write(at, some); !s.ok()) return s;
      at += some.size();
      if (copy_.progress) copy_.progress("copying", at, end);
    }
    return to.sync();
  }

  Files& files_;
  const WarmCopy& copy_;
  const BytePath& set_;
};

Status check_kept(Files& files, const WarmCopy& copy) {
  switch (warm_copy_state(files, copy)) {
    case WarmCopyState::kept:
      return Ok{};
    case WarmCopyState::finished:
      return Error(Errc::wrong_state, "the copy in '" + escape_path(copy.folder) +
                                          "' was finished; logs can only be added to a new one");
    case WarmCopyState::absent:
      break;
  }
  return Error(Errc::not_found,
               "'" + escape_path(copy.folder) + "' has no copy; begin one from a backup");
}

std::string range_text(Generation first, Generation last) {
  const std::string from = std::to_string(static_cast<int>(first));
  return first == last ? "generation " + from
                       : "generations " + from + " to " + std::to_string(static_cast<int>(last));
}

// The logs of `source` behind `newest`, which follow it and each other.
Result<std::vector<ChainLog>> logs_to_ship(Files& files, const WarmCopy& copy,
                                           const BytePath& source) {
  const auto there = read_log_set(files, copy.folder, copy.base);
  if (!there.ok()) return there.error();
  if (!there.value().bad.empty()) return there.value().bad.front().error;
  if (there.value().chain.logs.empty()) {
    return ese_error(EseErr::missing_log_file,
                     "'" + escape_path(copy.folder) + "' has lost its logs; begin a new copy");
  }
  const auto found = read_log_set(files, source, copy.base);
  if (!found.ok()) return found.error();
  const ChainLog* before = &there.value().chain.logs.back();
  std::vector<ChainLog> wanted;
  for (const ChainLog& log : found.value().chain.logs) {
    if (log.name.kind != LogFileKind::archived || log.generation() <= before->generation())
      continue;
    wanted.push_back(log);
  }
  for (const ChainLog& log : wanted) {
    if (log.generation() > following(before->generation())) {
      const Generation last{static_cast<std::int32_t>(log.generation()) - 1};
      return ese_error(EseErr::missing_current_log_files,
                       "the copy has the logs up to " +
                           std::to_string(static_cast<int>(before->generation())) + ", and " +
                           range_text(following(before->generation()), last) + " " +
                           "cannot be read in '" + escape_path(source) +
                           "' any more: bring what is missing there, or begin a new copy");
    }
    if (const auto finding = check_follows(*before, log, std::nullopt)) return finding->error();
    before = &log;
  }
  return wanted;
}

RecoveryOptions replay_options(const WarmCopy& copy, Generation from) {
  RecoveryOptions options;
  options.logs = copy.folder;
  options.base = copy.base;
  options.databases.directory = copy.folder;
  options.from = from;
  options.now = log_time_now();
  options.identity = Signature{random_number(), options.now, {}};
  options.progress = copy.progress;
  return options;
}

Result<WarmReplay> replay_logs(Files& files, const WarmCopy& copy, bool pause) {
  const auto logs = archived_logs(files, copy.folder, copy.base);
  if (!logs.ok()) return logs.error();
  if (logs.value().empty()) {
    return ese_error(EseErr::missing_log_file,
                     "'" + escape_path(copy.folder) + "' has lost its logs; begin a new copy");
  }
  RecoveryOptions options = replay_options(copy, logs.value().begin()->first);
  options.pause = pause;
  const auto report = recover(files, options);
  if (!report.ok()) return report.error();
  WarmReplay replay;
  replay.newest = report.value().plan.last;
  replay.counts = report.value().counts;
  if (!pause) replay.replayed_to = replay.newest;
  if (report.value().paused) replay.replayed_to = report.value().paused->generation;
  for (const PlannedDatabase& database : report.value().plan.databases) {
    if (!files.exists(database.file)) continue;
    replay.databases.push_back(database.file);
    if (database.action != PlannedAction::set_aside) continue;
    return ese_error(
        EseErr::attached_database_mismatch,
        "'" + escape_path(database.file) + "' is not kept up by these logs: " + database.why);
  }
  return replay;
}

// The newest stays, so that it is known what comes next.
Status remove_replayed(Files& files, const WarmCopy& copy, Generation replayed_to) {
  const auto logs = archived_logs(files, copy.folder, copy.base);
  if (!logs.ok()) return logs.error();
  for (const auto& [generation, path] : logs.value()) {
    if (generation >= replayed_to) break;
    if (Status s = files.remove(path); !s.ok()) return s;
  }
  return files.sync_directory(copy.folder);
}

}  // namespace

WarmCopyState warm_copy_state(Files& files, const WarmCopy& copy) {
  if (files.exists(join_path(copy.folder, kKept))) return WarmCopyState::kept;
  return files.exists(join_path(copy.folder, kFinished)) ? WarmCopyState::finished
                                                         : WarmCopyState::absent;
}

Status begin_warm_copy(Files& files, const WarmCopy& copy, const BytePath& set) {
  const Status begun = WarmCopyBegin(files, copy, set).run();
  if (begun.ok()) return begun;
  return begun.error().while_doing("beginning a copy in '" + escape_path(copy.folder) + "'");
}

Result<std::vector<Generation>> ship_logs(Files& files, const WarmCopy& copy,
                                          const BytePath& source) {
  if (Status s = check_kept(files, copy); !s.ok()) return s.error();
  const auto wanted = logs_to_ship(files, copy, source);
  if (!wanted.ok()) return wanted.error();
  std::vector<Generation> shipped;
  for (const ChainLog& log : wanted.value()) {
    const BytePath path = join_path(source, log.file);
    if (Status s = ship_log(files, path, log.generation(), copy.folder); !s.ok()) return s.error();
    shipped.push_back(log.generation());
    if (copy.progress) copy.progress("copying", shipped.size(), wanted.value().size());
  }
  return shipped;
}

Result<WarmReplay> replay_warm_copy(Files& files, const WarmCopy& copy) {
  if (Status s = check_kept(files, copy); !s.ok()) return s.error();
  auto replay = replay_logs(files, copy, true);
  if (!replay.ok()) return replay.error().while_doing("replaying the shipped logs");
  if (!replay.value().replayed_to) return replay;
  const Status removed = remove_replayed(files, copy, *replay.value().replayed_to);
  return removed.ok() ? std::move(replay) : Result<WarmReplay>(removed.error());
}

Result<WarmReplay> finish_warm_copy(Files& files, const WarmCopy& copy) {
  if (warm_copy_state(files, copy) != WarmCopyState::finished) {
    if (Status s = check_kept(files, copy); !s.ok()) return s.error();
    // From here on no log is added: what is undone is not in the logs that would follow.
    const Status renamed =
        files.rename(join_path(copy.folder, kKept), join_path(copy.folder, kFinished));
    if (!renamed.ok()) return renamed.error();
    if (Status s = files.sync_directory(copy.folder); !s.ok()) return s.error();
  }
  auto replay = replay_logs(files, copy, false);
  return replay.ok() ? replay : replay.error().while_doing("finishing the copy");
}

}  // namespace stillframe::ese
