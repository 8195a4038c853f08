#include "writers/ese/format/key.hpp"

#include <algorithm>
#include <array>

#include "writers/ese/format/ese_error.hpp"

namespace stillframe::ese {

namespace {

constexpr std::byte kNullLow{0x00}, kNullHigh{0xC0}, kEmpty{0x40}, kData{0x7F};
constexpr std::size_t kGroup = 8;
constexpr std::byte kMore{9};
constexpr std::array<std::uint8_t, 16> kGuidOrder = {10, 11, 12, 13, 14, 15, 8, 9,
                                                     6,  7,  4,  5,  0,  1,  2, 3};
constexpr std::array<std::uint8_t, 16> kDotNetGuidOrder = {3, 2, 1,  0,  5,  4,  7,  6,
                                                           8, 9, 10, 11, 12, 13, 14, 15};

enum class Kind { raw, big_endian, sign_flipped, floating, guid, binary, ascii, none };

Kind kind_of(const Column& column) {
  switch (column.type) {
    case ColumnType::bit:
    case ColumnType::unsigned_byte:
      return Kind::raw;
    case ColumnType::unsigned_short:
    case ColumnType::unsigned_long:
    case ColumnType::unsigned_long_long:
      return Kind::big_endian;
    case ColumnType::short_int:
    case ColumnType::long_int:
    case ColumnType::long_long:
    case ColumnType::currency:
      return Kind::sign_flipped;
    case ColumnType::ieee_single:
    case ColumnType::ieee_double:
    case ColumnType::date_time:
      return Kind::floating;
    case ColumnType::guid:
      return Kind::guid;
    case ColumnType::binary:
      return is_fixed(column.id) ? Kind::raw : Kind::binary;
    case ColumnType::long_binary:
      return Kind::binary;
    case ColumnType::text:
    case ColumnType::long_text:
      return column.unicode() ? Kind::none : Kind::ascii;
    case ColumnType::none:
    case ColumnType::super_long:
      return Kind::none;
  }
  return Kind::none;
}

void append_number(Bytes value, Kind kind, Key& key) {
  const std::size_t begin = key.size();
  key.insert(key.end(), value.rbegin(), value.rend());
  const bool negative = (key[begin] & std::byte{0x80}) != std::byte{0};
  if (kind == Kind::sign_flipped || (kind == Kind::floating && !negative)) {
    key[begin] ^= std::byte{0x80};
  } else if (kind == Kind::floating) {
    for (std::size_t i = begin; i < key.size(); ++i) key[i] = ~key[i];
  }
}

// Groups of eight bytes, each followed by how many of them count, or by 9 when more come; a group
// that the limit cuts off ends with its bytes.
void append_binary(Bytes value, std::size_t room, Key& key) {
  for (std::size_t at = 0; at < value.size() && room > 0; at += kGroup) {
    const std::size_t used = std::min(kGroup, value.size() - at);
    std::array<std::byte, kGroup + 1> group{};
    std::copy_n(value.begin() + static_cast<std::ptrdiff_t>(at), used, group.begin());
    const bool last = at + used == value.size();
    group[kGroup] = last ? static_cast<std::byte>(used) : kMore;
    const std::size_t taken = std::min(room, group.size());
    key.insert(key.end(), group.begin(), group.begin() + static_cast<std::ptrdiff_t>(taken));
    room -= taken;
  }
}

void append_ascii(Bytes value, std::size_t room, Key& key) {
  std::size_t taken = 0;
  for (const std::byte byte : value) {
    if (byte == std::byte{0}) break;
    if (taken + 1 == room) {  // no room for the end: the last byte is lowered whatever it is
      key.push_back(static_cast<std::byte>(std::to_integer<unsigned>(byte) - 0x20U));
      return;
    }
    const bool lower = byte >= std::byte{'a'} && byte <= std::byte{'z'};
    key.push_back(lower ? static_cast<std::byte>(std::to_integer<unsigned>(byte) - 0x20U) : byte);
    ++taken;
  }
  key.push_back(std::byte{0});
}

void append_value(const Index& index, const Column& column, Bytes value, std::size_t room,
                  Key& key) {
  const Kind kind = kind_of(column);
  if (kind == Kind::raw) {
    key.insert(key.end(), value.begin(), value.end());
  } else if (kind == Kind::guid) {
    const auto& order = (index.flags & kIndexDotNetGuid) != 0 ? kDotNetGuidOrder : kGuidOrder;
    for (const std::uint8_t at : order) key.push_back(value[at]);
  } else if (kind == Kind::binary) {
    append_binary(value, room, key);
  } else if (kind == Kind::ascii) {
    append_ascii(value, room, key);
  } else {
    append_number(value, kind, key);
  }
}

// Which of the row's columns the index asks for.
const Column* column_of(const Table& table, const IndexSegment& segment) {
  if (const Column* own = table.find_column(segment.column, segment.of_template)) return own;
  return table.find_column(segment.column, !segment.of_template);
}

enum class Nulls { none, some, first, all };

Nulls judge_nulls(const std::vector<bool>& null) {
  if (null.empty()) return Nulls::none;
  if (std::all_of(null.begin(), null.end(), [](bool n) { return n; })) return Nulls::all;
  if (null.front()) return Nulls::first;
  return std::any_of(null.begin(), null.end(), [](bool n) { return n; }) ? Nulls::some
                                                                         : Nulls::none;
}

bool takes(const Index& index, Nulls nulls) {
  switch (nulls) {
    case Nulls::none:
      return true;
    case Nulls::some:
      return (index.flags & kIndexAllowSomeNulls) != 0;
    case Nulls::first:
      return (index.flags & kIndexAllowFirstNull) != 0;
    case Nulls::all:
      return (index.flags & kIndexAllowAllNulls) != 0;
  }
  return false;
}

Result<bool> meets_conditions(RowReader& reader, const Table& table, const Index& index,
                              const RecordView& record) {
  for (const IndexSegment& condition : index.conditions) {
    const Column* column = column_of(table, condition);
    if (column == nullptr) continue;
    Result<Values> values = reader.values(record, *column);
    if (!values.ok()) return values.error();
    if (values.value().empty() != condition.must_be_null) return false;
  }
  return true;
}

// One choice of a value for every segment.
struct Choice {
  std::vector<const Column*> columns;
  std::vector<Values> values;
};

Result<Choice> read_segments(RowReader& reader, const Table& table, const Index& index,
                             const RecordView& record) {
  Choice choice;
  for (const IndexSegment& segment : index.segments) {
    const Column* column = column_of(table, segment);
    if (column == nullptr) {
      return ese_error(EseErr::database_corrupted,
                       "index '" + index.name + "' is over a column that does not exist");
    }
    Result<Values> values = reader.values(record, *column);
    if (!values.ok()) return values.error();
    choice.columns.push_back(column);
    choice.values.push_back(std::move(values).value());
  }
  return choice;
}

Result<std::optional<Key>> key_of_choice(const Index& index, const Choice& choice,
                                         const std::vector<std::size_t>& picked) {
  Key key;
  std::vector<bool> null;
  for (std::size_t i = 0; i < index.segments.size(); ++i) {
    const Values& values = choice.values[i];
    std::optional<Bytes> value;
    if (picked[i] < values.size()) value = values[picked[i]];
    null.push_back(!value);
    Status added = append_segment(index, index.segments[i], *choice.columns[i], value, key);
    if (!added.ok()) return added.error();
  }
  if (!index.primary() && !takes(index, judge_nulls(null))) return std::optional<Key>();
  return std::optional(std::move(key));
}

// Whether rows have one value, or none, of each of its columns, in the record as it is.
bool is_of_plain_columns(const Table& table, const Index& index) {
  if (!index.conditions.empty()) return false;
  return std::all_of(index.segments.begin(), index.segments.end(),
                     [&](const IndexSegment& segment) {
                       const Column* column = column_of(table, segment);
                       return column != nullptr && !is_tagged(column->id);
                     });
}

Result<std::vector<Key>> key_of_plain_columns(const Table& table, const Index& index,
                                              const RecordView& record) {
  constexpr std::size_t kUsualBytes = 64;
  std::vector<Key> keys(1);
  keys[0].reserve(kUsualBytes);
  std::vector<bool> null;
  for (const IndexSegment& segment : index.segments) {
    const Column& column = *column_of(table, segment);
    const auto value = value_in_place(record, column);
    if (!value.ok()) return value.error();
    if (!index.primary()) null.push_back(!value.value());
    Status added = append_segment(index, segment, column, value.value(), keys[0]);
    if (!added.ok()) return added.error();
  }
  if (!index.primary() && !takes(index, judge_nulls(null))) keys.clear();
  return keys;
}

}  // namespace

Status append_segment(const Index& index, const IndexSegment& segment, const Column& column,
                      std::optional<Bytes> value, Key& key) {
  const std::size_t begin = key.size();
  if (begin >= index.key_bytes_max) return Ok{};
  const Kind kind = kind_of(column);
  if (kind == Kind::none) {
    return ese_error(EseErr::unicode_translation_fail,
                     "a key of '" + column.name + "' needs the sort keys of Windows");
  }
  const bool numeric = kind != Kind::binary && kind != Kind::ascii;
  const std::size_t fixed = fixed_bytes_of(column.type);
  if (value && fixed != 0 && value->size() != fixed) {
    return ese_error(EseErr::database_corrupted, "a value of '" + column.name + "' is of odd size");
  }
  if (!value) {
    key.push_back((index.flags & kIndexNullsHigh) != 0 ? kNullHigh : kNullLow);
  } else if (value->empty()) {
    key.push_back(kEmpty);
  } else {
    key.push_back(kData);
    const std::size_t left = index.key_bytes_max - begin;
    const std::size_t room = numeric ? left : std::min<std::size_t>(left, index.variable_bytes_max);
    append_value(index, column, *value, room - 1, key);
  }
  if (key.size() > index.key_bytes_max) key.resize(index.key_bytes_max);
  if (segment.descending) {
    for (std::size_t i = begin; i < key.size(); ++i) key[i] = ~key[i];
  }
  return Ok{};
}

bool can_make_keys(const Table& table, const Index& index) {
  if (index.tuples || (index.flags & kIndexDeferredPopulation) != 0) return false;
  for (const IndexSegment& segment : index.segments) {
    const Column* column = column_of(table, segment);
    if (column == nullptr || kind_of(*column) == Kind::none) return false;
    if ((column->flags & (kColumnEncrypted | kColumnUserDefault)) != 0) return false;
  }
  return true;
}

Result<std::vector<Key>> make_keys(RowReader& reader, const Table& table, const Index& index,
                                   const RecordView& record) {
  if (is_of_plain_columns(table, index)) return key_of_plain_columns(table, index, record);
  std::vector<Key> keys;
  Result<bool> meets = meets_conditions(reader, table, index, record);
  if (!meets.ok()) return meets.error();
  if (!meets.value()) return keys;
  Result<Choice> read = read_segments(reader, table, index, record);
  if (!read.ok()) return read.error();
  const Choice& choice = read.value();
  const bool all = (index.flags & kIndexMultiValued) != 0;
  const bool cross = (index.flags & kIndexCrossProduct) != 0;
  std::vector<std::size_t> picked(index.segments.size(), 0);
  for (;;) {
    Result<std::optional<Key>> key = key_of_choice(index, choice, picked);
    if (!key.ok()) return key.error();
    if (key.value()) keys.push_back(std::move(*key.value()));
    if (!all) break;
    // Without a cross product only the first multi-valued column of the index counts up.
    bool more = false;
    for (std::size_t i = 0; i < picked.size(); ++i) {
      const std::size_t count = choice.values[i].size();
      if (count < 2) continue;
      if (picked[i] + 1 < count) {
        ++picked[i];
        more = true;
        break;
      }
      if (!cross) break;
      picked[i] = 0;
    }
    if (!more) break;
  }
  std::sort(keys.begin(), keys.end());
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  return keys;
}

}  // namespace stillframe::ese
