#include "tests/interop/written_tables.hpp"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <string_view>

#include "tests/ese/support/row_values.hpp"

namespace stillframe::ese::tests {

namespace {

constexpr std::uint64_t kSmall = 150;

const ColumnSpec kIdColumn{.name = "id", .type = ColumnType::long_int, .flags = kColumnNotNull};
const IndexSpec kIdIndex{
    .name = "id", .flags = kIndexPrimary | kIndexAllNulls, .segments = {{"id"}}};

struct TypeName {
  ColumnType type;
  const char* name;
};
constexpr TypeName kFixedTypes[] = {
    {ColumnType::bit, "bit"},
    {ColumnType::unsigned_byte, "unsigned_byte"},
    {ColumnType::short_int, "short_int"},
    {ColumnType::long_int, "long_int"},
    {ColumnType::currency, "currency"},
    {ColumnType::ieee_single, "ieee_single"},
    {ColumnType::ieee_double, "ieee_double"},
    {ColumnType::date_time, "date_time"},
    {ColumnType::unsigned_long, "unsigned_long"},
    {ColumnType::long_long, "long_long"},
    {ColumnType::guid, "guid"},
    {ColumnType::unsigned_short, "unsigned_short"},
};

Value bytes_of(std::string_view text) {
  Value value;
  for (const char c : text) value.push_back(static_cast<std::byte>(c));
  return value;
}

// An index over every column whose keys can be made, every other one descending.
WrittenTable every_type() {
  WrittenTable table{.spec = {.name = "every_type"}, .rows = kSmall};
  auto& columns = table.spec.columns;
  columns = {kIdColumn};
  for (const TypeName& each : kFixedTypes)
    columns.push_back({.name = each.name, .type = each.type});
  const ColumnType text = ColumnType::text, binary = ColumnType::binary;
  const ColumnPlace fixed = ColumnPlace::fixed, tagged = ColumnPlace::tagged;
  columns.insert(
      columns.end(),
      {{.name = "fixed_binary", .type = binary, .place = fixed, .size = 16},
       {.name = "fixed_text", .type = text, .place = fixed, .size = 12},
       {.name = "with_default", .type = ColumnType::long_int, .default_value = little(42)},
       {.name = "text", .type = text, .size = 100},
       {.name = "unicode_text", .type = text, .size = 100, .code_page = kUnicodePage},
       {.name = "binary", .type = binary},
       {.name = "text_default", .type = text, .size = 30, .default_value = bytes_of("usual")},
       {.name = "tagged_long", .type = ColumnType::long_int, .place = tagged},
       {.name = "tagged_guid", .type = ColumnType::guid, .place = tagged},
       {.name = "tagged_text", .type = text, .place = tagged, .size = 60},
       {.name = "long_text", .type = ColumnType::long_text, .size = 150},
       {.name = "long_unicode",
        .type = ColumnType::long_text,
        .size = 150,
        .code_page = kUnicodePage},
       {.name = "long_binary", .type = ColumnType::long_binary, .size = 150}});
  table.spec.indexes = {kIdIndex};
  for (const ColumnSpec& column : columns) {
    if (column.name == "id" || column.code_page == kUnicodePage) continue;
    const bool descending = table.spec.indexes.size() % 2 == 0;
    table.spec.indexes.push_back(
        {.name = "by_" + column.name, .segments = {{column.name, descending}}});
  }
  table.spec.indexes.push_back({.name = "by_guid_as_dot_net",
                                .flags = kIndexAllNulls | kIndexDotNetGuid,
                                .segments = {{"guid"}, {"bit", true}}});
  table.spec.indexes.push_back(
      {.name = "cut_off", .segments = {{"text"}, {"binary"}}, .key_bytes_max = 25});
  return table;
}

// Its rows have the order in which they came.
WrittenTable no_primary() {
  return {.spec = {.name = "no_primary",
                   .columns = {kIdColumn,
                               {.name = "text", .type = ColumnType::text, .size = 80},
                               {.name = "note", .type = ColumnType::long_text, .size = 120}},
                   .indexes = {{.name = "by_id", .flags = kIndexUnique, .segments = {{"id"}}}}},
          .rows = kSmall};
}

WrittenTable several_values() {
  const std::uint32_t many = kColumnMultiValued;
  return {
      .spec = {.name = "several_values",
               .columns =
                   {kIdColumn,
                    {.name = "longs", .type = ColumnType::long_int, .flags = many},
                    {.name = "texts", .type = ColumnType::text, .size = 30, .flags = many},
                    {.name = "guids", .type = ColumnType::guid, .flags = many},
                    {.name = "blobs", .type = ColumnType::long_binary, .size = 90, .flags = many}},
               .indexes = {kIdIndex,
                           {.name = "by_long",
                            .flags = kIndexAllNulls | kIndexMultiValued,
                            .segments = {{"longs"}}},
                           {.name = "by_text_and_long",
                            .flags = kIndexAllNulls | kIndexMultiValued | kIndexCrossProduct,
                            .segments = {{"texts"}, {"longs", true}}}}},
      .rows = kSmall};
}

WrittenTable long_values() {
  const std::uint32_t packed = kColumnCompressed;
  return {.spec = {.name = "long_values",
                   .columns = {kIdColumn,
                               {.name = "blob", .type = ColumnType::long_binary},
                               {.name = "text", .type = ColumnType::long_text},
                               {.name = "packed", .type = ColumnType::long_binary, .flags = packed},
                               {.name = "packed_text",
                                .type = ColumnType::long_text,
                                .flags = packed,
                                .code_page = kUnicodePage}},
                   .indexes = {kIdIndex, {.name = "by_blob", .segments = {{"blob"}}}}},
          .rows = kSmall};
}

WrittenTable counted() {
  return {.spec = {.name = "counted",
                   .columns = {kIdColumn,
                               {.name = "number",
                                .type = ColumnType::long_long,
                                .flags = kColumnAutoIncrement},
                               {.name = "version",
                                .type = ColumnType::long_int,
                                .flags = kColumnVersion},
                               {.name = "sum",
                                .type = ColumnType::long_int,
                                .flags = kColumnEscrow,
                                .default_value = little(100)},
                               {.name = "text", .type = ColumnType::text, .size = 40}},
                   .indexes = {kIdIndex,
                               {.name = "by_number",
                                .flags = kIndexUnique | kIndexAllNulls,
                                .segments = {{"number"}}}}},
          .rows = kSmall};
}

// The large one: what an index takes and what it leaves out.
WrittenTable rules(std::uint64_t rows) {
  const ColumnType number = ColumnType::long_int;
  return {
      .spec = {.name = "rules",
               .columns = {kIdColumn,
                           {.name = "code", .type = number},
                           {.name = "first", .type = ColumnType::short_int},
                           {.name = "second", .type = ColumnType::unsigned_byte},
                           {.name = "text", .type = ColumnType::text, .size = 60},
                           {.name = "many", .type = number, .flags = kColumnMultiValued}},
               .indexes = {kIdIndex,
                           {.name = "by_code",
                            .flags = kIndexUnique | kIndexAllowSomeNulls,
                            .segments = {{"code"}}},
                           {.name = "no_nulls", .flags = 0, .segments = {{"first"}, {"second"}}},
                           {.name = "some_nulls",
                            .flags = kIndexAllowSomeNulls,
                            .segments = {{"first"}, {"second"}}},
                           {.name = "nulls_high",
                            .flags = kIndexAllNulls | kIndexNullsHigh,
                            .segments = {{"first", true}}},
                           {.name = "by_many",
                            .flags = kIndexAllowSomeNulls | kIndexMultiValued,
                            .segments = {{"many"}}},
                           {.name = "when_no_text",
                            .segments = {{"second"}},
                            .conditions = {{"text", true}}}}},
      .rows = rows,
      .later_columns = {{.name = "later", .type = number, .default_value = little(7)},
                        {.name = "later_text", .type = ColumnType::text, .size = 20}},
      .later_indexes = {{.name = "first_null",
                         .flags = kIndexAllowFirstNull | kIndexAllowSomeNulls,
                         .segments = {{"first"}, {"text"}}},
                        {.name = "when_text",
                         .segments = {{"later"}, {"second"}},
                         .conditions = {{"text", false}, {"first", true}}}}};
}

// The last one: what some readers know nothing of, and stop at.
WrittenTable unusual() {
  const ColumnType number = ColumnType::unsigned_long_long;
  const ColumnPlace tagged = ColumnPlace::tagged;
  return {.spec = {.name = "unusual",
                   .columns = {kIdColumn,
                               {.name = "number", .type = number},
                               {.name = "tagged", .type = number, .place = tagged},
                               {.name = "tagged_default",
                                .type = ColumnType::short_int,
                                .place = tagged,
                                .default_value = Value{std::byte{9}, std::byte{1}}},
                               {.name = "long_ones",
                                .type = ColumnType::long_binary,
                                .flags = kColumnMultiValued}},
                   .indexes = {kIdIndex,
                               {.name = "by_number", .segments = {{"number"}}},
                               {.name = "by_tagged", .segments = {{"tagged", true}}},
                               {.name = "by_default", .segments = {{"tagged_default"}}}}},
          .rows = kSmall};
}

std::uint64_t mixed(std::uint64_t x) {
  x ^= x >> 31;
  x *= 0x9E37'79B9'7F4A'7C15;
  x ^= x >> 29;
  x *= 0xBF58'476D'1CE4'E5B9;
  return x ^ x >> 32;
}

// A sequence of numbers that belongs to one cell.
class CellRandom {
 public:
  CellRandom(std::uint64_t seed, const Table& table, const Column& column, std::int32_t id,
             unsigned revision)
      : state_(mixed(seed)) {
    for (const char c : table.name) add(static_cast<unsigned char>(c));
    add(static_cast<std::uint16_t>(column.id));
    add(static_cast<std::uint32_t>(id));
    add(revision);
  }
  std::uint64_t next() { return mixed(state_ += 0x9E37'79B9'7F4A'7C15); }
  std::uint64_t below(std::uint64_t bound) { return next() % bound; }

 private:
  void add(std::uint64_t what) { state_ = mixed(state_ + what + 1); }
  std::uint64_t state_;
};

Value number_bytes(std::uint64_t number, std::size_t bytes) {
  Value value(bytes);
  for (std::byte& byte : value) {
    byte = static_cast<std::byte>(number);
    number >>= 8;
  }
  return value;
}

template <class Float>
Value float_bytes(Float number) {
  Value value(sizeof number);
  std::memcpy(value.data(), &number, sizeof number);
  return value;
}

// Letters, and some that are not ASCII. What a reader makes of blanks at the ends, of control
// characters or of half a surrogate pair is a question of its own.
Value text_bytes(CellRandom& random, std::size_t bytes, bool unicode, bool packs_well) {
  constexpr char16_t kOthers[] = {0xE9, 0xFC, 0xDF, 0x439, 0x6F22, 0x20AC};
  Value value;
  while (value.size() + (unicode ? 2 : 1) <= bytes) {
    auto unit = static_cast<char16_t>('A' + random.below(26) + (random.below(3) == 0 ? 32 : 0));
    if (!packs_well && random.below(9) == 0) unit = kOthers[random.below(unicode ? 6 : 3)];
    value.push_back(static_cast<std::byte>(unit));
    if (unicode) value.push_back(static_cast<std::byte>(unit >> 8));
  }
  return value;
}

// Half of them with a pattern, so that compressing has something to do.
Value binary_bytes(CellRandom& random, std::size_t bytes) {
  Value value(bytes);
  const bool pattern = random.below(2) == 0;
  const std::uint64_t base = random.next();
  for (std::size_t i = 0; i < bytes; ++i) {
    value[i] = static_cast<std::byte>(pattern ? i % 13 * base : random.next());
  }
  return value;
}

// Around the sizes at which something else begins: forms of values, pages, chunks.
std::size_t long_size(CellRandom& random, std::size_t page_bytes) {
  const std::size_t chunk = page_bytes - (page_bytes > 8192 ? 122 : 82);
  const std::size_t sizes[] = {
      0,         1,          3,         100,           255,           256,
      1022,      1023,       1024,      1500,          chunk - 1,     chunk,
      chunk + 1, page_bytes, 2 * chunk, 2 * chunk + 1, 3 * chunk - 1, 5 * chunk + 77};
  if (random.below(90) == 0) return 100'000 + random.below(50'000);
  return random.below(3) == 0 ? random.below(600) : sizes[random.below(std::size(sizes))];
}

// One of several values is not empty: that is beyond some readers.
std::size_t bytes_in(const Column& column, CellRandom& random, std::size_t page_bytes) {
  if (is_fixed(column.id)) return column.size;
  if (column.size == 0) return long_size(random, page_bytes);
  const std::size_t least = (column.flags & kColumnMultiValued) != 0 ? 1 : 0;
  return least + random.below(column.size + 1 - least);
}

Value one_value(const Column& column, CellRandom& random, std::size_t page_bytes) {
  switch (column.type) {
    case ColumnType::bit:
      return {random.below(2) == 0 ? std::byte{0} : std::byte{0xFF}};
    case ColumnType::ieee_single:
      return float_bytes((static_cast<float>(random.below(1 << 20)) - 500'000) / 16);
    case ColumnType::ieee_double:
      return float_bytes((static_cast<double>(random.below(1U << 31)) - 1e9) / 1024);
    case ColumnType::date_time:  // in whole days
      return float_bytes(static_cast<double>(20'000 + random.below(30'000)));
    default:
      break;
  }
  if (const std::size_t bytes = fixed_bytes_of(column.type); bytes != 0) {
    // Few different ones and many, small ones and large.
    const std::uint64_t number = random.below(3) == 0 ? random.below(50) - 25 : random.next();
    Value value = number_bytes(number, bytes);
    if (bytes > 8) std::copy_n(float_bytes(random.next()).begin(), 8, value.begin() + 8);
    return value;
  }
  const std::size_t size = bytes_in(column, random, page_bytes);
  if (!is_text(column.type)) return binary_bytes(random, size);
  return text_bytes(random, size, column.unicode(), random.below(2) == 0);
}

bool has_default(const Column& column) {
  return (column.flags & kColumnHasDefault) != 0;
}

// A new row does not name some of the columns that have a default.
bool is_left_out(const Column& column, std::int32_t id, unsigned revision) {
  return has_default(column) && revision == 0 && id % 4 == 0;
}

}  // namespace

bool WrittenTable::is_later(const Column& column) const {
  return std::any_of(later_columns.begin(), later_columns.end(),
                     [&](const ColumnSpec& later) { return later.name == column.name; });
}

std::vector<WrittenTable> written_tables(std::uint64_t rows) {
  std::vector<WrittenTable> tables{every_type(),  no_primary(), several_values(),
                                   long_values(), counted(),    rules(rows)};
  tables.push_back({.spec = {.name = "empty", .columns = {kIdColumn}, .indexes = {kIdIndex}}});
  tables.push_back(unusual());
  for (WrittenTable& table : tables) table.rows = std::min(table.rows, rows);
  return tables;
}

bool is_counted(const Column& column) {
  return (column.flags & (kColumnAutoIncrement | kColumnVersion | kColumnEscrow)) != 0;
}

Values WrittenValues::cell(const Table& table, const Column& column, std::int32_t id,
                           unsigned revision) const {
  if (column.name == "id") return {little(id)};
  // A number that no other row has, in no order.
  if (column.name == "code") return {little(static_cast<std::int32_t>(id * 2'654'435'761U))};
  if (is_left_out(column, id, revision)) return {column.default_value};
  CellRandom random(seed_, table, column, id, revision);
  if (random.below(6) == 0 && (column.flags & kColumnNotNull) == 0) return {};
  Values values;
  const std::size_t count =
      (column.flags & kColumnMultiValued) != 0 ? 1 + random.below(4) : std::size_t{1};
  for (std::size_t i = 0; i < count; ++i) {
    values.push_back(one_value(column, random, page_bytes_));
  }
  return values;
}

RowValues WrittenValues::row(const Table& table, std::int32_t id, unsigned revision) const {
  RowValues values;
  for (const Column& column : table.columns) {
    if (is_counted(column) || is_left_out(column, id, revision)) continue;
    values[column.id] = cell(table, column, id, revision);
  }
  return values;
}

}  // namespace stillframe::ese::tests
