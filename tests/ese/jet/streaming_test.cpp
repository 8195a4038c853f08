// Backups whose bytes the application copies: the way through the calls, and every way off it.
#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "tests/ese/jet/backup_application.hpp"

namespace stillframe::ese::tests {
namespace {

namespace fs = std::filesystem;

constexpr std::uint32_t kPage = ReadBuffer::kPage;

class JetStreamingTest : public BackupApplication {
 protected:
  void SetUp() override {
    BackupApplication::SetUp();
    work(0, 40);
    work(40, 80);
    fs::create_directory(set_);
  }

  JET_ERR begin_backup(JET_GRBIT grbit = 0) {
    return JetBeginExternalBackupInstance(instance_, grbit);
  }
  JET_ERR open(const std::string& path) {
    return JetOpenFileInstanceA(instance_, path.c_str(), &file_, &low_, &high_);
  }
  JET_ERR read(std::uint32_t bytes, std::uint32_t from = 0) {
    return JetReadFileInstance(instance_, file_, buffer_.bytes.get() + from, bytes, &done_);
  }
  JET_ERR attach_info() { return JetGetAttachInfoInstanceA(instance_, nullptr, 0, &done_); }
  JET_ERR log_info() { return JetGetLogInfoInstanceA(instance_, nullptr, 0, &done_); }
  JET_ERR truncate() { return JetTruncateLogInstance(instance_); }
  JET_ERR close() { return JetCloseFileInstance(instance_, file_); }
  JET_ERR finish(JET_GRBIT grbit = JET_bitBackupEndNormal) {
    return JetEndExternalBackupInstance2(instance_, grbit);
  }
  void read_all(const std::vector<std::string>& files) {
    for (const std::string& file : files) {
      ASSERT_JET(copy_one(file, set_));
    }
  }
  std::vector<std::string> to_truncate() {
    std::uint32_t bytes = 0;
    EXPECT_JET(JetGetTruncateLogInfoInstanceA(instance_, nullptr, 0, &bytes));
    std::vector<char> list(bytes);
    EXPECT_JET(JetGetTruncateLogInfoInstanceA(instance_, list.data(), bytes, &bytes));
    std::vector<std::string> names;
    for (const char* at = list.data(); *at != '\0'; at += names.back().size() + 1) {
      names.emplace_back(at);
    }
    return names;
  }

