// Tables, columns and indexes: made, told of, changed, taken away.
#include <string>

#include "tests/ese/jet/jet_application.hpp"

namespace stillframe::ese::tests {
namespace {

class JetDefinitions : public JetApplication {
 protected:
  JET_ERR add(JET_TABLEID table, const char* name, JET_COLTYP type, JET_GRBIT grbit = 0,
              JET_COLUMNID* id = nullptr, std::uint16_t page = 0) {
    JET_COLUMNDEF definition{};
    definition.cbStruct = sizeof definition;
    definition.coltyp = type;
    definition.grbit = grbit;
    definition.cp = page;
    return JetAddColumnA(session_, table, name, &definition, nullptr, 0, id);
  }
  template <std::size_t N>
  JET_ERR index(JET_TABLEID table, const char* name, const char (&key)[N], JET_GRBIT grbit = 0,
                std::uint32_t density = 80) {
    return JetCreateIndexA(session_, table, name, grbit, key, N, density);
  }
};

TEST_F(JetDefinitions, EveryTypeOfColumnIsMadeAndToldOf) {
  JET_TABLEID table = JET_tableidNil;
  ASSERT_JET(JetCreateTableA(session_, database_, "types", 1, 80, &table));
  const JET_COLTYP types[] = {
      JET_coltypBit,           JET_coltypUnsignedByte,    JET_coltypShort,
      JET_coltypLong,          JET_coltypCurrency,        JET_coltypIEEESingle,
      JET_coltypIEEEDouble,    JET_coltypDateTime,        JET_coltypBinary,
      JET_coltypText,          JET_coltypLongBinary,      JET_coltypLongText,
      JET_coltypUnsignedLong,  JET_coltypLongLong,        JET_coltypGUID,
      JET_coltypUnsignedShort, JET_coltypUnsignedLongLong};
  for (const JET_COLTYP type : types) {
    const std::string name = "c" + std::to_string(type);
    JET_COLUMNID id = 0;
    ASSERT_JET(add(table, name.c_str(), type, 0, &id));
    JET_COLUMNDEF told{};
    ASSERT_JET(
        JetGetTableColumnInfoA(session_, table, name.c_str(), &told, sizeof told, JET_ColInfo));
    EXPECT_EQ(told.columnid, id);
    EXPECT_EQ(told.coltyp, type);
    JET_COLUMNBASE_W base{};
    ASSERT_JET(JetGetTableColumnInfoW(session_, table, reinterpret_cast<JET_PCWSTR>(&id), &base,
                                      sizeof base, JET_ColInfoBaseByColid));
    EXPECT_EQ(std::u16string(base.szBaseColumnName), std::u16string(name.begin(), name.end()));
  }
  EXPECT_EQ(add(table, "none", JET_coltypNil), JET_errInvalidColumnType);
  EXPECT_EQ(add(table, "none", 13), JET_errInvalidColumnType);
  EXPECT_EQ(add(table, "c1", JET_coltypLong), JET_errColumnDuplicate);
  EXPECT_EQ(add(table, "a.b", JET_coltypLong), JET_errInvalidName);
  EXPECT_EQ(add(table, "page", JET_coltypText, 0, nullptr, 437), JET_errInvalidCodePage);
  EXPECT_EQ(add(table, "both", JET_coltypLong, JET_bitColumnFixed | JET_bitColumnTagged),
            JET_errInvalidGrbit);
  EXPECT_EQ(add(table, "null", JET_coltypLongText, JET_bitColumnNotNULL), JET_errTaggedNotNULL);
  EXPECT_EQ(add(table, "own", JET_coltypLong, JET_bitColumnUserDefinedDefault),
            JET_errFeatureNotAvailable);
}

TEST_F(JetDefinitions, CountedColumnsCountBeforeTheRowIsWritten) {
  JET_TABLEID table = JET_tableidNil;
  JET_COLUMNID number = 0, version = 0, text = 0;
  ASSERT_JET(JetCreateTableA(session_, database_, "counted", 1, 80, &table));
  ASSERT_JET(add(table, "number", JET_coltypLong, JET_bitColumnAutoincrement, &number));
  ASSERT_JET(add(table, "version", JET_coltypLong, JET_bitColumnVersion, &version));
  ASSERT_JET(add(table, "text", JET_coltypText, 0, &text));
  EXPECT_EQ(add(table, "more", JET_coltypLong, JET_bitColumnAutoincrement), JET_errColumnRedundant);
  const auto value_of = [&](JET_COLUMNID column, JET_GRBIT grbit) {
    std::int32_t value = -1;
    EXPECT_JET(JetRetrieveColumn(session_, table, column, &value, 4, nullptr, grbit, nullptr));
    return value;
  };
  ASSERT_JET(JetPrepareUpdate(session_, table, JET_prepInsert));
  EXPECT_EQ(value_of(number, JET_bitRetrieveCopy), 1);
  ASSERT_JET(JetPrepareUpdate(session_, table, JET_prepCancel));
  ASSERT_JET(JetPrepareUpdate(session_, table, JET_prepInsert));
  std::int32_t own = 9;
  EXPECT_EQ(JetSetColumn(session_, table, number, &own, 4, 0, nullptr), JET_errInvalidColumnType);
  ASSERT_JET(JetUpdate(session_, table, nullptr, 0, nullptr));
  ASSERT_JET(JetMove(session_, table, JET_MoveFirst, 0));
  EXPECT_EQ(value_of(number, 0), 2);  // numbers are not given twice, even of what was cancelled
  EXPECT_EQ(value_of(version, 0), 0);
  ASSERT_JET(JetPrepareUpdate(session_, table, JET_prepReplace));
  ASSERT_JET(JetSetColumn(session_, table, text, "x", 1, 0, nullptr));
  ASSERT_JET(JetUpdate(session_, table, nullptr, 0, nullptr));
  EXPECT_EQ(value_of(version, 0), 1);
  ASSERT_JET(JetPrepareUpdate(session_, table, JET_prepInsertCopy));
  ASSERT_JET(JetUpdate(session_, table, nullptr, 0, nullptr));
  ASSERT_JET(JetMove(session_, table, JET_MoveLast, 0));
  EXPECT_EQ(value_of(number, 0), 3);
}

TEST_F(JetDefinitions, ColumnsGoUnlessAnIndexNeedsThem) {
  EXPECT_EQ(JetDeleteColumnA(session_, rows_, "name"), JET_errColumnIndexed);
  ASSERT_JET(JetDeleteColumnW(session_, rows_, u"note"));
  JET_COLUMNDEF told{};
  EXPECT_EQ(JetGetTableColumnInfoA(session_, rows_, "note", &told, sizeof told, JET_ColInfo),
            JET_errColumnNotFound);
  EXPECT_EQ(JetGetColumnInfoA(session_, database_, "rows", "name", &told, 5, JET_ColInfo),
            JET_errInvalidBufferSize);
  ASSERT_JET(
      JetGetColumnInfoA(session_, database_, "rows", "name", &told, sizeof told, JET_ColInfo));
  EXPECT_EQ(told.cbMax, 100U);
  EXPECT_EQ(told.cp, 1252);
}

TEST_F(JetDefinitions, AnIndexIsMadeOfTheRowsThereAre) {
  for (int i = 0; i < 50; ++i) insert(i, 1000 - i, i % 2 == 0 ? "even" : "odd");
  ASSERT_JET(index(rows_, "both", "+name\0-id\0"));
  ASSERT_JET(JetSetCurrentIndexA(session_, rows_, "both"));
  ASSERT_JET(JetMove(session_, rows_, JET_MoveFirst, 0));
  EXPECT_EQ(id_at(rows_), 48);
  EXPECT_EQ(index(rows_, "both", "+id\0"), JET_errIndexDuplicate);
  EXPECT_EQ(index(rows_, "none", "+none\0"), JET_errColumnNotFound);
  EXPECT_EQ(index(rows_, "none", "id\0"), JET_errIndexInvalidDef);
  EXPECT_EQ(index(rows_, "none", "+id\0", JET_bitIndexPrimary), JET_errIndexHasPrimary);
  EXPECT_EQ(index(rows_, "none", "+id\0", JET_bitIndexPrimary | JET_bitIndexIgnoreNull),
            JET_errInvalidGrbit);
  EXPECT_EQ(index(rows_, "none", "+name\0", JET_bitIndexUnique), JET_errKeyDuplicate);
  EXPECT_EQ(index(rows_, "none", "+id\0", 0, 5), JET_errDensityInvalid);
  EXPECT_EQ(index(rows_, "none", "+id\0", JET_bitIndexTuples), JET_errFeatureNotAvailable);
  EXPECT_EQ(JetDeleteIndexA(session_, rows_, "both"), JET_errIndexInUse);
  ASSERT_JET(JetSetCurrentIndexA(session_, rows_, nullptr));
  ASSERT_JET(JetDeleteIndexA(session_, rows_, "both"));
  EXPECT_EQ(JetDeleteIndexA(session_, rows_, "both"), JET_errIndexNotFound);
  EXPECT_EQ(JetDeleteIndexA(session_, rows_, "id"), JET_errIndexMustStay);
}

TEST_F(JetDefinitions, AnIndexLeavesOutWhatItIsTold) {
  insert(1, 1, "");
  insert(2, 2, "a");
  char sparse[] = "sparse", conditional[] = "conditional", key[] = "+name\0", id_key[] = "+id\0",
       column[] = "name";
  JET_CONDITIONALCOLUMN_A null{sizeof null, column, JET_bitIndexColumnMustBeNull};
  JET_INDEXCREATE_A create[2] = {};
  create[0].cbStruct = 72;  // as programs have it that know no cbKeyMost
  create[0].szIndexName = sparse;
  create[0].szKey = key;
  create[0].cbKey = sizeof key;
  create[0].grbit = JET_bitIndexIgnoreNull;
  create[1].cbStruct = sizeof create[1];
  create[1].szIndexName = conditional;
  create[1].szKey = id_key;
  create[1].cbKey = sizeof id_key;
  create[1].grbit = JET_bitIndexKeyMost;
  create[1].cbKeyMost = 600;
  create[1].rgconditionalcolumn = &null;
  create[1].cConditionalColumn = 1;
  ASSERT_JET(JetCreateIndex2A(session_, rows_, create, 2));
  ASSERT_JET(JetSetCurrentIndexA(session_, rows_, "sparse"));
  EXPECT_EQ(all_ids(rows_), std::vector<std::int32_t>{2});
  ASSERT_JET(JetSetCurrentIndexA(session_, rows_, "conditional"));
  EXPECT_EQ(all_ids(rows_), std::vector<std::int32_t>{1});
  std::uint16_t most = 0;
  ASSERT_JET(JetGetTableIndexInfoA(session_, rows_, "conditional", &most, 2, JET_IdxInfoKeyMost));
  EXPECT_EQ(most, 600);
  std::uint32_t count = 0;
  ASSERT_JET(JetGetIndexInfoW(session_, database_, u"rows", nullptr, &count, 4, JET_IdxInfoCount));
  EXPECT_EQ(count, 5U);
}

TEST_F(JetDefinitions, SeveralIndexesAreMadeTogetherOrNotAtAll) {
  char first[] = "first", second[] = "second", key[] = "+id\0", bad[] = "+none\0";
  JET_INDEXCREATE_A create[2] = {};
  for (auto& each : create) each.cbStruct = sizeof each;
  create[0].szIndexName = first;
  create[0].szKey = key;
  create[0].cbKey = sizeof key;
  create[1].szIndexName = second;
  create[1].szKey = bad;
  create[1].cbKey = sizeof bad;
  EXPECT_EQ(JetCreateIndex2A(session_, rows_, create, 2), JET_errColumnNotFound);
  EXPECT_EQ(create[1].err, JET_errColumnNotFound);
  EXPECT_EQ(JetSetCurrentIndexA(session_, rows_, "first"), JET_errIndexNotFound);
}

TEST_F(JetDefinitions, TablesAreRenamedAndDeleted) {
  insert(1, 1, "a");
  ASSERT_JET(JetRenameTableA(session_, database_, "rows", "lines"));
  insert(2, 2, "b");
  JET_TABLEID table = JET_tableidNil;
  EXPECT_EQ(JetOpenTableA(session_, database_, "rows", nullptr, 0, 0, &table),
            JET_errObjectNotFound);
  EXPECT_EQ(table, JET_tableidNil);
  ASSERT_JET(JetOpenTableW(session_, database_, u"lines", nullptr, 0, 0, &table));
  EXPECT_EQ(all_ids(table), (std::vector<std::int32_t>{1, 2}));
  char name[20] = {};
  ASSERT_JET(JetGetTableInfoA(session_, table, name, sizeof name, JET_TblInfoName));
  EXPECT_STREQ(name, "lines");
  EXPECT_EQ(JetDeleteTableA(session_, database_, "lines"), JET_errTableInUse);
  EXPECT_EQ(JetRenameTableA(session_, database_, "lines", "a!b"), JET_errInvalidName);
  JET_TABLEID other = JET_tableidNil;
  ASSERT_JET(JetCreateTableA(session_, database_, "other", 1, 0, &other));
  EXPECT_EQ(JetCreateTableA(session_, database_, "other", 1, 0, &other), JET_errTableDuplicate);
  EXPECT_EQ(JetRenameTableA(session_, database_, "lines", "other"), JET_errTableDuplicate);
  ASSERT_JET(JetCloseTable(session_, table));
  ASSERT_JET(JetCloseTable(session_, rows_));
  ASSERT_JET(JetDeleteTableA(session_, database_, "lines"));
  JET_OBJECTINFO info{};
  EXPECT_EQ(JetGetObjectInfoA(session_, database_, JET_objtypTable, nullptr, "lines", &info,
                              sizeof info, JET_ObjInfo),
            JET_errObjectNotFound);
  ASSERT_JET(JetGetObjectInfoA(session_, database_, JET_objtypTable, nullptr, "other", &info,
                               sizeof info, JET_ObjInfo));
  EXPECT_EQ(info.objtyp, static_cast<JET_OBJTYP>(JET_objtypTable));
}

TEST_F(JetDefinitions, WhatARollbackTakesBackIncludesTables) {
  ASSERT_JET(JetBeginTransaction(session_));
  JET_TABLEID table = JET_tableidNil;
  ASSERT_JET(JetCreateTableA(session_, database_, "gone", 1, 0, &table));
  JET_COLUMNID column = 0;
  ASSERT_JET(add(table, "a", JET_coltypLong, 0, &column));
  ASSERT_JET(JetRollback(session_, 0));
  EXPECT_EQ(JetMove(session_, table, JET_MoveFirst, 0), JET_errInvalidTableId);
  EXPECT_EQ(JetOpenTableA(session_, database_, "gone", nullptr, 0, 0, &table),
            JET_errObjectNotFound);
}

TEST_F(JetDefinitions, ATableOpenedToReadIsNotChanged) {
  insert(1, 1, "a");
  const JET_TABLEID table = open_rows(session_, JET_bitTableReadOnly);
  EXPECT_EQ(JetPrepareUpdate(session_, table, JET_prepInsert), JET_errPermissionDenied);
  EXPECT_EQ(JetDelete(session_, table), JET_errPermissionDenied);
  JET_TABLEID none = JET_tableidNil;
  EXPECT_EQ(JetOpenTableA(session_, database_, "rows", nullptr, 0, JET_bitTableDenyRead, &none),
            JET_errFeatureNotAvailable);
  EXPECT_EQ(JetOpenTableA(session_, database_, "rows", nullptr, 0, 0x4000000, &none),
            JET_errInvalidGrbit);
}

TEST_F(JetDefinitions, ATableWithoutAnOrderKeepsThatOfItsMaking) {
  JET_TABLEID table = JET_tableidNil;
  ASSERT_JET(JetCreateTableA(session_, database_, "plain", 1, 0, &table));
  JET_COLUMNID column = 0;
  ASSERT_JET(add(table, "a", JET_coltypLong, 0, &column));
  for (std::int32_t i : {3, 1, 2}) {
    ASSERT_JET(JetPrepareUpdate(session_, table, JET_prepInsert));
    ASSERT_JET(JetSetColumn(session_, table, column, &i, sizeof i, 0, nullptr));
    ASSERT_JET(JetUpdate(session_, table, nullptr, 0, nullptr));
  }
  std::vector<std::int32_t> found;
  for (JET_ERR moved = JetMove(session_, table, JET_MoveFirst, 0); moved == JET_errSuccess;
       moved = JetMove(session_, table, JET_MoveNext, 0)) {
    std::int32_t value = 0;
    ASSERT_JET(JetRetrieveColumn(session_, table, column, &value, 4, nullptr, 0, nullptr));
    found.push_back(value);
  }
  EXPECT_EQ(found, (std::vector<std::int32_t>{3, 1, 2}));
  std::int32_t key = 1;
  EXPECT_EQ(JetMakeKey(session_, table, &key, sizeof key, JET_bitNewKey), JET_errNoCurrentIndex);
}

}  // namespace
}  // namespace stillframe::ese::tests
