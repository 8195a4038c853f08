// Backups whose bytes the writer delivers itself, while the instance goes on, and what comes back.
#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "tests/ese/writer/ese_backup_fixture.hpp"
#include "writers/ese/format/ese_error.hpp"

namespace stillframe::ese {
namespace {

namespace fs = std::filesystem;

class EseWriterStreamTest : public tests::EseWriterBackupTest {
 protected:
  std::string streamed(BackupType type) { return backed_up(type, true); }
  // Nothing of the instance is left in a backup.
  void expect_free() {
    rows_.add_rows(1);
    EXPECT_TRUE(rows_.hosted().get()->hold_for_backup().ok());
  }
};

TEST_F(EseWriterStreamTest, AFullBackupBringsBackWhatWasCommittedAndCutsLogs) {
  ASSERT_TRUE(rows_.hosted().get()->log().roll().ok());
  ASSERT_TRUE(rows_.hosted().get()->flush().ok());
  const std::size_t logs = rows_.finished_logs();
  const std::string set = streamed(BackupType::full);
  ASSERT_FALSE(set.empty());
  EXPECT_LE(rows_.finished_logs(), logs);
  expect_free();
  rows_.add_rows(50);
  expect_restored(set);
  rows_.expect_rows(80);
  rows_.add_rows(10);
  rows_.expect_rows(90);
}

TEST_F(EseWriterStreamTest, IncrementsGoOnFromTheFullOne) {
  ASSERT_FALSE(streamed(BackupType::full).empty());
  std::string last;
  for (int i = 0; i < 2; ++i) {
    rows_.add_rows(70);
    last = streamed(BackupType::incremental);
    ASSERT_FALSE(last.empty());
  }
  rows_.add_rows(5);
  expect_restored(last);
  rows_.expect_rows(80 + 2 * 70);
}

TEST_F(EseWriterStreamTest, ADifferentialBackupKeepsAllLogs) {
  ASSERT_FALSE(streamed(BackupType::full).empty());
  std::string last;
  for (int i = 0; i < 2; ++i) {
    rows_.add_rows(70);
    const std::size_t logs = rows_.finished_logs();
    last = streamed(BackupType::differential);
    ASSERT_FALSE(last.empty());
    EXPECT_GT(rows_.finished_logs(), logs) << "the one that was written is finished";
  }
  expect_restored(last);
  rows_.expect_rows(80 + 2 * 70);
}

TEST_F(EseWriterStreamTest, ACopyIsHadInOtherPlaces) {
  const std::string set = streamed(BackupType::copy);
  ASSERT_FALSE(set.empty());
  rows_.add_rows(20);
  const std::string copy = base + "/copy";
  expect_restored(set, {{base + "/app", copy}});
  expect_copy(copy, 80);
  EXPECT_FALSE(fs::exists(copy + "/logs/restore.env"));
  rows_.expect_rows(100);
}

TEST_F(EseWriterStreamTest, OneDatabaseIsRestoredToItsPlaceBesideOneThatStays) {
  const std::string set = streamed(BackupType::full);
  ASSERT_FALSE(set.empty());
  rows_.add_rows(50);
  const Status done = restored(set, {{rows_.logs(), base + "/staged"}}, false, {"Logs", "one.edb"});
  ASSERT_TRUE(done.ok()) << done.error().what();
  rows_.expect_rows_each(80, 130);
  rows_.add_rows(5);
  rows_.crash();
  rows_.expect_rows_each(85, 135);
}

// The pages of a copy are from different moments; recovery makes one moment of them.
TEST_F(EseWriterStreamTest, ItIsOneMomentWhateverIsCommittedMeanwhile) {
  std::atomic<bool> done{false};
  std::thread application([&] {
    while (!done) rows_.add_rows(3);
  });
  const std::string set = streamed(BackupType::full);
  done = true;
  application.join();
  ASSERT_FALSE(set.empty());
  const std::string copy = base + "/copy";
  expect_restored(set, {{base + "/app", copy}});
  for (const char* name : {"/one.edb", "/two.edb"}) {
    EXPECT_EQ(tool::esectl({"verify", "--json", copy + name}).json()["verdict"], "good");
    const int rows = tool::esectl({"tables", "--json", copy + name}).json()["tables"][0]["rows"];
    EXPECT_GE(rows, 80);
    EXPECT_LE(rows, rows_.rows());
  }
}

// Each kind says which full backup it goes on from.
TEST_F(EseWriterStreamTest, SnapshotsAndStreamsDoNotGoOnFromEachOther) {
  for (const bool full_streams : {true, false}) {
    ASSERT_FALSE(backed_up(BackupType::full, full_streams).empty());
    rows_.add_rows(10);
    const auto refused = backup(BackupType::incremental, !full_streams);
    ASSERT_FALSE(refused.ok() && refused.value().finish.ok());
    const Error why = refused.ok() ? refused.value().finish.error() : refused.error();
    EXPECT_NE(why.what().find("full"), std::string::npos) << why.what();
    expect_free();
  }
}

TEST_F(EseWriterStreamTest, ADamagedPageFailsTheBackupAndNoLogGoes) {
  rows_.hosted().set_retry_pause(std::chrono::milliseconds(0));
  ASSERT_TRUE(rows_.hosted().get()->flush().ok());
  ASSERT_TRUE(rows_.hosted().get()->log().roll().ok());
  {
    std::fstream file(rows_.database(1), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(7 * 4096 + 300);
    file.write("damage", 6);
  }
  const std::size_t logs = rows_.finished_logs();
  const auto failed = backup(BackupType::full, true);
  ASSERT_FALSE(failed.ok() && failed.value().finish.ok());
  const Error why = failed.ok() ? failed.value().finish.error() : failed.error();
  EXPECT_NE(why.what().find("page 6 of"), std::string::npos) << why.what();
  EXPECT_GE(rows_.finished_logs(), logs);
  expect_free();
}

// A requestor gets what a backup has, not what the application's user may read.
TEST_F(EseWriterStreamTest, NoOtherFileIsReadThroughTheWriter) {
  CallContext call;
  call.session = SessionId::generate();
  EXPECT_FALSE(writer_.open_stream(call, {log_stream_component(), rows_.database(0)}).ok())
      << "no backup has begun";
  BackupView view;
  ASSERT_TRUE(writer_.prepare_backup(call, view).ok());
  for (const std::string& path : {std::string("/etc/passwd"), rows_.logs() + "/edb.log",
                                  rows_.logs() + "/../one.edb.other"}) {
    const auto opened = writer_.open_stream(call, {log_stream_component(), path});
    ASSERT_FALSE(opened.ok()) << path;
    EXPECT_EQ(opened.error().code(), Errc::not_found) << opened.error().what();
  }
  EXPECT_TRUE(writer_.open_stream(call, {log_stream_component(), rows_.database(0)}).ok());
  writer_.shutdown(call, {});
  expect_free();
}

// One that was opened, and whose requestor is gone, is in nobody's way.
TEST_F(EseWriterStreamTest, AnEndedSessionLetsGoAndRemembersNothing) {
  for (const bool aborted : {true, false}) {
    CallContext call;
    call.session = SessionId::generate();
    BackupView view;
    ASSERT_TRUE(writer_.prepare_backup(call, view).ok());
    auto opened = writer_.open_stream(call, {log_stream_component(), rows_.database(0)});
    ASSERT_TRUE(opened.ok()) << opened.error().what();
    std::vector<std::byte> some(5000);
    ASSERT_EQ(writer_.read(call, opened.value().handle, some).value(), some.size());
    const auto other = backup(BackupType::full, true);
    EXPECT_FALSE(other.ok() && other.value().finish.ok()) << "one at a time";
    if (aborted) writer_.abort(call);
    writer_.shutdown(call, {});
    EXPECT_FALSE(writer_.read(call, opened.value().handle, some).ok());
    EXPECT_TRUE(writer_.close(call, opened.value().handle).ok());
    expect_free();
  }
  EXPECT_FALSE(streamed(BackupType::full).empty());
}

// Killed between the last file and the recovery: the next start does what the session did not.
TEST_F(EseWriterStreamTest, AStartFinishesARestoreThatWasCutShort) {
  const std::string set = streamed(BackupType::copy);
  ASSERT_FALSE(set.empty());
  rows_.add_rows(30);
  CallContext call;
  call.session = SessionId::generate();
  RestoreView restore;
  BackupComponent component;
  component.name = log_stream_component();
  component.restore.emplace();
  restore.components = {component};
  ASSERT_TRUE(writer_.pre_restore(call, restore).ok());
  ASSERT_TRUE(writer_.restore_register(call, {}, {}).ok());
  EXPECT_FALSE(rows_.hosted().open().ok()) << "half done";
  const std::string files = base + "/files";
  {
    stillframe::tests::QuietObserver observer;
    const auto extracted = requestor::extract_set(set, files, observer);
    ASSERT_TRUE(extracted.ok()) << extracted.error().what();
  }
  fs::copy(files + base + "/app", base + "/app",
           fs::copy_options::recursive | fs::copy_options::overwrite_existing);
  ASSERT_TRUE(writer_.restore_complete(call, component.name, Ok{}).ok());
  const Status opened = rows_.hosted().open();
  ASSERT_TRUE(opened.ok()) << opened.error().what();
  rows_.expect_rows(80);
}

}  // namespace
}  // namespace stillframe::ese
