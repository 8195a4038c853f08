// JetOSSnapshot calls: what is held, for how long, what a copy has, and what is remembered.
#include <algorithm>
#include <atomic>
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

class JetSnapshotTest : public BackupApplication {
 protected:
  void SetUp() override {
    BackupApplication::SetUp();
    work(0, 40);
    work(40, 80);
  }
  void TearDown() override {
    set_timeout(70000);
    BackupApplication::TearDown();
  }

  static void set_timeout(JET_API_PTR ms) {
    ASSERT_JET(
        JetSetSystemParameterA(nullptr, JET_sesidNil, JET_paramOSSnapshotTimeout, ms, nullptr));
  }
  static JET_OSSNAPID prepare(JET_GRBIT grbit) {
    JET_OSSNAPID id = 0;
    EXPECT_JET(JetOSSnapshotPrepare(&id, grbit));
    return id;
  }
  // The names of the databases that are frozen.
  static JET_ERR freeze(JET_OSSNAPID id, std::vector<std::string>* names = nullptr) {
    std::uint32_t count = 0;
    JET_INSTANCE_INFO_A* list = nullptr;
    const JET_ERR err = JetOSSnapshotFreezeA(id, &count, &list, 0);
    for (std::uint32_t i = 0; i < count && names != nullptr; ++i) {
      for (std::size_t d = 0; d < list[i].cDatabases; ++d) {
        names->emplace_back(list[i].szDatabaseFileName[d]);
      }
    }
    if (err == JET_errSuccess) {
      EXPECT_JET(JetFreeBuffer(reinterpret_cast<char*>(list)));
    }
    return err;
  }
  void take(JET_GRBIT grbit) {
    const JET_OSSNAPID id = prepare(grbit);
    ASSERT_JET(freeze(id));
    ASSERT_JET(JetOSSnapshotThaw(id, 0));
  }
  static constexpr JET_GRBIT kOn = JET_bitContinueAfterThaw;
};

// ---- While frozen

TEST_F(JetSnapshotTest, ACopyHasEveryDurableCommitAndWritersWait) {
  constexpr int kWriters = 4;
  std::atomic<bool> done{false};
  std::vector<std::atomic<int>> committed(kWriters);
  std::vector<std::thread> writers;
  for (int w = 0; w < kWriters; ++w) {
    writers.emplace_back([&, w] {
      JET_SESID session = JET_sesidNil;
      JET_DBID database = JET_dbidNil;
      JET_TABLEID table = JET_tableidNil;
      ASSERT_JET(JetBeginSessionA(instance_, &session, nullptr, nullptr));
      ASSERT_JET(JetOpenDatabaseA(session, database_path().c_str(), nullptr, &database, 0));
      ASSERT_JET(JetOpenTableA(session, database, "rows", nullptr, 0, 0, &table));
      for (int i = 0; !done; ++i) {
        const int id = 1000 * (w + 1) + i;
        ASSERT_JET(try_insert(session, table, columns_, id, id, "row"));
        committed[static_cast<std::size_t>(w)] = i + 1;
      }
    });
  }
  while (std::any_of(committed.begin(), committed.end(), [](const auto& n) { return n < 5; })) {
    std::this_thread::yield();
  }
  const auto counts = [&] {
    std::vector<int> all;
    for (const auto& each : committed) all.push_back(each);
    return all;
  };
  JetFolder copy;
  const JET_OSSNAPID id = prepare(kOn);
  std::vector<std::string> frozen;
  ASSERT_JET(freeze(id, &frozen));
  EXPECT_EQ(frozen, std::vector<std::string>{database_path()});
  const auto before = counts();
  fs::copy(folder_.path(), copy.path(), fs::copy_options::recursive);
  for (const std::string& file : files_in(copy.path())) {
    EXPECT_EQ(contents_of(copy.file(file)), contents_of(folder_.file(file))) << file;
  }
  const auto after = counts();
  for (std::size_t w = 0; w < kWriters; ++w) {
    EXPECT_LE(after[w] - before[w], 1) << "one was on its way back from its commit";
  }
  ASSERT_JET(JetOSSnapshotThaw(id, 0));
  ASSERT_JET(JetOSSnapshotEnd(id, 0));
  while (counts() == after) std::this_thread::yield();
  done = true;
  for (std::thread& writer : writers) writer.join();
  end();
  // The copy takes the place of what was copied.
  fs::remove_all(folder_.path());
  fs::copy(copy.path(), folder_.path(), fs::copy_options::recursive);
  begin(folder_, false);
  for (std::size_t w = 0; w < kWriters; ++w) {
    const int first = 1000 * (static_cast<int>(w) + 1);
    for (int i = 0; i < before[w]; ++i) {
      EXPECT_EQ(seek_id(rows_, first + i), JET_errSuccess) << first + i;
    }
  }
}

