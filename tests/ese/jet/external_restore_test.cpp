// JetExternalRestore, JetExternalRestore2: maps, ranges of logs, and targets.
#include <algorithm>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tests/ese/jet/backup_application.hpp"

namespace stillframe::ese::tests {
namespace {

namespace fs = std::filesystem;

int restores_begun = 0, restores_completed = 0;
JET_ERR count_restore(JET_SESID, JET_SNP snp, JET_SNT snt, void*) {
  EXPECT_EQ(snp, static_cast<JET_SNP>(JET_snpRestore));
  restores_begun += snt == JET_sntBegin ? 1 : 0;
  restores_completed += snt == JET_sntComplete ? 1 : 0;
  return JET_errSuccess;
}

class JetExternalRestoreTest : public BackupApplication {
 protected:
  void SetUp() override {
    restores_begun = restores_completed = 0;
    BackupApplication::SetUp();
    work(0, 40);
    work(40, 80);
    fs::create_directory(logs_);
    set_ = copy_external(folder_.file("set"));
    work(80, 100);
  }

  struct Target {
    const char* name = nullptr;
    std::string logs{}, checkpoint{};
  };
  JET_ERR restore(const Target& target, JET_LOGINFO_A* range) {
    const std::string from = database_path(), to = copy();
    JET_RSTMAP_A map{from.c_str(), to.c_str()};
    const auto or_null = [](const std::string& path) {
      return path.empty() ? nullptr : path.c_str();
    };
    return JetExternalRestore2A(logs_.c_str(), logs_.c_str(), &map, 1, set_.folder.c_str(), range,
                                target.name, or_null(target.logs), or_null(target.checkpoint),
                                count_restore);
  }
  JET_ERR restore(const Target& target) { return restore(target, &set_.logs); }
  JET_ERR restore() { return restore(Target{}); }
  std::string copy() const { return set_.folder + "/one.edb"; }

  // Of every file of the set and of what belongs to the restore.
  std::map<std::string, std::string> all_files() const {
    std::map<std::string, std::string> all;
    for (const std::string& folder : {set_.folder, logs_}) {
      for (const std::string& file : files_in(folder)) {
        all[folder + "/" + file] = contents_of(folder + "/" + file);
      }
    }
    return all;
  }
  // The instance stays: its folder has logs that go on from those of the set.
  Target here() const { return {nullptr, folder_.path(), folder_.path()}; }

