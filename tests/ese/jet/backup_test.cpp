// JetBackup: what is in the folder afterwards, and every reason for which nothing is.
#include <atomic>
#include <csignal>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include <sys/resource.h>

#include "tests/ese/jet/backup_application.hpp"

namespace stillframe::ese::tests {
namespace {

namespace fs = std::filesystem;

// What a callback was told, and what it does when it is told of the beginning.
struct Told {
  std::vector<std::pair<JET_SNT, std::uint32_t>> steps;
  std::function<void()> at_begin;
};
Told backup_told;

JET_ERR tell(JET_SESID session, JET_SNP snp, JET_SNT snt, void* pv) {
  const auto* progress = static_cast<JET_SNPROG*>(pv);
  EXPECT_EQ(session, JET_sesidNil);
  EXPECT_EQ(snp, static_cast<JET_SNP>(JET_snpBackup));
  EXPECT_EQ(progress->cbStruct, sizeof *progress);
  EXPECT_EQ(progress->cunitTotal, 100U);
  backup_told.steps.emplace_back(snt, progress->cunitDone);
  if (snt == JET_sntBegin && backup_told.at_begin) backup_told.at_begin();
  return JET_errInvalidParameter;  // which changes nothing
}

class JetBackupTest : public BackupApplication {
 protected:
  void SetUp() override {
    backup_told = {};
    BackupApplication::SetUp();
    work(0, 40);
    work(40, 80);
    fs::create_directory(set_);
  }

  // In another thread, since a call of this one is inside.
  static JET_ERR elsewhere(const std::function<JET_ERR()>& call) {
    JET_ERR err = JET_errSuccess;
    std::thread([&] { err = call(); }).join();
    return err;
  }
  void expect_nothing_happened(const std::set<std::string>& logs) {
    EXPECT_EQ(files_in(set_), std::set<std::string>());
    for (const std::string& log : logs) EXPECT_TRUE(fs::exists(folder_.file(log))) << log;
    EXPECT_EQ(header_of(database_path()).bkinfoFullPrev.genHigh, 0U);
  }

