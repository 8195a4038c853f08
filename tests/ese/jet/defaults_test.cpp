// Defaults of columns: seen in rows that have no value of their own, told apart from values, and
// gone back to.
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include "tests/ese/jet/jet_application.hpp"

namespace stillframe::ese::tests {
namespace {

// A column of each kind is added to a table that has a row already.
class JetDefaults : public JetApplication {
 protected:
  void SetUp() override {
    JetApplication::SetUp();
    insert(1, 10, "a");
    const std::int32_t number = 42;
    ASSERT_JET(add("limit", JET_coltypLong, &number, sizeof number, limit_));
    ASSERT_JET(add("kind", JET_coltypText, "plain", 5, kind_));
    ASSERT_JET(add("remark", JET_coltypLongText, "none", 4, remark_));
    ASSERT_JET(seek_id(rows_, 1));
  }

  JET_ERR add(const char* name, JET_COLTYP type, const void* value, std::uint32_t bytes,
              JET_COLUMNID& id) {
    JET_COLUMNDEF definition{};
    definition.cbStruct = sizeof definition;
    definition.coltyp = type;
    definition.cp = 1252;
    return JetAddColumnA(session_, rows_, name, &definition, value, bytes, &id);
  }

  std::optional<std::int32_t> limit(JET_GRBIT grbit = 0) {
    std::int32_t value = 0;
    const JET_ERR read =
        JetRetrieveColumn(session_, rows_, limit_, &value, sizeof value, nullptr, grbit, nullptr);
    EXPECT_GE(read, JET_errSuccess);
    return read == JET_wrnColumnNull ? std::nullopt : std::optional(value);
  }

  JET_ERR set(JET_COLUMNID column, const void* value, std::uint32_t bytes, JET_GRBIT grbit = 0) {
    const JET_ERR prepared = JetPrepareUpdate(session_, rows_, JET_prepReplace);
    if (prepared < 0) return prepared;
    const JET_ERR done = JetSetColumn(session_, rows_, column, value, bytes, grbit, nullptr);
    if (done < 0) {
      EXPECT_JET(JetPrepareUpdate(session_, rows_, JET_prepCancel));
      return done;
    }
    return JetUpdate(session_, rows_, nullptr, 0, nullptr);
  }

  // Those that JetEnumerateColumns names of the row, of all there are.
  std::vector<JET_COLUMNID> enumerated(JET_GRBIT grbit) {
    std::uint32_t count = 0;
    JET_ENUMCOLUMN* all = nullptr;
    const auto allocate = [](void*, void* memory, std::uint32_t bytes) -> void* {
      if (bytes > 0) return std::realloc(memory, bytes);
      std::free(memory);
      return nullptr;
    };
    EXPECT_JET(JetEnumerateColumns(session_, rows_, 0, nullptr, &count, &all, allocate, nullptr,
                                   100, grbit | JET_bitEnumeratePresenceOnly));
    std::vector<JET_COLUMNID> ids;
    for (std::uint32_t i = 0; i < count; ++i) ids.push_back(all[i].columnid);
    std::free(all);
    return ids;
  }

  JET_COLUMNID limit_ = 0, kind_ = 0, remark_ = 0;
};

TEST_F(JetDefaults, ARowWithoutAValueShowsTheDefault) {
  EXPECT_EQ(limit(), 42);
  EXPECT_EQ(text_at(rows_, kind_), "plain");
  EXPECT_EQ(text_at(rows_, remark_), "none");
  insert(2, 20, "b");
  ASSERT_JET(seek_id(rows_, 2));
  EXPECT_EQ(limit(), 42);
  EXPECT_EQ(text_at(rows_, kind_), "plain");
  EXPECT_EQ(text_at(rows_, remark_), "none");
}

TEST_F(JetDefaults, ADefaultIsNoValueIfThatIsAskedFor) {
  EXPECT_EQ(limit(JET_bitRetrieveIgnoreDefault), std::nullopt);
  EXPECT_EQ(text_at(rows_, kind_, JET_bitRetrieveIgnoreDefault), "(null)");
  EXPECT_EQ(text_at(rows_, remark_, JET_bitRetrieveIgnoreDefault), "(null)");
  ASSERT_JET(set(remark_, "own", 3));
  EXPECT_EQ(text_at(rows_, remark_, JET_bitRetrieveIgnoreDefault), "own");
  JET_RETRIEVECOLUMN wanted[2] = {};
  wanted[0].columnid = remark_;
  wanted[1].columnid = limit_;
  wanted[0].grbit = wanted[1].grbit = JET_bitRetrieveIgnoreDefault;
  ASSERT_JET(JetRetrieveColumns(session_, rows_, wanted, 2));
  EXPECT_EQ(wanted[0].itagSequence, 1U) << "how many there are";
  EXPECT_EQ(wanted[1].itagSequence, 0U);
}

TEST_F(JetDefaults, EnumeratingLeavesOutDefaultsAndColumnsThatAreNotTagged) {
  const std::vector<JET_COLUMNID> own{columns_.id, columns_.number, columns_.total, columns_.name};
  std::vector<JET_COLUMNID> all = own;
  all.insert(all.end(), {limit_, kind_, remark_});
  EXPECT_THAT(enumerated(0), testing::UnorderedElementsAreArray(all));
  EXPECT_THAT(enumerated(JET_bitEnumerateIgnoreDefault), testing::UnorderedElementsAreArray(own));
  EXPECT_THAT(enumerated(JET_bitEnumerateTaggedOnly), testing::ElementsAre(remark_));
  EXPECT_THAT(enumerated(JET_bitEnumerateTaggedOnly | JET_bitEnumerateIgnoreDefault),
              testing::IsEmpty());
}

TEST_F(JetDefaults, AValueIsTakenBackToTheDefault) {
  const std::int32_t own = 43;
  ASSERT_JET(set(limit_, &own, sizeof own));
  ASSERT_JET(set(kind_, "special", 7));
  ASSERT_JET(set(remark_, "own", 3));
  EXPECT_EQ(limit(), 43);
  EXPECT_EQ(text_at(rows_, kind_), "special");
  for (const JET_COLUMNID column : {limit_, kind_, remark_}) {
    ASSERT_JET(set(column, nullptr, 0, JET_bitSetRevertToDefaultValue));
  }
  EXPECT_EQ(limit(), 42);
  EXPECT_EQ(text_at(rows_, kind_), "plain");
  EXPECT_EQ(text_at(rows_, remark_), "none");
  ASSERT_JET(set(columns_.name, nullptr, 0, JET_bitSetRevertToDefaultValue));
  EXPECT_EQ(text_at(rows_, columns_.name), "(null)") << "it has no default";
}

TEST_F(JetDefaults, ANullOfItsOwnHidesTheDefault) {
  for (const JET_COLUMNID column : {limit_, kind_, remark_}) ASSERT_JET(set(column, nullptr, 0));
  EXPECT_EQ(limit(), std::nullopt);
  EXPECT_EQ(text_at(rows_, kind_), "(null)");
  EXPECT_EQ(text_at(rows_, remark_), "(null)");
}

}  // namespace
}  // namespace stillframe::ese::tests