  ExternalSet set_;
  const std::string logs_ = folder_.file("logs");
};

TEST_F(JetExternalRestoreTest, ASetAloneIsTheMomentOfItsBackup) {
  ASSERT_JET(restore());
  EXPECT_EQ(restores_begun, 1);
  EXPECT_EQ(restores_completed, 1);
  const auto header = header_of(copy());
  EXPECT_EQ(header.dbstate, static_cast<std::uint32_t>(JET_dbstateCleanShutdown));
  EXPECT_EQ(header.bkinfoFullPrev.genHigh, 0U);
  EXPECT_EQ(header.bkinfoFullCur.genLow, 0U);
  EXPECT_EQ(restored_ids(logs_, copy()), numbers(0, 80));
  EXPECT_EQ(restore(), JET_errRestoreOfNonBackupDatabase) << "it is no copy any more";
}

TEST_F(JetExternalRestoreTest, TheFirstFormAndTheWideOnesAreTheSame) {
  const auto wide = [](const std::string& text) {
    return std::u16string(text.begin(), text.end());
  };
  const std::u16string from = wide(database_path()), to = wide(copy()), logs = wide(logs_),
                       set = wide(set_.folder);
  JET_RSTMAP_W map{from.c_str(), to.c_str()};
  const std::string saved = folder_.file("saved.edb");
  fs::copy_file(copy(), saved);
  ASSERT_JET(
      JetExternalRestoreW(logs.c_str(), logs.c_str(), &map, 1, set.c_str(), 0, 0, count_restore));
  EXPECT_EQ(restored_ids(logs_, copy()), numbers(0, 80));
  const auto again = [&] {
    fs::remove_all(logs_);
    fs::create_directory(logs_);
    fs::copy_file(saved, copy(), fs::copy_options::overwrite_existing);
  };
  again();
  const std::string before = database_path(), now = copy();
  JET_RSTMAP_A narrow{before.c_str(), now.c_str()};
  ASSERT_JET(JetExternalRestoreA(logs_.c_str(), logs_.c_str(), &narrow, 1, set_.folder.c_str(),
                                 static_cast<std::int32_t>(set_.logs.ulGenLow),
                                 static_cast<std::int32_t>(set_.logs.ulGenHigh), nullptr));
  EXPECT_EQ(restored_ids(logs_, copy()), numbers(0, 80));
  again();
  JET_LOGINFO_W range{sizeof range, set_.logs.ulGenLow, set_.logs.ulGenHigh, u"edb"};
  ASSERT_JET(JetExternalRestore2W(logs.c_str(), logs.c_str(), &map, 1, set.c_str(), &range, nullptr,
                                  nullptr, nullptr, nullptr));
  EXPECT_EQ(restored_ids(logs_, copy()), numbers(0, 80));
}

TEST_F(JetExternalRestoreTest, LogsOfALaterBackupAreReplayedToo) {
  const ExternalSet later = copy_external(set_.folder, JET_bitBackupIncremental);
  set_.logs.ulGenHigh = later.logs.ulGenHigh;
  ASSERT_JET(restore());
  EXPECT_EQ(restored_ids(logs_, copy()), numbers(0, 100));
}

TEST_F(JetExternalRestoreTest, ADatabaseThatIsNotNamedIsLeftAlone) {
  const std::string two = folder_.file("two.edb");
  JET_DBID dbid = JET_dbidNil;
  ASSERT_JET(JetCreateDatabaseA(session_, two.c_str(), nullptr, &dbid, 0));
  set_ = copy_external(folder_.file("both"));
  const std::string other = contents_of(set_.folder + "/two.edb");
  ASSERT_JET(restore());
  EXPECT_EQ(restored_ids(logs_, copy()), numbers(0, 100));
  EXPECT_EQ(contents_of(set_.folder + "/two.edb"), other);
}

// ---- Refused, with no file changed

TEST_F(JetExternalRestoreTest, ArgumentsAreChecked) {
  const auto before = all_files();
  const std::string from = database_path(), to = copy();
  JET_RSTMAP_A map{from.c_str(), to.c_str()};
  const char *logs = logs_.c_str(), *set = set_.folder.c_str();
  const auto restored = [&](const char* checkpoint, const char* own, JET_RSTMAP_A* its,
                            std::int32_t count, const char* backup) {
    return JetExternalRestore2A(checkpoint, own, its, count, backup, &set_.logs, nullptr, nullptr,
                                nullptr, nullptr);
  };
  EXPECT_EQ(restored(nullptr, logs, &map, 1, set), JET_errInvalidParameter);
  EXPECT_EQ(restored(logs, nullptr, &map, 1, set), JET_errInvalidParameter);
  EXPECT_EQ(restored(logs, logs, &map, 1, nullptr), JET_errInvalidParameter);
  EXPECT_EQ(restored(logs, logs, nullptr, 1, set), JET_errInvalidParameter);
  EXPECT_EQ(restored(logs, logs, &map, 0, set), JET_errInvalidParameter);
  EXPECT_EQ(restored(logs, logs, &map, -1, set), JET_errInvalidParameter);
  EXPECT_EQ(restored(logs, logs, &map, 15, set), JET_errInvalidParameter);
  EXPECT_JET(restored(logs, logs, nullptr, 0, set)) << "of nothing, nothing";
  JET_RSTMAP_A no_new{from.c_str(), nullptr}, no_old{nullptr, to.c_str()};
  EXPECT_EQ(restored(logs, logs, &no_new, 1, set), JET_errDatabaseInvalidName);
  EXPECT_EQ(restored(logs, logs, &no_old, 1, set), JET_errInvalidParameter);
  EXPECT_EQ(restored(logs, logs, &map, 1, folder_.file("nothing").c_str()), JET_errInvalidPath);
  EXPECT_EQ(restored(logs, folder_.file("nothing").c_str(), &map, 1, set), JET_errInvalidPath);
  EXPECT_EQ(restored(folder_.file("nothing").c_str(), logs, &map, 1, set), JET_errInvalidPath);
  EXPECT_FALSE(fs::exists(folder_.file("nothing")));
  EXPECT_EQ(restore(Target{}, nullptr), JET_errInvalidParameter);
  JET_LOGINFO_A range = set_.logs;
  range.cbSize = 12;
  EXPECT_EQ(restore(Target{}, &range), JET_errInvalidParameter);
  range = set_.logs;
  std::swap(++range.ulGenHigh, range.ulGenLow);
  EXPECT_EQ(restore(Target{}, &range), JET_errInvalidParameter);
  range = set_.logs;
  range.szBaseName[2] = '\0';
  EXPECT_EQ(restore(Target{}, &range), JET_errInvalidParameter);
  EXPECT_EQ(restore(Target{"application"}), JET_errInvalidParameter);
  EXPECT_EQ(restore(Target{nullptr, logs_, ""}), JET_errInvalidParameter);
  EXPECT_EQ(restore(Target{nullptr, "", logs_}), JET_errInvalidParameter);
  EXPECT_EQ(all_files(), before);
}

TEST_F(JetExternalRestoreTest, LogsOutsideTheRangeAreAnError) {
  copy_external(set_.folder, JET_bitBackupIncremental);
  const auto before = all_files();
  JET_LOGINFO_A range = set_.logs;
  EXPECT_EQ(restore(Target{}, &range), JET_errEndingRestoreLogTooLow);
  range.ulGenHigh = 0;
  ++range.ulGenLow;
  EXPECT_EQ(restore(Target{}, &range), JET_errStartingRestoreLogTooHigh);
  EXPECT_EQ(all_files(), before);
}

TEST_F(JetExternalRestoreTest, TheLogsOfTheSetAreWholeAndInOrder) {
  work_in_log(100, 110);
  work_in_log(110, 120);
  set_ = copy_external(folder_.file("longer"), 0, false);
  const auto logs = logs_in(set_.folder);
  ASSERT_GE(logs.size(), 2U);
  const std::string first = set_.folder + "/" + *logs.begin(),
                    last = set_.folder + "/" + *logs.rbegin();
  const auto before = all_files();
  flip_byte_of(last, 100);
  EXPECT_EQ(restore(), JET_errLogCorruptDuringHardRestore);
  flip_byte_of(last, 100);
  fs::rename(last, folder_.file("away"));
  EXPECT_EQ(restore(), JET_errMissingRestoreLogFiles);
  fs::rename(folder_.file("away"), last);
  fs::rename(first, folder_.file("away"));
  EXPECT_EQ(restore(), JET_errFileNotFound);
  fs::copy_file(last, first);
  EXPECT_EQ(restore(), JET_errLogGenerationMismatch);
  fs::rename(folder_.file("away"), first);
  EXPECT_EQ(all_files(), before);
  EXPECT_JET(restore());
}

TEST_F(JetExternalRestoreTest, CopiesAreThoseOfTheBackup) {
  const std::string whole = contents_of(copy());
  flip_byte_of(copy(), whole.size() - ReadBuffer::kPage + 100);
  EXPECT_EQ(restore(), JET_errBadPatchPage);
  fs::resize_file(copy(), whole.size() - ReadBuffer::kPage);
  EXPECT_EQ(restore(), JET_errMissingPatchPage);
  fs::remove(copy());
  EXPECT_EQ(restore(), JET_errFileNotFound);
  EXPECT_EQ(files_in(logs_), std::set<std::string>());
}

TEST_F(JetExternalRestoreTest, WhatIsInUseIsNotTouched) {
  const std::string from = database_path(), logs = folder_.path();
  JET_RSTMAP_A map{from.c_str(), from.c_str()};
  const auto restored = [&](const std::string& own) {
    return JetExternalRestore2A(own.c_str(), own.c_str(), &map, 1, set_.folder.c_str(), &set_.logs,
                                nullptr, nullptr, nullptr, nullptr);
  };
  EXPECT_EQ(restored(logs), JET_errLogFilePathInUse);
  EXPECT_EQ(restored(logs_), JET_errDatabaseSharingViolation);
  EXPECT_EQ(all_ids(rows_), numbers(0, 100));
}

// ---- Targets

TEST_F(JetExternalRestoreTest, ARunningTargetGivesItsLogsAndRunsOn) {
  insert(100, 100, "in the current log");
  const auto logs = logs_in(folder_.path());
  EXPECT_EQ(restore(here()), JET_wrnTargetInstanceRunning);
  for (const std::string& log : logs) EXPECT_TRUE(fs::exists(folder_.file(log))) << log;
  EXPECT_EQ(restored_ids(logs_, copy()), numbers(0, 101));
  insert(101, 101, "it runs");
  EXPECT_EQ(all_ids(rows_), numbers(0, 102));
  // What the restore has logged is in the way of the next one.
  fs::remove(copy());
  set_ = copy_external(folder_.file("next"));
  EXPECT_EQ(restore(here()), JET_errExistingLogFileIsNotContiguous);
}

TEST_F(JetExternalRestoreTest, ARefusedRestoreDoesNotFinishTheTargetsLog) {
  fs::remove(copy());
  const auto logs = logs_in(folder_.path());
  EXPECT_EQ(restore(here()), JET_errFileNotFound);
  EXPECT_EQ(logs_in(folder_.path()), logs);
}

TEST_F(JetExternalRestoreTest, AStoppedTargetsLogsAreReplayedAndContinued) {
  insert(100, 100, "in the current log");
  end();
  const auto logs = logs_in(folder_.path());
  ASSERT_JET(restore(here()));
  for (const std::string& log : logs) EXPECT_TRUE(fs::exists(folder_.file(log))) << log;
  EXPECT_EQ(files_in(logs_), std::set<std::string>()) << "it goes on in those of the target";
  EXPECT_EQ(restored_ids(folder_.path(), copy()), numbers(0, 101));
}

TEST_F(JetExternalRestoreTest, ACircularTargetIsIgnored) {
  end();
  begin(folder_, true);
  ASSERT_JET(restore(here()));
  EXPECT_EQ(restored_ids(logs_, copy()), numbers(0, 80));
}

TEST_F(JetExternalRestoreTest, OtherTargetsAreRefused) {
  JetFolder empty, other;
  EXPECT_EQ(restore(Target{nullptr, empty.path(), empty.path()}), JET_errBadRestoreTargetInstance);
  JET_INSTANCE created = instance_in(other.path(), "created");
  EXPECT_EQ(restore(Target{nullptr, other.path(), other.path()}), JET_errBadRestoreTargetInstance);
  EXPECT_JET(JetTerm(created));
  JET_LOGINFO_A range = set_.logs;
  range.szBaseName[0] = 'x';
  EXPECT_EQ(restore(here(), &range), JET_errBadRestoreTargetInstance);
  EXPECT_EQ(files_in(logs_), std::set<std::string>());
}

}  // namespace
}  // namespace stillframe::ese::tests