TEST_F(JetSnapshotTest, AFreezeEndsAtItsTimeout) {
  set_timeout(1);
  const JET_OSSNAPID id = prepare(kOn);
  ASSERT_JET(freeze(id));
  insert(100, 100, "held until then");
  JET_ERR thawed = JetOSSnapshotThaw(id, 0);
  EXPECT_EQ(thawed, JET_errOSSnapshotTimeOut);
  EXPECT_EQ(JetOSSnapshotEnd(id, 0), JET_errOSSnapshotInvalidSequence);
  EXPECT_EQ(JetOSSnapshotTruncateLog(id, JET_bitAllDatabasesSnapshot),
            JET_errOSSnapshotInvalidSequence);
  std::uint32_t count = 0;
  JET_INSTANCE_INFO_W* list = nullptr;
  ASSERT_JET(JetOSSnapshotGetFreezeInfoW(id, &count, &list, 0));
  EXPECT_EQ(count, 1U);
  EXPECT_JET(JetFreeBuffer(reinterpret_cast<char*>(list)));
  JET_DBID dbid = JET_dbidNil;
  EXPECT_JET(JetCreateDatabaseA(session_, folder_.file("two.edb").c_str(), nullptr, &dbid, 0));
  EXPECT_JET(JetOSSnapshotEnd(id, JET_bitAbortSnapshot));
  EXPECT_EQ(header_of(database_path()).bkinfoFullPrev.genHigh, 0U);
  // Without more to come the late thaw is the end.
  const JET_OSSNAPID other = prepare(0);
  ASSERT_JET(freeze(other));
  insert(101, 101, "held too");
  EXPECT_EQ(JetOSSnapshotThaw(other, 0), JET_errOSSnapshotTimeOut);
  EXPECT_EQ(JetOSSnapshotThaw(other, 0), JET_errOSSnapshotInvalidSnapId);
}

TEST_F(JetSnapshotTest, UntilTheEndNothingComesOrGoes) {
  const JET_OSSNAPID id = prepare(kOn);
  const std::string two = folder_.file("two.edb");
  JET_DBID dbid = JET_dbidNil;
  ASSERT_JET(JetCreateDatabaseA(session_, two.c_str(), nullptr, &dbid, 0));
  ASSERT_JET(JetCloseDatabase(session_, dbid, 0));
  ASSERT_JET(freeze(id));
  ASSERT_JET(JetOSSnapshotThaw(id, 0));
  EXPECT_EQ(JetDetachDatabaseA(session_, two.c_str()), JET_errBackupInProgress);
  EXPECT_EQ(back_up(folder_.path()), JET_errBackupInProgress);
  EXPECT_EQ(JetBeginExternalBackupInstance(instance_, 0), JET_errBackupInProgress);
  EXPECT_EQ(JetTerm2(instance_, JET_bitTermComplete), JET_errBackupInProgress);
  ASSERT_JET(JetOSSnapshotEnd(id, 0));
  EXPECT_JET(JetDetachDatabaseA(session_, two.c_str()));
}

// ---- The order

