// Snapshots by somebody else: what the files hold while they are frozen, and what is remembered.
#include "writers/ese/backup/snapshot_session.hpp"

#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "framework/base/path.hpp"
#include "tests/ese/backup/streaming_backup_fixture.hpp"

namespace stillframe::ese::tests {
namespace {

using namespace std::chrono_literals;

constexpr auto kLong = 10min;

class SnapshotSessionTest : public StreamingBackupTest {
 protected:
  void SetUp() override {
    start(frozen_files_);
    work_long();
  }

  std::unique_ptr<SnapshotSession> prepared(const SnapshotOptions& options) {
    auto session = std::make_unique<SnapshotSession>(options);
    const Status added = session->add(*instance_, frozen_files_);
    EXPECT_TRUE(added.ok()) << added.error().what();
    return session;
  }
  static SnapshotOptions continued(SnapshotOptions options = {}) {
    options.continue_after_thaw = true;
    return options;
  }
  // From begin to end.
  void take(const SnapshotOptions& options) {
    auto session = prepared(options);
    expect_ok(session->freeze(kLong));
    expect_ok(session->thaw());
    if (options.continue_after_thaw) expect_ok(session->end());
  }
  static void expect_ok(const Status& status) { EXPECT_TRUE(status.ok()) << status.error().what(); }
  DatabaseHeader live() { return instance_->find_database(kOne)->header(); }

  std::unique_ptr<CrashingFiles> copied() {
    auto copy = std::make_unique<CrashingFiles>();
    for (const BytePath& folder : {BytePath("/db"), BytePath("/log")}) {
      EXPECT_TRUE(copy->make_directory(folder).ok());
      const auto names = files_.list(folder);
      for (const BytePath& name : names.value()) {
        auto file = copy->create(join_path(folder, name));
        EXPECT_TRUE(file.value()->write(0, bytes_of_file(files_, join_path(folder, name))).ok());
        EXPECT_TRUE(file.value()->sync().ok());
      }
    }
    return copy;
  }
  static std::map<BytePath, std::vector<std::byte>> contents(Files& files) {
    std::map<BytePath, std::vector<std::byte>> all;
    for (const BytePath& folder : {BytePath("/db"), BytePath("/log")}) {
      const auto names = files.list(folder);
      for (const BytePath& name : names.value()) {
        all[join_path(folder, name)] = bytes_of_file(files, join_path(folder, name));
      }
    }
    return all;
  }
  void expect_recovers_to(CrashingFiles& copy, InstanceModel& model) {
    const auto recovered = started(copy, options_);
    ASSERT_NE(recovered, nullptr);
    for (const BytePath& path : {kOne, kTwo}) {
      const auto attached = recovered->attach_database(path);
      ASSERT_TRUE(attached.ok()) << attached.error().what();
    }
    model.join(*recovered);
    model.expect_committed(*recovered);
    expect_ok(recovered->stop());
    for (const BytePath& path : {kOne, kTwo}) expect_sound(copy, path);
  }

