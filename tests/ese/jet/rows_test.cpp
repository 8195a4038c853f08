// Rows: prepared, set, written, retrieved; long values in pieces.
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "tests/ese/jet/jet_application.hpp"

namespace stillframe::ese::tests {
namespace {

class JetRows : public JetApplication {
 protected:
  JET_ERR set(JET_COLUMNID column, const std::string& value, JET_GRBIT grbit = 0,
              std::uint32_t itag = 1, std::uint32_t offset = 0) {
    JET_SETINFO info{sizeof info, offset, itag};
    return JetSetColumn(session_, rows_, column, value.data(),
                        static_cast<std::uint32_t>(value.size()), grbit, &info);
  }
  JET_ERR update() { return JetUpdate(session_, rows_, nullptr, 0, nullptr); }

  std::string note() {
    std::uint32_t bytes = 0;
    JET_ERR read =
        JetRetrieveColumn(session_, rows_, columns_.note, nullptr, 0, &bytes, 0, nullptr);
    if (read == JET_wrnColumnNull) return "(null)";
    std::string note(bytes, '\0');
    read =
        JetRetrieveColumn(session_, rows_, columns_.note, note.data(), bytes, &bytes, 0, nullptr);
    EXPECT_EQ(read, JET_errSuccess);
    return note;
  }
};

TEST_F(JetRows, TheBookmarkOfANewRowLeadsToIt) {
  ASSERT_JET(JetPrepareUpdate(session_, rows_, JET_prepInsert));
  std::int32_t id = 7;
  ASSERT_JET(JetSetColumn(session_, rows_, columns_.id, &id, sizeof id, 0, nullptr));
  char bookmark[100], small[2];
  std::uint32_t bytes = 0;
  ASSERT_JET(JetUpdate(session_, rows_, bookmark, sizeof bookmark, &bytes));
  EXPECT_EQ(bytes, 5U);
  ASSERT_JET(JetGotoBookmark(session_, rows_, bookmark, bytes));
  EXPECT_EQ(id_at(rows_), 7);
  EXPECT_EQ(JetGetBookmark(session_, rows_, small, sizeof small, &bytes), JET_errBufferTooSmall);
  EXPECT_EQ(bytes, 5U);
}

TEST_F(JetRows, WhatIsPreparedIsSeenOnlyAsACopyUntilItIsWritten) {
  insert(1, 10, "old");
  ASSERT_JET(seek_id(rows_, 1));
  ASSERT_JET(JetPrepareUpdate(session_, rows_, JET_prepReplace));
  ASSERT_JET(set(columns_.name, "new"));
  EXPECT_EQ(text_at(rows_, columns_.name), "old");
  EXPECT_EQ(text_at(rows_, columns_.name, JET_bitRetrieveCopy), "new");
  ASSERT_JET(update());
  EXPECT_EQ(text_at(rows_, columns_.name), "new");
  ASSERT_JET(JetPrepareUpdate(session_, rows_, JET_prepReplace));
  ASSERT_JET(set(columns_.name, ""));
  ASSERT_JET(JetPrepareUpdate(session_, rows_, JET_prepCancel));
  EXPECT_EQ(text_at(rows_, columns_.name), "new");
  EXPECT_EQ(JetPrepareUpdate(session_, rows_, JET_prepCancel), JET_errUpdateNotPrepared);
}

TEST_F(JetRows, EveryKindOfNothingIsToldApart) {
  insert(1, 10, "");
  ASSERT_JET(seek_id(rows_, 1));
  EXPECT_EQ(text_at(rows_, columns_.name), "(null)");
  ASSERT_JET(JetPrepareUpdate(session_, rows_, JET_prepReplace));
  ASSERT_JET(set(columns_.name, "", JET_bitSetZeroLength));
  ASSERT_JET(update());
  EXPECT_EQ(text_at(rows_, columns_.name), "");
}

TEST_F(JetRows, ColumnsKeepTheirRules) {
  ASSERT_JET(JetPrepareUpdate(session_, rows_, JET_prepInsert));
  EXPECT_EQ(set(columns_.id, "abc"), JET_errInvalidBufferSize);
  EXPECT_EQ(set(columns_.name, std::string(101, 'x')), JET_wrnColumnMaxTruncated);
  EXPECT_EQ(text_at(rows_, columns_.name, JET_bitRetrieveCopy), std::string(100, 'x'));
  EXPECT_EQ(set(50, "abcd"), JET_errColumnNotFound);
  EXPECT_EQ(set(0x12345678, "abcd"), JET_errBadColumnId);
  EXPECT_EQ(set(columns_.name, "x", 0x80000), JET_errInvalidGrbit);
  EXPECT_EQ(set(columns_.name, "x", JET_bitSetAppendLV), JET_errInvalidGrbit);
  EXPECT_EQ(update(), JET_errNullInvalid);
  std::int32_t id = 1;
  ASSERT_JET(JetSetColumn(session_, rows_, columns_.id, &id, sizeof id, 0, nullptr));
  EXPECT_JET(update());  // what was prepared is still there after the refusal
}

TEST_F(JetRows, AKeyIsThereOnce) {
  insert(1, 10, "a");
  EXPECT_EQ(try_insert(session_, rows_, columns_, 1, 11, "b"), JET_errKeyDuplicate);
  ASSERT_JET(JetPrepareUpdate(session_, rows_, JET_prepCancel));
  EXPECT_EQ(try_insert(session_, rows_, columns_, 2, 10, "b"), JET_errKeyDuplicate);
  ASSERT_JET(JetPrepareUpdate(session_, rows_, JET_prepCancel));
  EXPECT_EQ(all_ids(rows_), std::vector<std::int32_t>{1});
}

TEST_F(JetRows, APrimaryKeyIsChangedByACopyOnly) {
  insert(1, 10, "a");
  ASSERT_JET(seek_id(rows_, 1));
  std::int32_t id = 2;
  ASSERT_JET(JetPrepareUpdate(session_, rows_, JET_prepReplace));
  ASSERT_JET(JetSetColumn(session_, rows_, columns_.id, &id, sizeof id, 0, nullptr));
  EXPECT_EQ(update(), JET_errRecordPrimaryChanged);
  ASSERT_JET(JetPrepareUpdate(session_, rows_, JET_prepCancel));
  ASSERT_JET(JetPrepareUpdate(session_, rows_, JET_prepInsertCopyDeleteOriginal));
  ASSERT_JET(JetSetColumn(session_, rows_, columns_.id, &id, sizeof id, 0, nullptr));
  ASSERT_JET(update());
  EXPECT_EQ(all_ids(rows_), std::vector<std::int32_t>{2});
  ASSERT_JET(seek_id(rows_, 2));
  EXPECT_EQ(text_at(rows_, columns_.name), "a");
}

TEST_F(JetRows, ADeletedRowIsGoneAndTheNextOneIsNext) {
  for (int i = 1; i <= 3; ++i) insert(i, i, "a");
  ASSERT_JET(seek_id(rows_, 2));
  ASSERT_JET(JetDelete(session_, rows_));
  EXPECT_EQ(JetMove(session_, rows_, 0, 0), JET_errRecordDeleted);
  EXPECT_EQ(JetDelete(session_, rows_), JET_errRecordDeleted);
  ASSERT_JET(JetMove(session_, rows_, JET_MoveNext, 0));
  EXPECT_EQ(id_at(rows_), 3);
  EXPECT_EQ(all_ids(rows_), (std::vector<std::int32_t>{1, 3}));
}

TEST_F(JetRows, SeveralValuesOfAColumnAreCountedAndEnumerated) {
  insert(1, 10, "a");
  ASSERT_JET(seek_id(rows_, 1));
  ASSERT_JET(JetPrepareUpdate(session_, rows_, JET_prepReplace));
  ASSERT_JET(set(columns_.tags, "red", 0, 0));
  ASSERT_JET(set(columns_.tags, "green", 0, 0));
  ASSERT_JET(set(columns_.tags, "blue", 0, 0));
  EXPECT_EQ(set(columns_.tags, "red", JET_bitSetUniqueMultiValues, 0), JET_errMultiValuedDuplicate);
  ASSERT_JET(set(columns_.tags, "", 0, 2));  // takes the second one away
  EXPECT_EQ(set(columns_.name, "b", 0, 2), JET_errBadItagSequence);
  ASSERT_JET(update());
  char tag[20] = {};
  JET_RETRIEVECOLUMN wanted[2] = {};
  wanted[0].columnid = wanted[1].columnid = columns_.tags;
  wanted[1].itagSequence = 2;
  wanted[1].pvData = tag;
  wanted[1].cbData = sizeof tag;
  ASSERT_JET(JetRetrieveColumns(session_, rows_, wanted, 2));
  EXPECT_EQ(wanted[0].itagSequence, 2U);
  EXPECT_STREQ(tag, "blue");
  wanted[1].itagSequence = 3;
  ASSERT_JET(JetRetrieveColumns(session_, rows_, wanted + 1, 1));
  EXPECT_EQ(wanted[1].err, JET_wrnColumnNull);
}

TEST_F(JetRows, ColumnsAreSetTogetherAndEachSaysHowItWent) {
  std::int32_t id = 4;
  JET_SETCOLUMN set[2] = {};
  set[0].columnid = columns_.id;
  set[0].pvData = &id;
  set[0].cbData = sizeof id;
  set[1].columnid = columns_.name;
  set[1].pvData = "name";
  set[1].cbData = 4;
  set[1].itagSequence = 1;
  ASSERT_JET(JetPrepareUpdate(session_, rows_, JET_prepInsert));
  ASSERT_JET(JetSetColumns(session_, rows_, set, 2));
  ASSERT_JET(update());
  ASSERT_JET(seek_id(rows_, 4));
  EXPECT_EQ(text_at(rows_, columns_.name), "name");
  set[0].cbData = 3;
  ASSERT_JET(JetPrepareUpdate(session_, rows_, JET_prepInsert));
  EXPECT_EQ(JetSetColumns(session_, rows_, set, 2), JET_errInvalidBufferSize);
  EXPECT_EQ(set[0].err, JET_errInvalidBufferSize);
}

// ---- Long values

TEST_F(JetRows, ALongValueGrowsInPiecesAndIsReadInPieces) {
  insert(1, 10, "a");
  std::string whole;
  for (int i = 0; i < 40; ++i) {
    const std::string piece(1000 + static_cast<std::size_t>(i) * 37,
                            static_cast<char>('a' + i % 26));
    ASSERT_JET(seek_id(rows_, 1));
    ASSERT_JET(JetPrepareUpdate(session_, rows_, JET_prepReplace));
    const std::size_t half = piece.size() / 2;
    ASSERT_JET(set(columns_.note, piece.substr(0, half), JET_bitSetAppendLV));
    ASSERT_JET(set(columns_.note, piece.substr(half), JET_bitSetAppendLV));
    ASSERT_JET(update());
    whole += piece;
  }
  EXPECT_EQ(note(), whole);
  std::string read;
  for (;;) {
    char piece[777];
    JET_RETINFO info{sizeof info, static_cast<std::uint32_t>(read.size()), 1, 0};
    std::uint32_t left = 0;
    const JET_ERR done =
        JetRetrieveColumn(session_, rows_, columns_.note, piece, sizeof piece, &left, 0, &info);
    ASSERT_GE(done, JET_errSuccess);
    EXPECT_EQ(left, whole.size() - read.size());
    read.append(piece, std::min<std::size_t>(left, sizeof piece));
    if (done == JET_errSuccess) break;
    EXPECT_EQ(done, JET_wrnBufferTruncated);
  }
  EXPECT_EQ(read, whole);
}

TEST_F(JetRows, ALongValueIsOverwrittenResizedAndReplaced) {
  insert(1, 10, "a");
  ASSERT_JET(seek_id(rows_, 1));
  std::string whole(20000, '.');
  const auto change = [&](const std::string& bytes, JET_GRBIT grbit, std::uint32_t offset = 0) {
    ASSERT_JET(JetPrepareUpdate(session_, rows_, JET_prepReplace));
    ASSERT_JET(set(columns_.note, bytes, grbit, 1, offset));
    ASSERT_JET(update());
  };
  change(whole, 0);
  EXPECT_EQ(note(), whole);
  change("12345", JET_bitSetOverwriteLV, 9000);
  whole.replace(9000, 5, "12345");
  EXPECT_EQ(note(), whole);
  change("end", JET_bitSetOverwriteLV, 20100);
  whole.resize(20100, '\0');
  whole += "end";
  EXPECT_EQ(note(), whole);
  ASSERT_JET(JetPrepareUpdate(session_, rows_, JET_prepReplace));
  ASSERT_JET(JetSetColumn(session_, rows_, columns_.note, nullptr, 500, JET_bitSetSizeLV, nullptr));
  ASSERT_JET(update());
  whole.resize(500);
  EXPECT_EQ(note(), whole);
  change("", 0);
  EXPECT_EQ(note(), "(null)");
}

TEST_F(JetRows, PartsOfALongValueAndOtherColumnsGoTogether) {
  insert(1, 10, "a");
  ASSERT_JET(seek_id(rows_, 1));
  ASSERT_JET(JetPrepareUpdate(session_, rows_, JET_prepReplace));
  ASSERT_JET(set(columns_.note, std::string(3000, 'x'), JET_bitSetAppendLV));
  ASSERT_JET(set(columns_.name, "b"));
  ASSERT_JET(set(columns_.note, "y", JET_bitSetAppendLV));
  ASSERT_JET(update());
  EXPECT_EQ(note(), std::string(3000, 'x') + "y");
  EXPECT_EQ(text_at(rows_, columns_.name), "b");
}

// ---- Escrow

TEST_F(JetRows, SeveralSessionsAddToOneNumberAtATime) {
  insert(1, 10, "a");
  const JET_SESID other = new_session();
  const JET_TABLEID its = open_rows(other);
  std::int32_t five = 5, two = 2, old = -1;
  EXPECT_EQ(JetEscrowUpdate(session_, rows_, columns_.total, &five, 4, nullptr, 0, nullptr, 0),
            JET_errNotInTransaction);
  ASSERT_JET(JetBeginTransaction(session_));
  ASSERT_JET(JetBeginTransaction(other));
  ASSERT_JET(seek_id(rows_, 1));
  ASSERT_JET(seek_id(its, 1, JET_bitSeekEQ, other));
  ASSERT_JET(JetEscrowUpdate(session_, rows_, columns_.total, &five, 4, &old, 4, nullptr, 0));
  EXPECT_EQ(old, 0);
  ASSERT_JET(JetEscrowUpdate(other, its, columns_.total, &two, 4, nullptr, 0, nullptr, 0));
  EXPECT_EQ(JetEscrowUpdate(session_, rows_, columns_.number, &five, 4, nullptr, 0, nullptr, 0),
            JET_errInvalidOperation);
  EXPECT_EQ(JetEscrowUpdate(session_, rows_, columns_.total, &five, 3, nullptr, 0, nullptr, 0),
            JET_errInvalidBufferSize);
  ASSERT_JET(JetCommitTransaction(session_, 0));
  ASSERT_JET(JetCommitTransaction(other, 0));
  std::int32_t total = 0;
  ASSERT_JET(JetRetrieveColumn(session_, rows_, columns_.total, &total, 4, nullptr, 0, nullptr));
  EXPECT_EQ(total, 7);
  ASSERT_JET(JetPrepareUpdate(session_, rows_, JET_prepReplace));
  EXPECT_EQ(JetSetColumn(session_, rows_, columns_.total, &five, 4, 0, nullptr),
            JET_errColumnNotUpdatable);
}

// ---- Enumerating

void* count_memory(void* context, void* memory, std::uint32_t bytes) {
  auto& held = *static_cast<int*>(context);
  if (bytes == 0) {
    --held;
    std::free(memory);
    return nullptr;
  }
  ++held;
  return std::realloc(memory, bytes);
}

TEST_F(JetRows, AllValuesOfARowComeInMemoryOfTheCaller) {
  insert(1, 10, "name");
  ASSERT_JET(seek_id(rows_, 1));
  ASSERT_JET(JetPrepareUpdate(session_, rows_, JET_prepReplace));
  ASSERT_JET(set(columns_.tags, "red", 0, 0));
  ASSERT_JET(set(columns_.tags, "green", 0, 0));
  ASSERT_JET(update());
  int held = 0;
  std::uint32_t count = 0;
  JET_ENUMCOLUMN* all = nullptr;
  ASSERT_JET(JetEnumerateColumns(session_, rows_, 0, nullptr, &count, &all, count_memory, &held,
                                 100, JET_bitEnumerateCompressOutput));
  ASSERT_EQ(count, 5U);  // but for the note, which is null
  EXPECT_EQ(all[0].columnid, columns_.id);
  EXPECT_EQ(all[0].err, JET_wrnColumnSingleValue);
  for (std::uint32_t i = 0; i < count; ++i) {
    if (all[i].err == JET_wrnColumnSingleValue) {
      count_memory(&held, all[i].pvData, 0);
      continue;
    }
    EXPECT_EQ(all[i].columnid, columns_.tags);
    ASSERT_EQ(all[i].cEnumColumnValue, 2U);
    const JET_ENUMCOLUMNVALUE& second = all[i].rgEnumColumnValue[1];
    EXPECT_EQ(second.itagSequence, 2U);
    EXPECT_EQ(std::string(static_cast<char*>(second.pvData), second.cbData), "green");
    for (std::uint32_t v = 0; v < 2; ++v) {
      count_memory(&held, all[i].rgEnumColumnValue[v].pvData, 0);
    }
    count_memory(&held, all[i].rgEnumColumnValue, 0);
  }
  count_memory(&held, all, 0);
  EXPECT_EQ(held, 0);
}

TEST_F(JetRows, WhatIsEnumeratedByNumberSaysWhatIsNotThere) {
  insert(1, 10, "name");
  ASSERT_JET(seek_id(rows_, 1));
  int held = 0;
  std::uint32_t count = 0;
  JET_ENUMCOLUMN* all = nullptr;
  JET_ENUMCOLUMNID ids[2] = {{columns_.note, 0, nullptr}, {columns_.name, 0, nullptr}};
  ASSERT_JET(JetEnumerateColumns(session_, rows_, 2, ids, &count, &all, count_memory, &held, 100,
                                 JET_bitEnumeratePresenceOnly));
  ASSERT_EQ(count, 2U);
  EXPECT_EQ(all[0].err, JET_wrnColumnNull);
  EXPECT_EQ(all[1].err, JET_wrnColumnPresent);
  count_memory(&held, all, 0);
  ids[1].columnid = 60;
  EXPECT_EQ(JetEnumerateColumns(session_, rows_, 2, ids, &count, &all, count_memory, &held, 100, 0),
            JET_errColumnNotFound);
  EXPECT_EQ(held, 0);
}

}  // namespace
}  // namespace stillframe::ese::tests