TEST_F(JetSnapshotTest, CallsHaveTheirOrder) {
  std::uint32_t count = 0;
  JET_INSTANCE_INFO_A* list = nullptr;
  const auto calls = [&](JET_OSSNAPID id) {
    return std::vector<std::function<JET_ERR()>>{
        [=, this] { return JetOSSnapshotPrepareInstance(id, instance_, 0); },
        [=] { return freeze(id); },
        [=] { return JetOSSnapshotThaw(id, 0); },
        [=] { return JetOSSnapshotTruncateLog(id, JET_bitAllDatabasesSnapshot); },
        [=, this] {
          return JetOSSnapshotTruncateLogInstance(id, instance_, JET_bitAllDatabasesSnapshot);
        },
        [=] { return JetOSSnapshotEnd(id, 0); }};
  };
  const auto expect_order = [&](JET_OSSNAPID id, const std::vector<int>& refused, JET_ERR err) {
    const auto all = calls(id);
    for (const int call : refused) {
      EXPECT_EQ(all[static_cast<std::size_t>(call)](), err) << call;
    }
  };
  const JET_OSSNAPID id = prepare(kOn);
  expect_order(id, {2, 3, 4}, JET_errOSSnapshotInvalidSequence);
  EXPECT_EQ(JetOSSnapshotPrepareInstance(id, instance_, 0), JET_errOSSnapshotNotAllowed)
      << "it is part of it already";
  ASSERT_JET(freeze(id));
  expect_order(id, {0, 1, 3, 4, 5}, JET_errOSSnapshotInvalidSequence);
  ASSERT_JET(JetOSSnapshotThaw(id, 0));
  expect_order(id, {0, 1, 2}, JET_errOSSnapshotInvalidSequence);
  ASSERT_JET(JetOSSnapshotTruncateLog(id, JET_bitAllDatabasesSnapshot));
  ASSERT_JET(JetOSSnapshotTruncateLogInstance(id, instance_, JET_bitAllDatabasesSnapshot));
  expect_order(id, {0, 1, 2}, JET_errOSSnapshotInvalidSequence);
  ASSERT_JET(JetOSSnapshotEnd(id, 0));
  expect_order(id, {0, 1, 2, 3, 4, 5}, JET_errOSSnapshotInvalidSnapId);
  EXPECT_EQ(JetOSSnapshotGetFreezeInfoA(id, &count, &list, 0), JET_errOSSnapshotInvalidSnapId);
  EXPECT_EQ(JetOSSnapshotAbort(id, 0), JET_errOSSnapshotInvalidSnapId);
}

TEST_F(JetSnapshotTest, WhatIsAskedForWronglyIsTold) {
  EXPECT_EQ(JetOSSnapshotPrepare(nullptr, 0), JET_errInvalidParameter);
  JET_OSSNAPID id = 0;
  EXPECT_EQ(JetOSSnapshotPrepare(&id, 0x10), JET_errInvalidGrbit);
  id = prepare(kOn | JET_bitExplicitPrepare);
  std::uint32_t count = 7;
  JET_INSTANCE_INFO_A* list = nullptr;
  ASSERT_JET(JetOSSnapshotGetFreezeInfoA(id, &count, &list, 0));
  EXPECT_EQ(count, 0U);
  EXPECT_EQ(JetOSSnapshotPrepareInstance(id, instance_, 1), JET_errInvalidGrbit);
  EXPECT_EQ(JetOSSnapshotPrepareInstance(id, instance_ + 1000, 0), JET_errInvalidParameter);
  EXPECT_EQ(JetOSSnapshotPrepareInstance(id + 1, instance_, 0), JET_errOSSnapshotInvalidSnapId);
  ASSERT_JET(JetOSSnapshotPrepareInstance(id, instance_, 0));
  EXPECT_EQ(JetOSSnapshotFreezeA(id, nullptr, &list, 0), JET_errInvalidParameter);
  EXPECT_EQ(JetOSSnapshotFreezeA(id, &count, nullptr, 0), JET_errInvalidParameter);
  EXPECT_EQ(JetOSSnapshotFreezeW(id, nullptr, nullptr, 0), JET_errInvalidParameter);
  EXPECT_EQ(JetOSSnapshotFreezeA(id, &count, &list, 1), JET_errInvalidGrbit);
  ASSERT_JET(freeze(id));
  EXPECT_EQ(JetOSSnapshotThaw(id, 1), JET_errInvalidGrbit);
  EXPECT_EQ(JetOSSnapshotGetFreezeInfoA(id, &count, &list, 1), JET_errInvalidGrbit);
  EXPECT_EQ(JetOSSnapshotGetFreezeInfoA(id, nullptr, &list, 0), JET_errInvalidParameter);
  ASSERT_JET(JetOSSnapshotThaw(id, 0));
  EXPECT_EQ(JetOSSnapshotTruncateLog(id, 2), JET_errInvalidGrbit);
  EXPECT_EQ(JetOSSnapshotTruncateLogInstance(id, instance_ + 1000, 0), JET_errInvalidParameter);
  EXPECT_EQ(JetOSSnapshotEnd(id, 2), JET_errInvalidGrbit);
  EXPECT_EQ(JetOSSnapshotAbort(id, 1), JET_errInvalidGrbit);
  EXPECT_JET(JetOSSnapshotAbort(id, 0));
  end();
  EXPECT_EQ(JetOSSnapshotPrepare(&id, 0), JET_errNotInitialized);
}

