// Rows of one table: what their columns hold, what is refused, and how transactions meet.
#include "writers/ese/tables/table_rows.hpp"

#include <string>

#include <gtest/gtest.h>

#include "tests/ese/support/row_values.hpp"
#include "tests/ese/support/sample_database.hpp"
#include "tests/ese/support/test_database.hpp"
#include "writers/ese/format/ese_error.hpp"
#include "writers/ese/tables/cursor.hpp"

namespace stillframe::ese {
namespace {

using tests::blob;
using tests::little;
using tests::TestDatabase;

Value filled(std::size_t bytes, std::uint8_t seed) {
  Value value(bytes);
  for (std::size_t i = 0; i < bytes; ++i) value[i] = static_cast<std::byte>(seed + i / 7 * 31);
  return value;
}

constexpr ColumnId kRowId{1}, kCount{2}, kVersion{3}, kName{128}, kRowBlob{256}, kRowMany{257};

TableSpec people() {
  TableSpec spec;
  spec.name = "people";
  spec.columns = {{.name = "id", .type = ColumnType::long_int, .flags = kColumnAutoIncrement},
                  {.name = "count",
                   .type = ColumnType::long_int,
                   .flags = kColumnEscrow,
                   .default_value = little(7)},
                  {.name = "version", .type = ColumnType::long_int, .flags = kColumnVersion},
                  {.name = "name", .type = ColumnType::text, .flags = kColumnNotNull},
                  {.name = "blob", .type = ColumnType::long_binary},
                  {.name = "many", .type = ColumnType::long_int, .flags = kColumnMultiValued}};
  spec.indexes = {
      {.name = "by id", .flags = kIndexPrimary | kIndexAllNulls, .segments = {{"id"}}},
      {.name = "by name", .flags = kIndexUnique | kIndexAllNulls, .segments = {{"name"}}},
      {.name = "by many", .flags = kIndexAllowSomeNulls, .segments = {{"many"}}}};
  return spec;
}

class TableRowsTest : public testing::TestWithParam<std::size_t> {
 protected:
  TableRowsTest() : db_(GetParam(), 64) {
    const auto transaction = db_.begin(10);
    auto made = db_.catalog->create_table(*transaction, people());
    EXPECT_TRUE(made.ok()) << made.error().what();
    const Status committed = transaction->commit();
    EXPECT_TRUE(committed.ok());
  }

  TableUse open(OpenTransaction& transaction) {
    auto opened = db_.catalog->open_table(transaction, "people");
    EXPECT_TRUE(opened.ok()) << opened.error().what();
    return std::move(opened).value();
  }

  Key insert(OpenTransaction& transaction, TableObject& table, RowValues values) {
    auto key = TableRows(table, transaction).insert(values);
    EXPECT_TRUE(key.ok()) << key.error().what();
    return key.ok() ? key.value() : Key{};
  }

  Values get(OpenTransaction& transaction, TableObject& table, Bytes bookmark, ColumnId column) {
    TableRows rows(table, transaction);
    const auto definition = table.definition(transaction);
    const auto record = rows.read(bookmark);
    EXPECT_TRUE(record.ok()) << record.error().what();
    if (!record.ok()) return {};
    const auto values =
        rows.values(record.value(), *definition.value()->find_column(column, false));
    EXPECT_TRUE(values.ok()) << values.error().what();
    return values.ok() ? values.value() : Values{};
  }

  const Column& column(OpenTransaction& transaction, TableObject& table, ColumnId id) {
    held_ = table.definition(transaction).value();
    return *held_->find_column(id, false);
  }