  const std::string set_ = folder_.file("set");
};

TEST_F(JetBackupTest, AFullOneHasDatabasesLogsAndMarkers) {
  const auto before = logs_in(folder_.path());
  ASSERT_JET(back_up(set_));
  auto files = files_in(set_);
  EXPECT_EQ(files.count("one.edb"), 1U);
  ASSERT_EQ(files.count("one.pat"), 1U);
  EXPECT_EQ(fs::file_size(set_ + "/one.pat"), 0U);
  EXPECT_EQ(files.size(), 2 + logs_in(set_).size());
  EXPECT_GE(logs_in(set_).size(), 1U);
  EXPECT_LT(logs_in(folder_.path()).size(), before.size() + 1) << "what it has may go";
  const auto live = header_of(database_path());
  EXPECT_NE(live.bkinfoFullPrev.genLow, 0U);
  EXPECT_EQ(live.bkinfoFullCur.genLow, 0U);
  EXPECT_NE(header_of(set_ + "/one.edb").bkinfoFullCur.genLow, 0U);
  work(80, 90);
}

TEST_F(JetBackupTest, AnIncrementalOneAddsLogsToItsSet) {
  EXPECT_EQ(back_up(set_, JET_bitBackupIncremental), JET_errMissingFullBackup);
  ASSERT_JET(back_up(set_));
  const auto full = files_in(set_);
  work(80, 100);
  ASSERT_JET(back_up(set_, JET_bitBackupIncremental));
  std::size_t added = 0;
  for (const std::string& file : files_in(set_)) {
    if (full.count(file) > 0) continue;
    EXPECT_TRUE(file.ends_with(".log")) << file;
    ++added;
  }
  EXPECT_GE(added, 1U);
  EXPECT_NE(header_of(database_path()).bkinfoIncPrev.genHigh, 0U);
}

TEST_F(JetBackupTest, AnIncrementalOneGoesOnFromItsSetOnly) {
  ASSERT_JET(back_up(set_));
  work(80, 100);
  const std::string other = folder_.file("other");
  fs::create_directory(other);
  EXPECT_EQ(back_up(other, JET_bitBackupIncremental), JET_errInvalidLogSequence);
  EXPECT_EQ(files_in(other), std::set<std::string>());
}

TEST_F(JetBackupTest, AnAtomicSetIsReplacedWhenTheNextOneIsWhole) {
  ASSERT_JET(back_up(set_, JET_bitBackupAtomic));
  EXPECT_EQ(files_in(set_ + "/new").count("one.pat"), 1U);
  const std::string first = contents_of(set_ + "/new/one.edb");
  work(80, 100);
  backup_told.at_begin = [&] { EXPECT_JET(JetStopBackupInstance(instance_)); };
  EXPECT_EQ(back_up(set_, JET_bitBackupAtomic, tell), JET_errBackupAbortByServer);
  EXPECT_FALSE(fs::exists(set_ + "/temp"));
  EXPECT_EQ(contents_of(set_ + "/old/one.edb"), first) << "the set before has to stay";
  ASSERT_JET(back_up(set_, JET_bitBackupAtomic | JET_bitBackupIncremental));
  EXPECT_EQ(contents_of(set_ + "/old/one.edb"), first);
  ASSERT_JET(back_up(set_, JET_bitBackupAtomic));
  EXPECT_NE(contents_of(set_ + "/new/one.edb"), first);
  EXPECT_FALSE(fs::exists(set_ + "/old"));
  EXPECT_FALSE(fs::exists(set_ + "/temp"));
  EXPECT_EQ(back_up(set_, JET_bitBackupIncremental), JET_errBackupDirectoryNotEmpty);
}

TEST_F(JetBackupTest, ProgressBeginsRisesAndIsComplete) {
  for (const JET_GRBIT grbit : {JET_GRBIT{0}, JET_GRBIT{JET_bitBackupIncremental}}) {
    backup_told = {};
    ASSERT_JET(back_up(set_, grbit, tell));
    ASSERT_GE(backup_told.steps.size(), 3U);
    using Step = std::pair<JET_SNT, std::uint32_t>;
    EXPECT_EQ(backup_told.steps.front(), (Step{JET_sntBegin, 0}));
    EXPECT_EQ(backup_told.steps.back(), (Step{JET_sntComplete, 100}));
    for (std::size_t i = 1; i < backup_told.steps.size(); ++i) {
      EXPECT_GT(backup_told.steps[i].second, backup_told.steps[i - 1].second);
      if (i + 1 < backup_told.steps.size()) {
        EXPECT_EQ(backup_told.steps[i].first, static_cast<JET_SNT>(JET_sntProgress));
      }
    }
    work(100 + static_cast<int>(grbit) * 10, 110 + static_cast<int>(grbit) * 10);
  }
}

TEST_F(JetBackupTest, WithoutAFolderOnlyLogsGo) {
  const auto before = logs_in(folder_.path());
  ASSERT_GE(before.size(), 2U);
  ASSERT_JET(JetBackupInstanceA(instance_, nullptr, 0, nullptr));
  EXPECT_LT(logs_in(folder_.path()).size(), before.size());
  ASSERT_JET(JetBackupInstanceA(instance_, "", 0, nullptr));
  EXPECT_EQ(header_of(database_path()).bkinfoFullPrev.genHigh, 0U);
  end();
  begin(folder_, false);
  EXPECT_EQ(all_ids(rows_), numbers(0, 80));
}

TEST_F(JetBackupTest, TheFolderHasToBeThereAndEmpty) {
  const std::string missing = folder_.file("a/b");
  EXPECT_EQ(back_up(missing), JET_errInvalidPath);
  EXPECT_FALSE(fs::exists(missing));
  ASSERT_JET(
      JetSetSystemParameterA(&instance_, JET_sesidNil, JET_paramCreatePathIfNotExist, 1, nullptr));
  ASSERT_JET(back_up(missing));
  EXPECT_EQ(files_in(missing).count("one.pat"), 1U);
  const auto files = files_in(missing);
  EXPECT_EQ(back_up(missing), JET_errBackupDirectoryNotEmpty);
  EXPECT_EQ(files_in(missing), files) << "a set that is there stays";
  const std::u16string wide(missing.begin(), missing.end());
  ASSERT_JET(JetBackupInstanceW(instance_, (wide + u"/wide").c_str(), 0, nullptr));
}

TEST_F(JetBackupTest, WhatIsAskedForWronglyChangesNothing) {
  const auto logs = logs_in(folder_.path());
  EXPECT_EQ(back_up(set_, 0x10), JET_errInvalidGrbit);
  EXPECT_EQ(JetBackupA(set_.c_str(), 0, nullptr), JET_errRunningInMultiInstanceMode);
  EXPECT_EQ(JetBackupInstanceA(instance_ + 1000, set_.c_str(), 0, nullptr),
            JET_errInvalidParameter);
  EXPECT_EQ(JetStopBackup(), JET_errRunningInMultiInstanceMode);
  EXPECT_EQ(JetStopBackupInstance(instance_ + 1000), JET_errInvalidParameter);
  EXPECT_JET(JetStopBackupInstance(instance_)) << "without a backup there is nothing to stop";
  JetFolder folder;
  JET_INSTANCE other = small_instance(folder, "other");
  EXPECT_EQ(JetBackupInstanceA(other, set_.c_str(), 0, nullptr), JET_errNotInitialized);
  EXPECT_JET(JetStopBackupInstance(other));
  EXPECT_JET(JetTerm(other));
  expect_nothing_happened(logs);
  EXPECT_JET(back_up(set_, JET_bitKeepOldLogs | JET_bitBackupFullWithAllLogs));
  EXPECT_JET(JetStopServiceInstance(instance_));
  EXPECT_EQ(back_up(set_), JET_errClientRequestToStopJetService);
}

TEST_F(JetBackupTest, WithCircularLoggingThereAreFullOnesOnly) {
  end();
  begin(folder_, true);
  EXPECT_EQ(back_up(set_, JET_bitBackupIncremental), JET_errInvalidBackup);
  EXPECT_JET(back_up(set_));
}

JET_INSTANCE starting = JET_instanceNil;
std::string starting_set;
JET_ERR started_backup = JET_errSuccess, started_stream = JET_errSuccess;
JET_ERR back_up_too_early(JET_SESID, JET_SNP, JET_SNT snt, void*) {
  if (snt != JET_sntBegin) return JET_errSuccess;
  started_backup = JetBackupInstanceA(starting, starting_set.c_str(), 0, nullptr);
  started_stream = JetBeginExternalBackupInstance(starting, 0);
  return JET_errSuccess;
}

TEST_F(JetBackupTest, AnInstanceThatStartsIsNotBackedUpYet) {
  JetFolder folder;
  starting = small_instance(folder, "starting");
  starting_set = set_;
  JET_INSTANCE instance = starting;
  ASSERT_JET(init_telling(&instance, back_up_too_early));
  EXPECT_EQ(started_backup, JET_errBackupNotAllowedYet);
  EXPECT_EQ(started_stream, JET_errBackupNotAllowedYet);
  EXPECT_JET(JetTerm(instance));
}

TEST_F(JetBackupTest, WhileOneRunsNothingElseComesOrGoes) {
  const std::string other = folder_.file("other"), two = folder_.file("two.edb");
  fs::create_directory(other);
  JET_DBID dbid = JET_dbidNil;
  ASSERT_JET(JetCreateDatabaseA(session_, two.c_str(), nullptr, &dbid, 0));
  ASSERT_JET(JetCloseDatabase(session_, dbid, 0));
  ASSERT_JET(JetDetachDatabaseA(session_, two.c_str()));
  JET_SESID session = new_session();
  std::vector<JET_ERR> errs;
  backup_told.at_begin = [&] {
    const std::vector<std::function<JET_ERR()>> calls{
        [&] { return back_up(other); },
        [&] { return JetBackupInstanceA(instance_, nullptr, 0, nullptr); },
        [&] { return JetBeginExternalBackupInstance(instance_, 0); },
        [&] { return JetAttachDatabaseA(session, two.c_str(), 0); },
        [&] { return JetDetachDatabaseA(session, nullptr); },
        [&] {
          return JetCreateDatabaseA(session, two.c_str(), nullptr, &dbid,
                                    JET_bitDbOverwriteExisting);
        },
        [&] { return JetTerm2(instance_, JET_bitTermComplete); },
    };
    for (const auto& call : calls) errs.push_back(elsewhere(call));
    EXPECT_EQ(elsewhere([&] { return JetTruncateLogInstance(instance_); }), JET_errNoBackup)
        << "the calls of the other kind do not see it";
    EXPECT_EQ(elsewhere([&] { return JetEndExternalBackupInstance(instance_); }), JET_errNoBackup);
  };
  ASSERT_JET(back_up(set_, 0, tell));
  ASSERT_EQ(errs.size(), 7U);
  for (const std::size_t i : {0U, 1U, 2U, 3U, 5U, 6U}) {
    EXPECT_EQ(errs[i], JET_errBackupInProgress) << i;
  }
  EXPECT_EQ(errs[4], JET_errDatabaseInUse) << "that comes first";
  EXPECT_TRUE(fs::exists(two)) << "what was not replaced stays";
  EXPECT_JET(JetAttachDatabaseA(session, two.c_str(), 0));
}

TEST_F(JetBackupTest, OneThatIsStoppedLeavesNothing) {
  const auto logs = logs_in(folder_.path());
  backup_told.at_begin = [&] { EXPECT_JET(JetStopBackupInstance(instance_)); };
  EXPECT_EQ(back_up(set_, 0, tell), JET_errBackupAbortByServer);
  EXPECT_NE(backup_told.steps.back().first, static_cast<JET_SNT>(JET_sntComplete));
  expect_nothing_happened(logs);
  backup_told.at_begin = {};
  EXPECT_JET(back_up(set_, 0, tell));
}

TEST_F(JetBackupTest, AnEndStopsItIfItMay) {
  const auto logs = logs_in(folder_.path());
  std::thread ending;
  JET_ERR ended = JET_errSuccess;
  backup_told.at_begin = [&] {
    ending = std::thread([&] { ended = JetTerm2(instance_, JET_bitTermStopBackup); });
    // Told so as soon as the end has begun.
    JET_ERR err = JET_errSuccess;
    while (err != JET_errTermInProgress) {
      err = elsewhere([&] { return JetBeginExternalBackupInstance(instance_, 0); });
      ASSERT_TRUE(err == JET_errTermInProgress || err == JET_errBackupInProgress) << err;
    }
  };
  EXPECT_EQ(back_up(set_, 0, tell), JET_errTermInProgress);
  ending.join();
  EXPECT_EQ(ended, JET_errSuccess);
  instance_ = JET_instanceNil;
  expect_nothing_happened(logs);
  EXPECT_EQ(header_of(database_path()).dbstate,
            static_cast<std::uint32_t>(JET_dbstateCleanShutdown));
}

TEST_F(JetBackupTest, ADamagedPageFailsAllOfIt) {
  const auto logs = logs_in(folder_.path());
  flip_byte_of(database_path(), 5 * 8192 + 100);  // page 4, of the catalog
  EXPECT_EQ(back_up(set_), JET_errReadVerifyFailure);
  expect_nothing_happened(logs);
}

TEST_F(JetBackupTest, ADamagedLogFailsAllOfIt) {
  ASSERT_JET(back_up(set_));
  fs::remove_all(set_);
  fs::create_directory(set_);
  work_in_log(80, 100);
  const auto logs = logs_in(folder_.path());
  const auto full = header_of(database_path()).bkinfoFullPrev.genHigh;
  flip_byte_of(folder_.file(*logs.rbegin()), 4096 + 100);
  EXPECT_EQ(back_up(set_), JET_errLogReadVerifyFailure);
  EXPECT_EQ(files_in(set_), std::set<std::string>());
  for (const std::string& log : logs) EXPECT_TRUE(fs::exists(folder_.file(log))) << log;
  EXPECT_EQ(header_of(database_path()).bkinfoFullPrev.genHigh, full);
}

// Files cannot grow, nor be written far behind their beginning, while it lives.
class SmallFiles {
 public:
  SmallFiles() {
    old_signal_ = std::signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &old_);
    const rlimit small{100, old_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &small);
  }
  ~SmallFiles() {
    setrlimit(RLIMIT_FSIZE, &old_);
    std::signal(SIGXFSZ, old_signal_);
  }

