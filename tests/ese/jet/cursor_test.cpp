// Cursors: moves, keys, seeks, ranges, bookmarks, orders.
#include <string>
#include <vector>

#include "tests/ese/jet/jet_application.hpp"

namespace stillframe::ese::tests {
namespace {

using Ids = std::vector<std::int32_t>;

class JetCursors : public JetApplication {
 protected:
  // Ids 10 to 50 by tens; names "a", "b", "b", "c", and none.
  void SetUp() override {
    JetApplication::SetUp();
    const char* names[] = {"a", "b", "b", "c", ""};
    for (int i = 0; i < 5; ++i) insert(10 * (i + 1), -i, names[i]);
  }

  JET_ERR name_key(const std::string& name, JET_GRBIT more = 0) {
    return JetMakeKey(session_, rows_, name.data(), static_cast<std::uint32_t>(name.size()),
                      JET_bitNewKey | more);
  }
  JET_ERR limit(std::int32_t id, JET_GRBIT grbit) {
    const JET_ERR made = JetMakeKey(session_, rows_, &id, sizeof id, JET_bitNewKey);
    return made < 0 ? made : JetSetIndexRange(session_, rows_, grbit);
  }
};

TEST_F(JetCursors, MovesGoThroughAllRowsAndStopAtTheEnds) {
  EXPECT_EQ(all_ids(rows_), (Ids{10, 20, 30, 40, 50}));
  EXPECT_EQ(JetMove(session_, rows_, JET_MoveNext, 0), JET_errNoCurrentRecord);
  EXPECT_EQ(JetMove(session_, rows_, 0, 0), JET_errNoCurrentRecord);
  ASSERT_JET(JetMove(session_, rows_, JET_MovePrevious, 0));
  EXPECT_EQ(id_at(rows_), 50);
  ASSERT_JET(JetMove(session_, rows_, -3, 0));
  EXPECT_EQ(id_at(rows_), 20);
  ASSERT_JET(JetMove(session_, rows_, 2, 0));
  EXPECT_EQ(id_at(rows_), 40);
  EXPECT_EQ(JetMove(session_, rows_, 5, 0), JET_errNoCurrentRecord);
  ASSERT_JET(JetMove(session_, rows_, JET_MoveFirst, 0));
  EXPECT_EQ(JetMove(session_, rows_, JET_MovePrevious, 0), JET_errNoCurrentRecord);
  ASSERT_JET(JetMove(session_, rows_, JET_MoveNext, 0));
  EXPECT_EQ(id_at(rows_), 10);
  EXPECT_EQ(JetMove(session_, rows_, 1, 0x2), JET_errInvalidGrbit);
}

TEST_F(JetCursors, EveryKindOfSeekFindsItsRow) {
  struct Case {
    std::int32_t key;
    JET_GRBIT how;
    JET_ERR result;
    std::int32_t found;
  };
  const JET_ERR none = JET_errRecordNotFound, other = JET_wrnSeekNotEqual;
  for (const Case& each : {Case{20, JET_bitSeekEQ, 0, 20}, Case{25, JET_bitSeekEQ, none, 0},
                           Case{20, JET_bitSeekGE, 0, 20}, Case{25, JET_bitSeekGE, other, 30},
                           Case{55, JET_bitSeekGE, none, 0}, Case{20, JET_bitSeekGT, 0, 30},
                           Case{50, JET_bitSeekGT, none, 0}, Case{20, JET_bitSeekLE, 0, 20},
                           Case{25, JET_bitSeekLE, other, 20}, Case{5, JET_bitSeekLE, none, 0},
                           Case{20, JET_bitSeekLT, 0, 10}, Case{10, JET_bitSeekLT, none, 0},
                           Case{99, JET_bitSeekLT, 0, 50}}) {
    EXPECT_EQ(seek_id(rows_, each.key, each.how), each.result) << each.key << " " << each.how;
    if (each.result >= 0) {
      EXPECT_EQ(id_at(rows_), each.found) << each.key << " " << each.how;
      if (each.result < 0) {
        EXPECT_EQ(JetMove(session_, rows_, 0, 0), JET_errNoCurrentRecord);
      }
    }
  }
  EXPECT_EQ(seek_id(rows_, 10, JET_bitSeekEQ | JET_bitSeekGE), JET_errInvalidGrbit);
  EXPECT_EQ(JetSeek(session_, rows_, 0), JET_errInvalidGrbit);
}

TEST_F(JetCursors, AfterASeekThatFailsTheWayGoesOnFromBetween) {
  EXPECT_EQ(seek_id(rows_, 25), JET_errRecordNotFound);
  ASSERT_JET(JetMove(session_, rows_, JET_MoveNext, 0));
  EXPECT_EQ(id_at(rows_), 30);
  EXPECT_EQ(seek_id(rows_, 25), JET_errRecordNotFound);
  ASSERT_JET(JetMove(session_, rows_, JET_MovePrevious, 0));
  EXPECT_EQ(id_at(rows_), 20);
}

TEST_F(JetCursors, KeysAreMadeInOrder) {
  std::int32_t id = 1;
  EXPECT_EQ(JetMakeKey(session_, rows_, &id, sizeof id, 0), JET_errKeyNotMade);
  EXPECT_EQ(JetSeek(session_, rows_, JET_bitSeekEQ), JET_errKeyNotMade);
  EXPECT_EQ(JetMakeKey(session_, rows_, &id, 3, JET_bitNewKey), JET_errInvalidBufferSize);
  ASSERT_JET(JetMakeKey(session_, rows_, &id, sizeof id, JET_bitNewKey));
  EXPECT_EQ(JetMakeKey(session_, rows_, &id, sizeof id, 0), JET_errKeyIsMade);
  unsigned char key[10] = {}, entry[10] = {};
  std::uint32_t bytes = 0;
  ASSERT_JET(JetRetrieveKey(session_, rows_, key, sizeof key, &bytes, JET_bitRetrieveCopy));
  EXPECT_EQ(bytes, 5U);
  EXPECT_EQ(key[0], 0x7F);
  EXPECT_EQ(key[1], 0x80);
  EXPECT_EQ(key[4], 1);
  ASSERT_JET(seek_id(rows_, 30));
  EXPECT_EQ(JetRetrieveKey(session_, rows_, entry, 2, &bytes, 0), JET_wrnBufferTruncated);
  ASSERT_JET(JetRetrieveKey(session_, rows_, entry, sizeof entry, &bytes, 0));
  ASSERT_JET(JetMakeKey(session_, rows_, entry, bytes, JET_bitNormalizedKey));
  ASSERT_JET(JetSeek(session_, rows_, JET_bitSeekEQ));
  EXPECT_EQ(id_at(rows_), 30);
}

TEST_F(JetCursors, ARangeEndsTheWayInOneDirection) {
  ASSERT_JET(seek_id(rows_, 20));
  ASSERT_JET(limit(40, JET_bitRangeUpperLimit | JET_bitRangeInclusive));
  EXPECT_EQ(ids_from_here(rows_), (Ids{20, 30, 40}));
  ASSERT_JET(JetMove(session_, rows_, JET_MovePrevious, 0));
  EXPECT_EQ(id_at(rows_), 40);
  ASSERT_JET(seek_id(rows_, 20));
  ASSERT_JET(limit(40, JET_bitRangeUpperLimit));
  EXPECT_EQ(ids_from_here(rows_), (Ids{20, 30}));
  ASSERT_JET(seek_id(rows_, 40));
  ASSERT_JET(limit(20, JET_bitRangeInclusive));
  ASSERT_JET(JetMove(session_, rows_, -2, 0));
  EXPECT_EQ(id_at(rows_), 20);
  EXPECT_EQ(JetMove(session_, rows_, JET_MovePrevious, 0), JET_errNoCurrentRecord);
  ASSERT_JET(JetSetIndexRange(session_, rows_, JET_bitRangeRemove));
  EXPECT_EQ(JetSetIndexRange(session_, rows_, JET_bitRangeRemove), JET_errInvalidOperation);
  ASSERT_JET(JetMove(session_, rows_, JET_MovePrevious, 0));
  EXPECT_EQ(id_at(rows_), 10);
}

TEST_F(JetCursors, ARangeWithoutARowSaysSo) {
  ASSERT_JET(seek_id(rows_, 30));
  EXPECT_EQ(limit(20, JET_bitRangeUpperLimit), JET_errNoCurrentRecord);
  ASSERT_JET(seek_id(rows_, 30));
  EXPECT_EQ(limit(30, JET_bitRangeUpperLimit | JET_bitRangeInstantDuration),
            JET_errNoCurrentRecord);
  EXPECT_JET(JetMove(session_, rows_, JET_MoveNext, 0));
  EXPECT_EQ(JetSetIndexRange(session_, rows_, JET_bitRangeUpperLimit), JET_errKeyNotMade);
}

TEST_F(JetCursors, AnotherIndexIsAnotherOrder) {
  ASSERT_JET(JetSetCurrentIndexA(session_, rows_, "number"));
  EXPECT_EQ(all_ids(rows_), (Ids{50, 40, 30, 20, 10}));
  ASSERT_JET(JetSetCurrentIndexW(session_, rows_, u"name"));
  EXPECT_EQ(all_ids(rows_), (Ids{50, 10, 20, 30, 40}));
  char name[20] = {};
  ASSERT_JET(JetGetCurrentIndexA(session_, rows_, name, sizeof name));
  EXPECT_STREQ(name, "name");
  EXPECT_EQ(JetSetCurrentIndexA(session_, rows_, "none"), JET_errIndexNotFound);
  ASSERT_JET(JetSetCurrentIndexA(session_, rows_, nullptr));
  ASSERT_JET(seek_id(rows_, 30));
  ASSERT_JET(JetSetCurrentIndex2A(session_, rows_, "number", JET_bitNoMove));
  EXPECT_EQ(ids_from_here(rows_), (Ids{30, 20, 10}));
}

TEST_F(JetCursors, EqualKeysAreFoundFromBothEnds) {
  ASSERT_JET(JetSetCurrentIndexA(session_, rows_, "name"));
  ASSERT_JET(name_key("b"));
  ASSERT_JET(JetSeek(session_, rows_, JET_bitSeekEQ));
  EXPECT_EQ(id_at(rows_), 20);
  ASSERT_JET(name_key("b"));
  ASSERT_JET(JetSeek(session_, rows_, JET_bitSeekLE));
  EXPECT_EQ(id_at(rows_), 30);
  ASSERT_JET(name_key("B"));  // text is compared without its case
  ASSERT_JET(JetSeek(session_, rows_, JET_bitSeekEQ | JET_bitSetIndexRange));
  EXPECT_EQ(ids_from_here(rows_), (Ids{20, 30}));
  ASSERT_JET(name_key("b"));
  ASSERT_JET(JetSeek(session_, rows_, JET_bitSeekEQ));
  ASSERT_JET(JetMove(session_, rows_, 1, JET_bitMoveKeyNE));
  EXPECT_EQ(id_at(rows_), 40);
  ASSERT_JET(name_key("a"));
  EXPECT_EQ(JetSeek(session_, rows_, JET_bitSeekEQ | JET_bitCheckUniqueness), JET_wrnUniqueKey);
  ASSERT_JET(name_key("b"));
  EXPECT_JET(JetSeek(session_, rows_, JET_bitSeekEQ | JET_bitCheckUniqueness));
}

TEST_F(JetCursors, ABeginningOfTextFindsAllThatBeginSo) {
  for (const char* name : {"car", "card", "care", "cat", "dog"}) {
    insert(100 + name[0] + name[2] + (name[2] == 'r' ? name[3] : 0),
           100 + name[0] + name[2] + (name[2] == 'r' ? name[3] : 0), name);
  }
  ASSERT_JET(JetSetCurrentIndexA(session_, rows_, "name"));
  ASSERT_JET(name_key("car", JET_bitPartialColumnStartLimit));
  ASSERT_GE(JetSeek(session_, rows_, JET_bitSeekGE), 0);
  ASSERT_JET(name_key("car", JET_bitSubStrLimit));
  ASSERT_JET(JetSetIndexRange(session_, rows_, JET_bitRangeUpperLimit));
  std::vector<std::string> names;
  do {
    names.push_back(text_at(rows_, columns_.name));
  } while (JetMove(session_, rows_, JET_MoveNext, 0) == JET_errSuccess);
  EXPECT_EQ(names, (std::vector<std::string>{"car", "card", "care"}));
  EXPECT_EQ(name_key("x", JET_bitStrLimit | JET_bitSubStrLimit), JET_errInvalidGrbit);
}

// In an index of two columns a limit stands before or behind all entries whose first column is, or
// begins with, the value.
TEST_F(JetCursors, LimitsOfAColumnStandAroundAllThatHasIt) {
  const char key[] = "+name\0+number\0";
  ASSERT_JET(JetCreateIndexA(session_, rows_, "both", 0, key, sizeof key, 80));
  const std::pair<int, const char*> rows[] = {
      {101, "car"}, {102, "car"}, {103, "card"}, {104, "dog"}};
  for (const auto& [id, name] : rows) insert(id, 1000 + id, name);
  ASSERT_JET(JetSetCurrentIndexA(session_, rows_, "both"));
  const auto between = [&](JET_GRBIT start, JET_GRBIT end) {
    EXPECT_JET(name_key("car", start));
    EXPECT_GE(JetSeek(session_, rows_, JET_bitSeekGE), 0);
    EXPECT_JET(name_key("car", end));
    EXPECT_JET(JetSetIndexRange(session_, rows_, JET_bitRangeUpperLimit));
    return ids_from_here(rows_);
  };
  const JET_GRBIT start = JET_bitFullColumnStartLimit;
  EXPECT_EQ(between(start, JET_bitFullColumnEndLimit), (Ids{101, 102}));
  EXPECT_EQ(between(start, JET_bitStrLimit), (Ids{101, 102}));
  EXPECT_EQ(between(start, JET_bitPartialColumnEndLimit), (Ids{101, 102, 103}));
  EXPECT_EQ(between(start, JET_bitSubStrLimit), (Ids{101, 102, 103}));
  EXPECT_EQ(between(JET_bitPartialColumnStartLimit, JET_bitFullColumnEndLimit), (Ids{101, 102}));
  ASSERT_JET(name_key("car", JET_bitFullColumnEndLimit));
  ASSERT_EQ(JetSeek(session_, rows_, JET_bitSeekLE), JET_wrnSeekNotEqual);
  EXPECT_EQ(id_at(rows_), 102);
  ASSERT_JET(name_key("car", JET_bitFullColumnStartLimit));
  std::int64_t number = 1102;
  EXPECT_EQ(JetMakeKey(session_, rows_, &number, sizeof number, 0), JET_errKeyIsMade);
}

TEST_F(JetCursors, ABookmarkLeadsToItsRowInEveryOrder) {
  ASSERT_JET(seek_id(rows_, 30));
  char row[50], key[50];
  std::uint32_t row_bytes = 0, key_bytes = 0;
  ASSERT_JET(JetGetBookmark(session_, rows_, row, sizeof row, &row_bytes));
  ASSERT_JET(JetSetCurrentIndexA(session_, rows_, "name"));
  ASSERT_JET(JetGotoBookmark(session_, rows_, row, row_bytes));
  EXPECT_EQ(ids_from_here(rows_), (Ids{30, 40}));
  ASSERT_JET(JetGotoBookmark(session_, rows_, row, row_bytes));
  ASSERT_JET(JetGetSecondaryIndexBookmark(session_, rows_, key, sizeof key, &key_bytes, row,
                                          sizeof row, &row_bytes, 0));
  ASSERT_JET(JetMove(session_, rows_, JET_MoveFirst, 0));
  ASSERT_JET(JetGotoSecondaryIndexBookmark(session_, rows_, key, key_bytes, row, row_bytes, 0));
  EXPECT_EQ(id_at(rows_), 30);
  ASSERT_JET(JetDelete(session_, rows_));
  EXPECT_EQ(JetGotoBookmark(session_, rows_, row, row_bytes), JET_errRecordDeleted);
  EXPECT_EQ(JetGotoBookmark(session_, rows_, nullptr, 0), JET_errInvalidBookmark);
}

TEST_F(JetCursors, RowsAreCountedAndFoundByTheirPosition) {
  std::uint32_t count = 0;
  ASSERT_JET(JetMove(session_, rows_, JET_MoveFirst, 0));
  ASSERT_JET(JetIndexRecordCount(session_, rows_, &count, 0));
  EXPECT_EQ(count, 5U);
  ASSERT_JET(JetIndexRecordCount(session_, rows_, &count, 3));
  EXPECT_EQ(count, 3U);
  EXPECT_EQ(id_at(rows_), 10);
  JET_RECPOS position{sizeof position, 0, 0, 0};
  ASSERT_JET(seek_id(rows_, 40));
  ASSERT_JET(JetGetRecordPosition(session_, rows_, &position, sizeof position));
  EXPECT_EQ(position.centriesLT, 3U);
  EXPECT_EQ(position.centriesTotal, 5U);
  ASSERT_JET(JetMove(session_, rows_, JET_MoveFirst, 0));
  ASSERT_JET(JetGotoPosition(session_, rows_, &position));
  EXPECT_EQ(id_at(rows_), 40);
}

TEST_F(JetCursors, TwoCursorsOfASessionStandEachOnItsOwn) {
  JET_TABLEID twin = JET_tableidNil;
  ASSERT_JET(seek_id(rows_, 30));
  ASSERT_JET(JetDupCursor(session_, rows_, &twin, 0));
  EXPECT_EQ(id_at(twin), 10);
  EXPECT_EQ(id_at(rows_), 30);
  ASSERT_JET(JetDelete(session_, rows_));
  EXPECT_EQ(all_ids(twin), (Ids{10, 20, 40, 50}));
  ASSERT_JET(JetCloseTable(session_, twin));
  EXPECT_EQ(JetMove(session_, twin, JET_MoveFirst, 0), JET_errInvalidTableId);
}

TEST_F(JetCursors, ACursorGoesOnWhereOthersHaveChangedTheTable) {
  const JET_SESID other = new_session();
  const JET_TABLEID its = open_rows(other);
  ASSERT_JET(seek_id(rows_, 20));
  ASSERT_JET(try_insert(other, its, columns_, 25, 25, "x"));
  ASSERT_JET(seek_id(its, 20, JET_bitSeekEQ, other));
  ASSERT_JET(JetDelete(other, its));
  EXPECT_EQ(JetMove(session_, rows_, 0, 0), JET_errRecordDeleted);
  ASSERT_JET(JetMove(session_, rows_, JET_MoveNext, 0));
  EXPECT_EQ(id_at(rows_), 25);
}

}  // namespace
}  // namespace stillframe::ese::tests
