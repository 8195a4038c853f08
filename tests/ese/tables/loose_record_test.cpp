// Records taken apart and put together again: whatever columns they have, nothing is lost.
#include "writers/ese/format/loose_record.hpp"

#include <initializer_list>
#include <map>
#include <random>
#include <string>

#include <gtest/gtest.h>

#include "tests/support/scale.hpp"
#include "writers/ese/format/row.hpp"

namespace stillframe::ese {
namespace {

using stillframe::tests::scaled;

class NoLongValues final : public LongValueReader {
 public:
  Result<std::vector<std::byte>> read(Lid) const override { return std::vector<std::byte>{}; }
};

Column column(std::uint16_t id, ColumnType type, std::uint32_t size, std::uint32_t flags = 0) {
  Column made;
  made.id = ColumnId{id};
  made.type = type;
  made.size = size;
  made.flags = flags;
  made.name = "c" + std::to_string(id);
  return made;
}

Table sample_table() {
  Table table;
  std::size_t offset = 4;
  for (std::uint16_t id = 1; id <= 12; ++id) {
    table.columns.push_back(
        column(id, id % 3 == 0 ? ColumnType::binary : ColumnType::long_int, id % 3 == 0 ? 5 : 4));
    table.columns.back().offset = offset;
    offset += table.columns.back().size;
  }
  for (std::uint16_t id = 128; id < 136; ++id) {
    table.columns.push_back(column(id, ColumnType::binary, 255));
  }
  for (std::uint16_t id = 256; id < 264; ++id) {
    table.columns.push_back(column(id, id % 2 == 0 ? ColumnType::long_binary : ColumnType::binary,
                                   0, id % 4 == 3 ? std::uint32_t{kColumnHasDefault} : 0U));
    if (id % 4 == 3) table.columns.back().default_value = {std::byte{1}, std::byte{2}};
  }
  return table;
}

Value random_value(std::mt19937_64& random, std::size_t most) {
  Value value(random() % (most + 1));
  for (std::byte& byte : value) byte = static_cast<std::byte>(random());
  return value;
}

class LooseRecords : public testing::TestWithParam<bool> {};
std::string size_of(const testing::TestParamInfo<bool>& info) {
  return info.param ? "Large" : "Small";
}
INSTANTIATE_TEST_SUITE_P(Pages, LooseRecords, testing::Values(false, true), size_of);

TEST_P(LooseRecords, HoldWhatWasSetWhateverTheOrder) {
  const Table table = sample_table();
  const NoLongValues none;
  for (std::uint64_t seed = 1; seed <= scaled(200); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    LooseRecord record(table);
    std::map<ColumnId, Values> model;
    for (const Column& c : table.columns) {
      if ((c.flags & kColumnHasDefault) != 0) model[c.id] = {c.default_value};
    }
    for (int step = 0; step < 40; ++step) {
      const Column& c = table.columns[random() % table.columns.size()];
      const bool null = random() % 4 == 0;
      Values values;
      if (is_fixed(c.id)) {
        if (!null) values = {Value(c.size, static_cast<std::byte>(random()))};
        record.set_fixed(c, null ? std::nullopt : std::optional<Bytes>(values[0]));
      } else if (!is_tagged(c.id)) {
        if (!null) values = {random_value(random, 40)};
        record.set_variable(c, null ? std::nullopt : std::optional(values[0]));
      } else {
        LooseTagged entry{c.id, false, null, {}};
        const std::size_t count = null ? 0 : 1 + random() % 3;
        for (std::size_t i = 0; i < count; ++i) values.push_back(random_value(random, 60));
        for (const Value& value : values) entry.values.push_back({value, false, false, false});
        record.set_tagged(entry);
      }
      model[c.id] = values;
      if (random() % 5 != 0) continue;
      const auto bytes = record.encode(GetParam());
      ASSERT_TRUE(bytes.ok()) << bytes.error().what();
      const auto view = RecordView::open(bytes.value(), GetParam());
      ASSERT_TRUE(view.ok()) << view.error().what();
      RowReader reader(none);
      for (const Column& each : table.columns) {
        const auto read = reader.values(view.value(), each);
        ASSERT_TRUE(read.ok()) << read.error().what();
        EXPECT_EQ(read.value(), model[each.id]) << each.name;
      }
      auto again = LooseRecord::of(view.value(), table);
      ASSERT_TRUE(again.ok()) << again.error().what();
      EXPECT_EQ(again.value().encode(GetParam()).value(), bytes.value());
      record = std::move(again).value();
    }
  }
}

TEST_P(LooseRecords, TooLongARecordIsRefused) {
  const Table table = sample_table();
  LooseRecord record(table);
  for (const std::uint16_t id : std::initializer_list<std::uint16_t>{256, 258, 260}) {
    record.set_tagged({ColumnId{id}, false, false, {{Value(20000), false, false, false}}});
  }
  EXPECT_FALSE(record.encode(GetParam()).ok());
}

}  // namespace
}  // namespace stillframe::ese