// ---- Several instances

TEST_F(JetSnapshotTest, SessionsOfDifferentInstancesDoNotMeet) {
  JetFolder folder;
  JET_INSTANCE other = instance_in(folder.path(), "other");
  ASSERT_JET(JetInit(&other));
  const JET_OSSNAPID one = prepare(kOn | JET_bitExplicitPrepare),
                     two = prepare(kOn | JET_bitExplicitPrepare);
  EXPECT_GT(two, one);
  ASSERT_JET(JetOSSnapshotPrepareInstance(one, instance_, 0));
  EXPECT_EQ(JetOSSnapshotPrepareInstance(two, instance_, 0), JET_errOSSnapshotNotAllowed);
  ASSERT_JET(JetOSSnapshotPrepareInstance(two, other, 0));
  ASSERT_JET(freeze(one));
  ASSERT_JET(freeze(two));
  ASSERT_JET(JetOSSnapshotThaw(one, 0));
  insert(100, 100, "while the other one is frozen");
  EXPECT_EQ(JetOSSnapshotTruncateLogInstance(one, other, 0), JET_errInvalidParameter);
  ASSERT_JET(JetOSSnapshotThaw(two, 0));
  ASSERT_JET(JetOSSnapshotEnd(two, 0));
  ASSERT_JET(JetOSSnapshotAbort(one, 0));
  // One session of both.
  const JET_OSSNAPID both = prepare(0);
  std::uint32_t count = 0;
  JET_INSTANCE_INFO_A* list = nullptr;
  ASSERT_JET(JetOSSnapshotFreezeA(both, &count, &list, 0));
  EXPECT_EQ(count, 2U);
  EXPECT_JET(JetFreeBuffer(reinterpret_cast<char*>(list)));
  ASSERT_JET(JetOSSnapshotThaw(both, 0));
  EXPECT_JET(JetTerm(other));
}

TEST_F(JetSnapshotTest, WhoIsBackedUpIsNotFrozen) {
  const JET_OSSNAPID id = prepare(0);
  ASSERT_JET(JetBeginExternalBackupInstance(instance_, 0));
  EXPECT_EQ(freeze(id), JET_errOSSnapshotNotAllowed);
  const JET_OSSNAPID other = prepare(JET_bitExplicitPrepare);
  EXPECT_EQ(JetOSSnapshotPrepareInstance(other, instance_, 0), JET_errOSSnapshotNotAllowed);
  insert(100, 100, "nothing is held");
  ASSERT_JET(JetEndExternalBackupInstance2(instance_, JET_bitBackupEndAbort));
  ASSERT_JET(freeze(id));
  ASSERT_JET(JetOSSnapshotThaw(id, 0));
  ASSERT_JET(JetOSSnapshotEnd(other, 0));
}

// ---- What is remembered, and which logs go

