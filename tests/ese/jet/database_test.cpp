// Databases: create, attach, open, close, detach, and what their files say.
#include <filesystem>
#include <fstream>
#include <string>

#include "tests/ese/jet/jet_application.hpp"

namespace stillframe::ese::tests {
namespace {

using JetDatabases = JetApplication;

TEST_F(JetDatabases, OneThatIsThereIsReplacedOnlyIfThatIsAskedFor) {
  const std::string two = folder_.file("two.edb");
  JET_DBID dbid = JET_dbidNil;
  ASSERT_JET(JetCreateDatabaseA(session_, two.c_str(), nullptr, &dbid, 0));
  EXPECT_EQ(JetCreateDatabaseA(session_, two.c_str(), nullptr, &dbid, 0), JET_errDatabaseDuplicate);
  ASSERT_JET(JetCloseDatabase(session_, dbid, 0));
  ASSERT_JET(JetDetachDatabaseA(session_, two.c_str()));
  EXPECT_EQ(JetCreateDatabaseA(session_, two.c_str(), nullptr, &dbid, 0), JET_errDatabaseDuplicate);
  EXPECT_JET(JetCreateDatabaseA(session_, two.c_str(), nullptr, &dbid, JET_bitDbOverwriteExisting));
}

TEST_F(JetDatabases, WideNamesAreTheSameNames) {
  const std::string path = folder_.file("gr\xC3\xBC\xC3\x9F-\xF0\x9F\x97\x83.edb");
  std::u16string wide(folder_.path().begin(), folder_.path().end());
  wide += u"/gr\u00FC\u00DF-\U0001F5C3.edb";
  JET_DBID dbid = JET_dbidNil;
  ASSERT_JET(JetCreateDatabaseW(session_, wide.c_str(), nullptr, &dbid, 0));
  EXPECT_TRUE(std::filesystem::exists(path));
  EXPECT_EQ(JetAttachDatabaseA(session_, path.c_str(), 0), JET_wrnDatabaseAttached);
  char16_t name[300] = {};
  ASSERT_JET(JetGetDatabaseInfoW(session_, dbid, name, sizeof name, JET_DbInfoFilename));
  EXPECT_EQ(name, wide);
}

TEST_F(JetDatabases, WhatIsOpenStaysAttached) {
  const std::string one = folder_.file("one.edb");
  EXPECT_EQ(JetDetachDatabaseA(session_, one.c_str()), JET_errDatabaseInUse);
  EXPECT_EQ(JetDetachDatabase2A(session_, one.c_str(), JET_bitForceDetach),
            JET_errForceDetachNotAllowed);
  insert(1, 1, "a");
  ASSERT_JET(JetCloseDatabase(session_, database_, 0));
  EXPECT_EQ(JetMove(session_, rows_, JET_MoveFirst, 0), JET_errInvalidTableId);
  EXPECT_EQ(JetCloseDatabase(session_, database_, 0), JET_errInvalidDatabaseId);
  ASSERT_JET(JetDetachDatabaseA(session_, nullptr));
  EXPECT_EQ(JetOpenDatabaseA(session_, one.c_str(), nullptr, &database_, 0),
            JET_errDatabaseNotFound);
  ASSERT_JET(JetAttachDatabaseA(session_, one.c_str(), 0));
  ASSERT_JET(JetOpenDatabaseA(session_, one.c_str(), nullptr, &database_, 0));
  EXPECT_EQ(all_ids(open_rows(session_)), std::vector<std::int32_t>{1});
}

TEST_F(JetDatabases, AnExclusiveOpenKeepsOtherSessionsOut) {
  const std::string one = folder_.file("one.edb");
  JET_SESID other = JET_sesidNil;
  ASSERT_JET(JetDupSession(session_, &other));
  JET_DBID dbid = JET_dbidNil;
  EXPECT_EQ(JetOpenDatabaseA(other, one.c_str(), nullptr, &dbid, JET_bitDbExclusive),
            JET_errDatabaseInUse);
  ASSERT_JET(JetCloseDatabase(session_, database_, 0));
  ASSERT_JET(JetOpenDatabaseA(other, one.c_str(), nullptr, &dbid, JET_bitDbExclusive));
  EXPECT_EQ(JetOpenDatabaseA(session_, one.c_str(), nullptr, &database_, 0), JET_errDatabaseLocked);
  ASSERT_JET(JetEndSession(other, 0));
  EXPECT_JET(JetOpenDatabaseA(session_, one.c_str(), nullptr, &database_, 0));
}

TEST_F(JetDatabases, TheyComeAndGoOutsideOfTransactions) {
  ASSERT_JET(JetBeginTransaction(session_));
  const std::string two = folder_.file("two.edb");
  JET_DBID dbid = JET_dbidNil;
  EXPECT_EQ(JetCreateDatabaseA(session_, two.c_str(), nullptr, &dbid, 0), JET_errInTransaction);
  EXPECT_EQ(JetAttachDatabaseA(session_, two.c_str(), 0), JET_errInTransaction);
  EXPECT_EQ(JetDetachDatabaseA(session_, two.c_str()), JET_errInTransaction);
  ASSERT_JET(JetRollback(session_, 0));
  EXPECT_EQ(JetAttachDatabaseA(session_, two.c_str(), 0), JET_errFileNotFound);
  EXPECT_EQ(JetCreateDatabaseA(session_, "/nowhere/at/all.edb", nullptr, &dbid, 0),
            JET_errInvalidPath);
  EXPECT_EQ(JetCreateDatabaseA(session_, two.c_str(), nullptr, &dbid, JET_bitDbRecoveryOff),
            JET_errFeatureNotAvailable);
  EXPECT_EQ(JetCreateDatabaseA(session_, two.c_str(), nullptr, &dbid, 0x4), JET_errInvalidGrbit);
}

TEST_F(JetDatabases, AnInstanceHasSixAtMost) {
  for (int i = 2; i <= 7; ++i) {
    JET_DBID dbid = JET_dbidNil;
    const std::string path = folder_.file(std::to_string(i) + ".edb");
    const JET_ERR made = JetCreateDatabaseA(session_, path.c_str(), nullptr, &dbid, 0);
    EXPECT_EQ(made, i <= 6 ? JET_errSuccess : JET_errTooManyAttachedDatabases) << i;
  }
}

TEST_F(JetDatabases, AnotherInstanceCannotHaveTheSameOne) {
  JetFolder other_folder;
  JET_INSTANCE other = small_instance(other_folder, "other");
  ASSERT_JET(JetInit(&other));
  JET_SESID session = JET_sesidNil;
  ASSERT_JET(JetBeginSessionA(other, &session, nullptr, nullptr));
  const std::string one = folder_.file("one.edb");
  EXPECT_EQ(JetAttachDatabaseA(session, one.c_str(), 0), JET_errDatabaseSharingViolation);
  ASSERT_JET(JetTerm(instance_));
  instance_ = JET_instanceNil;
  EXPECT_JET(JetAttachDatabaseA(session, one.c_str(), 0));
  EXPECT_JET(JetTerm(other));
}

TEST_F(JetDatabases, FilesSayWhatTheyAreWithoutAnInstance) {
  const std::string one = folder_.file("one.edb"), log = folder_.file("edb.log"),
                    checkpoint = folder_.file("edb.chk");
  std::uint32_t number = 0;
  std::uint64_t bytes = 0;
  ASSERT_JET(JetGetDatabaseFileInfoA(one.c_str(), &number, 4, JET_DbInfoPageSize));
  EXPECT_EQ(number, 8192U);
  ASSERT_JET(JetGetDatabaseFileInfoA(one.c_str(), &number, 4, JET_DbInfoDBInUse));
  EXPECT_EQ(number, 1U);
  ASSERT_JET(JetGetDatabaseFileInfoA(one.c_str(), &bytes, 8, JET_DbInfoFilesize));
  EXPECT_EQ(bytes, std::filesystem::file_size(one));
  ASSERT_JET(JetGetDatabaseFileInfoA(one.c_str(), &bytes, 8, JET_DbInfoFilesizeOnDisk));
  const auto type_of = [](const std::string& path) {
    std::uint32_t type = 99;
    EXPECT_JET(JetGetDatabaseFileInfoA(path.c_str(), &type, sizeof type, JET_DbInfoFileType));
    return static_cast<int>(type);
  };
  EXPECT_EQ(type_of(one), JET_filetypeDatabase);
  EXPECT_EQ(type_of(log), JET_filetypeLog);
  EXPECT_EQ(type_of(checkpoint), JET_filetypeCheckpoint);
  const std::string text = folder_.file("text");
  std::ofstream(text) << std::string(20000, 'x');
  EXPECT_EQ(type_of(text), JET_filetypeUnknown);
  JET_DBINFOMISC7 info{};
  EXPECT_EQ(JetGetDatabaseFileInfoA(log.c_str(), &info, sizeof info, JET_DbInfoMisc),
            JET_errFileInvalidType);
  EXPECT_EQ(JetGetDatabaseFileInfoA(one.c_str(), &info, 215, JET_DbInfoMisc),
            JET_errInvalidBufferSize);
  EXPECT_EQ(JetGetDatabaseFileInfoA(one.c_str(), &info, sizeof info, 77), JET_errInvalidParameter);
  EXPECT_EQ(
      JetGetDatabaseFileInfoA(folder_.file("none").c_str(), &info, sizeof info, JET_DbInfoMisc),
      JET_errFileNotFound);
}

TEST_F(JetDatabases, WhatWeMakeSaysTheVersionsThatEveryReaderKnows) {
  JET_DBINFOMISC7 database{};
  ASSERT_JET(JetGetDatabaseFileInfoA(folder_.file("one.edb").c_str(), &database, sizeof database,
                                     JET_DbInfoMisc));
  EXPECT_EQ(database.ulVersion, 0x620U);
  EXPECT_EQ(database.ulUpdate, 20U);
  EXPECT_EQ(database.dbstate, static_cast<std::uint32_t>(JET_dbstateDirtyShutdown));
  JET_LOGINFOMISC2 log{};
  ASSERT_JET(
      JetGetLogFileInfoA(folder_.file("edb.log").c_str(), &log, sizeof log, JET_LogInfoMisc2));
  EXPECT_EQ(log.ulGeneration, 1U);
  EXPECT_EQ(log.cbSectorSize * log.cbFile, 128U << 10);
  EXPECT_EQ(log.cbDatabasePageSize, 8192U);
  EXPECT_EQ(log.ulFlags & 2U, 2U);
  EXPECT_EQ(database.signLog.ulRandom, log.signLog.ulRandom);
  JET_LOGINFOMISC base{};
  ASSERT_JET(
      JetGetLogFileInfoA(folder_.file("edb.log").c_str(), &base, sizeof base, JET_LogInfoMisc));
  EXPECT_EQ(base.ulVersionMajor, 8U);
  EXPECT_EQ(base.ulVersionMinor, 4000U);
  EXPECT_EQ(JetGetLogFileInfoA(folder_.file("edb.log").c_str(), &base, 79, JET_LogInfoMisc),
            JET_errInvalidBufferSize);
  EXPECT_EQ(JetGetLogFileInfoA(folder_.file("edb.log").c_str(), &base, sizeof base, 2),
            JET_errInvalidParameter);
  EXPECT_EQ(
      JetGetLogFileInfoA(folder_.file("one.edb").c_str(), &base, sizeof base, JET_LogInfoMisc),
      JET_errLogFileCorrupt);
}

TEST_F(JetDatabases, AnOpenOneIsToldOfByItsNumber) {
  std::uint32_t pages = 0;
  ASSERT_JET(JetGetDatabaseInfoA(session_, database_, &pages, 4, JET_DbInfoFilesize));
  EXPECT_GE(std::filesystem::file_size(folder_.file("one.edb")), std::uint64_t{pages} * 8192);
  char name[300] = {};
  ASSERT_JET(JetGetDatabaseInfoA(session_, database_, name, sizeof name, JET_DbInfoFilename));
  EXPECT_EQ(name, folder_.file("one.edb"));
  EXPECT_EQ(JetGetDatabaseInfoA(session_, database_, name, 3, JET_DbInfoFilename),
            JET_errBufferTooSmall);
  JET_DBINFOMISC4 info{};
  ASSERT_JET(JetGetDatabaseInfoA(session_, database_, &info, sizeof info, JET_DbInfoMisc));
  EXPECT_EQ(info.cbPageSize, 8192U);
  EXPECT_EQ(JetGetDatabaseInfoA(session_, 99, &info, sizeof info, JET_DbInfoMisc),
            JET_errInvalidDatabaseId);
}

}  // namespace
}  // namespace stillframe::ese::tests
