// Sessions change one table at random, and each of them must see at every moment what a map in
// memory says: in the rows' own order and in that of every index. Small caches evict all the time,
// and afterwards every check of the database is content.
#include <algorithm>
#include <iostream>
#include <map>
#include <mutex>
#include <random>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include "tests/ese/support/row_values.hpp"
#include "tests/ese/support/test_database.hpp"
#include "tests/support/scale.hpp"
#include "tests/support/seeds.hpp"
#include "writers/ese/format/ese_error.hpp"
#include "writers/ese/tables/cursor.hpp"

namespace stillframe::ese {
namespace {

using stillframe::tests::first_seed;
using stillframe::tests::scaled;
using tests::bookmark_of;
using tests::little;
using tests::number_of;
using tests::TestDatabase;

constexpr ColumnId kId{1}, kCode{2}, kNumber{3}, kText{128}, kBytes{129}, kNote{256}, kBlob{257},
    kMany{258};

TableSpec model_table() {
  TableSpec spec;
  spec.name = "model";
  spec.columns = {{.name = "id", .type = ColumnType::long_int, .flags = kColumnNotNull},
                  {.name = "code", .type = ColumnType::long_int},
                  {.name = "number", .type = ColumnType::long_int, .default_value = little(3)},
                  {.name = "text", .type = ColumnType::text},
                  {.name = "bytes", .type = ColumnType::binary},
                  {.name = "note",
                   .type = ColumnType::long_text,
                   .flags = kColumnCompressed,
                   .code_page = kUnicodePage},
                  {.name = "blob", .type = ColumnType::long_binary},
                  {.name = "many", .type = ColumnType::long_int, .flags = kColumnMultiValued}};
  spec.indexes = {
      {.name = "id", .flags = kIndexPrimary | kIndexAllNulls, .segments = {{"id"}}},
      {.name = "code", .flags = kIndexUnique | kIndexAllowSomeNulls, .segments = {{"code"}}},
      {.name = "number", .segments = {{"number", true}}},
      {.name = "bytes", .segments = {{"bytes"}, {"number"}}, .conditions = {{"text", true}}},
      {.name = "many", .flags = kIndexAllowSomeNulls, .segments = {{"many"}}}};
  return spec;
}

// Every column, whether it has a value or not.
using Row = std::map<ColumnId, Values>;
using Model = std::map<std::int32_t, Row>;

struct Committed {
  std::mutex mutex;
  std::shared_ptr<const Model> model = std::make_shared<Model>();  // shared by who began with it
};

class Worker {
 public:
  Worker(TestDatabase& db, Committed& committed, std::uint16_t session, std::uint64_t seed)
      : db_(db), committed_(committed), session_(session), random_(seed) {}

  void run(std::uint64_t transactions) {
    for (std::uint64_t i = 0; i < transactions && !testing::Test::HasFailure(); ++i) {
      work();
      if (random_() % 4 != 0) continue;
      const auto cleaned = db_.catalog->clean_up(1000);
      ASSERT_TRUE(cleaned.ok()) << cleaned.error().what();
    }
  }
  std::uint64_t operations() const { return operations_; }
  std::uint64_t conflicts() const { return conflicts_; }
  std::uint64_t duplicates() const { return duplicates_; }

 private:
  using Change = std::pair<std::int32_t, std::optional<Row>>;  // none: removed

  void work() {
    std::unique_ptr<OpenTransaction> transaction;
    {
      const std::lock_guard lock(committed_.mutex);
      transaction = db_.begin(session_);
      view_ = *committed_.model;
    }
    changes_.clear();
    auto use = db_.catalog->open_table(*transaction, "model");
    ASSERT_TRUE(use.ok()) << use.error().what();
    table_ = &use.value().table();
    const std::size_t steps = 1 + random_() % 15;
    for (std::size_t i = 0; i < steps && !testing::Test::HasFailure(); ++i) step(*transaction);
    if (!testing::Test::HasFailure()) end(*transaction);
  }

  void step(OpenTransaction& transaction) {
    ++operations_;
    switch (random_() % 16) {
      case 0:
        return check_rows(transaction);
      case 1:
        return check_indexes(transaction);
      case 2:
      case 3:
        return level(transaction);
      case 4:
      case 5:
        return edit(transaction);
      case 6:
      case 7:
      case 8:
        return remove(transaction);
      case 9:
      case 10:
      case 11:
        return replace(transaction);
      default:
        return insert(transaction);
    }
  }

