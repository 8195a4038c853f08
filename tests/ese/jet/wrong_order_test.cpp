// Calls in the wrong order and with handles of others: each has its error, and nothing breaks.
#include "tests/ese/jet/jet_application.hpp"

namespace stillframe::ese::tests {
namespace {

using JetWrongOrder = JetApplication;

TEST_F(JetWrongOrder, InventedHandlesAreToldSo) {
  for (const JET_API_PTR invented : {JET_API_PTR{0}, JET_API_PTR{99999}, ~JET_API_PTR{0}}) {
    EXPECT_EQ(JetBeginTransaction(invented), JET_errInvalidSesid);
    EXPECT_EQ(JetEndSession(invented, 0), JET_errInvalidSesid);
    EXPECT_EQ(JetSetSessionContext(invented, 1), JET_errInvalidSesid);
    EXPECT_EQ(JetMove(invented, rows_, 0, 0), JET_errInvalidSesid);
    EXPECT_EQ(JetMove(session_, invented, 0, 0), JET_errInvalidTableId);
    EXPECT_EQ(JetCloseTable(session_, invented), JET_errInvalidTableId);
    EXPECT_EQ(JetCloseDatabase(session_, static_cast<JET_DBID>(invented), 0),
              JET_errInvalidDatabaseId);
  }
  EXPECT_EQ(JetTerm(99999), JET_errInvalidParameter);
  JET_SESID session = JET_sesidNil;
  EXPECT_EQ(JetBeginSessionA(99999, &session, nullptr, nullptr), JET_errInvalidParameter);
  JET_TABLEID table = JET_tableidNil;
  EXPECT_EQ(JetOpenTableA(session_, 77, "rows", nullptr, 0, 0, &table), JET_errInvalidDatabaseId);
}

TEST_F(JetWrongOrder, HandlesOfOtherSessionsAreToldSo) {
  const JET_SESID other = new_session();
  EXPECT_EQ(JetMove(other, rows_, JET_MoveFirst, 0), JET_errSesidTableIdMismatch);
  EXPECT_EQ(JetCloseTable(other, rows_), JET_errSesidTableIdMismatch);
  JET_SESID without = JET_sesidNil;
  ASSERT_JET(JetDupSession(session_, &without));
  JET_TABLEID table = JET_tableidNil;
  EXPECT_EQ(JetOpenTableA(without, database_, "rows", nullptr, 0, 0, &table),
            JET_errInvalidDatabaseId);
}

TEST_F(JetWrongOrder, WhatIsClosedStaysClosed) {
  ASSERT_JET(JetCloseTable(session_, rows_));
  EXPECT_EQ(JetCloseTable(session_, rows_), JET_errInvalidTableId);
  EXPECT_EQ(JetPrepareUpdate(session_, rows_, JET_prepInsert), JET_errInvalidTableId);
  const JET_SESID other = new_session();
  ASSERT_JET(JetEndSession(other, 0));
  EXPECT_EQ(JetEndSession(other, 0), JET_errInvalidSesid);
  EXPECT_EQ(JetBeginTransaction(other), JET_errInvalidSesid);
}

TEST_F(JetWrongOrder, AnInstanceEndsOnce) {
  const JET_INSTANCE instance = instance_;
  instance_ = JET_instanceNil;
  ASSERT_JET(JetTerm(instance));
  EXPECT_EQ(JetTerm(instance), JET_errInvalidParameter);
  EXPECT_EQ(JetMove(session_, rows_, JET_MoveFirst, 0), JET_errInvalidSesid);
  EXPECT_EQ(JetEndSession(session_, 0), JET_errInvalidSesid);
  JET_INSTANCE again = instance;
  EXPECT_EQ(JetInit(&again), JET_errInvalidParameter);
}

TEST_F(JetWrongOrder, AnInstanceThatHasNotBegunDoesNothing) {
  JET_INSTANCE instance = small_instance(folder_, "second");
  JET_SESID session = JET_sesidNil;
  EXPECT_EQ(JetBeginSessionA(instance, &session, nullptr, nullptr), JET_errNotInitialized);
  EXPECT_EQ(session, JET_sesidNil);
  EXPECT_JET(JetTerm(instance));
}

TEST_F(JetWrongOrder, RowsAreWrittenOnlyAfterTheyWerePrepared) {
  EXPECT_EQ(JetUpdate(session_, rows_, nullptr, 0, nullptr), JET_errUpdateNotPrepared);
  EXPECT_EQ(JetSetColumn(session_, rows_, columns_.name, "a", 1, 0, nullptr),
            JET_errUpdateNotPrepared);
  EXPECT_EQ(JetPrepareUpdate(session_, rows_, JET_prepReplace), JET_errNoCurrentRecord);
  EXPECT_EQ(JetPrepareUpdate(session_, rows_, 77), JET_errInvalidParameter);
  EXPECT_EQ(JetDelete(session_, rows_), JET_errNoCurrentRecord);
  ASSERT_JET(JetPrepareUpdate(session_, rows_, JET_prepInsert));
  EXPECT_EQ(JetPrepareUpdate(session_, rows_, JET_prepInsert), JET_errAlreadyPrepared);
  EXPECT_EQ(JetDelete(session_, rows_), JET_errAlreadyPrepared);
}

TEST_F(JetWrongOrder, MissingPlacesForResultsAreToldSo) {
  EXPECT_EQ(JetCreateInstanceA(nullptr, "x"), JET_errInvalidParameter);
  EXPECT_EQ(JetBeginSessionA(instance_, nullptr, nullptr, nullptr), JET_errInvalidParameter);
  EXPECT_EQ(JetOpenTableA(session_, database_, "rows", nullptr, 0, 0, nullptr),
            JET_errInvalidParameter);
  EXPECT_EQ(JetCreateTableColumnIndexA(session_, database_, nullptr), JET_errInvalidParameter);
  EXPECT_EQ(JetAddColumnA(session_, rows_, "x", nullptr, nullptr, 0, nullptr),
            JET_errInvalidParameter);
  EXPECT_EQ(JetSetColumns(session_, rows_, nullptr, 1), JET_errInvalidParameter);
  EXPECT_EQ(JetRetrieveColumns(session_, rows_, nullptr, 1), JET_errInvalidParameter);
  EXPECT_EQ(JetIndexRecordCount(session_, rows_, nullptr, 0), JET_errInvalidParameter);
  EXPECT_EQ(JetGotoPosition(session_, rows_, nullptr), JET_errInvalidParameter);
  EXPECT_EQ(JetGetInstanceInfoA(nullptr, nullptr), JET_errInvalidParameter);
  EXPECT_EQ(JetGetVersion(session_, nullptr), JET_errInvalidParameter);
  EXPECT_EQ(
      JetEnumerateColumns(session_, rows_, 0, nullptr, nullptr, nullptr, nullptr, nullptr, 0, 0),
      JET_errInvalidParameter);
  JET_RETINFO small{4, 0, 1, 0};
  EXPECT_EQ(JetRetrieveColumn(session_, rows_, columns_.id, nullptr, 0, nullptr, 0, &small),
            JET_errInvalidParameter);
}

TEST_F(JetWrongOrder, SessionsAndCursorsHaveTheirLimits) {
  ASSERT_JET(JetTerm(instance_));
  instance_ = small_instance(folder_, "limited");
  ASSERT_JET(JetSetSystemParameterA(&instance_, JET_sesidNil, JET_paramMaxSessions, 2, nullptr));
  ASSERT_JET(JetSetSystemParameterA(&instance_, JET_sesidNil, JET_paramMaxCursors, 1, nullptr));
  ASSERT_JET(JetInit(&instance_));
  JET_SESID second = JET_sesidNil, third = JET_sesidNil;
  ASSERT_JET(JetBeginSessionA(instance_, &session_, nullptr, nullptr));
  ASSERT_JET(JetBeginSessionA(instance_, &second, nullptr, nullptr));
  EXPECT_EQ(JetBeginSessionA(instance_, &third, nullptr, nullptr), JET_errOutOfSessions);
  ASSERT_JET(JetAttachDatabaseA(session_, folder_.file("one.edb").c_str(), 0));
  ASSERT_JET(JetOpenDatabaseA(session_, folder_.file("one.edb").c_str(), nullptr, &database_, 0));
  rows_ = open_rows(session_);
  JET_TABLEID twin = JET_tableidNil;
  EXPECT_EQ(JetDupCursor(session_, rows_, &twin, 0), JET_errOutOfCursors);
}

}  // namespace
}  // namespace stillframe::ese::tests
