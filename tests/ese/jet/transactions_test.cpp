// Transactions and what sessions see of each other.
#include <thread>

#include "tests/ese/jet/jet_application.hpp"

namespace stillframe::ese::tests {
namespace {

using JetTransactions = JetApplication;
using Ids = std::vector<std::int32_t>;

TEST_F(JetTransactions, HaveSevenLevels) {
  for (int level = 1; level <= 7; ++level) ASSERT_JET(JetBeginTransaction(session_));
  EXPECT_EQ(JetBeginTransaction(session_), JET_errTransTooDeep);
  for (int level = 7; level >= 1; --level) ASSERT_JET(JetCommitTransaction(session_, 0));
  EXPECT_EQ(JetCommitTransaction(session_, 0), JET_errNotInTransaction);
  EXPECT_EQ(JetRollback(session_, 0), JET_errNotInTransaction);
}

TEST_F(JetTransactions, ALevelIsTakenBackAlone) {
  ASSERT_JET(JetBeginTransaction(session_));
  insert(1, 1, "a");
  ASSERT_JET(JetBeginTransaction(session_));
  insert(2, 2, "b");
  ASSERT_JET(JetRollback(session_, 0));
  ASSERT_JET(JetBeginTransaction(session_));
  insert(3, 3, "c");
  ASSERT_JET(JetCommitTransaction(session_, 0));
  EXPECT_EQ(all_ids(rows_), (Ids{1, 3}));
  ASSERT_JET(JetBeginTransaction(session_));
  insert(4, 4, "d");
  ASSERT_JET(JetRollback(session_, JET_bitRollbackAll));
  EXPECT_EQ(all_ids(rows_), Ids{});
}

TEST_F(JetTransactions, ARollbackClosesWhatItsLevelOpenedAndCancelsWhatItPrepared) {
  ASSERT_JET(JetBeginTransaction(session_));
  const JET_TABLEID outer = open_rows(session_);
  ASSERT_JET(JetBeginTransaction(session_));
  const JET_TABLEID inner = open_rows(session_);
  ASSERT_JET(JetPrepareUpdate(session_, rows_, JET_prepInsert));
  ASSERT_JET(JetRollback(session_, 0));
  EXPECT_EQ(JetMove(session_, inner, 0, 0), JET_errInvalidTableId);
  EXPECT_EQ(JetUpdate(session_, rows_, nullptr, 0, nullptr), JET_errUpdateNotPrepared);
  EXPECT_EQ(JetMove(session_, outer, JET_MoveFirst, 0), JET_errNoCurrentRecord);
  ASSERT_JET(JetCommitTransaction(session_, 0));
  EXPECT_EQ(JetMove(session_, outer, JET_MoveFirst, 0), JET_errNoCurrentRecord);
}

TEST_F(JetTransactions, SeeWhatWasThereWhenTheyBegan) {
  insert(1, 1, "a");
  const JET_SESID reader = new_session();
  const JET_TABLEID its = open_rows(reader);
  ASSERT_JET(JetBeginTransaction(reader));
  insert(2, 2, "b");
  ASSERT_JET(seek_id(rows_, 1));
  ASSERT_JET(JetDelete(session_, rows_));
  EXPECT_JET(seek_id(its, 1, JET_bitSeekEQ, reader));
  EXPECT_EQ(seek_id(its, 2, JET_bitSeekEQ, reader), JET_errRecordNotFound);
  ASSERT_JET(JetCommitTransaction(reader, 0));
  EXPECT_EQ(seek_id(its, 1, JET_bitSeekEQ, reader), JET_errRecordNotFound);
  EXPECT_JET(seek_id(its, 2, JET_bitSeekEQ, reader));
}

TEST_F(JetTransactions, TheFirstToChangeARowWins) {
  insert(1, 1, "a");
  const JET_SESID other = new_session();
  const JET_TABLEID its = open_rows(other);
  ASSERT_JET(JetBeginTransaction(session_));
  ASSERT_JET(JetBeginTransaction(other));
  ASSERT_JET(seek_id(rows_, 1));
  ASSERT_JET(seek_id(its, 1, JET_bitSeekEQ, other));
  ASSERT_JET(JetPrepareUpdate(session_, rows_, JET_prepReplace));
  EXPECT_EQ(JetPrepareUpdate(other, its, JET_prepReplace), JET_errWriteConflict);
  EXPECT_EQ(JetDelete(other, its), JET_errWriteConflict);
  ASSERT_JET(JetPrepareUpdate(other, its, JET_prepReplaceNoLock));
  ASSERT_JET(JetSetColumn(other, its, columns_.name, "x", 1, 0, nullptr));
  ASSERT_JET(JetSetColumn(session_, rows_, columns_.name, "y", 1, 0, nullptr));
  ASSERT_JET(JetUpdate(session_, rows_, nullptr, 0, nullptr));
  ASSERT_JET(JetCommitTransaction(session_, 0));
  EXPECT_EQ(JetUpdate(other, its, nullptr, 0, nullptr), JET_errWriteConflict);
  ASSERT_JET(JetRollback(other, 0));
  EXPECT_EQ(text_at(rows_, columns_.name), "y");
}

TEST_F(JetTransactions, ALockLastsAsLongAsItsTransaction) {
  insert(1, 1, "a");
  const JET_SESID other = new_session();
  const JET_TABLEID its = open_rows(other);
  ASSERT_JET(seek_id(rows_, 1));
  ASSERT_JET(seek_id(its, 1, JET_bitSeekEQ, other));
  EXPECT_EQ(JetGetLock(session_, rows_, JET_bitWriteLock), JET_errNotInTransaction);
  ASSERT_JET(JetBeginTransaction(session_));
  EXPECT_EQ(JetGetLock(session_, rows_, JET_bitReadLock), JET_errFeatureNotAvailable);
  ASSERT_JET(JetGetLock(session_, rows_, JET_bitWriteLock));
  ASSERT_JET(JetGetLock(session_, rows_, JET_bitWriteLock));
  EXPECT_EQ(JetDelete(other, its), JET_errWriteConflict);
  ASSERT_JET(JetCommitTransaction(session_, 0));
  EXPECT_JET(JetDelete(other, its));
}

TEST_F(JetTransactions, ThatOnlyReadRefuseChanges) {
  insert(1, 1, "a");
  ASSERT_JET(JetBeginTransaction2(session_, JET_bitTransactionReadOnly));
  ASSERT_JET(JetMove(session_, rows_, JET_MoveFirst, 0));
  EXPECT_EQ(JetPrepareUpdate(session_, rows_, JET_prepReplace), JET_errTransReadOnly);
  EXPECT_EQ(JetDelete(session_, rows_), JET_errTransReadOnly);
  EXPECT_EQ(JetDeleteTableA(session_, database_, "rows"), JET_errTransReadOnly);
  ASSERT_JET(JetCommitTransaction(session_, 0));
  EXPECT_JET(JetDelete(session_, rows_));
  EXPECT_EQ(JetBeginTransaction2(session_, 0x10), JET_errInvalidGrbit);
}

TEST_F(JetTransactions, LazyOnesBecomeDurableWhenThatIsAskedFor) {
  ASSERT_JET(JetBeginTransaction(session_));
  insert(1, 1, "a");
  ASSERT_JET(JetCommitTransaction(session_, JET_bitCommitLazyFlush));
  ASSERT_JET(JetCommitTransaction(session_, JET_bitWaitLastLevel0Commit));
  ASSERT_JET(JetCommitTransaction(session_, JET_bitWaitAllLevel0Commit));
  EXPECT_EQ(JetCommitTransaction(session_, JET_bitWaitAllLevel0Commit | JET_bitCommitLazyFlush),
            JET_errInvalidGrbit);
  EXPECT_EQ(JetTerm2(instance_, JET_bitTermDirty), JET_errDirtyShutdown);
  instance_ = small_instance(folder_, "again");
  ASSERT_JET(JetInit(&instance_));
  ASSERT_JET(JetBeginSessionA(instance_, &session_, nullptr, nullptr));
  ASSERT_JET(JetAttachDatabaseA(session_, folder_.file("one.edb").c_str(), 0));
  ASSERT_JET(JetOpenDatabaseA(session_, folder_.file("one.edb").c_str(), nullptr, &database_, 0));
  EXPECT_EQ(all_ids(open_rows(session_)), Ids{1});
}

TEST_F(JetTransactions, ACommitCanEndItsGenerationOfTheLog) {
  ASSERT_JET(JetBeginTransaction(session_));
  insert(1, 1, "a");
  ASSERT_JET(JetCommitTransaction(session_, JET_bitForceNewLog));
  JET_LOGINFOMISC log{};
  ASSERT_JET(
      JetGetLogFileInfoA(folder_.file("edb.log").c_str(), &log, sizeof log, JET_LogInfoMisc));
  EXPECT_EQ(log.ulGeneration, 2U);
  EXPECT_JET(JetIdle(session_, JET_bitIdleFlushBuffers));
  EXPECT_JET(JetIdle(session_, 0));
  EXPECT_EQ(JetIdle(session_, 0x100), JET_errInvalidGrbit);
}

TEST_F(JetTransactions, BelongToTheirThreadUnlessAContextIsSet) {
  ASSERT_JET(JetBeginTransaction(session_));
  std::thread([&] {
    EXPECT_EQ(JetMove(session_, rows_, JET_MoveFirst, 0), JET_errSessionSharingViolation);
    EXPECT_EQ(JetResetSessionContext(session_), JET_errSessionContextNotSetByThisThread);
  }).join();
  ASSERT_JET(JetRollback(session_, 0));
  ASSERT_JET(JetSetSessionContext(session_, 42));
  EXPECT_EQ(JetSetSessionContext(session_, 42), JET_errSessionContextAlreadySet);
  ASSERT_JET(JetBeginTransaction(session_));
  insert(1, 1, "a");
  ASSERT_JET(JetResetSessionContext(session_));
  std::thread([&] {
    EXPECT_EQ(JetMove(session_, rows_, JET_MoveFirst, 0), JET_errSessionSharingViolation);
    EXPECT_EQ(JetSetSessionContext(session_, 41), JET_errSessionSharingViolation);
    EXPECT_JET(JetSetSessionContext(session_, 42));
    EXPECT_JET(JetCommitTransaction(session_, 0));
    EXPECT_JET(JetResetSessionContext(session_));
  }).join();
  EXPECT_EQ(all_ids(rows_), Ids{1});
}

TEST_F(JetTransactions, ASessionThatEndsTakesBackWhatItLeftOpen) {
  const JET_SESID other = new_session();
  const JET_TABLEID its = open_rows(other);
  ASSERT_JET(JetBeginTransaction(other));
  ASSERT_JET(try_insert(other, its, columns_, 1, 1, "a"));
  ASSERT_JET(JetEndSession(other, 0));
  EXPECT_EQ(all_ids(rows_), Ids{});
}

}  // namespace
}  // namespace stillframe::ese::tests