  std::int32_t random_id() {
    return static_cast<std::int32_t>(random_() % 4 == 0 ? random_() % 10 : random_() % 300) - 50;
  }

  Value random_bytes(std::size_t most) {
    Value value(random_() % (most + 1));
    const auto base = static_cast<unsigned>(random_());
    for (std::size_t i = 0; i < value.size(); ++i) {
      value[i] = static_cast<std::byte>(i % 5 == 0 ? base : i % 11 * base);
    }
    return value;
  }

  Values random_values(ColumnId id) {
    if (random_() % 5 == 0) return {};
    const std::size_t page = db_.store->page_bytes();
    if (id == kCode) return {little(static_cast<std::int32_t>(random_() % 400))};
    if (id == kNumber) return {little(static_cast<std::int32_t>(random_() % 9) - 4)};
    if (id == kText || id == kBytes) return {random_bytes(random_() % 8 == 0 ? 255 : 20)};
    if (id == kMany) {
      Values values(1 + random_() % 3);
      for (Value& value : values) value = little(static_cast<std::int32_t>(random_() % 7));
      return values;
    }
    return {random_bytes(random_() % 6 == 0 ? 3 * page : 900)};
  }

  RowValues random_changes() {
    RowValues values;
    for (const ColumnId id : {kCode, kNumber, kText, kBytes, kNote, kBlob, kMany}) {
      if (random_() % 3 == 0) values[id] = random_values(id);
    }
    return values;
  }

  bool code_taken(std::int32_t id, const Row& row) const {
    const Values& code = row.at(kCode);
    return !code.empty() && std::any_of(view_.begin(), view_.end(), [&](const auto& other) {
      return other.first != id && other.second.at(kCode) == code;
    });
  }

  // Whether the operation was made. A conflict always may be; anything else only as expected.
  bool done(const Status& status, std::optional<EseErr> expected) {
    if (!status.ok() && is(status.error(), EseErr::write_conflict)) {
      ++conflicts_;
      return false;
    }
    if (!expected) {
      EXPECT_TRUE(status.ok()) << status.error().what();
      return status.ok();
    }
    EXPECT_FALSE(status.ok());
    if (!status.ok()) {
      EXPECT_TRUE(is(status.error(), *expected)) << status.error().what();
      duplicates_ += *expected == EseErr::key_duplicate ? 1 : 0;
    }
    return false;
  }

  void note(std::int32_t id, std::optional<Row> row) {
    if (row) {
      view_[id] = *row;
    } else {
      view_.erase(id);
    }
    changes_.emplace_back(id, std::move(row));
  }

  void insert(OpenTransaction& transaction) {
    const std::int32_t id = random_id();
    RowValues values = random_changes();
    values[kId] = {little(id)};
    Row row{
        {kCode, {}}, {kNumber, {little(3)}}, {kText, {}}, {kBytes, {}}, {kNote, {}}, {kBlob, {}},
        {kMany, {}}};
    for (const auto& [column, value] : values) row[column] = value;
    const auto inserted = TableRows(*table_, transaction).insert(values);
    const bool taken = view_.contains(id) || code_taken(id, row);
    const Status status = inserted.ok() ? Status(Ok{}) : inserted.error();
    if (!done(status, taken ? std::optional(EseErr::key_duplicate) : std::nullopt)) return;
    EXPECT_EQ(inserted.value(), bookmark_of(id));
    note(id, row);
  }

  void replace(OpenTransaction& transaction) {
    const std::int32_t id = random_id();
    const RowValues values = random_changes();
    const Status status = TableRows(*table_, transaction).replace(bookmark_of(id), values);
    const auto found = view_.find(id);
    if (found == view_.end()) {
      done(status, EseErr::record_not_found);
      return;
    }
    Row row = found->second;
    for (const auto& [column, value] : values) row[column] = value;
    const bool taken = code_taken(id, row);
    if (done(status, taken ? std::optional(EseErr::key_duplicate) : std::nullopt)) note(id, row);
  }

  void remove(OpenTransaction& transaction) {
    const std::int32_t id = random_id();
    const Status status = TableRows(*table_, transaction).remove(bookmark_of(id));
    const bool there = view_.contains(id);
    if (done(status, there ? std::nullopt : std::optional(EseErr::record_not_found))) {
      note(id, std::nullopt);
    }
  }

