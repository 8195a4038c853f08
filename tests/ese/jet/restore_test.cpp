// JetRestore and its forms: what JetBackup made comes back, or nothing is touched.
#include <filesystem>
#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/ese/jet/backup_application.hpp"

namespace stillframe::ese::tests {
namespace {

namespace fs = std::filesystem;

std::vector<std::pair<JET_SNT, std::uint32_t>> steps;
std::function<void()> at_begin;
JET_ERR note_restore_step(JET_SESID session, JET_SNP snp, JET_SNT snt, void* pv) {
  EXPECT_EQ(session, JET_sesidNil);
  EXPECT_EQ(snp, static_cast<JET_SNP>(JET_snpRestore));
  steps.emplace_back(snt, static_cast<JET_SNPROG*>(pv)->cunitDone);
  if (snt == JET_sntBegin && at_begin) at_begin();
  return JET_errSuccess;
}

class JetRestoreTest : public BackupApplication {
 protected:
  void SetUp() override {
    steps.clear();
    at_begin = {};
    BackupApplication::SetUp();
    work(0, 40);
    work(40, 80);
    for (const std::string& folder : {set_, place_, logs_}) fs::create_directory(folder);
    ASSERT_JET(back_up(set_));
    work(80, 100);
  }

  // By an instance with its logs elsewhere, so that nothing is rolled forward.
  JET_ERR restore(const std::string& set, const std::string& place,
                  JET_PFNSTATUS status = nullptr) {
    JET_INSTANCE instance = instance_in(logs_, "restore");
    const JET_ERR err =
        JetRestoreInstanceA(instance, set.c_str(), place.empty() ? nullptr : place.c_str(), status);
    EXPECT_JET(JetTerm(instance)) << "it is not initialised, and can only go";
    return err;
  }
  std::string restored() const { return place_ + "/one.edb"; }
  void expect_untouched() {
    EXPECT_EQ(files_in(place_), std::set<std::string>());
    EXPECT_EQ(files_in(logs_), std::set<std::string>());
  }

