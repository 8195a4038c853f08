#include "writers/ese/backup/streaming_backup.hpp"

#include <algorithm>

#include <gtest/gtest.h>

#include "tests/ese/backup/streaming_backup_fixture.hpp"
#include "writers/ese/format/backup_trailer.hpp"
#include "writers/ese/recovery/log_files.hpp"

namespace stillframe::ese {
namespace {

using tests::bytes_of_file;
using tests::fails;
using tests::header_of;
using tests::kOne;
using tests::kPage;
using tests::kTwo;
using tests::StreamingBackupTest;

// ---- What a backup has

TEST_F(StreamingBackupTest, ACopyIsTwoHeadersAllPagesAndATrailer) {
  work_long();
  const auto set = backed_up("/set");
  const auto bytes = bytes_of_file(files_, "/set/one.edb");
  InstanceDatabase& database = *instance_->find_database(kOne);
  const auto owned = static_cast<std::uint32_t>(database.last_owned_page().value());
  EXPECT_EQ(bytes.size(), (owned + 3) * kPage);
  EXPECT_TRUE(std::equal(bytes.begin(), bytes.begin() + kPage, bytes.begin() + kPage));
  const DatabaseHeader copied = header_of(files_, "/set/one.edb");
  EXPECT_EQ(copied.full_current.low, set.low);
  EXPECT_EQ(copied.full_current.high, Generation::none);
  const auto trailer = read_backup_trailer(Bytes(bytes).last(kPage), "one");
  ASSERT_TRUE(trailer.ok()) << trailer.error().what();
  EXPECT_EQ(trailer.value().info.mark, copied.full_current.mark);
  EXPECT_LE(trailer.value().info.high, set.high);
  EXPECT_EQ(trailer.value().database, copied.sign_db);
  EXPECT_EQ(header_of(files_, kOne).full_current, BackupInfo{}) << "the live header";
}

TEST_F(StreamingBackupTest, TheLogsAreThoseFromTheCheckpointToTheOneThatWasJustFinished) {
  work_long();
  const Generation checkpoint = instance_->checkpoint().generation;
  const Generation before = instance_->log().header().fields.generation;
  ASSERT_TRUE(backup_->begin(BackupContents::full).ok());
  const auto list = backup_->log_info();
  ASSERT_TRUE(list.ok()) << list.error().what();
  EXPECT_EQ(list.value().low, checkpoint);
  EXPECT_EQ(list.value().high, before);
  EXPECT_EQ(list.value().base, "edb");
  EXPECT_EQ(list.value().files.size(),
            static_cast<std::size_t>(before) - static_cast<std::size_t>(checkpoint) + 1);
  for (const BytePath& file : list.value().files) EXPECT_TRUE(files_.exists(file)) << file;
  EXPECT_GT(instance_->log().header().fields.generation, before) << "a new log has begun";
  EXPECT_EQ(backup_->log_info().value().files, list.value().files) << "asked again";
  EXPECT_TRUE(backup_->end({.aborted = true}).ok());
}

TEST_F(StreamingBackupTest, AFullBackupRemovesOlderLogsAndIsRemembered) {
  work_long();
  const auto before = logs();
  const auto set = backed_up("/set");
  EXPECT_LT(logs().size(), before.size());
  for (const auto& [generation, path] : tests::finished_logs(files_, "/log")) {
    EXPECT_GE(generation, set.low);
  }
  for (const BytePath& path : {kOne, kTwo}) {
    const DatabaseHeader header = header_of(files_, path);
    EXPECT_EQ(header.full_previous.low, set.low);
    EXPECT_EQ(header.full_previous.high, set.high);
    EXPECT_EQ(header.copy_previous, BackupInfo{});
  }
}

TEST_F(StreamingBackupTest, TheWholeChainIsStampedAsItWasTaken) {
  work_long();
  const auto full = backed_up("/set");
  work_long();
  const auto differential =
      backed_up("/more", {.contents = BackupContents::logs_only, .truncate = false});
  EXPECT_EQ(differential.low, tests::finished_logs(files_, "/log").begin()->first);
  const auto incremental = backed_up("/set", {.contents = BackupContents::logs_only});
  EXPECT_EQ(incremental.low, differential.low);
  work();
  const auto copy = backed_up("/copy", {.truncate = false});
  const DatabaseHeader header = header_of(files_, kOne);
  EXPECT_EQ(header.full_previous.high, full.high);
  EXPECT_EQ(header.differential_previous.high, differential.high);
  EXPECT_EQ(header.incremental_previous.high, incremental.high);
  EXPECT_EQ(header.copy_previous.high, copy.high);
  EXPECT_GT(header.incremental_previous.mark, header.differential_previous.mark);
  const auto again = backed_up("/again");
  EXPECT_EQ(header_of(files_, kOne).incremental_previous, BackupInfo{}) << "a new chain";
  EXPECT_EQ(header_of(files_, kOne).full_previous.high, again.high);
}

// The record is durable before the header says it: a crash between the two loses nothing.
TEST_F(StreamingBackupTest, RedoStampsAHeaderThatWasNotWritten) {
  work_long();
  const DatabaseHeader before = header_of(files_, kOne);
  const auto set = backed_up("/set");
  const DatabaseHeader after = header_of(files_, kOne);
  ASSERT_NE(after.full_previous, before.full_previous);
  {
    DatabaseHeader lost = after;
    lost.full_previous = before.full_previous;
    auto file = files_.open(kOne, FileAccess::write);
    DatabaseStore store(std::move(file).value(), kPage);
    ASSERT_TRUE(store.write_header(lost).ok());
  }
  start(files_);
  EXPECT_EQ(header_of(files_, kOne).full_previous.high, set.high);
}

TEST_F(StreamingBackupTest, TheLogSaysWhatTheBackupDid) {
  work();
  const Lgpos from = instance_->log().end();
  backed_up("/set");
  ASSERT_TRUE(backup_->begin(BackupContents::full).ok());
  ASSERT_TRUE(backup_->end({.aborted = true}).ok());
  const auto set = read_log_set(files_, "/log", "edb");
  ASSERT_TRUE(set.ok());
  LogReader reader(
      [&](Generation generation, bool last) {
        return read_generation(files_, set.value(), generation, last);
      },
      set.value().chain.usable_from(), set.value().chain.newest());
  std::vector<BackupPhase> phases;
  for (;;) {
    const auto record = reader.next();
    ASSERT_TRUE(record.ok()) << record.error().what();
    if (!record.value()) break;
    if (record.value()->at < from || record.value()->type() != RecordType::backup2) continue;
    phases.push_back(BackupPhase{decode_record<BackupRecord2>(record.value()->bytes).fixed.phase});
  }
  using enum BackupPhase;
  EXPECT_EQ(phases, (std::vector{BackupPhase::begin, prepare_logs, truncate, update, update,
                                 BackupPhase::stop, BackupPhase::begin, abort, BackupPhase::stop}));
}

// ---- What others may do meanwhile

TEST_F(StreamingBackupTest, DatabasesStayAndSoDoesTheInstance) {
  work();
  ASSERT_TRUE(backup_->begin(BackupContents::full).ok());
  EXPECT_TRUE(fails(instance_->create_database("/db/new.edb"), EseErr::backup_in_progress));
  EXPECT_TRUE(fails(instance_->attach_database("/db/new.edb"), EseErr::backup_in_progress));
  EXPECT_TRUE(fails(instance_->detach_database(kOne), EseErr::backup_in_progress));
  EXPECT_TRUE(fails(instance_->stop(), EseErr::backup_in_progress));
  StreamingBackup other(*instance_);
  EXPECT_TRUE(fails(other.begin(BackupContents::full), EseErr::backup_in_progress));
  EXPECT_TRUE(fails(backup_->begin(BackupContents::full), EseErr::backup_in_progress));
  work();
  EXPECT_TRUE(backup_->log_info().ok()) << "the running one is not disturbed";
  EXPECT_TRUE(backup_->end().ok());
  model_.crash();
  EXPECT_TRUE(instance_->detach_database(kOne).ok());
  EXPECT_TRUE(instance_->stop().ok());
}

TEST_F(StreamingBackupTest, CircularLoggingKeepsWhatTheBackupNeedsUntilItEnds) {
  options_.circular = true;
  model_.crash();
  backup_.reset();
  ASSERT_TRUE(instance_->stop().ok());
  start(files_);
  work_long();
  EXPECT_TRUE(fails(backup_->begin(BackupContents::logs_only), EseErr::invalid_backup));
  ASSERT_TRUE(backup_->begin(BackupContents::full).ok());
  const Generation needed = instance_->checkpoint().generation;
  work_long();
  EXPECT_GT(instance_->checkpoint().generation, needed);
  const auto list = backup_->log_info();
  ASSERT_TRUE(list.ok()) << list.error().what();
  EXPECT_EQ(list.value().low, needed);
  for (const BytePath& file : list.value().files) EXPECT_TRUE(files_.exists(file)) << file;
  ASSERT_TRUE(backup_->end().ok());
  work_long();
  EXPECT_FALSE(files_.exists(list.value().files.front())) << "now they go";
}

}  // namespace
}  // namespace stillframe::ese