  void edit(OpenTransaction& transaction) {
    if (view_.empty()) return;
    const auto found =
        std::next(view_.begin(), static_cast<std::ptrdiff_t>(random_() % view_.size()));
    const ColumnId id = random_() % 2 == 0 ? kBlob : kNote;
    Row row = found->second;
    Value value = row[id].empty() ? Value{} : row[id].front();
    LongValueEdit change;
    change.bytes = random_bytes(db_.store->page_bytes());
    switch (random_() % 3) {
      case 0:
        change.kind = LongValueEdit::Kind::append;
        value.insert(value.end(), change.bytes.begin(), change.bytes.end());
        break;
      case 1:
        change.offset = static_cast<std::uint32_t>(random_() % (value.size() + 2000));
        value.resize(std::max(value.size(), change.offset + change.bytes.size()));
        std::copy(change.bytes.begin(), change.bytes.end(), value.begin() + change.offset);
        break;
      default:
        change.kind = LongValueEdit::Kind::resize;
        change.size = static_cast<std::uint32_t>(random_() % (value.size() + 2000));
        value.resize(change.size);
    }
    row[id] = {value};
    const auto definition = table_->definition(transaction);
    const Status status =
        TableRows(*table_, transaction)
            .edit(bookmark_of(found->first), *definition.value()->find_column(id, false), change);
    if (done(status, std::nullopt)) note(found->first, row);
  }

  // A level that is rolled back, or becomes part of the transaction.
  void level(OpenTransaction& transaction) {
    if (transaction.level() >= 3) return;
    ASSERT_TRUE(transaction.begin_level().ok());
    const Model before = view_;
    const std::size_t changes = changes_.size();
    for (std::size_t i = random_() % 5; i > 0 && !testing::Test::HasFailure(); --i) {
      step(transaction);
    }
    if (testing::Test::HasFailure()) return;
    if (random_() % 2 == 0) {
      ASSERT_TRUE(transaction.commit().ok());
      return;
    }
    const Status undone = transaction.rollback();
    ASSERT_TRUE(undone.ok()) << undone.error().what();
    view_ = before;
    changes_.resize(changes);
  }

  void end(OpenTransaction& transaction) {
    if (random_() % 4 == 0) {
      const Status status = transaction.rollback();
      ASSERT_TRUE(status.ok()) << status.error().what();
      return;
    }
    const std::lock_guard lock(committed_.mutex);
    const Status status = transaction.commit(CommitMode::lazy);
    ASSERT_TRUE(status.ok()) << status.error().what();
    auto next = std::make_shared<Model>(*committed_.model);
    for (const auto& [id, row] : changes_) {
      if (row) {
        (*next)[id] = *row;
      } else {
        next->erase(id);
      }
    }
    committed_.model = std::move(next);
  }

  void check_rows(OpenTransaction& transaction) {
    const auto definition = table_->definition(transaction).value();
    Cursor cursor(*table_, transaction);
    Status moved = cursor.first();
    for (const auto& [id, row] : view_) {
      ASSERT_TRUE(moved.ok()) << moved.error().what();
      ASSERT_TRUE(cursor.on_row());
      ASSERT_EQ(cursor.bookmark().value(), bookmark_of(id));
      for (const auto& [column, values] : row) {
        const auto read = cursor.values(*definition->find_column(column, false));
        ASSERT_TRUE(read.ok()) << read.error().what();
        ASSERT_EQ(read.value(), values) << id << ", column " << static_cast<unsigned>(column);
      }
      moved = cursor.next();
    }
    ASSERT_TRUE(moved.ok());
    EXPECT_FALSE(cursor.on_row());
  }

  // By what a row is found under, and its own key.
  template <class Keys>
  void check_index(OpenTransaction& transaction, const char* name, const Keys& keys) {
    std::vector<std::pair<std::vector<Value>, std::int32_t>> expected;
    for (const auto& [id, row] : view_) {
      for (const std::vector<Value>& key : keys(row)) expected.emplace_back(key, id);
    }
    std::sort(expected.begin(), expected.end());
    Cursor cursor(*table_, transaction);
    ASSERT_TRUE(cursor.use_index(name).ok());
    Status moved = cursor.first();
    for (const auto& [key, id] : expected) {
      ASSERT_TRUE(moved.ok()) << moved.error().what();
      ASSERT_TRUE(cursor.on_row()) << name;
      ASSERT_EQ(cursor.bookmark().value(), bookmark_of(id)) << name;
      moved = cursor.next();
    }
    EXPECT_FALSE(cursor.on_row()) << name;
    if (expected.empty()) return;
    // And backwards from the end.
    moved = cursor.last();
    for (auto each = expected.rbegin(); each != expected.rend() && each - expected.rbegin() < 20;
         ++each) {
      ASSERT_TRUE(moved.ok() && cursor.on_row()) << name;
      ASSERT_EQ(cursor.bookmark().value(), bookmark_of(each->second)) << name;
      moved = cursor.previous();
    }
  }

