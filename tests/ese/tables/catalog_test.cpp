// Definitions come, go and come back: what a rollback takes away, what others see, what is left.
#include "writers/ese/tables/catalog.hpp"

#include <string>

#include <gtest/gtest.h>

#include "tests/ese/support/row_values.hpp"
#include "tests/ese/support/sample_database.hpp"
#include "tests/ese/support/test_database.hpp"
#include "writers/ese/format/catalog.hpp"
#include "writers/ese/format/ese_error.hpp"
#include "writers/ese/format/space.hpp"
#include "writers/ese/tables/cursor.hpp"

namespace stillframe::ese {
namespace {

using tests::blob;
using tests::little;
using tests::TestDatabase;

TableSpec numbers(std::string name) {
  TableSpec spec;
  spec.name = std::move(name);
  spec.columns = {{.name = "id", .type = ColumnType::long_int},
                  {.name = "text", .type = ColumnType::text}};
  spec.indexes = {
      {.name = "primary", .flags = kIndexPrimary | kIndexAllNulls, .segments = {{"id"}}}};
  return spec;
}

void expect_code(const Status& status, EseErr code) {
  ASSERT_FALSE(status.ok());
  EXPECT_TRUE(is(status.error(), code)) << status.error().what();
}
template <class T>
void expect_code(const Result<T>& result, EseErr code) {
  ASSERT_FALSE(result.ok());
  EXPECT_TRUE(is(result.error(), code)) << result.error().what();
}

void fill(TableObject& table, OpenTransaction& transaction, int rows) {
  for (int i = 0; i < rows; ++i) {
    const auto key = TableRows(table, transaction)
                         .insert({{ColumnId{1}, {little(i)}},
                                  {ColumnId{128}, {blob("text" + std::to_string(i % 50))}}});
    ASSERT_TRUE(key.ok()) << key.error().what();
  }
}

class CatalogTest : public testing::TestWithParam<std::size_t> {
 protected:
  CatalogTest() : db_(GetParam(), 48) {}

  void create(const TableSpec& spec, int rows) {
    const auto transaction = db_.begin(10);
    auto made = db_.catalog->create_table(*transaction, spec);
    ASSERT_TRUE(made.ok()) << made.error().what();
    fill(made.value().table(), *transaction, rows);
    ASSERT_TRUE(transaction->commit().ok());
  }
  void clean_up() {
    for (int i = 0; i < 3; ++i) {
      const auto cleaned = db_.catalog->clean_up(100000);
      ASSERT_TRUE(cleaned.ok()) << cleaned.error().what();
    }
  }

