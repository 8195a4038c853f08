// The C++ face, class by class: what it gives back, what it refuses, and in which order it may go.
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <stillframe/ese/ese.hpp>

namespace stillframe::jet::tests {
namespace {

constexpr Column<std::int32_t> kId{"id"};
constexpr Column<std::string> kName{"name"};
constexpr Column<bool> kFlag{"flag"};
constexpr Column<double> kShare{"share"};
constexpr Column<Date> kDay{"day"};
constexpr Column<Bytes> kRaw{"raw"};
constexpr Column<LongText> kNote{"note"};
constexpr Index<std::int32_t> kById{"by_id"};
constexpr Index<std::string, std::int32_t> kByName{"by_name"};

TableDefinition rows_definition() {
  return TableDefinition("rows")
      .column(kId)
      .column(kName)
      .column(kFlag)
      .column(kShare)
      .column(kDay)
      .column(kRaw)
      .column(kNote)
      .primary(kById, kId)
      .index(kByName, kName, kId);
}

class EseFace : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = (std::filesystem::temp_directory_path() / "face.XXXXXX").string();
    ASSERT_NE(mkdtemp(folder_.data()), nullptr);
    auto instance = Instance::start("face", {.folder = folder_, .log_file_kb = 128});
    ASSERT_TRUE(instance.ok()) << instance.error().what();
    instance_.emplace(std::move(instance).value());
    session_.emplace(std::move(instance_->session()).value());
    database_.emplace(std::move(session_->create_database(folder_ + "/one.edb")).value());
    rows_.emplace(std::move(database_->create_table(rows_definition())).value());
    for (int id : {3, 1, 2, 4}) ASSERT_TRUE(add(id, id < 3 ? "a" : "ab").ok());
  }
  void TearDown() override {
    instance_.reset();  // first: what is of it may go after it
    std::filesystem::remove_all(folder_);
  }
  Status add(std::int32_t id, const std::string& name) {
    auto transaction = session_->begin();
    if (!transaction.ok()) return transaction.error();
    if (Status s = rows_->insert().set(kId, id).set(kName, name).save(); !s.ok()) return s;
    return transaction.value().commit();
  }
  std::vector<std::int32_t> ids(detail::KeyRange range) {
    std::vector<std::int32_t> found;
    Rows rows = rows_->rows(std::move(range));
    for (Row row : rows) found.push_back(row.get(kId).value());
    EXPECT_TRUE(rows.status().ok());
    return found;
  }

  std::string folder_;
  std::optional<Instance> instance_;
  std::optional<Session> session_;
  std::optional<Database> database_;
  std::optional<Table> rows_;
};

using Ids = std::vector<std::int32_t>;

TEST_F(EseFace, RangesHaveTheRowsBetweenTheirKeys) {
  EXPECT_EQ(ids(kById.all()), (Ids{1, 2, 3, 4}));
  EXPECT_EQ(ids(kById.from(2).before(4)), (Ids{2, 3}));
  EXPECT_EQ(ids(kById.after(2).to(4)), (Ids{3, 4}));
  EXPECT_EQ(ids(kByName.equal("a")), (Ids{1, 2}));
  EXPECT_EQ(ids(kByName.after("a")), (Ids{3, 4}));
  EXPECT_EQ(ids(kByName.before("ab")), (Ids{1, 2}));
  EXPECT_EQ(ids(kByName.starting_with("a")), (Ids{1, 2, 3, 4}));
  EXPECT_EQ(ids(kByName.starting_with("b")), Ids{});
  EXPECT_EQ(ids(kById.from(9)), Ids{});
}