 private:
  rlimit old_{};
  void (*old_signal_)(int) = SIG_DFL;
};

TEST_F(JetBackupTest, WithALogThatCannotBeWrittenThereIsNone) {
  JET_ERR err = JET_errSuccess;
  {
    const SmallFiles small;
    err = try_insert(session_, rows_, columns_, 1000, 1000, "lost");
  }
  ASSERT_EQ(err, JET_errLogWriteFail);
  EXPECT_EQ(back_up(set_), JET_errLogWriteFail);
  EXPECT_EQ(JetBeginExternalBackupInstance(instance_, 0), JET_errLogWriteFail);
  EXPECT_EQ(files_in(set_), std::set<std::string>());
  EXPECT_EQ(JetTerm2(instance_, JET_bitTermDirty | JET_bitTermAbrupt), JET_errDirtyShutdown);
  instance_ = JET_instanceNil;
}

// ---- A process with one instance

TEST(JetBackupOfOne, NamesNoInstance) {
  JetFolder folder, set;
  EXPECT_EQ(JetBackupA(set.path().c_str(), 0, nullptr), JET_errNotInitialized);
  EXPECT_EQ(JetStopBackup(), JET_errNotInitialized);
  for (const std::uint32_t path : {JET_paramSystemPath, JET_paramLogFilePath}) {
    ASSERT_JET(JetSetSystemParameterA(nullptr, JET_sesidNil, path, 0, folder.path().c_str()));
  }
  ASSERT_JET(JetInit(nullptr));
  EXPECT_JET(JetBackupA(set.path().c_str(), 0, nullptr));
  EXPECT_GE(logs_in(set.path()).size(), 1U);
  const std::u16string wide(set.path().begin(), set.path().end());
  EXPECT_EQ(JetBackupW(wide.c_str(), 0, nullptr), JET_errBackupDirectoryNotEmpty);
  EXPECT_JET(JetStopBackup());
  EXPECT_JET(JetTerm(JET_instanceNil));
  for (const std::uint32_t path : {JET_paramSystemPath, JET_paramLogFilePath}) {
    ASSERT_JET(JetSetSystemParameterA(nullptr, JET_sesidNil, path, 0, "."));
  }
}

}  // namespace
}  // namespace stillframe::ese::tests