  // As bytes that sort as the numbers do; null before all.
  static Value sortable(const Values& values, bool descending = false) {
    Value key{values.empty() ? std::byte{0} : std::byte{0x7F}};
    if (!values.empty()) {
      key.resize(5);
      store_be(key.data() + 1, static_cast<std::uint32_t>(number_of(values[0])) ^ 0x80000000U);
    }
    if (descending) {
      for (std::byte& byte : key) byte = ~byte;
    }
    return key;
  }

  void check_indexes(OpenTransaction& transaction) {
    using Found = std::vector<std::vector<Value>>;
    check_index(transaction, "code", [](const Row& row) {
      const Values& code = row.at(kCode);
      return code.empty() ? Found{} : Found{{sortable(code)}};
    });
    check_index(transaction, "number",
                [](const Row& row) { return Found{{sortable(row.at(kNumber), true)}}; });
    check_index(transaction, "many", [](const Row& row) {
      Found found;
      for (const Value& value : row.at(kMany)) found.push_back({sortable({value})});
      std::sort(found.begin(), found.end());
      found.erase(std::unique(found.begin(), found.end()), found.end());
      return found;
    });
  }

  TestDatabase& db_;
  Committed& committed_;
  const std::uint16_t session_;
  std::mt19937_64 random_;
  TableObject* table_ = nullptr;
  Model view_;
  std::vector<Change> changes_;
  std::uint64_t operations_ = 0, conflicts_ = 0, duplicates_ = 0;
};

class TableModel : public testing::TestWithParam<std::size_t> {};
std::string model_page_bytes(const testing::TestParamInfo<std::size_t>& info) {
  return std::to_string(info.param) + "Bytes";
}
INSTANTIATE_TEST_SUITE_P(Pages, TableModel, testing::Values(2048, 4096, 8192, 16384, 32768),
                         model_page_bytes);

void run_against_model(std::size_t page_bytes, std::size_t threads, std::uint64_t seed,
                       std::uint64_t transactions) {
  SCOPED_TRACE("seed " + std::to_string(seed));
  TestDatabase db(page_bytes, 16 + threads * 8);
  {
    const auto transaction = db.begin(9);
    auto made = db.catalog->create_table(*transaction, model_table());
    ASSERT_TRUE(made.ok()) << made.error().what();
    ASSERT_TRUE(transaction->commit().ok());
  }
  Committed committed;
  std::vector<std::unique_ptr<Worker>> workers;
  for (std::size_t t = 0; t < threads; ++t) {
    workers.push_back(std::make_unique<Worker>(db, committed, static_cast<std::uint16_t>(10 + t),
                                               seed * 100 + t));
  }
  std::vector<std::thread> running;
  for (auto& worker : workers) running.emplace_back([&] { worker->run(transactions); });
  for (std::thread& thread : running) thread.join();
  if (testing::Test::HasFailure()) return;
  db.expect_sound();
  std::uint64_t operations = 0, conflicts = 0, duplicates = 0;
  for (const auto& worker : workers) {
    operations += worker->operations();
    conflicts += worker->conflicts();
    duplicates += worker->duplicates();
  }
  std::cout << "seed " << seed << ", " << page_bytes << " bytes: " << operations << " operations, "
            << conflicts << " conflicts, " << duplicates << " duplicates, "
            << committed.model->size() << " rows\n";
}

TEST_P(TableModel, OneSessionSeesWhatTheModelSees) {
  const std::uint64_t first = first_seed(), end = first + scaled(2);
  for (std::uint64_t seed = first; seed < end && !HasFailure(); ++seed) {
    run_against_model(GetParam(), 1, seed, 120);
  }
}

TEST_P(TableModel, ManySessionsSeeWhatTheModelSees) {
  const std::uint64_t first = 100000 + first_seed(), end = first + scaled(2);
  for (std::uint64_t seed = first; seed < end && !HasFailure(); ++seed) {
    run_against_model(GetParam(), 3, seed, 50);
  }
}

}  // namespace
}  // namespace stillframe::ese
