// Instances: modes, beginning, ending, stopping.
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tests/ese/jet/jet_application.hpp"

namespace stillframe::ese::tests {
namespace {

TEST(JetInstances, AProcessWithOneInstanceHasNoOther) {
  JetFolder folder;
  const auto set = [&](std::uint32_t parameter) {
    return JetSetSystemParameterA(nullptr, JET_sesidNil, parameter, 0, folder.path().c_str());
  };
  ASSERT_JET(set(JET_paramSystemPath));
  ASSERT_JET(set(JET_paramLogFilePath));
  JET_INSTANCE instance = 0, other = JET_instanceNil;
  ASSERT_JET(JetInit(&instance));
  EXPECT_EQ(JetInit(nullptr), JET_errAlreadyInitialized);
  EXPECT_EQ(JetCreateInstanceA(&other, "other"), JET_errRunningInOneInstanceMode);
  EXPECT_EQ(other, JET_instanceNil);
  EXPECT_EQ(JetEnableMultiInstanceA(nullptr, 0, nullptr), JET_errRunningInOneInstanceMode);
  JET_SESID session = JET_sesidNil;
  EXPECT_JET(JetBeginSessionA(JET_instanceNil, &session, nullptr, nullptr));
  EXPECT_JET(JetTerm(JET_instanceNil));
  EXPECT_EQ(JetTerm(instance), JET_errInvalidParameter);
  const char* here = ".";
  JetSetSystemParameterA(nullptr, JET_sesidNil, JET_paramSystemPath, 0, here);
  JetSetSystemParameterA(nullptr, JET_sesidNil, JET_paramLogFilePath, 0, here);
}

TEST(JetInstances, AProcessWithSeveralHasToSayWhich) {
  uint32_t set = 7;
  JET_SETSYSPARAM_A parameters[] = {{JET_paramMaxSessions, 20, nullptr, 1},
                                    {JET_paramMaxSessions, 99999, nullptr, 1}};
  EXPECT_EQ(JetEnableMultiInstanceA(parameters, 2, &set), JET_errInvalidParameter);
  EXPECT_EQ(set, 1U);
  EXPECT_EQ(parameters[0].err, JET_errSuccess);
  EXPECT_EQ(parameters[1].err, JET_errInvalidParameter);
  EXPECT_EQ(JetEnableMultiInstanceA(nullptr, 0, nullptr), JET_errSystemParamsAlreadySet);
  JetFolder folder;
  JET_INSTANCE one = small_instance(folder, "one"), twin = JET_instanceNil;
  EXPECT_EQ(JetCreateInstanceA(&twin, "one"), JET_errInstanceNameInUse);
  EXPECT_EQ(JetInit(nullptr), JET_errRunningInMultiInstanceMode);
  EXPECT_EQ(JetTerm(JET_instanceNil), JET_errRunningInMultiInstanceMode);
  EXPECT_EQ(JetStopService(), JET_errRunningInMultiInstanceMode);
  EXPECT_JET(JetTerm(one));  // of an instance that was never begun
}

TEST(JetInstances, TwoDoNotShareAFolder) {
  JetFolder folder, other;
  JET_INSTANCE one = small_instance(folder, "one");
  ASSERT_JET(JetInit(&one));
  JET_INSTANCE two = small_instance(folder, "two");
  EXPECT_EQ(JetInit(&two), JET_errLogFilePathInUse);
  two = small_instance(folder, "two");
  JetSetSystemParameterA(&two, JET_sesidNil, JET_paramLogFilePath, 0, other.path().c_str());
  EXPECT_EQ(JetInit(&two), JET_errSystemPathInUse);
  ASSERT_JET(JetTerm(one));
  two = small_instance(folder, "two");
  EXPECT_JET(JetInit(&two));
  EXPECT_EQ(JetInit(&two), JET_errAlreadyInitialized);
  ASSERT_JET(JetTerm(two));
}

TEST(JetInstances, AStreamThatMustExistIsNotBegun) {
  JetFolder folder;
  JET_INSTANCE instance = small_instance(folder, "one");
  EXPECT_EQ(JetInit2(&instance, JET_bitLogStreamMustExist), JET_errMissingLogFile);
  EXPECT_EQ(instance, JET_instanceNil);
  EXPECT_FALSE(std::filesystem::exists(folder.file("edb.log")));
  instance = small_instance(folder, "one");
  EXPECT_EQ(JetInit2(&instance, 0x80000), JET_errInvalidGrbit);
  instance = small_instance(folder, "one");
  EXPECT_EQ(JetInit2(&instance, JET_bitRecoveryWithoutUndo), JET_errFeatureNotAvailable);
}

TEST(JetInstances, ThereAreNoMoreThanTheProcessAllows) {
  const auto allow = [](JET_API_PTR instances) {
    return JetSetSystemParameterA(nullptr, JET_sesidNil, JET_paramMaxInstances, instances, nullptr);
  };
  EXPECT_EQ(allow(0), JET_errInvalidParameter);
  ASSERT_JET(allow(2));
  JetFolder folder;
  JET_INSTANCE one = small_instance(folder, "one"), two = small_instance(folder, "two");
  JET_INSTANCE three = JET_instanceNil;
  EXPECT_EQ(JetCreateInstanceA(&three, "three"), JET_errTooManyInstances);
  EXPECT_EQ(three, JET_instanceNil);
  EXPECT_EQ(allow(3), JET_errSystemParamsAlreadySet);
  ASSERT_JET(JetTerm(one));
  ASSERT_JET(JetCreateInstanceA(&three, "three"));
  ASSERT_JET(JetTerm(two));
  ASSERT_JET(JetTerm(three));
  EXPECT_JET(allow(16));
}

// A database whose header says that its transactions reached a log behind the last one there is, as
// one of Windows does whose last log is lost.
void need_one_more_log(const std::string& database) {
  constexpr int kSumAt = 0, kCommittedAt = 416, kPage = 8192;
  std::fstream file(database, std::ios::in | std::ios::out | std::ios::binary);
  for (const int copy : {0, kPage}) {
    const auto at = [&](int offset, auto&& change) {
      std::uint32_t word = 0;
      file.seekg(copy + offset).read(reinterpret_cast<char*>(&word), sizeof word);
      change(word);
      file.seekp(copy + offset).write(reinterpret_cast<const char*>(&word), sizeof word);
    };
    std::uint32_t changed = 0;  // the checksum is all words in exclusive or
    at(kCommittedAt, [&](std::uint32_t& word) { changed = word ^ (word + 1), ++word; });
    at(kSumAt, [&](std::uint32_t& word) { word ^= changed; });
  }
  ASSERT_TRUE(file.good());
}

class JetLostLogs : public JetApplication {
 protected:
  void SetUp() override {
    JetApplication::SetUp();
    insert(1, 1, "kept");
    ASSERT_EQ(JetTerm2(instance_, JET_bitTermDirty), JET_errDirtyShutdown);
    need_one_more_log(folder_.file("one.edb"));
    instance_ = small_instance(folder_, "again");
  }
};

TEST_F(JetLostLogs, AreRefusedUnlessThatIsAskedFor) {
  EXPECT_EQ(JetInit(&instance_), JET_errCommittedLogFilesMissing);
  instance_ = small_instance(folder_, "again");
  EXPECT_EQ(JetInit2(&instance_, JET_bitReplayIgnoreLostLogs | JET_bitSkipLostLogsEvent),
            JET_wrnCommittedLogFilesLost);
  ASSERT_JET(JetBeginSessionA(instance_, &session_, nullptr, nullptr));
  const std::string database = folder_.file("one.edb");
  ASSERT_JET(JetAttachDatabaseA(session_, database.c_str(), 0));
  ASSERT_JET(JetOpenDatabaseA(session_, database.c_str(), nullptr, &database_, 0));
  rows_ = open_rows(session_);
  EXPECT_EQ(all_ids(rows_), std::vector<std::int32_t>{1});
  ASSERT_JET(JetTerm(instance_));
  instance_ = small_instance(folder_, "again");
  EXPECT_JET(JetInit(&instance_));
}

int recoveries_begun = 0, recoveries_completed = 0;
JET_ERR count_progress(JET_SESID session, JET_SNP snp, JET_SNT snt, void* pv) {
  EXPECT_EQ(session, JET_sesidNil);
  EXPECT_EQ(snp, static_cast<JET_SNP>(JET_snpRestore));
  EXPECT_EQ(static_cast<JET_SNPROG*>(pv)->cunitTotal, 100U);
  recoveries_begun += snt == JET_sntBegin ? 1 : 0;
  recoveries_completed += snt == JET_sntComplete ? 1 : 0;
  return JET_errSuccess;
}

TEST(JetInstances, RecoveryTellsOfItsBeginningAndItsEnd) {
  JetFolder folder;
  JET_INSTANCE instance = small_instance(folder, "one");
  recoveries_begun = recoveries_completed = 0;
  ASSERT_JET(init_telling(&instance, count_progress));
  EXPECT_EQ(recoveries_begun, 1);
  EXPECT_EQ(recoveries_completed, 1);
  ASSERT_JET(JetTerm(instance));
}

class JetTermTest : public JetApplication {
 protected:
  // The state of the database's file once the instance has ended.
  std::uint32_t state() {
    JET_DBINFOMISC info{};
    EXPECT_JET(JetGetDatabaseFileInfoA(folder_.file("one.edb").c_str(), &info, sizeof info,
                                       JET_DbInfoMisc));
    return info.dbstate;
  }
  std::vector<std::int32_t> ids_after_restart() {
    instance_ = small_instance(folder_, "application");
    EXPECT_JET(JetInit(&instance_));
    EXPECT_JET(JetBeginSessionA(instance_, &session_, nullptr, nullptr));
    EXPECT_JET(JetAttachDatabaseA(session_, folder_.file("one.edb").c_str(), 0));
    EXPECT_JET(JetOpenDatabaseA(session_, folder_.file("one.edb").c_str(), nullptr, &database_, 0));
    return all_ids(open_rows(session_));
  }
};

TEST_F(JetTermTest, AnOrderlyEndIsRefusedInsideTransactionsAndCanBeTriedAgain) {
  insert(1, 1, "a");
  ASSERT_JET(JetBeginTransaction(session_));
  insert(2, 2, "b");
  EXPECT_EQ(JetTerm2(instance_, JET_bitTermComplete), JET_errTooManyActiveUsers);
  insert(3, 3, "c");
  ASSERT_JET(JetCommitTransaction(session_, 0));
  ASSERT_JET(JetTerm2(instance_, JET_bitTermComplete));
  EXPECT_EQ(state(), static_cast<std::uint32_t>(JET_dbstateCleanShutdown));
  EXPECT_EQ(ids_after_restart(), (std::vector<std::int32_t>{1, 2, 3}));
}

TEST_F(JetTermTest, AnAbruptEndTakesBackWhatIsOpenAndIsClean) {
  insert(1, 1, "a");
  ASSERT_JET(JetBeginTransaction(session_));
  insert(2, 2, "b");
  ASSERT_JET(JetTerm2(instance_, JET_bitTermAbrupt | JET_bitTermStopBackup));
  EXPECT_EQ(state(), static_cast<std::uint32_t>(JET_dbstateCleanShutdown));
  EXPECT_EQ(ids_after_restart(), std::vector<std::int32_t>{1});
}

TEST_F(JetTermTest, ADirtyEndLeavesTheRestToRecovery) {
  insert(1, 1, "a");
  ASSERT_JET(JetBeginTransaction(session_));
  insert(2, 2, "b");
  EXPECT_EQ(JetTerm2(instance_, JET_bitTermDirty), JET_errDirtyShutdown);
  EXPECT_EQ(state(), static_cast<std::uint32_t>(JET_dbstateDirtyShutdown));
  EXPECT_EQ(ids_after_restart(), std::vector<std::int32_t>{1});
}

TEST_F(JetTermTest, UnknownOptionsChangeNothing) {
  EXPECT_EQ(JetTerm2(instance_, 0x100), JET_errInvalidGrbit);
  insert(1, 1, "a");
}

TEST_F(JetTermTest, AStoppedServiceRefusesEveryCallButItsEnd) {
  EXPECT_EQ(JetStopServiceInstance2(instance_, 0x40), JET_errInvalidGrbit);
  ASSERT_JET(JetStopServiceInstance(instance_));
  EXPECT_EQ(JetBeginTransaction(session_), JET_errClientRequestToStopJetService);
  EXPECT_EQ(JetMove(session_, rows_, JET_MoveFirst, 0), JET_errClientRequestToStopJetService);
  JET_SESID session = JET_sesidNil;
  EXPECT_EQ(JetBeginSessionA(instance_, &session, nullptr, nullptr),
            JET_errClientRequestToStopJetService);
  ASSERT_JET(JetTerm(instance_));
  instance_ = JET_instanceNil;
}

TEST_F(JetTermTest, InstancesAreListedWithTheirDatabases) {
  std::uint32_t count = 0;
  JET_INSTANCE_INFO_A* list = nullptr;
  ASSERT_JET(JetGetInstanceInfoA(&count, &list));
  ASSERT_EQ(count, 1U);
  EXPECT_EQ(list[0].hInstanceId, instance_);
  EXPECT_STREQ(list[0].szInstanceName, "application");
  ASSERT_EQ(list[0].cDatabases, 1U);
  EXPECT_EQ(list[0].szDatabaseFileName[0], folder_.file("one.edb"));
  EXPECT_EQ(list[0].szDatabaseDisplayName[0], nullptr);
  ASSERT_JET(JetFreeBuffer(reinterpret_cast<char*>(list)));
  JET_INSTANCE_INFO_W* wide = nullptr;
  ASSERT_JET(JetGetInstanceInfoW(&count, &wide));
  EXPECT_EQ(std::u16string(wide[0].szInstanceName), u"application");
  ASSERT_JET(JetFreeBuffer(reinterpret_cast<char*>(wide)));
  ASSERT_JET(JetTerm(instance_));
  instance_ = JET_instanceNil;
  ASSERT_JET(JetGetInstanceInfoA(&count, &list));
  EXPECT_EQ(count, 0U);
  EXPECT_EQ(list, nullptr);
}

}  // namespace
}  // namespace stillframe::ese::tests
