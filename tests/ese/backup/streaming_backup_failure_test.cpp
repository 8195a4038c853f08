// What a streaming backup refuses, and what goes wrong while it runs.
#include <atomic>
#include <thread>

#include <gtest/gtest.h>

#include "framework/base/path.hpp"
#include "tests/ese/backup/streaming_backup_fixture.hpp"
#include "tests/ese/support/restless_files.hpp"
#include "writers/ese/backup/backup_file_copy.hpp"
#include "writers/ese/format/record_transaction.hpp"

namespace stillframe::ese {
namespace {

using tests::fails;
using tests::header_of;
using tests::kOne;
using tests::kPage;
using tests::kTwo;
using tests::StreamingBackupTest;
using tests::take_backup;

// ---- What is refused

// A backup in some state, and one call of it.
class BackupCallsTest : public StreamingBackupTest {
 protected:
  struct Cell {
    BackupState state;
    bool logs_only, stopped;
    BackupCall call;
  };
  static std::string text(const Cell& cell) {
    return std::string(name_of(cell.call)) + " in " + std::string(name_of(cell.state)) +
           (cell.logs_only ? ", logs only" : "") + (cell.stopped ? ", stopped" : "");
  }

  void expect_cell(const Cell& cell) {
    SCOPED_TRACE(text(cell));
    enter(cell);
    const auto expected =
        backup_refusal(cell.call, {cell.state, cell.stopped, cell.logs_only, false});
    const Status done = make(cell);
    if (expected) {
      EXPECT_TRUE(fails(done, *expected));
    } else if (cell.call == BackupCall::truncate_log) {
      EXPECT_TRUE(fails(done, EseErr::log_file_not_copied)) << "nothing was read";
    } else if (cell.call == BackupCall::end && cell.stopped && cell.state != BackupState::none) {
      EXPECT_TRUE(fails(done, EseErr::backup_abort_by_server));
    } else {
      EXPECT_TRUE(done.ok()) << done.error().what();
    }
    const bool over = cell.call == BackupCall::end || cell.state == BackupState::none;
    if (!over) {
      EXPECT_NE(backup_->state(), BackupState::none) << "the backup survives";
    }
    (void)backup_->end({.aborted = true});
  }

 private:
  void enter(const Cell& cell) {
    contents_ = cell.logs_only ? BackupContents::logs_only : BackupContents::full;
    log_ = logs().front();
    file_ = {};
    if (cell.state != BackupState::none) {
      ASSERT_TRUE(backup_->begin(contents_).ok());
    }
    if (cell.state == BackupState::logs) log_ = backup_->log_info().value().files.front();
    if (cell.call == BackupCall::read || cell.call == BackupCall::close) {
      const auto opened = backup_->open(cell.state == BackupState::databases ? kOne : log_);
      if (opened.ok()) file_ = opened.value().file;
    }
    if (cell.stopped) backup_->stop();
  }

  Status make(const Cell& cell) {
    const auto status = [](const auto& result) {
      return result.ok() ? Status(Ok{}) : Status(result.error());
    };
    alignas(4096) static std::byte buffer[16 * kPage];
    switch (cell.call) {
      case BackupCall::begin:
        return backup_->begin(contents_);
      case BackupCall::attach_info:
        return status(backup_->attach_info());
      case BackupCall::open_database:
        return status(backup_->open(kOne));
      case BackupCall::open_other:
        return status(backup_->open(log_));
      case BackupCall::read:
        return status(backup_->read(file_, buffer));
      case BackupCall::close:
        return backup_->close(file_);
      case BackupCall::log_info:
        return status(backup_->log_info());
      case BackupCall::truncate_log:
        return backup_->truncate_log();
      case BackupCall::end:
        return backup_->end({.update_headers = false});
      case BackupCall::stop:
        backup_->stop();
        return Ok{};
    }
    return Ok{};
  }