  TestDatabase db_;
};

std::string catalog_page_bytes(const testing::TestParamInfo<std::size_t>& info) {
  return std::to_string(info.param) + "Bytes";
}
INSTANTIATE_TEST_SUITE_P(Pages, CatalogTest, testing::Values(2048, 4096, 8192, 32768),
                         catalog_page_bytes);

TEST_P(CatalogTest, ANewDatabaseHasTheSystemTables) {
  const VerifyReport report = db_.expect_sound();
  EXPECT_EQ(report.tables, 3u);
  const auto schema = read_schema(*db_.store, 20);
  ASSERT_TRUE(schema.ok()) << schema.error().what();
  const Table* objects = schema.value().find("MSysObjects");
  ASSERT_NE(objects, nullptr);
  EXPECT_EQ(objects->root, kCatalogRoot);
  ASSERT_EQ(objects->indexes.size(), 3u);
  EXPECT_EQ(objects->indexes[1].root, Pgno{7});
  EXPECT_EQ(objects->indexes[2].root, Pgno{10});
  EXPECT_EQ(schema.value().find("MSysObjectsShadow")->root, kShadowCatalogRoot);
  EXPECT_EQ(schema.value().find("MSysObjids")->objid, Objid{6});
}

TEST_P(CatalogTest, TablesAreThereWhenTheCatalogIsOpenedAgain) {
  create(numbers("one"), 20);
  const Objid last = db_.catalog->last_objid();
  db_.reopen_catalog();
  EXPECT_EQ(db_.catalog->last_objid(), last);
  const auto transaction = db_.begin(10);
  auto opened = db_.catalog->open_table(*transaction, "ONE");
  ASSERT_TRUE(opened.ok()) << opened.error().what();
  Cursor cursor(opened.value().table(), *transaction);
  int rows = 0;
  for (Status moved = cursor.first(); cursor.on_row(); moved = cursor.next()) {
    ASSERT_TRUE(moved.ok());
    ++rows;
  }
  EXPECT_EQ(rows, 20);
  EXPECT_EQ(db_.expect_sound().tables, 4u);
}

TEST_P(CatalogTest, ARolledBackTableIsGone) {
  {
    const auto transaction = db_.begin(10);
    auto made = db_.catalog->create_table(*transaction, numbers("gone"));
    ASSERT_TRUE(made.ok()) << made.error().what();
    fill(made.value().table(), *transaction, 100);
    const auto other = db_.begin(11);
    expect_code(db_.catalog->open_table(*other, "gone"), EseErr::object_not_found);
    ASSERT_TRUE(transaction->rollback().ok());
  }
  const auto transaction = db_.begin(10);
  expect_code(db_.catalog->open_table(*transaction, "gone"), EseErr::object_not_found);
  ASSERT_TRUE(transaction->commit().ok());
  clean_up();
  create(numbers("gone"), 3);
  EXPECT_EQ(db_.expect_sound().tables, 4u);
}

// What an open transaction has logged would be synced for nothing; a lazy commit is waited for.
TEST_P(CatalogTest, CleaningUpMakesCommitsDurableAndNothingElse) {
  create(numbers("t"), 0);
  const auto transaction = db_.begin(10);
  auto opened = db_.catalog->open_table(*transaction, "t");
  ASSERT_TRUE(opened.ok());
  ASSERT_TRUE(db_.log->make_all_durable().ok());
  fill(opened.value().table(), *transaction, 3);
  const Lgpos durable = db_.log->durable();
  clean_up();
  EXPECT_EQ(db_.log->durable(), durable);
  ASSERT_TRUE(transaction->commit(CommitMode::lazy).ok());
  EXPECT_EQ(db_.log->durable(), durable);
  clean_up();
  EXPECT_EQ(db_.log->durable(), db_.log->end());
}

TEST_P(CatalogTest, ARolledBackLevelTakesItsColumnAndIndexBack) {
  create(numbers("t"), 40);
  const auto transaction = db_.begin(10);
  auto opened = db_.catalog->open_table(*transaction, "t");
  ASSERT_TRUE(opened.ok());
  TableObject& table = opened.value().table();
  ASSERT_TRUE(transaction->begin_level().ok());
  ASSERT_TRUE(
      db_.catalog->add_column(*transaction, table, {.name = "more", .type = ColumnType::binary})
          .ok());
  ASSERT_TRUE(
      db_.catalog->create_index(*transaction, table, {.name = "by text", .segments = {{"text"}}})
          .ok());
  EXPECT_EQ(table.definition(*transaction).value()->columns.size(), 3u);
  EXPECT_EQ(table.definition(*transaction).value()->indexes.size(), 2u);
  ASSERT_TRUE(transaction->rollback().ok());
  EXPECT_EQ(table.definition(*transaction).value()->columns.size(), 2u);
  EXPECT_EQ(table.definition(*transaction).value()->indexes.size(), 1u);
  ASSERT_TRUE(transaction->commit().ok());
  clean_up();
  EXPECT_EQ(db_.expect_sound().indexes_checked, db_.expect_sound().tables + 2);
}

TEST_P(CatalogTest, AnIndexOverManyRowsAsksTheVersionStoreForLittle) {
  create(numbers("t"), 600);
  clean_up();
  const auto transaction = db_.begin(10);
  auto opened = db_.catalog->open_table(*transaction, "t");
  ASSERT_TRUE(opened.ok());
  TableObject& table = opened.value().table();
  const auto index = [&](const IndexSpec& spec) {
    return db_.catalog->create_index(*transaction, table, spec);
  };
  const std::size_t before = db_.versions.versions();
  ASSERT_TRUE(index({.name = "by text", .segments = {{"text"}}}).ok());
  EXPECT_LT(db_.versions.versions(), before + 30);
  expect_code(index({.name = "x", .flags = kIndexUnique, .segments = {{"text"}}}),
              EseErr::key_duplicate);
  ASSERT_TRUE(TableRows(table, *transaction)
                  .insert({{ColumnId{1}, {little(1000)}}, {ColumnId{128}, {blob("last")}}})
                  .ok());
  ASSERT_TRUE(transaction->commit().ok());
  EXPECT_EQ(db_.expect_sound().indexes_checked, db_.expect_sound().tables + 3);
}

TEST_P(CatalogTest, NobodyUsesATableWhileItIsChanged) {
  create(numbers("t"), 10);
  const auto changer = db_.begin(10), other = db_.begin(11), early = db_.begin(12);
  auto opened = db_.catalog->open_table(*changer, "t");
  ASSERT_TRUE(opened.ok());
  TableObject& table = opened.value().table();
  const IndexSpec index{.name = "by text", .segments = {{"text"}}};
  {
    auto second = db_.catalog->open_table(*other, "t");
    ASSERT_TRUE(second.ok());
    expect_code(db_.catalog->create_index(*changer, table, index), EseErr::table_in_use);
  }
  ASSERT_TRUE(db_.catalog->create_index(*changer, table, index).ok());
  expect_code(db_.catalog->open_table(*other, "t"), EseErr::table_locked);
  ASSERT_TRUE(changer->commit().ok());
  // It would not keep an index that it does not see.
  expect_code(db_.catalog->open_table(*early, "t"), EseErr::write_conflict);
  const auto late = db_.begin(13);
  EXPECT_TRUE(db_.catalog->open_table(*late, "t").ok());
}

TEST_P(CatalogTest, AnIndexIsNotMadeOfRowsThatAreNotSeen) {
  create(numbers("t"), 10);
  const auto early = db_.begin(10);
  {
    const auto writer = db_.begin(11);
    auto opened = db_.catalog->open_table(*writer, "t");
    ASSERT_TRUE(opened.ok());
    const auto key =
        TableRows(opened.value().table(), *writer).insert({{ColumnId{1}, {little(77)}}});
    ASSERT_TRUE(key.ok());
    ASSERT_TRUE(writer->commit().ok());
  }
  auto opened = db_.catalog->open_table(*early, "t");
  ASSERT_TRUE(opened.ok());
  expect_code(db_.catalog->create_index(*early, opened.value().table(),
                                        {.name = "by text", .segments = {{"text"}}}),
              EseErr::write_conflict);
}

TEST_P(CatalogTest, ADeletedColumnLeavesItsNameAndItsRows) {
  create(numbers("t"), 10);
  const auto transaction = db_.begin(10);
  auto opened = db_.catalog->open_table(*transaction, "t");
  ASSERT_TRUE(opened.ok());
  TableObject& table = opened.value().table();
  expect_code(db_.catalog->delete_column(*transaction, table, "id"), EseErr::column_indexed);
  ASSERT_TRUE(db_.catalog->delete_column(*transaction, table, "text").ok());
  const auto again =
      db_.catalog->add_column(*transaction, table, {.name = "text", .type = ColumnType::binary});
  ASSERT_TRUE(again.ok()) << again.error().what();
  EXPECT_EQ(again.value(), ColumnId{129});
  ASSERT_TRUE(transaction->commit().ok());
  EXPECT_EQ(db_.expect_sound().rows > 10, true);
}

TEST_P(CatalogTest, PagesOfDroppedTablesAreUsedAgain) {
  Pgno last{};
  for (int round = 0; round < 6; ++round) {
    TableSpec spec = numbers("big");
    spec.indexes.push_back({.name = "by text", .segments = {{"text"}}});
    create(spec, 400);
    if (round == 1) last = db_.store->last_page();
    {
      const auto transaction = db_.begin(10);
      auto opened = db_.catalog->open_table(*transaction, "big");
      ASSERT_TRUE(opened.ok());
      Status dropped = db_.catalog->delete_index(*transaction, opened.value().table(), "by text");
      ASSERT_TRUE(dropped.ok()) << dropped.error().what();
      expect_code(db_.catalog->delete_table(*transaction, "big"), EseErr::table_in_use);
      ASSERT_TRUE(transaction->commit().ok());
    }
    const auto transaction = db_.begin(10);
    const Status deleted = db_.catalog->delete_table(*transaction, "big");
    ASSERT_TRUE(deleted.ok()) << deleted.error().what();
    ASSERT_TRUE(transaction->commit().ok());
    clean_up();
    EXPECT_EQ(db_.expect_sound().tables, 3u);
  }
  EXPECT_EQ(db_.store->last_page(), last);
}

TEST_P(CatalogTest, RefusesWhatCannotBe) {
  create(numbers("t"), 2);
  const auto transaction = db_.begin(10);
  expect_code(db_.catalog->create_table(*transaction, numbers("T")), EseErr::table_duplicate);
  expect_code(db_.catalog->create_table(*transaction, numbers("a.b")), EseErr::invalid_name);
  expect_code(db_.catalog->delete_table(*transaction, "none"), EseErr::object_not_found);
  expect_code(db_.catalog->delete_table(*transaction, "MSysObjids"), EseErr::fixed_ddl);
  auto opened = db_.catalog->open_table(*transaction, "t");
  ASSERT_TRUE(opened.ok());
  TableObject& table = opened.value().table();
  const auto add = [&](const ColumnSpec& spec) {
    return db_.catalog->add_column(*transaction, table, spec);
  };
  expect_code(add({.name = "ID", .type = ColumnType::long_int}), EseErr::column_duplicate);
  expect_code(add({.name = "x", .type = ColumnType::none}), EseErr::invalid_column_type);
  expect_code(add({.name = "x", .type = ColumnType::long_text, .flags = kColumnNotNull}),
              EseErr::tagged_not_null);
  expect_code(add({.name = "x", .type = ColumnType::text, .flags = kColumnVersion}),
              EseErr::cannot_be_tagged);
  expect_code(add({.name = "x", .type = ColumnType::long_int, .flags = kColumnAutoIncrement}),
              EseErr::table_not_empty);
  const auto index = [&](const IndexSpec& spec) {
    return db_.catalog->create_index(*transaction, table, spec);
  };
  expect_code(index({.name = "PRIMARY", .segments = {{"id"}}}), EseErr::index_duplicate);
  expect_code(index({.name = "x", .flags = kIndexPrimary, .segments = {{"id"}}}),
              EseErr::index_has_primary);
  expect_code(index({.name = "x", .segments = {{"none"}}}), EseErr::column_not_found);
  expect_code(index({.name = "x", .segments = {}}), EseErr::index_invalid_def);
  expect_code(db_.catalog->delete_index(*transaction, table, "primary"), EseErr::index_must_stay);
  expect_code(db_.catalog->delete_index(*transaction, table, "x"), EseErr::index_not_found);
}

}  // namespace
}  // namespace stillframe::ese