  const std::string set_ = folder_.file("set"), place_ = folder_.file("place"),
                    logs_ = folder_.file("logs");
};

TEST_F(JetRestoreTest, ASetAloneIsTheMomentOfItsBackup) {
  const auto files = files_in(set_);
  ASSERT_JET(restore(set_, place_, note_restore_step));
  EXPECT_EQ(header_of(restored()).dbstate, static_cast<std::uint32_t>(JET_dbstateCleanShutdown));
  EXPECT_EQ(header_of(restored()).bkinfoFullPrev.genHigh, 0U) << "the next one has to be full";
  EXPECT_EQ(files_in(set_), files) << "a restore takes nothing from the set";
  EXPECT_EQ(restored_ids(logs_, restored()), numbers(0, 80));
  EXPECT_EQ(steps.front(), (std::pair<JET_SNT, std::uint32_t>{JET_sntBegin, 0}));
  EXPECT_EQ(steps.back(), (std::pair<JET_SNT, std::uint32_t>{JET_sntComplete, 100}));
  for (std::size_t i = 1; i < steps.size(); ++i) EXPECT_GT(steps[i].second, steps[i - 1].second);
  EXPECT_EQ(all_ids(rows_), numbers(0, 100)) << "the instance beside it does not notice";
}

TEST_F(JetRestoreTest, LogsThatWereAddedAreReplayed) {
  ASSERT_JET(back_up(set_, JET_bitBackupIncremental));
  work(100, 110);
  ASSERT_JET(restore(set_, place_));
  EXPECT_EQ(restored_ids(logs_, restored()), numbers(0, 100));
}

TEST_F(JetRestoreTest, TheInstancesOwnLogsBringBackWhatCameLater) {
  insert(100, 100, "not in a finished log");
  end();
  const auto before = logs_in(folder_.path());
  fs::remove(database_path());
  JET_INSTANCE instance = instance_in(folder_.path(), "application");
  const std::u16string wide(set_.begin(), set_.end());
  ASSERT_JET(JetRestoreInstanceW(instance, wide.c_str(), nullptr, nullptr));
  for (const std::string& file : before) {
    EXPECT_TRUE(fs::exists(folder_.file(file))) << file << ": no log of the caller goes";
  }
  // It was left as it was created, and can be begun.
  ASSERT_JET(JetInit(&instance));
  ASSERT_JET(JetTerm(instance));
  begin(folder_, false);
  EXPECT_EQ(all_ids(rows_), numbers(0, 101));
  EXPECT_EQ(back_up(set_, JET_bitBackupIncremental), JET_errMissingFullBackup);
}

TEST_F(JetRestoreTest, AnAtomicSetIsFoundBelow) {
  fs::remove_all(set_);
  fs::create_directory(set_);
  ASSERT_JET(back_up(set_, JET_bitBackupAtomic));
  ASSERT_JET(restore(set_, place_));
  EXPECT_EQ(restored_ids(logs_, restored()), numbers(0, 100));
}

// ---- Refused, with nothing changed

TEST_F(JetRestoreTest, AnInstanceThatRunsIsNotRestored) {
  EXPECT_EQ(JetRestoreInstanceA(instance_, set_.c_str(), place_.c_str(), nullptr),
            JET_errAlreadyInitialized);
  EXPECT_EQ(JetRestoreInstanceA(instance_ + 1000, set_.c_str(), place_.c_str(), nullptr),
            JET_errInvalidParameter);
  EXPECT_EQ(JetRestoreA(set_.c_str(), nullptr), JET_errRunningInMultiInstanceMode);
  EXPECT_EQ(JetRestore2A(set_.c_str(), place_.c_str(), nullptr), JET_errRunningInMultiInstanceMode);
  const std::u16string wide(set_.begin(), set_.end());
  EXPECT_EQ(JetRestoreW(wide.c_str(), nullptr), JET_errRunningInMultiInstanceMode);
  EXPECT_EQ(JetRestore2W(wide.c_str(), wide.c_str(), nullptr), JET_errRunningInMultiInstanceMode);
  expect_untouched();
}

TEST_F(JetRestoreTest, FoldersHaveToBeThere) {
  EXPECT_EQ(restore(folder_.file("nothing"), place_), JET_errInvalidPath);
  EXPECT_EQ(restore(set_, folder_.file("nothing")), JET_errInvalidPath);
  EXPECT_FALSE(fs::exists(folder_.file("nothing")));
  JET_INSTANCE instance = instance_in(folder_.file("nothing"), "restore");
  EXPECT_EQ(JetRestoreInstanceA(instance, set_.c_str(), place_.c_str(), nullptr),
            JET_errInvalidPath);
  EXPECT_EQ(JetRestoreInstanceA(instance, nullptr, place_.c_str(), nullptr),
            JET_errInvalidParameter);
  ASSERT_JET(
      JetSetSystemParameterA(&instance, JET_sesidNil, JET_paramCreatePathIfNotExist, 1, nullptr));
  EXPECT_JET(JetRestoreInstanceA(instance, set_.c_str(), place_.c_str(), nullptr));
  EXPECT_JET(JetTerm(instance));
}

TEST_F(JetRestoreTest, ASetHasLogsAndMarkers) {
  const std::string other = folder_.file("other");
  fs::create_directory(other);
  EXPECT_EQ(restore(other, place_), JET_errFileNotFound);
  fs::remove(set_ + "/one.pat");
  EXPECT_EQ(restore(set_, place_), JET_errPatchFileMissing);
  expect_untouched();
}

TEST_F(JetRestoreTest, LogsOfAnotherSequenceDoNotMatch) {
  JetFolder folder;
  JET_INSTANCE other = instance_in(folder.path(), "other");
  ASSERT_JET(JetInit(&other));
  ASSERT_JET(JetTerm(other));
  JET_INSTANCE instance = instance_in(folder.path(), "restore");
  EXPECT_EQ(JetRestoreInstanceA(instance, set_.c_str(), place_.c_str(), nullptr),
            JET_errInvalidLogSequence);
  EXPECT_JET(JetTerm(instance));
  expect_untouched();
}

TEST_F(JetRestoreTest, FoldersAndDatabasesInUseAreNotTouched) {
  JET_INSTANCE instance = instance_in(folder_.path(), "restore");
  EXPECT_EQ(JetRestoreInstanceA(instance, set_.c_str(), place_.c_str(), nullptr),
            JET_errLogFilePathInUse);
  EXPECT_JET(JetTerm(instance));
  EXPECT_EQ(restore(set_, ""), JET_errDatabaseSharingViolation) << "where it was it is in use";
  EXPECT_EQ(all_ids(rows_), numbers(0, 100));
  expect_untouched();
}

TEST_F(JetRestoreTest, PagesHaveTheSizeThatIsConfigured) {
  end();
  ASSERT_JET(
      JetSetSystemParameterA(nullptr, JET_sesidNil, JET_paramDatabasePageSize, 4096, nullptr));
  EXPECT_EQ(restore(set_, place_), JET_errPageSizeMismatch);
  ASSERT_JET(
      JetSetSystemParameterA(nullptr, JET_sesidNil, JET_paramDatabasePageSize, 8192, nullptr));
  expect_untouched();
}

TEST_F(JetRestoreTest, WhileOneRunsTheInstanceIsItsOwn) {
  JET_INSTANCE instance = instance_in(logs_, "restore");
  std::vector<JET_ERR> errs;
  at_begin = [&] {
    std::thread([&] {
      JET_INSTANCE same = instance;
      JET_SESID session = JET_sesidNil;
      errs.push_back(JetInit(&same));
      errs.push_back(JetRestoreInstanceA(instance, set_.c_str(), place_.c_str(), nullptr));
      errs.push_back(JetTerm(instance));
      errs.push_back(JetBackupInstanceA(instance, set_.c_str(), 0, nullptr));
      errs.push_back(JetBeginExternalBackupInstance(instance, 0));
      errs.push_back(JetBeginSessionA(instance, &session, nullptr, nullptr));
    }).join();
  };
  ASSERT_JET(JetRestoreInstanceA(instance, set_.c_str(), place_.c_str(), note_restore_step));
  EXPECT_EQ(errs, std::vector<JET_ERR>(6, JET_errRestoreInProgress));
  EXPECT_JET(JetTerm(instance));
  EXPECT_EQ(restored_ids(logs_, restored()), numbers(0, 80));
}

// ---- A process with one instance

TEST(JetRestoreOfOne, NamesNoInstance) {
  JetFolder folder, set, place;
  const auto use = [](const std::string& path) {
    for (const std::uint32_t parameter : {JET_paramSystemPath, JET_paramLogFilePath}) {
      ASSERT_JET(JetSetSystemParameterA(nullptr, JET_sesidNil, parameter, 0, path.c_str()));
    }
  };
  use(folder.path());
  ASSERT_JET(JetInit(nullptr));
  JET_SESID session = JET_sesidNil;
  JET_DBID dbid = JET_dbidNil;
  const std::string path = folder.file("one.edb");
  ASSERT_JET(JetBeginSessionA(JET_instanceNil, &session, nullptr, nullptr));
  ASSERT_JET(JetCreateDatabaseA(session, path.c_str(), nullptr, &dbid, 0));
  ASSERT_JET(JetBackupA(set.path().c_str(), 0, nullptr));
  EXPECT_EQ(JetRestoreA(set.path().c_str(), nullptr), JET_errAlreadyInitialized);
  JET_LOGINFO_A range{};
  range.cbSize = sizeof range;
  const char* logs = place.path().c_str();
  EXPECT_EQ(JetExternalRestore2A(logs, logs, nullptr, 0, set.path().c_str(), &range, nullptr,
                                 nullptr, nullptr, nullptr),
            JET_errRunningInOneInstanceMode);
  EXPECT_EQ(JetExternalRestoreA(logs, logs, nullptr, 0, set.path().c_str(), 0, 0, nullptr),
            JET_errRunningInOneInstanceMode);
  ASSERT_JET(JetTerm(JET_instanceNil));
  ASSERT_TRUE(fs::remove(path));
  EXPECT_EQ(JetRestoreA(nullptr, nullptr), JET_errInvalidParameter);
  EXPECT_JET(JetRestoreA(set.path().c_str(), nullptr));
  EXPECT_TRUE(fs::exists(path));
  EXPECT_EQ(header_of(path).dbstate, static_cast<std::uint32_t>(JET_dbstateCleanShutdown));
  JetFolder other;
  use(other.path());
  EXPECT_JET(JetRestore2A(set.path().c_str(), place.path().c_str(), nullptr));
  EXPECT_TRUE(fs::exists(place.file("one.edb")));
  JET_INSTANCE instance = JET_instanceNil;
  EXPECT_JET(JetInit(&instance)) << "the one instance can be begun afterwards";
  EXPECT_JET(JetTerm(instance));
  use(".");
}

}  // namespace
}  // namespace stillframe::ese::tests
