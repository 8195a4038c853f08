// DsBackup*: each error in its circumstances.
#include <algorithm>
#include <filesystem>

#include "tests/ese/ntds/directory_application.hpp"

extern "C" HRESULT ntds_online_in_c(const char* server, int32_t* online);

namespace stillframe::ese::tests {
namespace {

class DsBackupTest : public DirectoryApplication {
 protected:
  static HRESULT open(HBC handle, const std::string& name) {
    std::int64_t size = 0;
    return DsBackupOpenFileA(handle, name.c_str(), 24576, &size);
  }
  static HRESULT read(HBC handle, std::uint32_t bytes = 24576) {
    static char buffer[65536];
    std::uint32_t got = 0;
    return DsBackupRead(handle, buffer, bytes, &got);
  }
};

TEST_F(DsBackupTest, TheServerIsOnlineWhileItRuns) {
  std::int32_t online = -1;
  EXPECT_EQ(DsIsNTDSOnlineA("\\\\application", &online), hrNone);
  EXPECT_EQ(online, 1);
  EXPECT_EQ(DsIsNTDSOnlineW(nullptr, &online), hrNone);
  enter_restore_mode();
  EXPECT_EQ(ntds_online_in_c("application", &online), hrNone);
  EXPECT_EQ(online, 0);
  HBC handle = nullptr;
  EXPECT_EQ(prepare_backup(&handle), static_cast<HRESULT>(0xC8000000 + 1029));
}

TEST_F(DsBackupTest, ServersThatAreNoneAreToldSo) {
  std::int32_t online = 0;
  EXPECT_EQ(DsIsNTDSOnlineA("application", nullptr), ERROR_INVALID_PARAMETER);
  EXPECT_EQ(DsIsNTDSOnlineA("two_words", &online), RPC_S_INVALID_BINDING);
  EXPECT_EQ(DsIsNTDSOnlineA("another", &online), hrCouldNotConnect);
  EXPECT_EQ(DsIsNTDSOnlineA("unix:/run/x_y.sock", &online), hrCouldNotConnect);
  HBC handle = nullptr;
  EXPECT_EQ(DsRestorePrepareA("unix:/run/x_y.sock", 0, nullptr, 0, &handle), hrCouldNotConnect);
  EXPECT_EQ(DsSetCurrentBackupLogA("two_words", 1), RPC_S_INVALID_BINDING);
  EXPECT_EQ(DsSetCurrentBackupLogW(u"application", BACKUP_DISABLE_INCREMENTAL), hrNyi);
}

TEST_F(DsBackupTest, OnlyAFullOneIsPrepared) {
  void* token = nullptr;
  std::uint32_t bytes = 0;
  HBC handle = nullptr;
  const auto prepared = [&](std::uint32_t grbit, std::uint32_t type, void** to, HBC* its) {
    return DsBackupPrepareA("application", grbit, type, to, &bytes, its);
  };
  EXPECT_EQ(prepared(0, BACKUP_TYPE_INCREMENTAL, &token, &handle), ERROR_INVALID_PARAMETER);
  EXPECT_EQ(prepared(0, BACKUP_TYPE_LOGS_ONLY, &token, &handle), ERROR_INVALID_PARAMETER);
  EXPECT_EQ(prepared(1, BACKUP_TYPE_FULL, &token, &handle), ERROR_INVALID_PARAMETER);
  EXPECT_EQ(prepared(0, BACKUP_TYPE_FULL, nullptr, &handle), ERROR_INVALID_PARAMETER);
  EXPECT_EQ(prepared(0, BACKUP_TYPE_FULL, &token, nullptr), ERROR_INVALID_PARAMETER);
  EXPECT_EQ(token, nullptr);
}

TEST_F(DsBackupTest, OneRunsAtATime) {
  HBC first = nullptr, second = nullptr;
  ASSERT_EQ(prepare_backup(&first), hrNone);
  EXPECT_EQ(prepare_backup(&second), hrBackupInProgress);
  EXPECT_EQ(DsBackupEnd(first), hrNone);
  EXPECT_EQ(DsBackupEnd(first), hrInvalidHandle);
  ASSERT_EQ(prepare_backup(&second), hrNone);
  EXPECT_EQ(DsBackupEnd(second), hrNone);
}

TEST_F(DsBackupTest, TheWayThroughCopiesRemovesAndIsRemembered) {
  work(40, 80);
  const StoredBackup stored = back_up(folder_.file("set"));
  EXPECT_EQ(stored.token.size(), 88U);
  EXPECT_GE(stored.high, stored.low);
  EXPECT_NE(header_of(database_path()).bkinfoFullPrev.genHigh, 0U);
}

TEST_F(DsBackupTest, GivenUpItIsNotRemembered) {
  HBC handle = nullptr;
  ASSERT_EQ(prepare_backup(&handle), hrNone);
  EXPECT_EQ(logs(handle).empty(), false);
  EXPECT_EQ(open(handle, "x"), ERROR_INVALID_PARAMETER);
  EXPECT_EQ(DsBackupEnd(handle), hrNone);
  EXPECT_EQ(header_of(database_path()).bkinfoFullPrev.genHigh, 0U);
}

TEST_F(DsBackupTest, ListsHaveTypesInBothForms) {
  HBC handle = nullptr;
  ASSERT_EQ(prepare_backup(&handle), hrNone);
  EXPECT_EQ(databases(handle), (std::vector<ListedEntry>{{BFT_NTDS_DATABASE, database_path()}}));
  EXPECT_EQ(locations(handle), (std::vector<ListedEntry>{{BFT_NTDS_DATABASE, database_path()},
                                                         {BFT_LOG_DIR, folder_.path()},
                                                         {BFT_CHECKPOINT_DIR, folder_.path()}}));
  char16_t* wide = nullptr;
  std::uint32_t bytes = 0;
  ASSERT_EQ(DsRestoreGetDatabaseLocationsW(handle, &wide, &bytes), hrNone);
  EXPECT_EQ(wide[0], BFT_NTDS_DATABASE);
  const std::u16string second(wide + database_path().size() + 2);
  EXPECT_EQ(second[0], BFT_LOG_DIR);
  EXPECT_EQ(DsRestoreGetDatabaseLocationsW(handle, &wide, &bytes), ERROR_INVALID_PARAMETER)
      << "the pointer was not null";
  DsBackupFree(wide);
  DsBackupFree(nullptr);
  char* list = nullptr;
  EXPECT_EQ(DsBackupGetDatabaseNamesA(handle, nullptr, &bytes), ERROR_INVALID_PARAMETER);
  EXPECT_EQ(DsBackupGetDatabaseNamesA(handle, &list, nullptr), ERROR_INVALID_PARAMETER);
  EXPECT_EQ(DsBackupGetDatabaseNamesA(nullptr, &list, &bytes), hrInvalidHandle);
  EXPECT_EQ(DsBackupEnd(handle), hrNone);
  EXPECT_EQ(DsBackupGetDatabaseNamesA(handle, &list, &bytes), hrInvalidHandle);
}

TEST_F(DsBackupTest, OneFileIsOpenAtATimeAndReadInUnits) {
  HBC handle = nullptr;
  ASSERT_EQ(prepare_backup(&handle), hrNone);
  EXPECT_EQ(DsBackupClose(handle), hrInvalidHandle);
  EXPECT_EQ(read(handle), hrInvalidHandle);
  std::int64_t size = 0;
  const std::string path = database_path();
  const auto hinted = [&](std::uint32_t hint, std::int64_t* to) {
    return DsBackupOpenFileA(handle, path.c_str(), hint, to);
  };
  EXPECT_EQ(hinted(16384, &size), ERROR_INVALID_PARAMETER);
  EXPECT_EQ(hinted(24577, &size), ERROR_INVALID_PARAMETER);
  EXPECT_EQ(hinted(24576, nullptr), ERROR_INVALID_PARAMETER);
  EXPECT_EQ(DsBackupOpenFileA(handle, nullptr, 24576, &size), ERROR_INVALID_PARAMETER);
  ASSERT_EQ(open(handle, "D" + path), hrNone) << "with its type";
  EXPECT_EQ(open(handle, path), hrAlreadyOpen);
  char* list = nullptr;
  std::uint32_t bytes = 0;
  EXPECT_EQ(DsBackupGetBackupLogsA(handle, &list, &bytes), hrAlreadyOpen);
  EXPECT_EQ(read(handle, 16384), ERROR_INVALID_PARAMETER);
  EXPECT_EQ(read(handle, 24577), ERROR_INVALID_PARAMETER);
  EXPECT_EQ(DsBackupRead(handle, nullptr, 24576, &bytes), ERROR_INVALID_PARAMETER);
  EXPECT_EQ(read(handle), hrNone);
  EXPECT_EQ(DsBackupClose(handle), hrNone);
  const std::u16string wide(path.begin(), path.end());
  EXPECT_EQ(DsBackupOpenFileW(handle, (u"D" + wide).c_str(), 24576, &size), hrNone);
  EXPECT_EQ(DsBackupEnd(handle), hrNone) << "with a file open";
}

TEST_F(DsBackupTest, FilesComeInTheirOrderAndFromTheLists) {
  HBC handle = nullptr;
  ASSERT_EQ(prepare_backup(&handle), hrNone);
  EXPECT_EQ(open(handle, folder_.file("edb00001.log")), hrInvalidBackupSequence);
  EXPECT_EQ(open(handle, "/etc/passwd"), ERROR_INVALID_PARAMETER);
  const auto listed = logs(handle);
  ASSERT_FALSE(listed.empty());
  EXPECT_EQ(open(handle, database_path()), hrInvalidBackupSequence);
  char* list = nullptr;
  std::uint32_t bytes = 0;
  EXPECT_EQ(DsBackupGetDatabaseNamesA(handle, &list, &bytes), hrInvalidBackupSequence);
  EXPECT_EQ(open(handle, folder_.file("edb0FFFF.log")), hrLogFileNotFound);
  EXPECT_EQ(DsBackupTruncateLogs(handle), static_cast<HRESULT>(0xC8000000 + 616))
      << "no log was read";
  EXPECT_EQ(DsBackupEnd(handle), hrNone);
}

TEST_F(DsBackupTest, AfterLogsWereRemovedItCanOnlyBeEnded) {
  HBC handle = nullptr;
  ASSERT_EQ(prepare_backup(&handle), hrNone);
  const std::string set = folder_.file("set");
  std::filesystem::create_directory(set);
  ASSERT_EQ(copy_file(handle, database_path(), set), hrNone);
  const auto listed = logs(handle);
  for (const ListedEntry& each : listed) ASSERT_EQ(copy_file(handle, each.path, set), hrNone);
  ASSERT_EQ(DsBackupTruncateLogs(handle), hrNone);
  EXPECT_EQ(open(handle, listed.back().path), hrInvalidBackupSequence);
  EXPECT_EQ(DsBackupTruncateLogs(handle), hrInvalidBackupSequence);
  EXPECT_EQ(DsBackupEnd(handle), hrNone);
}

TEST_F(DsBackupTest, AnInstanceThatEndsEndsIt) {
  HBC handle = nullptr;
  ASSERT_EQ(prepare_backup(&handle), hrNone);
  end();
  EXPECT_NE(open(handle, database_path()), hrNone);
  EXPECT_NE(DsBackupEnd(handle), hrNone) << "there is no such backup any more";
  EXPECT_EQ(DsBackupEnd(handle), hrInvalidHandle);
}

}  // namespace
}  // namespace stillframe::ese::tests