  const std::string set_ = folder_.file("set");
  JET_HANDLE file_ = 0;
  std::uint32_t low_ = 0, high_ = 0, done_ = 0;
};

TEST_F(JetStreamingTest, TheWayThroughCopiesAndRemovesAndIsRemembered) {
  ASSERT_JET(begin_backup());
  EXPECT_EQ(attached(), std::vector<std::string>{database_path()});
  ASSERT_JET(open(database_path()));
  EXPECT_EQ(high_, 0U);
  EXPECT_EQ(low_ % kPage, 0U);
  // Twice the header, then pages, and a trailer last.
  ASSERT_JET(read(3 * kPage));
  EXPECT_EQ(done_, 3 * kPage);
  const std::string header(buffer_.bytes.get(), kPage);
  EXPECT_EQ(header, std::string(buffer_.bytes.get() + kPage, kPage));
  std::uint32_t total = done_;
  while (done_ > 0) {
    ASSERT_JET(read(kPage));
    total += done_;
  }
  EXPECT_EQ(total, low_);
  ASSERT_JET(close());
  insert(200, 200, "while it is copied");
  JET_LOGINFO_A range{};
  const auto logs = logs_to_copy(&range);
  ASSERT_GE(logs.size(), 1U);
  EXPECT_EQ(range.ulGenHigh - range.ulGenLow + 1, logs.size());
  EXPECT_STREQ(range.szBaseName, "edb");
  EXPECT_EQ(logs_to_copy(), logs) << "asked again it is the same";
  const auto spent = to_truncate();
  EXPECT_GE(spent.size(), 1U);
  EXPECT_EQ(truncate(), JET_errLogFileNotCopied);
  for (const std::string& log : spent) EXPECT_TRUE(fs::exists(log)) << log;
  read_all(logs);
  ASSERT_JET(truncate());
  for (const std::string& log : spent) EXPECT_FALSE(fs::exists(log)) << log;
  EXPECT_EQ(header_of(database_path()).bkinfoFullPrev.genHigh, 0U) << "not before the end";
  ASSERT_JET(JetEndExternalBackupInstance(instance_));
  const auto live = header_of(database_path());
  EXPECT_EQ(live.bkinfoFullPrev.genLow, range.ulGenLow);
  EXPECT_EQ(live.bkinfoFullPrev.genHigh, range.ulGenHigh);
  EXPECT_EQ(live.bkinfoFullCur.genLow, 0U);
  EXPECT_EQ(JetEndExternalBackupInstance(instance_), JET_errNoBackup);
}

// ---- The order

TEST_F(JetStreamingTest, WithoutABackupThereIsNone) {
  EXPECT_EQ(attach_info(), JET_errNoBackup);
  EXPECT_EQ(open(database_path()), JET_errNoBackup);
  EXPECT_EQ(read(kPage), JET_errNoBackup);
  EXPECT_EQ(close(), JET_errNoBackup);
  EXPECT_EQ(log_info(), JET_errNoBackup);
  EXPECT_EQ(JetGetTruncateLogInfoInstanceA(instance_, nullptr, 0, &done_), JET_errNoBackup);
  EXPECT_EQ(truncate(), JET_errNoBackup);
  EXPECT_EQ(finish(), JET_errNoBackup);
  EXPECT_JET(JetStopBackupInstance(instance_));
}

TEST_F(JetStreamingTest, DatabasesComeBeforeLogs) {
  ASSERT_JET(begin_backup());
  EXPECT_EQ(begin_backup(), JET_errBackupInProgress);
  EXPECT_EQ(back_up(set_), JET_errBackupInProgress);
  EXPECT_EQ(truncate(), JET_errInvalidBackupSequence);
  EXPECT_EQ(open(folder_.file("edb.chk")), JET_errDatabaseNotFound);
  ASSERT_JET(open(database_path()));
  const JET_HANDLE first = file_;
  EXPECT_EQ(open(database_path()), JET_errOutOfMemory) << "one file at a time";
  EXPECT_EQ(log_info(), JET_errInvalidBackupSequence);
  file_ = first;
  ASSERT_JET(close());
  ASSERT_JET(log_info());
  EXPECT_JET(attach_info());
  EXPECT_EQ(begin_backup(), JET_errBackupInProgress);
  EXPECT_EQ(open(database_path()), JET_errInvalidBackupSequence);
  ASSERT_JET(finish(JET_bitBackupEndAbort));
}

TEST_F(JetStreamingTest, OneOfLogsHasNoDatabases) {
  EXPECT_EQ(begin_backup(JET_bitBackupIncremental), JET_errMissingFullBackup);
  copy_external(set_);
  work(100, 120);
  ASSERT_JET(begin_backup(JET_bitBackupIncremental));
  EXPECT_EQ(attach_info(), JET_errInvalidBackupSequence);
  const auto logs = logs_to_copy();
  ASSERT_JET(open(logs.front()));
  EXPECT_EQ(log_info(), JET_errInvalidBackupSequence) << "with a file open";
  EXPECT_EQ(truncate(), JET_errInvalidBackupSequence);
  ASSERT_JET(close());
  read_all(logs);
  ASSERT_JET(truncate());
  ASSERT_JET(finish());
  EXPECT_NE(header_of(database_path()).bkinfoIncPrev.genHigh, 0U);
}

TEST_F(JetStreamingTest, ALogThatIsMissingEndsIt) {
  ASSERT_JET(begin_backup());
  const auto logs = logs_to_copy();
  ASSERT_TRUE(fs::remove(logs.front()));
  EXPECT_EQ(open(logs.front()), JET_errMissingFileToBackup);
  EXPECT_EQ(finish(), JET_errNoBackup);
  EXPECT_EQ(header_of(database_path()).bkinfoCopyPrev.genHigh, 0U);
}

TEST_F(JetStreamingTest, ADamagedDatabaseIsLeftOut) {
  flip_byte_of(database_path(), 5 * kPage + 100);  // page 4
  ASSERT_JET(begin_backup());
  ASSERT_JET(open(database_path()));
  EXPECT_EQ(read(ReadBuffer::kBytes), JET_errReadVerifyFailure);
  EXPECT_EQ(close(), JET_errInvalidParameter) << "it was closed for us";
  read_all(logs_to_copy());
  EXPECT_EQ(to_truncate(), std::vector<std::string>());
  ASSERT_JET(truncate());
  ASSERT_JET(finish());
  EXPECT_EQ(header_of(database_path()).bkinfoFullPrev.genHigh, 0U);
}

// ---- What is given

TEST_F(JetStreamingTest, ListsAreCutOffWithoutAnError) {
  ASSERT_JET(begin_backup());
  ASSERT_JET(attach_info());
  const auto needed = static_cast<std::uint32_t>(database_path().size() + 2);
  EXPECT_EQ(done_, needed);
  char some[6] = "?????";
  ASSERT_JET(JetGetAttachInfoInstanceA(instance_, some, 5, &done_));
  EXPECT_EQ(done_, needed);
  EXPECT_EQ(std::string(some, 5), database_path().substr(0, 5));
  std::vector<char16_t> wide(needed);
  ASSERT_JET(JetGetAttachInfoInstanceW(instance_, wide.data(), needed * 2, &done_));
  EXPECT_EQ(done_, needed * 2);
  const std::string path = database_path();
  EXPECT_EQ(std::u16string(wide.data()), std::u16string(path.begin(), path.end()));
  ASSERT_JET(log_info());
  ASSERT_JET(JetGetLogInfoInstanceA(instance_, some, 5, &done_));
  EXPECT_EQ(done_, 5U) << "of logs it is what was given";
  JET_LOGINFO_W range{};
  range.cbSize = sizeof range;
  ASSERT_JET(JetGetLogInfoInstance2W(instance_, nullptr, 0, &done_, &range));
  EXPECT_EQ(std::u16string(range.szBaseName), u"edb");
  ASSERT_JET(JetGetTruncateLogInfoInstanceW(instance_, nullptr, 0, &done_));
  ASSERT_JET(finish(JET_bitBackupEndAbort));
}

TEST_F(JetStreamingTest, ReadingTakesPagesOfAlignedMemory) {
  ASSERT_JET(begin_backup());
  ASSERT_JET(open(database_path()));
  EXPECT_EQ(read(2 * kPage), JET_errInvalidParameter) << "three the first time";
  EXPECT_EQ(read(3 * kPage + 4096), JET_errInvalidParameter);
  EXPECT_EQ(read(3 * kPage, 512), JET_errInvalidParameter);
  EXPECT_EQ(read(0), JET_errInvalidParameter);
  EXPECT_EQ(JetReadFileInstance(instance_, file_, nullptr, kPage, &done_), JET_errInvalidParameter);
  EXPECT_EQ(JetReadFileInstance(instance_, file_, buffer_.bytes.get(), kPage, nullptr),
            JET_errInvalidParameter);
  EXPECT_EQ(JetReadFileInstance(instance_, file_ + 1, buffer_.bytes.get(), 3 * kPage, &done_),
            JET_errInvalidParameter);
  ASSERT_JET(read(3 * kPage));
  EXPECT_JET(close());
  EXPECT_EQ(close(), JET_errInvalidParameter);
  EXPECT_EQ(JetCloseFileInstance(instance_, 0), JET_errInvalidParameter);
  ASSERT_JET(finish(JET_bitBackupEndAbort));
}

TEST_F(JetStreamingTest, WhatIsAskedForWronglyIsTold) {
  EXPECT_EQ(begin_backup(JET_bitBackupAtomic), JET_errInvalidGrbit);
  EXPECT_EQ(begin_backup(JET_bitBackupSnapshot), JET_errInvalidGrbit);
  EXPECT_EQ(JetBeginExternalBackupInstance(instance_ + 1000, 0), JET_errInvalidParameter);
  EXPECT_EQ(JetBeginExternalBackup(0), JET_errRunningInMultiInstanceMode);
  ASSERT_JET(begin_backup());
  EXPECT_EQ(open(""), JET_errInvalidParameter);
  EXPECT_EQ(JetOpenFileInstanceA(instance_, nullptr, &file_, &low_, &high_),
            JET_errInvalidParameter);
  const std::string database = database_path();
  const char* const path = database.c_str();
  EXPECT_EQ(JetOpenFileInstanceA(instance_, path, nullptr, &low_, &high_), JET_errInvalidParameter);
  EXPECT_EQ(JetOpenFileInstanceA(instance_, path, &file_, nullptr, &high_),
            JET_errInvalidParameter);
  EXPECT_EQ(JetOpenFileInstanceA(instance_, path, &file_, &low_, nullptr), JET_errInvalidParameter);
  JET_LOGINFO_A range{};
  range.cbSize = sizeof range - 1;
  EXPECT_EQ(JetGetLogInfoInstance2A(instance_, nullptr, 0, &done_, &range),
            JET_errInvalidParameter);
  EXPECT_EQ(finish(0), JET_errInvalidParameter);
  EXPECT_EQ(finish(JET_bitBackupEndNormal | JET_bitBackupEndAbort), JET_errInvalidParameter);
  EXPECT_EQ(finish(JET_bitBackupEndNormal | 0x1000), JET_errInvalidGrbit);
  ASSERT_JET(open(database_path())) << "none of that ended it, or began its logs";
  ASSERT_JET(finish(JET_bitBackupEndAbort));
}

TEST_F(JetStreamingTest, HandlesOfAnotherInstanceAreNone) {
  JetFolder folder;
  JET_INSTANCE other = instance_in(folder.path(), "other");
  ASSERT_JET(JetInit(&other));
  JET_SESID session = JET_sesidNil;
  JET_DBID dbid = JET_dbidNil;
  ASSERT_JET(JetBeginSessionA(other, &session, nullptr, nullptr));
  ASSERT_JET(JetCreateDatabaseA(session, folder.file("two.edb").c_str(), nullptr, &dbid, 0));
  ASSERT_JET(JetBeginExternalBackupInstance(other, 0));
  JET_HANDLE its = 0;
  ASSERT_JET(JetOpenFileInstanceA(other, folder.file("two.edb").c_str(), &its, &low_, &high_));
  ASSERT_JET(begin_backup()) << "each instance has its own";
  ASSERT_JET(open(database_path()));
  EXPECT_EQ(JetCloseFileInstance(instance_, its), JET_errInvalidParameter);
  EXPECT_EQ(JetCloseFileInstance(other, file_), JET_errInvalidParameter);
  EXPECT_JET(JetCloseFileInstance(other, its));
  EXPECT_JET(JetTerm(other));
}

// ---- The end

TEST_F(JetStreamingTest, StoppedItCanOnlyBeEnded) {
  ASSERT_JET(begin_backup());
  ASSERT_JET(open(database_path()));
  ASSERT_JET(JetStopBackupInstance(instance_));
  EXPECT_EQ(begin_backup(), JET_errBackupInProgress);
  EXPECT_EQ(attach_info(), JET_errBackupAbortByServer);
  EXPECT_EQ(open(database_path()), JET_errBackupAbortByServer);
  EXPECT_EQ(read(3 * kPage), JET_errBackupAbortByServer);
  EXPECT_EQ(log_info(), JET_errBackupAbortByServer);
  EXPECT_EQ(truncate(), JET_errBackupAbortByServer);
  EXPECT_JET(close());
  EXPECT_EQ(finish(), JET_errBackupAbortByServer);
  EXPECT_EQ(finish(), JET_errNoBackup);
  EXPECT_EQ(header_of(database_path()).bkinfoCopyPrev.genHigh, 0U);
  EXPECT_JET(begin_backup()) << "a new one knows nothing of that";
  EXPECT_JET(attach_info());
  EXPECT_JET(finish(JET_bitBackupEndAbort));
}

TEST_F(JetStreamingTest, EndedWithoutLogsItCountsForNothing) {
  ASSERT_JET(begin_backup());
  ASSERT_JET(copy_one(database_path(), set_));
  ASSERT_JET(finish());
  EXPECT_EQ(header_of(database_path()).bkinfoCopyPrev.genHigh, 0U);
}

TEST_F(JetStreamingTest, WhatIsRememberedIsByWhatBecameOfTheLogs) {
  copy_external(set_, 0, false);
  auto header = header_of(database_path());
  EXPECT_NE(header.bkinfoCopyPrev.genHigh, 0U);
  EXPECT_EQ(header.bkinfoFullPrev.genHigh, 0U);
  const auto end_of_full = [&](JET_GRBIT grbit) {
    work(static_cast<int>(grbit) * 10, static_cast<int>(grbit) * 10 + 5);
    ASSERT_JET(begin_backup());
    ASSERT_JET(copy_one(database_path(), set_));
    read_all(logs_to_copy());
    ASSERT_JET(finish(grbit));
    header = header_of(database_path());
  };
  end_of_full(JET_bitBackupEndAbort | JET_bitBackupTruncateDone);
  EXPECT_EQ(header.bkinfoFullPrev.genHigh, 0U);
  end_of_full(JET_bitBackupEndNormal | JET_bitBackupTruncateDone | JET_bitBackupNoDbHeaderUpdate);
  EXPECT_EQ(header.bkinfoFullPrev.genHigh, 0U);
  end_of_full(JET_bitBackupEndNormal | JET_bitBackupTruncateDone);
  EXPECT_NE(header.bkinfoFullPrev.genHigh, 0U);
  work(9000, 9010);
  copy_external(set_, JET_bitBackupIncremental, false);
  header = header_of(database_path());
  EXPECT_NE(header.bkinfoDiffPrev.genHigh, 0U);
  EXPECT_EQ(header.bkinfoIncPrev.genHigh, 0U);
}

TEST_F(JetStreamingTest, AnInstanceWithABackupEndsOnlyIfThatIsStopped) {
  ASSERT_JET(begin_backup());
  ASSERT_JET(open(database_path()));
  EXPECT_EQ(JetTerm2(instance_, JET_bitTermComplete), JET_errBackupInProgress);
  EXPECT_EQ(JetTerm2(instance_, JET_bitTermDirty), JET_errBackupInProgress);
  EXPECT_EQ(JetDetachDatabaseA(new_session(), database_path().c_str()), JET_errDatabaseInUse);
  ASSERT_JET(read(3 * kPage)) << "it goes on";
  insert(300, 300, "too");
  ASSERT_JET(JetTerm2(instance_, JET_bitTermComplete | JET_bitTermStopBackup));
  begin(folder_, false);
  EXPECT_EQ(attach_info(), JET_errNoBackup);
  ASSERT_JET(begin_backup());
  end();  // JetTerm stops it too
  begin(folder_, false);
}

TEST(JetStreamingOfOne, NamesNoInstance) {
  JetFolder folder;
  EXPECT_EQ(JetBeginExternalBackup(0), JET_errNotInitialized);
  for (const std::uint32_t path : {JET_paramSystemPath, JET_paramLogFilePath}) {
    ASSERT_JET(JetSetSystemParameterA(nullptr, JET_sesidNil, path, 0, folder.path().c_str()));
  }
  ASSERT_JET(JetInit(nullptr));
  const std::string path = folder.file("one.edb");
  JET_SESID session = JET_sesidNil;
  JET_DBID dbid = JET_dbidNil;
  ASSERT_JET(JetBeginSessionA(JET_instanceNil, &session, nullptr, nullptr));
  ASSERT_JET(JetCreateDatabaseA(session, path.c_str(), nullptr, &dbid, 0));
  ASSERT_JET(JetBeginExternalBackup(0));
  char list[1000] = {};
  char16_t wide[1000] = {};
  std::uint32_t done = 0, low = 0, high = 0;
  ASSERT_JET(JetGetAttachInfoA(list, sizeof list, &done));
  EXPECT_EQ(std::string(list), path);
  ASSERT_JET(JetGetAttachInfoW(wide, sizeof wide, &done));
  ReadBuffer buffer;
  const auto read_all = [&](auto open, const auto* name) {
    JET_HANDLE file = 0;
    ASSERT_JET(open(name, &file, &low, &high));
    for (done = 1; done > 0;) {
      ASSERT_JET(JetReadFile(file, buffer.bytes.get(), ReadBuffer::kBytes, &done));
    }
    ASSERT_JET(JetCloseFile(file));
  };
  read_all(JetOpenFileW, wide);
  ASSERT_JET(JetGetLogInfoW(nullptr, 0, &done));
  ASSERT_JET(JetGetLogInfoA(list, sizeof list, &done));
  for (const char* log = list; *log != '\0'; log += std::string(log).size() + 1) {
    read_all(JetOpenFileA, log);
  }
  ASSERT_JET(JetTruncateLog());
  ASSERT_JET(JetEndExternalBackup());
  EXPECT_NE(header_of(path).bkinfoFullPrev.genHigh, 0U);
  EXPECT_JET(JetTerm(JET_instanceNil));
  for (const std::uint32_t parameter : {JET_paramSystemPath, JET_paramLogFilePath}) {
    ASSERT_JET(JetSetSystemParameterA(nullptr, JET_sesidNil, parameter, 0, "."));
  }
}

}  // namespace
}  // namespace stillframe::ese::tests