TEST_F(EseFace, EveryTypeComesBackAsItWas) {
  const Date before_1899{std::chrono::milliseconds(-3'000'000'000'123)};
  const Bytes raw{std::byte{0}, std::byte{255}};
  const std::string note(100'000, 'n');
  auto transaction = session_->begin();
  ASSERT_TRUE(transaction.ok());
  ASSERT_TRUE(rows_->insert()
                  .set(kId, 9)
                  .set(kName, "")
                  .set(kFlag, true)
                  .set(kShare, 0.5)
                  .set(kDay, before_1899)
                  .set(kRaw, raw)
                  .set(kNote, note)
                  .append(kNote, "+")
                  .save()
                  .ok());
  auto row = rows_->seek(kById, 9);
  ASSERT_TRUE(row.ok());
  EXPECT_EQ(row.value().get(kName).value(), "");
  EXPECT_TRUE(row.value().get(kFlag).value());
  EXPECT_EQ(row.value().get(kShare).value(), 0.5);
  EXPECT_EQ(row.value().get(kDay).value(), before_1899);
  EXPECT_EQ(row.value().get(kRaw).value(), raw);
  EXPECT_EQ(row.value().get(kNote).value(), note + "+");
  char piece[4];
  EXPECT_EQ(row.value().read(kNote, 99'999, piece).value(), 2U);
  EXPECT_EQ(std::string(piece, 2), "n+");
  ASSERT_TRUE(row.value().update().set_null(kName).save().ok());
  EXPECT_EQ(row.value().find(kName).value(), std::nullopt);
  EXPECT_EQ(row.value().get(kName).error().application_code(), JET_wrnColumnNull);
}

TEST_F(EseFace, WhatIsWrongKeepsItsNumber) {
  EXPECT_EQ(add(1, "again").error().application_code(), JET_errKeyDuplicate);
  EXPECT_EQ(add(1, "again").error().code(), Errc::already_exists);
  auto row = rows_->seek(kById, 1);
  ASSERT_TRUE(row.ok());
  EXPECT_EQ(row.value().get(Column<int>("none")).error().application_code(), JET_errColumnNotFound);
  EXPECT_EQ(row.value().get(Column<int>("name")).error().application_code(),
            JET_errInvalidColumnType);
  EXPECT_EQ(rows_->seek(kById, 99).error().code(), Errc::not_found);
  EXPECT_EQ(rows_->seek(Index<int>("none"), 1).error().application_code(), JET_errIndexNotFound);
  EXPECT_EQ(database_->open_table("none").error().application_code(), JET_errObjectNotFound);
}

TEST_F(EseFace, TheFirstToChangeARowWins) {
  auto other = instance_->session();
  ASSERT_TRUE(other.ok());
  auto database = other.value().open_database(folder_ + "/one.edb");
  ASSERT_TRUE(database.ok());
  auto rows = database.value().open_table("rows");
  ASSERT_TRUE(rows.ok());
  auto first = session_->begin(), second = other.value().begin();
  ASSERT_TRUE(rows_->seek(kById, 1).value().update().set(kName, "x").save().ok());
  auto row = rows.value().seek(kById, 1);
  ASSERT_TRUE(row.ok());
  EXPECT_EQ(row.value().update().set(kName, "y").save().error().application_code(),
            JET_errWriteConflict);
}

TEST_F(EseFace, TransactionsAreTakenBackUnlessCommitted) {
  {
    auto outer = session_->begin();
    ASSERT_TRUE(rows_->seek(kById, 1).value().remove().ok());
    auto inner = session_->begin();
    ASSERT_TRUE(rows_->seek(kById, 2).value().remove().ok());
    EXPECT_EQ(outer.value().commit().error().application_code(), JET_errInTransaction);
    ASSERT_TRUE(inner.value().commit().ok());
    EXPECT_EQ(inner.value().commit().error().application_code(), JET_errNotInTransaction);
    EXPECT_EQ(ids(kById.all()), (Ids{3, 4}));
    Transaction moved = std::move(outer).value();
  }
  EXPECT_EQ(ids(kById.all()), (Ids{1, 2, 3, 4}));
}

TEST_F(EseFace, ARefusedRowCanBeSavedOtherwiseAndOneThatIsLeftIsGivenUp) {
  auto transaction = session_->begin();
  RowWriter writer = rows_->insert();
  EXPECT_FALSE(writer.set(kId, 1).save().ok());
  EXPECT_EQ(rows_->insert().save().error().application_code(), JET_errAlreadyPrepared);
  ASSERT_TRUE(writer.set(kId, 7).save().ok());
  EXPECT_FALSE(writer.save().ok());
  { RowWriter left = std::move(rows_->insert().set(kId, 8)); }
  EXPECT_EQ(ids(kById.from(5)), Ids{7});
}

TEST_F(EseFace, AnInstanceStopsOnlyWithoutOpenTransactions) {
  auto transaction = session_->begin();
  EXPECT_EQ(instance_->stop().error().application_code(), JET_errTooManyActiveUsers);
  ASSERT_TRUE(transaction.value().rollback().ok());
  EXPECT_TRUE(instance_->stop().ok());
}

}  // namespace
}  // namespace stillframe::jet::tests