  FreezableFiles frozen_files_{files_};
};

// ---- While it is frozen

TEST_F(SnapshotSessionTest, ACopyThatIsMadeMeanwhileHasEveryDurableCommit) {
  work();
  ASSERT_TRUE(instance_->log().make_all_durable().ok());
  const auto then = model_.of_copies({kOne, kTwo});
  auto session = prepared(continued());
  expect_ok(session->freeze(kLong));
  const auto before = contents(files_);
  // Whoever works now is held at the first change of a file.
  std::thread worker([&] { work(20); });
  while (frozen_files_.held() == 0) std::this_thread::yield();
  const auto copy = copied();
  EXPECT_EQ(contents(files_), before);
  expect_ok(session->thaw());
  worker.join();
  expect_ok(session->end());
  EXPECT_NE(contents(files_), before);
  expect_recovers_to(*copy, *then);
}

TEST_F(SnapshotSessionTest, OneThatComesInTheMiddleOfWorkCanBeRecovered) {
  for (int round = 0; round < 5; ++round) {
    std::thread worker([&] { work(15); });
    auto session = prepared({});
    expect_ok(session->freeze(kLong));
    auto copy = copied();
    EXPECT_EQ(contents(*copy), contents(files_)) << "nothing changes while it is copied";
    expect_ok(session->thaw());
    worker.join();
    const auto recovered = started(*copy, options_);
    ASSERT_NE(recovered, nullptr);
    expect_ok(recovered->stop());
    for (const BytePath& path : {kOne, kTwo}) expect_sound(*copy, path);
  }
}

TEST_F(SnapshotSessionTest, AFreezeEndsByItselfAndThenItIsTooLate) {
  auto session = prepared(continued());
  expect_ok(session->freeze(1ms));
  work();  // held until then
  while (session->state() == SnapshotState::frozen) std::this_thread::yield();
  EXPECT_TRUE(fails(session->thaw(), EseErr::os_snapshot_time_out));
  EXPECT_TRUE(fails(session->thaw(), EseErr::os_snapshot_time_out)) << "as often as one asks";
  EXPECT_TRUE(fails(session->end(), EseErr::os_snapshot_invalid_sequence));
  EXPECT_TRUE(fails(session->truncate_log(true), EseErr::os_snapshot_invalid_sequence));
  EXPECT_TRUE(instance_->hold_for_backup().ok()) << "the instance is free again";
  expect_ok(session->abort());
  EXPECT_EQ(live().full_previous, BackupInfo{});
}

TEST_F(SnapshotSessionTest, WithoutACallAfterItATimeoutEndsTheSession) {
  auto session = prepared({});
  expect_ok(session->freeze(1ms));
  while (session->state() == SnapshotState::frozen) std::this_thread::yield();
  EXPECT_TRUE(fails(session->thaw(), EseErr::os_snapshot_time_out));
  EXPECT_TRUE(fails(session->thaw(), EseErr::os_snapshot_invalid_snap_id));
  EXPECT_EQ(live().full_previous, BackupInfo{});
}

TEST_F(SnapshotSessionTest, SessionsOfDifferentInstancesDoNotMeet) {
  CrashingFiles more;
  FreezableFiles more_frozen(more);
  const auto other = started(more_frozen, options_);
  ASSERT_NE(other, nullptr);
  ASSERT_TRUE(other->create_database("/db/other.edb").ok());
  {
    auto one = prepared(continued());
    SnapshotSession two(continued());
    expect_ok(two.add(*other, more_frozen));
    expect_ok(one->freeze(kLong));
    expect_ok(two.freeze(kLong));
    expect_ok(one->abort());
    work(10);  // of the first, while the second is frozen
    expect_ok(two.thaw());
    expect_ok(two.end());
  }
  EXPECT_NE(other->find_database("/db/other.edb")->header().full_previous, BackupInfo{});
  EXPECT_EQ(live().full_previous, BackupInfo{});
  expect_ok(other->stop());
}

TEST_F(SnapshotSessionTest, OneOfTwoInstancesThatRefusesLeavesNoneHeld) {
  CrashingFiles more;
  FreezableFiles more_frozen(more);
  const auto other = started(more_frozen, options_);
  ASSERT_NE(other, nullptr);
  {
    auto session = prepared(continued());
    expect_ok(session->add(*other, more_frozen));
    StreamingBackup backup(*other);
    expect_ok(backup.begin(BackupContents::full));
    EXPECT_TRUE(fails(session->freeze(kLong), EseErr::os_snapshot_not_allowed));
    EXPECT_EQ(session->state(), SnapshotState::prepared);
    work(5);
    EXPECT_TRUE(instance_->hold_for_backup().ok());
    expect_ok(backup.end({.aborted = true}));
    expect_ok(session->freeze(kLong));  // it may be tried again
    EXPECT_TRUE(fails(backup.begin(BackupContents::full), EseErr::backup_in_progress));
    expect_ok(session->thaw());
    expect_ok(session->abort());
  }
  expect_ok(other->stop());
}

// ---- What is remembered

TEST_F(SnapshotSessionTest, AThawIsTheEndUnlessMoreComes) {
  take({});
  EXPECT_NE(live().full_previous, BackupInfo{});
  EXPECT_EQ(live().full_kind, BackupKind::os_snapshot);
  EXPECT_EQ(live().full_current, BackupInfo{});
}

TEST_F(SnapshotSessionTest, WhatIsRememberedIsByTheKind) {
  EXPECT_TRUE(fails(prepared({.logs_only = true})->freeze(kLong), EseErr::missing_full_backup));
  take({.copy = true});
  EXPECT_NE(live().copy_previous, BackupInfo{});
  EXPECT_EQ(live().full_previous, BackupInfo{});
  take(continued());
  const BackupInfo full = live().full_previous;
  EXPECT_NE(full, BackupInfo{});
  EXPECT_LE(full.low, full.high);
  work_long();
  take({.logs_only = true, .copy = true});
  EXPECT_NE(live().differential_previous, BackupInfo{});
  take({.logs_only = true});
  EXPECT_NE(live().incremental_previous, BackupInfo{});
  EXPECT_GT(live().incremental_previous.high, full.high);
  EXPECT_EQ(live().full_previous, full);
}

TEST_F(SnapshotSessionTest, NothingGoesOnFromABackupOfAnotherKind) {
  take({});
  EXPECT_TRUE(fails(backup_->begin(BackupContents::logs_only), EseErr::missing_full_backup));
  backed_up("/b1");
  EXPECT_TRUE(fails(prepared({.logs_only = true})->freeze(kLong), EseErr::missing_full_backup));
}

TEST_F(SnapshotSessionTest, AnAbortIsNeverRemembered) {
  for (const bool continues : {false, true}) {
    SnapshotOptions options;
    options.continue_after_thaw = continues;
    auto session = prepared(options);
    expect_ok(session->freeze(kLong));
    expect_ok(session->abort());
    work(5);
    EXPECT_TRUE(fails(session->abort(), EseErr::os_snapshot_invalid_snap_id));
  }
  auto session = prepared(continued());
  expect_ok(session->freeze(kLong));
  expect_ok(session->thaw());
  expect_ok(session->abort());
  prepared({}).reset();
  { expect_ok(prepared({})->freeze(kLong)); }  // gone while it is frozen
  work(5);
  EXPECT_EQ(live().full_previous, BackupInfo{});
}

TEST_F(SnapshotSessionTest, ARestartKnowsWhatWasRemembered) {
  take({});
  const BackupInfo full = live().full_previous;
  leave();
  start(frozen_files_);
  EXPECT_EQ(live().full_previous, full);
}

// ---- Logs

TEST_F(SnapshotSessionTest, LogsThatNothingNeedsGo) {
  const auto before = logs();
  ASSERT_GE(before.size(), 3U);
  auto session = prepared(continued());
  EXPECT_TRUE(fails(session->truncate_log(true), EseErr::os_snapshot_invalid_sequence));
  expect_ok(session->freeze(kLong));
  expect_ok(session->thaw());
  const std::size_t held = logs().size();
  expect_ok(session->truncate_log(false));
  EXPECT_EQ(logs().size(), held) << "with databases that were not in it";
  expect_ok(session->truncate_log(true));
  EXPECT_LT(logs().size(), held);
  expect_ok(session->truncate_log(true, instance_.get()));
  expect_ok(session->end());
  leave();
  start(frozen_files_);
  model_.expect_committed(*instance_);
}

TEST_F(SnapshotSessionTest, ACopyKeepsThem) {
  const std::size_t before = logs().size();
  auto session = prepared(continued({.copy = true}));
  expect_ok(session->freeze(kLong));
  expect_ok(session->thaw());
  EXPECT_TRUE(fails(session->truncate_log(true), EseErr::os_snapshot_invalid_sequence));
  EXPECT_GE(logs().size(), before);
  expect_ok(session->end());
}

TEST_F(SnapshotSessionTest, OfCircularLogsThereAreNoIncrements) {
  leave();
  options_.circular = true;
  start(frozen_files_);
  take({});
  EXPECT_TRUE(fails(prepared({.logs_only = true})->freeze(kLong), EseErr::invalid_backup));
  auto session = prepared(continued());
  expect_ok(session->freeze(kLong));
  const auto copy = copied();
  expect_ok(session->thaw());
  expect_ok(session->truncate_log(true));
  expect_ok(session->end());
  expect_recovers_to(*copy, *model_.of_copies({kOne, kTwo}));
}

// ---- Instances that go

TEST_F(SnapshotSessionTest, AnInstanceThatGoesWaitsForTheFreezeAndLeaves) {
  auto session = prepared(continued());
  EXPECT_FALSE(session->holds(*instance_));
  expect_ok(session->freeze(kLong));
  EXPECT_TRUE(session->holds(*instance_));
  std::thread goes([&] { session->leave(*instance_); });
  expect_ok(session->thaw());
  goes.join();
  EXPECT_FALSE(session->holds(*instance_));
  expect_ok(session->end());
  EXPECT_EQ(live().full_previous, BackupInfo{}) << "it left before it could remember";
}

}  // namespace
}  // namespace stillframe::ese::tests
