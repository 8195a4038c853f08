#include "tests/ese/support/backup_sets.hpp"

#include <algorithm>

#include <gtest/gtest.h>

#include "framework/base/path.hpp"
#include "writers/ese/backup/backup_file_copy.hpp"
#include "writers/ese/recovery/log_files.hpp"

namespace stillframe::ese::tests {

namespace {

Status copy_databases(StreamingBackup& backup, Files& files, BackupSet& set) {
  const auto paths = backup.attach_info();
  if (!paths.ok()) return paths.error();
  for (const BytePath& path : paths.value()) {
    const BytePath to = join_path(set.directory, last_component(path));
    if (Status s = copy_backup_file(backup, path, files, to); !s.ok()) return s;
    set.databases[path] = to;
  }
  return Ok{};
}

Status copy_logs(StreamingBackup& backup, Files& files, const BackupPlan& plan, BackupSet& set) {
  const auto logs = backup.log_info();
  if (plan.after_logs) plan.after_logs();
  if (!logs.ok()) return logs.error();
  set.low = logs.value().low;
  set.high = logs.value().high;
  for (const BytePath& path : logs.value().files) {
    const BytePath to = join_path(set.directory, last_component(path));
    if (files.exists(to)) {
      if (Status s = files.remove(to); !s.ok()) return s;
    }
    if (Status s = copy_backup_file(backup, path, files, to); !s.ok()) return s;
  }
  return Ok{};
}

}  // namespace

Result<BackupSet> take_backup(StreamingBackup& backup, Files& files, const BytePath& directory,
                              const BackupPlan& plan) {
  BackupSet set{directory, {}, {}, {}};
  if (Status s = files.make_directory(directory); !s.ok()) return s.error();
  if (Status s = backup.begin(plan.contents); !s.ok()) return s.error();
  Status done = Ok{};
  if (plan.contents == BackupContents::full) done = copy_databases(backup, files, set);
  if (done.ok() && plan.before_logs) plan.before_logs();
  if (done.ok()) done = copy_logs(backup, files, plan, set);
  if (done.ok()) done = files.sync_directory(directory);
  if (done.ok() && plan.truncate) done = backup.truncate_log();
  if (done.ok()) done = backup.end();
  if (done.ok()) return set;
  if (backup.state() != BackupState::none) (void)backup.end({.aborted = true});
  return done.error();
}

StreamingBackupOptions Notices::options() {
  StreamingBackupOptions options;
  options.retry_pause = std::chrono::milliseconds(0);
  options.tell = [this](EventLevel level, const std::string& what) {
    if (level != EventLevel::info) warnings.push_back(what);
  };
  return options;
}

std::map<Generation, BytePath> finished_logs(Files& files, const BytePath& folder) {
  auto logs = archived_logs(files, folder, "edb");
  if (logs.ok()) return std::move(logs).value();
  ADD_FAILURE() << logs.error().what();
  return {};
}

std::vector<std::byte> bytes_of_file(Files& files, const BytePath& path) {
  const auto file = files.open(path, FileAccess::read);
  if (!file.ok()) {
    ADD_FAILURE() << file.error().what();
    return {};
  }
  std::vector<std::byte> bytes(file.value()->size().value());
  EXPECT_TRUE(file.value()->read(0, bytes).ok());
  return bytes;
}

void flip_byte(Files& files, const BytePath& path, std::uint64_t offset) {
  const auto file = files.open(path, FileAccess::write);
  ASSERT_TRUE(file.ok()) << file.error().what();
  std::byte byte{};
  ASSERT_TRUE(file.value()->read(offset, {&byte, 1}).ok());
  byte ^= std::byte{0xFF};
  ASSERT_TRUE(file.value()->write(offset, {&byte, 1}).ok());
  ASSERT_TRUE(file.value()->sync().ok());
}

void copy_file(Files& files, const BytePath& from, const BytePath& to) {
  const auto bytes = bytes_of_file(files, from);
  if (files.exists(to)) {
    ASSERT_TRUE(files.remove(to).ok());
  }
  const auto file = files.create(to);
  ASSERT_TRUE(file.ok()) << file.error().what();
  ASSERT_TRUE(file.value()->write(0, bytes).ok());
  ASSERT_TRUE(file.value()->sync().ok());
  ASSERT_TRUE(files.sync_directory(parent_path(to)).ok());
}

}  // namespace stillframe::ese::tests