  TestDatabase db_;
  std::shared_ptr<const Table> held_;  // what column() refers to
};

std::string rows_page_bytes(const testing::TestParamInfo<std::size_t>& info) {
  return std::to_string(info.param) + "Bytes";
}
INSTANTIATE_TEST_SUITE_P(Pages, TableRowsTest, testing::Values(4096, 32768), rows_page_bytes);

void expect_row_code(const Status& status, EseErr code) {
  ASSERT_FALSE(status.ok());
  EXPECT_TRUE(is(status.error(), code)) << status.error().what();
}
template <class T>
void expect_row_code(const Result<T>& result, EseErr code) {
  ASSERT_FALSE(result.ok());
  EXPECT_TRUE(is(result.error(), code)) << result.error().what();
}

TEST_P(TableRowsTest, CountsByItself) {
  const auto transaction = db_.begin(10);
  const TableUse use = open(*transaction);
  TableObject& table = use.table();
  const Key first = insert(*transaction, table, {{kName, {blob("one")}}});
  const Key second = insert(*transaction, table, {{kName, {blob("two")}}});
  EXPECT_EQ(get(*transaction, table, first, kRowId), Values{little(1)});
  EXPECT_EQ(get(*transaction, table, second, kRowId), Values{little(2)});
  EXPECT_EQ(get(*transaction, table, first, kVersion), Values{little(0)});
  EXPECT_EQ(get(*transaction, table, first, kCount), Values{little(7)});
  TableRows rows(table, *transaction);
  ASSERT_TRUE(rows.replace(first, {{kName, {blob("uno")}}}).ok());
  EXPECT_EQ(get(*transaction, table, first, kVersion), Values{little(1)});
  ASSERT_TRUE(rows.add(first, column(*transaction, table, kCount), -10).ok());
  EXPECT_EQ(get(*transaction, table, first, kCount), Values{little(-3)});
}

TEST_P(TableRowsTest, TwoTransactionsAddToOneRow) {
  const auto setup = db_.begin(10);
  const TableUse use = open(*setup);
  TableObject& table = use.table();
  const Key row = insert(*setup, table, {{kName, {blob("shared")}}});
  ASSERT_TRUE(setup->commit().ok());
  const auto a = db_.begin(11), b = db_.begin(12);
  ASSERT_TRUE(TableRows(table, *a).add(row, column(*a, table, kCount), 5).ok());
  ASSERT_TRUE(TableRows(table, *b).add(row, column(*b, table, kCount), 11).ok());
  expect_row_code(TableRows(table, *b).replace(row, {{kName, {blob("other")}}}),
                  EseErr::write_conflict);
  ASSERT_TRUE(a->rollback().ok());
  ASSERT_TRUE(b->commit().ok());
  const auto after = db_.begin(13);
  EXPECT_EQ(get(*after, table, row, kCount), Values{little(18)});
}

TEST_P(TableRowsTest, TheSecondWriterOfARowIsToldOfTheConflict) {
  const auto setup = db_.begin(10);
  const TableUse use = open(*setup);
  TableObject& table = use.table();
  const Key row = insert(*setup, table, {{kName, {blob("one")}}});
  ASSERT_TRUE(setup->commit().ok());
  const auto a = db_.begin(11), b = db_.begin(12);
  ASSERT_TRUE(TableRows(table, *a).replace(row, {{kName, {blob("a")}}}).ok());
  expect_row_code(TableRows(table, *b).remove(row), EseErr::write_conflict);
  EXPECT_EQ(get(*b, table, row, kName), Values{blob("one")});
  ASSERT_TRUE(a->commit().ok());
  expect_row_code(TableRows(table, *b).replace(row, {{kName, {blob("b")}}}),
                  EseErr::write_conflict);
}

TEST_P(TableRowsTest, WhatAnIndexRefusesLeavesNothingBehind) {
  const auto transaction = db_.begin(10);
  const TableUse use = open(*transaction);
  TableObject& table = use.table();
  insert(*transaction, table, {{kName, {blob("Taken")}}});
  TableRows rows(table, *transaction);
  // Case does not tell keys of text apart.
  expect_row_code(rows.insert({{kName, {blob("taken")}}, {kRowBlob, {filled(5000, 1)}}}),
                  EseErr::key_duplicate);
  expect_row_code(rows.insert({}), EseErr::null_invalid);
  expect_row_code(rows.insert({{kName, {blob("x")}}, {kRowId, {blob("12345")}}}),
                  EseErr::column_does_not_fit);
  expect_row_code(rows.insert({{kName, {Value(256)}}}), EseErr::column_too_big);
  expect_row_code(rows.insert({{kName, {blob("x")}}, {ColumnId{99}, {little(1)}}}),
                  EseErr::column_not_found);
  ASSERT_TRUE(transaction->commit().ok());
  const VerifyReport report = db_.expect_sound();
  EXPECT_EQ(report.long_values, 0u);
}

TEST_P(TableRowsTest, ThePrimaryKeyOfARowStays) {
  const auto transaction = db_.begin(10);
  const TableUse use = open(*transaction);
  TableObject& table = use.table();
  const Key row = insert(*transaction, table, {{kName, {blob("one")}}});
  EXPECT_FALSE(TableRows(table, *transaction).replace(row, {{kRowId, {little(44)}}}).ok());
  EXPECT_EQ(get(*transaction, table, row, kRowId), Values{little(1)});
}

TEST_P(TableRowsTest, LongValuesAreChangedInPieces) {
  const auto transaction = db_.begin(10);
  const TableUse use = open(*transaction);
  TableObject& table = use.table();
  Value model = filled(3 * GetParam() + 17, 3);
  const Key row = insert(*transaction, table, {{kName, {blob("n")}}, {kRowBlob, {model}}});
  TableRows rows(table, *transaction);
  const Column held = column(*transaction, table, kRowBlob);
  const auto edit = [&](const LongValueEdit& change) {
    const Status done = rows.edit(row, held, change);
    ASSERT_TRUE(done.ok()) << done.error().what();
    EXPECT_EQ(get(*transaction, table, row, kRowBlob), Values{model});
  };
  const Value piece = filled(GetParam() + 5, 9);
  model.insert(model.end(), piece.begin(), piece.end());
  edit({LongValueEdit::Kind::append, 0, piece, 0});
  std::copy(piece.begin(), piece.end(), model.begin() + 100);
  edit({LongValueEdit::Kind::overwrite, 100, piece, 0});
  model.resize(GetParam() + 1);
  edit({LongValueEdit::Kind::resize, 0, {}, static_cast<std::uint32_t>(model.size())});
  model.resize(4 * GetParam());
  edit({LongValueEdit::Kind::resize, 0, {}, static_cast<std::uint32_t>(model.size())});
  model.resize(0);
  edit({LongValueEdit::Kind::resize, 0, {}, 0});
  ASSERT_TRUE(transaction->commit().ok());
  EXPECT_EQ(db_.expect_sound().long_values, 1u);
}

// One session's view is older than the tree of long values, and a change that was rolled back made
// everybody read the definition again.
TEST_P(TableRowsTest, AnOldViewDoesNotTakeTheLongValuesOfOthersAway) {
  const auto old = db_.begin(11);
  const Value model = filled(3 * GetParam(), 3);
  {
    const auto first = db_.begin(10);
    const TableUse use = open(*first);
    insert(*first, use.table(), {{kName, {blob("first")}}, {kRowBlob, {model}}});
    ASSERT_TRUE(first->commit().ok());
  }
  {
    const auto changing = db_.begin(12);
    const TableUse use = open(*changing);
    const ColumnSpec more{.name = "more", .type = ColumnType::binary};
    ASSERT_TRUE(db_.catalog->add_column(*changing, use.table(), more).ok());
    ASSERT_TRUE(changing->rollback().ok());
  }
  {
    const TableUse use = open(*old);
    const Key row = insert(*old, use.table(), {{kName, {blob("old")}}, {kRowBlob, {model}}});
    EXPECT_EQ(get(*old, use.table(), row, kRowBlob), Values{model});
    ASSERT_TRUE(old->commit().ok());
  }
  EXPECT_EQ(db_.expect_sound().long_values, 2u);
}

TEST_P(TableRowsTest, EveryValueOfAColumnIsFoundByAnIndex) {
  const auto transaction = db_.begin(10);
  const TableUse use = open(*transaction);
  TableObject& table = use.table();
  const Key row = insert(*transaction, table,
                         {{kName, {blob("n")}}, {kRowMany, {little(5), little(-5), little(9)}}});
  insert(*transaction, table, {{kName, {blob("null")}}});
  EXPECT_EQ(get(*transaction, table, row, kRowMany), (Values{little(5), little(-5), little(9)}));
  Cursor cursor(table, *transaction);
  ASSERT_TRUE(cursor.use_index("by many").ok());
  int entries = 0;
  for (Status moved = cursor.first(); cursor.on_row(); moved = cursor.next()) {
    ASSERT_TRUE(moved.ok());
    EXPECT_EQ(cursor.bookmark().value(), row);
    ++entries;
  }
  EXPECT_EQ(entries, 3);
  const auto found = cursor.seek({{little(9)}});
  ASSERT_TRUE(found.ok());
  EXPECT_TRUE(found.value());
  EXPECT_FALSE(cursor.seek({{little(6)}}).value());
}

}  // namespace
}  // namespace stillframe::ese
