#include "tests/ese/backup/lifecycle/backup_chain.hpp"

#include <utility>

#include "framework/base/path.hpp"
#include "writers/ese/backup/directory_backup.hpp"
#include "writers/ese/backup/directory_restore.hpp"
#include "writers/ese/backup/snapshot_session.hpp"
#include "writers/ese/engine/page_shelter.hpp"
#include "writers/ese/format/ese_error.hpp"
#include "writers/ese/format/log_names.hpp"
#include "writers/ese/recovery/recovery_journal.hpp"

namespace stillframe::ese::tests {

namespace {

constexpr std::chrono::minutes kNeverTooLong{10};
const BytePath kLiveLogs = "/log", kCurrentLog = "edb.log", kCheckpointName = "edb.chk";

Generation next_to(Generation generation) {
  return Generation{static_cast<std::int32_t>(generation) + 1};
}

void remove_if_there(Files& files, const BytePath& path) {
  const bool gone = !files.exists(path) || files.remove(path).ok();
  EXPECT_TRUE(gone) << path;
}

void clear_folder(Files& files, const BytePath& folder) {
  const auto names = files.list(folder);
  if (!names.ok()) return;
  for (const BytePath& name : names.value()) {
    EXPECT_TRUE(files.remove(join_path(folder, name)).ok());
  }
}

void copy_folder(Files& files, const BytePath& from, const BytePath& to) {
  const auto names = files.list(from);
  ASSERT_TRUE(names.ok());
  for (const BytePath& name : names.value()) {
    copy_file(files, join_path(from, name), join_path(to, name));
  }
}

}  // namespace

std::string_view name_of(BackupWay way) {
  switch (way) {
    case BackupWay::streamed:
      return "streamed";
    case BackupWay::directory:
      return "into a folder";
    case BackupWay::atomic:
      return "into an atomic folder";
    case BackupWay::snapshot:
      return "snapshot";
  }
  return "";
}

void clear_place(Files& files, const BytePath& place) {
  for (const char* part : {"", "/set", "/log", "/db"}) clear_folder(files, place + part);
}

BytePath BackupChain::logs() const {
  if (way_ == BackupWay::snapshot) return folder_ + "/log";
  if (way_ != BackupWay::atomic) return folder_;
  const bool moved = world_.files().exists(folder_ + "/old/one.pat");
  return folder_ + (moved ? "/old" : "/new");
}

// ---- Taking

Status BackupChain::try_take(const BackupStep& step) {
  if (way_ == BackupWay::snapshot) return take_snapshot(step);
  // No folder takes a differential one; its logs go on from the set there all the same.
  const bool into_folder = way_ == BackupWay::directory || way_ == BackupWay::atomic;
  return into_folder && !step.keeps_logs ? take_directory(step) : take_streamed(step);
}

void BackupChain::take(const BackupStep& step) {
  const Status taken = try_take(step);
  EXPECT_TRUE(taken.ok()) << taken.error().what();
}

void BackupChain::expect_refused(const BackupStep& step, EseErr err) {
  const Status taken = try_take(step);
  ASSERT_FALSE(taken.ok()) << "it was not refused";
  EXPECT_TRUE(is(taken.error(), err)) << taken.error().what();
}

Status BackupChain::take_streamed(const BackupStep& step) {
  BackupPlan plan;
  plan.contents = step.logs_only ? BackupContents::logs_only : BackupContents::full;
  plan.truncate = !step.keeps_logs;
  plan.before_logs = [this] { world_.begin_moment(); };
  plan.after_logs = [this] { world_.end_moment(); };
  auto taken = take_backup(world_.backup(), world_.files(), logs(), plan);
  if (!taken.ok()) return taken.error();
  if (step.logs_only) {
    set_.high = taken.value().high;
  } else {
    set_ = std::move(taken).value();
  }
  return Ok{};
}

Status BackupChain::take_directory(const BackupStep& step) {
  DirectoryBackup how{.directory = folder_};
  how.contents = step.logs_only ? BackupContents::logs_only : BackupContents::full;
  how.atomic = way_ == BackupWay::atomic;
  world_.begin_moment();
  Status taken = back_up_to_directory(world_.backup(), how);
  world_.end_moment();
  return taken;
}

Status BackupChain::take_snapshot(const BackupStep& step) {
  SnapshotSession session(
      {.logs_only = step.logs_only, .copy = step.keeps_logs, .continue_after_thaw = true});
  Status done = session.add(world_.instance(), world_.freezable());
  if (!done.ok()) return done;
  world_.begin_moment();
  done = session.freeze(kNeverTooLong);
  world_.end_moment();
  if (!done.ok()) return done;
  copy_snapshot(step);
  done = session.thaw();
  if (done.ok() && !step.keeps_logs) done = session.truncate_log(true);
  if (done.ok()) done = session.end();
  return done;
}

// The logs of one that has logs alone take the place of what was the current log before.
void BackupChain::copy_snapshot(const BackupStep& step) {
  Files& files = world_.files();
  if (!step.logs_only) {
    copy_folder(files, "/db", folder_ + "/db");
    copy_folder(files, kLiveLogs, folder_ + "/log");
    return;
  }
  bring_logs(kLiveLogs, logs(), Generation::none);
  copy_file(files, join_path(kLiveLogs, kCurrentLog), join_path(logs(), kCurrentLog));
}

// ---- Restoring

void BackupChain::bring_logs(const BytePath& from, const BytePath& to, Generation first) {
  for (const auto& [generation, path] : finished_logs(world_.files(), from)) {
    const BytePath name = join_path(to, last_component(path));
    if (generation >= first && !world_.files().exists(name)) copy_file(world_.files(), path, name);
  }
}

void BackupChain::bring_newer(const Wanted& wanted, const BytePath& to, Generation first) {
  for (const BytePath& from : wanted.newer) bring_logs(from, to, first);
  if (wanted.newer.empty() || to == kLiveLogs) return;
  copy_file(world_.files(), join_path(kLiveLogs, kCurrentLog), join_path(to, kCurrentLog));
}

BackupChain::Restored BackupChain::planned(const Wanted& wanted) const {
  Restored restored;
  restored.options = world_.options();
  if (!wanted.in_place) {
    restored.options.logs = wanted.place + "/log";
    // The logs know of databases where others use them.
    restored.options.databases = {};
    restored.options.databases.named_only = true;
    restored.options.missing = MissingDatabases::ignored;
  }
  for (std::size_t i = 0; i < wanted.chosen.size(); ++i) {
    const BytePath& was = BackupWorld::paths()[i];
    const BytePath now = wanted.in_place ? was : join_path(wanted.place, last_component(was));
    restored.databases.push_back(wanted.chosen[i] ? now : BytePath{});
  }
  return restored;
}

std::optional<BackupChain::Restored> BackupChain::restore(const Wanted& wanted) {
  Restored restored = planned(wanted);
  if (wanted.in_place && wanted.newer.empty()) clear_folder(world_.files(), kLiveLogs);
  Status done = Ok{};
  switch (way_) {
    case BackupWay::streamed:
      done = restore_streamed(wanted, restored);
      break;
    case BackupWay::directory:
    case BackupWay::atomic:
      done = restore_directory(wanted, restored);
      break;
    case BackupWay::snapshot:
      place_snapshot(wanted, restored);
  }
  EXPECT_TRUE(done.ok()) << done.error().what();
  if (!done.ok()) return std::nullopt;
  return restored;
}

Status BackupChain::restore_streamed(const Wanted& wanted, const Restored& restored) {
  Files& files = world_.files();
  HardRestore restore;
  restore.set = wanted.place + "/set";
  restore.logs = restore.checkpoint = restored.options.logs;
  restore.low = set_.low;
  restore.high = set_.high;
  bring_logs(logs(), restore.set, set_.low);
  bring_newer(wanted, restore.logs, next_to(set_.high));
  for (std::size_t i = 0; i < restored.databases.size(); ++i) {
    const BytePath& to = restored.databases[i];
    if (to.empty()) continue;
    const BytePath& was = BackupWorld::paths()[i];
    copy_file(files, join_path(folder_, last_component(was)), to);
    restore.databases.push_back({was, to});
  }
  const auto done = restore_databases(files, restore);
  return done.ok() ? Status(Ok{}) : Status(done.error());
}

Status BackupChain::restore_directory(const Wanted& wanted, const Restored& restored) {
  DirectoryRestore how;
  how.directory = folder_;
  const auto all = finished_logs(world_.files(), logs());
  bring_newer(wanted, restored.options.logs, next_to(all.rbegin()->first));
  for (std::size_t i = 0; i < restored.databases.size(); ++i) {
    if (restored.databases[i].empty()) continue;
    how.chosen.push_back({BackupWorld::paths()[i], restored.databases[i]});
  }
  const auto done = restore_from_directory(world_.files(), restored.options, how);
  return done.ok() ? Status(Ok{}) : Status(done.error());
}

// Recovery is that of a start. In place what the instance left beside its databases goes, and its
// checkpoint, which is newer than they are then.
void BackupChain::place_snapshot(const Wanted& wanted, Restored& restored) {
  Files& files = world_.files();
  const BytePath& log = restored.options.logs;
  restored.forgets = false;
  for (std::size_t i = 0; i < restored.databases.size(); ++i) {
    const BytePath& to = restored.databases[i];
    if (to.empty()) continue;
    const BytePath& was = BackupWorld::paths()[i];
    if (!wanted.in_place) restored.options.databases.by_path[was] = to;
    for (const BytePath& beside : {journal_path(to), shelter_path(to)}) {
      const BytePath kept = folder_ + "/db/" + last_component(beside);
      remove_if_there(files, beside);
      if (files.exists(kept)) copy_file(files, kept, beside);
    }
    copy_file(files, folder_ + "/db/" + last_component(was), to);
  }
  bring_logs(logs(), log, Generation::none);
  if (!files.exists(join_path(log, kCurrentLog))) {
    copy_file(files, join_path(logs(), kCurrentLog), join_path(log, kCurrentLog));
  }
  bring_newer(wanted, log, finished_logs(files, logs()).begin()->first);
  const BytePath checkpoint = join_path(log, kCheckpointName);
  remove_if_there(files, checkpoint);
  if (!wanted.without_checkpoint) copy_file(files, logs() + "/" + kCheckpointName, checkpoint);
}

}  // namespace stillframe::ese::tests