  BackupContents contents_{};
  BytePath log_;
  BackupFile file_{};
};

TEST_F(BackupCallsTest, EveryCallInEveryStateDoesWhatTheTableSays) {
  work_long();
  backed_up("/set");
  for (int number = 0; number < kBackupCalls; ++number) {
    const auto call = static_cast<BackupCall>(number);
    for (const bool stopped : {false, true}) {
      expect_cell({BackupState::none, false, stopped, call});
      expect_cell({BackupState::databases, false, stopped, call});
      for (const bool logs_only : {false, true}) {
        expect_cell({BackupState::logs, logs_only, stopped, call});
      }
    }
  }
}

TEST_F(StreamingBackupTest, ReadingHasRules) {
  work();
  ASSERT_TRUE(backup_->begin(BackupContents::full).ok());
  const auto opened = backup_->open(kOne);
  ASSERT_TRUE(opened.ok());
  EXPECT_TRUE(fails(backup_->open(kTwo), EseErr::out_of_memory)) << "one at a time";
  alignas(4096) static std::byte buffer[8 * kPage];
  const MutableBytes all(buffer);
  const BackupFile file = opened.value().file;
  const auto refused = [&](BackupFile which, MutableBytes into) {
    return fails(backup_->read(which, into), EseErr::invalid_parameter);
  };
  EXPECT_TRUE(refused(BackupFile{99}, all));
  EXPECT_TRUE(refused(file, all.first(2 * kPage))) << "the first time three pages";
  EXPECT_TRUE(refused(file, all.first(4 * kPage - 1)));
  EXPECT_TRUE(refused(file, all.subspan(512, 4 * kPage)));
  EXPECT_TRUE(backup_->read(file, all.first(3 * kPage)).ok());
  EXPECT_TRUE(backup_->read(file, all.first(kPage)).ok());
  EXPECT_TRUE(fails(backup_->close(BackupFile{99}), EseErr::invalid_parameter));
  EXPECT_TRUE(backup_->close(file).ok());
  EXPECT_TRUE(fails(backup_->read(file, all), EseErr::invalid_parameter));
  EXPECT_TRUE(fails(backup_->open("/db/none.edb"), EseErr::database_not_found));
  EXPECT_EQ(backup_->state(), BackupState::databases);
}

TEST_F(StreamingBackupTest, ABeginThatIsRefusedChangesNothing) {
  work();
  EXPECT_TRUE(fails(backup_->begin(BackupContents::logs_only), EseErr::missing_full_backup));
  tests::copy_file(files_, "/log/edb.chk", "/kept");
  ASSERT_TRUE(files_.remove("/log/edb.chk").ok());
  EXPECT_TRUE(fails(backup_->begin(BackupContents::full), EseErr::checkpoint_file_not_found));
  tests::copy_file(files_, "/kept", "/log/edb.chk");
  tests::flip_byte(files_, "/log/edb.chk", 100);
  tests::flip_byte(files_, "/log/edb.chk", 4096 + 100);
  EXPECT_TRUE(fails(backup_->begin(BackupContents::full), EseErr::checkpoint_corrupt));
  EXPECT_EQ(backup_->state(), BackupState::none);
  ASSERT_TRUE(instance_->detach_database(kTwo).ok()) << "nothing is held";
  files_.stop_at(1);
  EXPECT_TRUE(instance_->log().append(encode_record(BareRecord{RecordType::shutdown_mark})).ok());
  EXPECT_FALSE(instance_->log().make_all_durable().ok());
  EXPECT_TRUE(fails(backup_->begin(BackupContents::full), EseErr::log_write_fail));
}

// ---- What goes wrong

TEST_F(StreamingBackupTest, ADamagedPageIsNamedAndLeavesOutItsDatabaseOnly) {
  work_long();
  constexpr std::uint32_t kPgno = 5;
  tests::flip_byte(files_, kOne, (kPgno + 1) * kPage + 100);
  ASSERT_TRUE(backup_->begin(BackupContents::full).ok());
  const auto before = logs();
  ASSERT_TRUE(files_.make_directory("/set").ok());
  const Status damaged = copy_backup_file(*backup_, kOne, files_, "/set/one.edb");
  ASSERT_TRUE(fails(damaged, EseErr::read_verify_failure));
  EXPECT_NE(damaged.error().what().find("page 5 of '/db/one.edb'"), std::string::npos)
      << damaged.error().what();
  EXPECT_FALSE(files_.exists("/set/one.edb"));
  EXPECT_TRUE(copy_backup_file(*backup_, kTwo, files_, "/set/two.edb").ok());
  const auto list = backup_->log_info();
  ASSERT_TRUE(list.ok());
  for (const BytePath& log : list.value().files) {
    ASSERT_TRUE(copy_backup_file(*backup_, log, files_, "/set/" + last_component(log)).ok());
  }
  ASSERT_TRUE(backup_->truncate_log().ok());
  ASSERT_TRUE(backup_->end().ok());
  EXPECT_EQ(header_of(files_, kOne).full_previous, BackupInfo{});
  EXPECT_EQ(header_of(files_, kTwo).full_previous.high, list.value().high);
  for (const BytePath& log : before) EXPECT_TRUE(files_.exists(log)) << "one.edb needs them";
}

TEST_F(StreamingBackupTest, ADamagedOrMissingLogEndsTheBackup) {
  work_long();
  for (const bool missing : {false, true}) {
    ASSERT_TRUE(backup_->begin(BackupContents::full).ok());
    const BytePath log = backup_->log_info().value().files.front();
    const BytePath kept = "/kept.log";
    tests::copy_file(files_, log, kept);
    if (missing) {
      ASSERT_TRUE(files_.remove(log).ok());
    } else {
      tests::flip_byte(files_, log, 2 * 4096 + 50);
    }
    const EseErr err = missing ? EseErr::missing_file_to_backup : EseErr::log_read_verify_failure;
    EXPECT_TRUE(fails(copy_backup_file(*backup_, log, files_, "/copy.log"), err));
    EXPECT_EQ(backup_->state(), BackupState::none);
    EXPECT_TRUE(fails(backup_->end(), EseErr::no_backup));
    EXPECT_EQ(header_of(files_, kOne).full_previous, BackupInfo{});
    tests::copy_file(files_, kept, log);
  }
  EXPECT_TRUE(take_backup(*backup_, files_, "/set").ok());
}

TEST_F(StreamingBackupTest, LogsThatNobodyReadAreNotRemoved) {
  work_long();
  const auto before = logs();
  ASSERT_TRUE(backup_->begin(BackupContents::full).ok());
  const auto list = backup_->log_info();
  ASSERT_TRUE(list.ok());
  const auto remove = backup_->truncate_info();
  ASSERT_TRUE(remove.ok());
  EXPECT_TRUE(remove.value().empty()) << "no database was copied";
  for (std::size_t i = 1; i < list.value().files.size(); ++i) {
    ASSERT_TRUE(
        copy_backup_file(*backup_, list.value().files[i], files_, "/copy" + std::to_string(i))
            .ok());
  }
  EXPECT_TRUE(fails(backup_->truncate_log(), EseErr::log_file_not_copied));
  EXPECT_EQ(backup_->state(), BackupState::logs) << "it goes on";
  ASSERT_TRUE(copy_backup_file(*backup_, list.value().files[0], files_, "/copy0").ok());
  EXPECT_TRUE(backup_->truncate_log().ok());
  ASSERT_TRUE(backup_->end().ok());
  for (const BytePath& log : before) EXPECT_TRUE(files_.exists(log)) << log;
}

TEST_F(StreamingBackupTest, ABackupWithoutLogsOrThatWasStoppedCountsAsFailed) {
  work();
  ASSERT_TRUE(backup_->begin(BackupContents::full).ok());
  ASSERT_TRUE(copy_backup_file(*backup_, kOne, files_, "/one").ok());
  EXPECT_TRUE(backup_->end().ok());
  EXPECT_EQ(header_of(files_, kOne).full_previous, BackupInfo{});
  ASSERT_TRUE(backup_->begin(BackupContents::full).ok());
  ASSERT_TRUE(copy_backup_file(*backup_, kOne, files_, "/one.again").ok());
  ASSERT_TRUE(backup_->log_info().ok());
  backup_->stop();
  EXPECT_TRUE(fails(backup_->log_info(), EseErr::backup_abort_by_server));
  EXPECT_TRUE(fails(backup_->end({.truncated = true}), EseErr::backup_abort_by_server));
  EXPECT_EQ(header_of(files_, kOne).full_previous, BackupInfo{});
  EXPECT_EQ(header_of(files_, kOne).copy_previous, BackupInfo{});
  EXPECT_TRUE(take_backup(*backup_, files_, "/set").ok()) << "the next one is not stopped";
}

TEST_F(StreamingBackupTest, AStopEndsTheWaitForADamagedPage) {
  work_long();
  tests::flip_byte(files_, kOne, 6 * kPage + 100);
  StreamingBackupOptions patient;
  patient.retry_pause = std::chrono::hours(1);
  StreamingBackup backup(*instance_, patient);
  ASSERT_TRUE(backup.begin(BackupContents::full).ok());
  Status read = Ok{};
  std::thread reader([&] { read = copy_backup_file(backup, kOne, files_, "/one"); });
  backup.stop();
  reader.join();
  EXPECT_TRUE(fails(read, EseErr::backup_abort_by_server));
  EXPECT_TRUE(fails(backup.end(), EseErr::backup_abort_by_server));
}

TEST_F(StreamingBackupTest, HeadersStayAsTheyAreWhenTheCallerAsksForThat) {
  work();
  ASSERT_TRUE(backup_->begin(BackupContents::full).ok());
  ASSERT_TRUE(copy_backup_file(*backup_, kOne, files_, "/one").ok());
  ASSERT_TRUE(backup_->log_info().ok());
  ASSERT_TRUE(backup_->end({.update_headers = false}).ok());
  EXPECT_EQ(header_of(files_, kOne).copy_previous, BackupInfo{});
  ASSERT_TRUE(backup_->begin(BackupContents::full).ok());
  ASSERT_TRUE(copy_backup_file(*backup_, kOne, files_, "/one.again").ok());
  const Generation high = backup_->log_info().value().high;
  ASSERT_TRUE(backup_->end({.truncated = true}).ok());
  EXPECT_EQ(header_of(files_, kOne).full_previous.high, high) << "truncated elsewhere: a full one";
}

// ---- Files that are not as they should be for a moment

TEST_F(StreamingBackupTest, APageThatCanBeReadInTheEndIsOnlyReported) {
  work_long();
  tests::RestlessFiles restless(files_, kOne);
  start(restless);
  ASSERT_TRUE(backup_->begin(BackupContents::full).ok());
  ASSERT_TRUE(instance_->find_database(kOne)->last_owned_page().ok());  // is in memory from here on
  restless.lies = 3;
  EXPECT_TRUE(copy_backup_file(*backup_, kOne, restless, "/one").ok());
  EXPECT_EQ(restless.lies, 0);
  ASSERT_EQ(notices_.warnings.size(), 1U);
  EXPECT_NE(notices_.warnings[0].find("more tries"), std::string::npos) << notices_.warnings[0];
  EXPECT_TRUE(backup_->end({.aborted = true}).ok());
  leave();  // goes before the files do
}

// A page is read while it is being written again and again: never in two halves, which would be
// told as a page that had to be read again.
TEST_F(StreamingBackupTest, NoPageIsReadHalfWritten) {
  tests::RestlessFiles restless(files_, kOne);
  start(restless);
  work(30);
  std::atomic<bool> done{false};
  Status worked = Ok{};
  std::thread writer([&] {
    while (!done && worked.ok()) {
      worked = model_.work(*instance_, 10);
      if (worked.ok()) worked = instance_->flush();
    }
    if (worked.ok()) worked = model_.finish();
  });
  for (int round = 0; round < 10; ++round) {
    EXPECT_TRUE(backup_->begin(BackupContents::full).ok());
    for (const BytePath& path : {kOne, kTwo}) {
      const Status copied = copy_backup_file(*backup_, path, restless,
                                             "/copy" + std::to_string(round) + path.substr(4));
      EXPECT_TRUE(copied.ok()) << copied.error().what();
    }
    EXPECT_TRUE(backup_->log_info().ok());
    EXPECT_TRUE(backup_->end().ok());
  }
  done = true;
  writer.join();
  EXPECT_TRUE(worked.ok()) << worked.error().what();
  EXPECT_TRUE(notices_.warnings.empty()) << notices_.warnings.front();
  leave();
}

}  // namespace
}  // namespace stillframe::ese