TEST_F(JetSnapshotTest, WhatIsRememberedIsByTheKind) {
  const auto header = [&] { return header_of(database_path()); };
  const JET_OSSNAPID refused = prepare(JET_bitIncrementalSnapshot);
  EXPECT_EQ(freeze(refused), JET_errMissingFullBackup);
  ASSERT_JET(JetOSSnapshotAbort(refused, 0));
  take(JET_bitCopySnapshot);
  EXPECT_NE(header().bkinfoCopyPrev.genHigh, 0U);
  EXPECT_EQ(header().bkinfoFullPrev.genHigh, 0U);
  take(0);
  EXPECT_NE(header().bkinfoFullPrev.genHigh, 0U);
  EXPECT_EQ(header().bkinfoFullPrev.bklogtimeMark.fOSSnapshot, 1U);
  EXPECT_EQ(JetBeginExternalBackupInstance(instance_, JET_bitBackupIncremental),
            JET_errMissingFullBackup)
      << "nothing goes on from another kind";
  work(100, 110);
  take(JET_bitIncrementalSnapshot | JET_bitCopySnapshot);
  EXPECT_NE(header().bkinfoDiffPrev.genHigh, 0U);
  take(JET_bitIncrementalSnapshot);
  EXPECT_NE(header().bkinfoIncPrev.genHigh, 0U);
  end();
  begin(folder_, true);
  const JET_OSSNAPID circular = prepare(JET_bitIncrementalSnapshot);
  EXPECT_EQ(freeze(circular), JET_errInvalidBackup);
  ASSERT_JET(JetOSSnapshotAbort(circular, 0));
}

TEST_F(JetSnapshotTest, AnAbortIsNeverRemembered) {
  for (const JET_GRBIT grbit : {JET_GRBIT{0}, kOn}) {
    const JET_OSSNAPID id = prepare(grbit);
    ASSERT_JET(freeze(id));
    ASSERT_JET(JetOSSnapshotAbort(id, 0));
    insert(100 + static_cast<int>(grbit), 100 + static_cast<int>(grbit), "nothing is held");
  }
  const JET_OSSNAPID id = prepare(kOn);
  ASSERT_JET(freeze(id));
  ASSERT_JET(JetOSSnapshotThaw(id, 0));
  ASSERT_JET(JetOSSnapshotEnd(id, JET_bitAbortSnapshot));
  EXPECT_EQ(header_of(database_path()).bkinfoFullPrev.genHigh, 0U);
}

TEST_F(JetSnapshotTest, LogsGoWhenThatIsAskedForAndTheyAreNotNeeded) {
  const JET_OSSNAPID copy = prepare(kOn | JET_bitCopySnapshot);
  ASSERT_JET(freeze(copy));
  ASSERT_JET(JetOSSnapshotThaw(copy, 0));
  EXPECT_EQ(JetOSSnapshotTruncateLog(copy, JET_bitAllDatabasesSnapshot),
            JET_errOSSnapshotInvalidSequence);
  ASSERT_JET(JetOSSnapshotEnd(copy, 0));
  const JET_OSSNAPID id = prepare(kOn);
  ASSERT_JET(freeze(id));
  ASSERT_JET(JetOSSnapshotThaw(id, 0));
  const auto logs = logs_in(folder_.path());
  ASSERT_JET(JetOSSnapshotTruncateLog(id, 0));
  EXPECT_EQ(logs_in(folder_.path()), logs);
  ASSERT_JET(JetOSSnapshotTruncateLog(id, JET_bitAllDatabasesSnapshot));
  EXPECT_LT(logs_in(folder_.path()).size(), logs.size());
  ASSERT_JET(JetOSSnapshotEnd(id, 0));
  end();
  begin(folder_, false);
  EXPECT_EQ(all_ids(rows_), numbers(0, 80));
}

TEST_F(JetSnapshotTest, AnInstanceThatEndsLeavesItsSession) {
  const JET_OSSNAPID id = prepare(kOn);
  ASSERT_JET(freeze(id));
  ASSERT_JET(JetOSSnapshotThaw(id, 0));
  ASSERT_JET(JetTerm2(instance_, JET_bitTermAbrupt));
  instance_ = JET_instanceNil;
  ASSERT_JET(JetOSSnapshotEnd(id, 0));
  EXPECT_EQ(header_of(database_path()).bkinfoFullPrev.genHigh, 0U);
  begin(folder_, false);
  const JET_OSSNAPID prepared = prepare(0);
  EXPECT_JET(JetTerm2(instance_, JET_bitTermComplete)) << "nothing is held before the freeze";
  instance_ = JET_instanceNil;
  EXPECT_JET(JetOSSnapshotAbort(prepared, 0));
}

}  // namespace
}  // namespace stillframe::ese::tests
