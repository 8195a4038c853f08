#include "writers/ese/tables/table_spec.hpp"

#include <algorithm>
#include <cctype>
#include <optional>

#include "writers/ese/format/ese_error.hpp"
#include "writers/ese/format/key.hpp"

namespace stillframe::ese {

namespace {

constexpr std::size_t kNameBytesMax = 64;
constexpr std::string_view kNotInNames = "!.[]";
constexpr std::uint32_t kShortBytesMax = 255, kDefaultBytesMax = 255;
constexpr std::size_t kSegmentsMax = 16;
constexpr std::uint16_t kKeyBytesUsual = 255;
constexpr std::uint16_t kFixedLast = 127, kVariableLast = 255, kTaggedLast = 65000;
constexpr std::size_t kFirstOffset = 4;
constexpr std::uint32_t kIndexExtended = 0x10000;
constexpr std::uint32_t kColumnFlagsMade = kColumnNotNull | kColumnVersion | kColumnAutoIncrement |
                                           kColumnMultiValued | kColumnEscrow | kColumnCompressed;
constexpr std::uint32_t kIndexFlagsMade =
    kIndexUnique | kIndexAllNulls | kIndexNoNullSegment | kIndexPrimary | kIndexMultiValued |
    kIndexNullsHigh | kIndexCrossProduct | kIndexDisallowTruncation | kIndexDotNetGuid;

Error no_column(const Table& table, const std::string& name) {
  return ese_error(EseErr::column_not_found,
                   "table '" + table.name + "' has no column '" + name + "'");
}

bool is_long(ColumnType type) {
  return type == ColumnType::long_binary || type == ColumnType::long_text;
}

ColumnPlace place_of(const ColumnSpec& spec) {
  if (is_long(spec.type) || (spec.flags & kColumnMultiValued) != 0) return ColumnPlace::tagged;
  if (spec.place != ColumnPlace::usual) return spec.place;
  return fixed_bytes_of(spec.type) != 0 ? ColumnPlace::fixed : ColumnPlace::variable;
}

// One of a kind, that only fixed columns of some types can be.
Status check_counted(const Table& table, const ColumnSpec& spec, bool table_empty) {
  const bool narrow = spec.type == ColumnType::long_int;
  const bool wide = spec.type == ColumnType::long_long || spec.type == ColumnType::currency;
  const std::uint32_t kinds = spec.flags & (kColumnVersion | kColumnAutoIncrement | kColumnEscrow);
  if (kinds == 0) return Ok{};
  if (place_of(spec) != ColumnPlace::fixed) {
    return ese_error(EseErr::cannot_be_tagged, "'" + spec.name + "' has to be a fixed column");
  }
  if ((kinds & (kinds - 1)) != 0 || !(narrow || (wide && kinds != kColumnVersion))) {
    return ese_error(EseErr::invalid_column_type,
                     "'" + spec.name + "' counts as no column of its type can");
  }
  const bool has_default = spec.default_value.size() == fixed_bytes_of(spec.type);
  if (kinds == kColumnEscrow && !has_default) {
    return ese_error(EseErr::null_invalid, "'" + spec.name + "' needs a number to begin with");
  }
  if (!table_empty) {
    return ese_error(EseErr::table_not_empty,
                     "'" + spec.name + "' can only be added while the table has no rows");
  }
  const bool second =
      std::any_of(table.columns.begin(), table.columns.end(), [&](const Column& column) {
        return column.type != ColumnType::none && kinds != kColumnEscrow &&
               (column.flags & kinds) != 0;
      });
  if (!second) return Ok{};
  return ese_error(EseErr::column_redundant, "table '" + table.name + "' has such a column");
}

Status check_column(const Table& table, const ColumnSpec& spec, bool table_empty) {
  if (Status s = check_name(spec.name); !s.ok()) return s;
  if (find_column(table, spec.name) != nullptr) {
    return ese_error(EseErr::column_duplicate,
                     "table '" + table.name + "' has a column '" + spec.name + "'");
  }
  const bool sized = spec.type == ColumnType::binary || spec.type == ColumnType::text;
  const bool known = fixed_bytes_of(spec.type) != 0 || sized || is_long(spec.type);
  const bool page = !is_text(spec.type) || spec.code_page == 1252 || spec.code_page == kUnicodePage;
  if (!known || !page || (spec.flags & ~kColumnFlagsMade) != 0 ||
      (sized && spec.size > kShortBytesMax)) {
    return ese_error(EseErr::invalid_column_type, "'" + spec.name + "' is not a column there is");
  }
  const ColumnPlace place = place_of(spec);
  if (place == ColumnPlace::tagged && (spec.flags & kColumnNotNull) != 0) {
    return ese_error(EseErr::tagged_not_null, "'" + spec.name + "' is tagged, so it may be null");
  }
  if ((spec.flags & kColumnMultiValued) != 0 && spec.place != ColumnPlace::usual &&
      spec.place != ColumnPlace::tagged) {
    return ese_error(EseErr::multi_valued_column_must_be_tagged,
                     "'" + spec.name + "' has to be a tagged column");
  }
  if (place == ColumnPlace::variable && fixed_bytes_of(spec.type) != 0) {
    return ese_error(EseErr::invalid_column_type, "'" + spec.name + "' is fixed or tagged");
  }
  if (spec.default_value.size() > kDefaultBytesMax) {
    return ese_error(EseErr::default_value_too_big, "'" + spec.name + "' has too long a default");
  }
  const std::size_t bytes = place == ColumnPlace::fixed && sized ? spec.size : 0;
  const std::size_t exact = fixed_bytes_of(spec.type) != 0 ? fixed_bytes_of(spec.type) : bytes;
  if (exact != 0 && !spec.default_value.empty() && spec.default_value.size() != exact) {
    return ese_error(EseErr::column_does_not_fit,
                     "the default of '" + spec.name + "' has another size than its values");
  }
  return check_counted(table, spec, table_empty);
}

// The next number of its kind; those of deleted columns are not used again. None: there is none.
std::optional<ColumnId> next_id(const Table& table, ColumnPlace place) {
  const auto [first, last] = place == ColumnPlace::fixed ? std::pair{kFixedFirst, kFixedLast}
                             : place == ColumnPlace::variable
                                 ? std::pair{kVariableFirst, kVariableLast}
                                 : std::pair{kTaggedFirst, kTaggedLast};
  int next = first;
  for (const Column& column : table.columns) {
    const int id = static_cast<std::uint16_t>(column.id);
    if (id >= first && id <= last) next = std::max(next, id + 1);
  }
  if (next > last) return std::nullopt;
  return ColumnId{static_cast<std::uint16_t>(next)};
}

Result<IndexSegment> segment_of(const Table& table, const std::string& name) {
  const Column* column = find_column(table, name);
  if (column == nullptr) return no_column(table, name);
  if ((column->flags & kColumnEscrow) != 0) {
    return ese_error(EseErr::index_invalid_def,
                     "'" + name + "' is added to without locks, so it is in no index");
  }
  return IndexSegment{column->id, column->of_template, false, false};
}

Status check_index(const Table& table, const IndexSpec& spec, std::size_t page_bytes) {
  if (Status s = check_name(spec.name); !s.ok()) return s;
  if (find_index(table, spec.name) != nullptr) {
    return ese_error(EseErr::index_duplicate,
                     "table '" + table.name + "' has an index '" + spec.name + "'");
  }
  if ((spec.flags & kIndexPrimary) != 0 && table.primary_index() != nullptr) {
    return ese_error(EseErr::index_has_primary,
                     "table '" + table.name + "' has a primary index already");
  }
  const std::size_t key_most = page_bytes == 2048 ? 500 : page_bytes == 4096 ? 1000 : 2000;
  const bool bad = spec.segments.empty() || spec.segments.size() > kSegmentsMax ||
                   spec.conditions.size() > kSegmentsMax || spec.key_bytes_max > key_most ||
                   (spec.flags & ~kIndexFlagsMade) != 0 ||
                   ((spec.flags & kIndexPrimary) != 0 && !spec.conditions.empty());
  if (!bad) return Ok{};
  return ese_error(EseErr::index_invalid_def, "'" + spec.name + "' is not an index there is");
}

}  // namespace

bool same_name(std::string_view a, std::string_view b) {
  const auto upper = [](char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [&](char x, char y) { return upper(x) == upper(y); });
}

const Column* find_column(const Table& table, std::string_view name) {
  for (const Column& column : table.columns) {
    if (column.type != ColumnType::none && same_name(column.name, name)) return &column;
  }
  return nullptr;
}

const Index* find_index(const Table& table, std::string_view name) {
  for (const Index& index : table.indexes) {
    if (same_name(index.name, name)) return &index;
  }
  return nullptr;
}

Status check_name(std::string_view name) {
  const bool good = !name.empty() && name.size() <= kNameBytesMax && name.front() != ' ' &&
                    std::none_of(name.begin(), name.end(), [](char c) {
                      return static_cast<unsigned char>(c) < ' ' ||
                             static_cast<signed char>(c) < 0 ||
                             kNotInNames.find(c) != std::string_view::npos;
                    });
  if (good) return Ok{};
  return ese_error(EseErr::invalid_name, "'" + std::string(name) +
                                             "' is no name: 1 to 64 ASCII characters, not a space "
                                             "first, none of ! . [ ]");
}

Result<Column> design_column(const Table& table, const ColumnSpec& spec, bool table_empty) {
  if (Status s = check_column(table, spec, table_empty); !s.ok()) return s.error();
  const ColumnPlace place = place_of(spec);
  const auto id = next_id(table, place);
  if (!id) {
    return Error(Errc::limit_reached,
                 "table '" + table.name + "' has no number left for '" + spec.name + "'");
  }
  Column column;
  column.id = *id;
  column.type = spec.type;
  column.name = spec.name;
  column.flags = spec.flags | (spec.default_value.empty() ? 0U : kColumnHasDefault);
  column.default_value = spec.default_value;
  column.code_page = is_text(spec.type) ? spec.code_page : 0;
  const auto fixed = static_cast<std::uint32_t>(fixed_bytes_of(spec.type));
  column.size = fixed != 0           ? fixed
                : spec.size != 0     ? spec.size
                : is_long(spec.type) ? 0
                                     : kShortBytesMax;
  column.offset = kFirstOffset;
  for (const Column& other : table.columns) {
    if (is_fixed(other.id)) column.offset += other.size;
  }
  return column;
}

Result<Index> design_index(const Table& table, const IndexSpec& spec, std::size_t page_bytes) {
  if (Status s = check_index(table, spec, page_bytes); !s.ok()) return s.error();
  Index index;
  index.name = spec.name;
  index.flags = spec.flags | kIndexExtended;
  if (index.primary()) index.flags |= kIndexUnique;
  index.density = spec.density;
  index.key_bytes_max = spec.key_bytes_max != 0 ? spec.key_bytes_max : kKeyBytesUsual;
  index.variable_bytes_max = index.key_bytes_max;
  for (const SegmentSpec& wanted : spec.segments) {
    auto segment = segment_of(table, wanted.column);
    if (!segment.ok()) return segment.error();
    segment.value().descending = wanted.descending;
    const Column* column = find_column(table, wanted.column);
    if ((column->flags & kColumnMultiValued) != 0) index.flags |= kIndexMultiValued;
    index.segments.push_back(segment.value());
  }
  for (const ConditionSpec& wanted : spec.conditions) {
    auto segment = segment_of(table, wanted.column);
    if (!segment.ok()) return segment.error();
    segment.value().must_be_null = wanted.must_be_null;
    index.conditions.push_back(segment.value());
  }
  if (index.primary() && (index.flags & kIndexMultiValued) != 0) {
    return ese_error(EseErr::index_invalid_def, "a primary key has one value");
  }
  if (!can_make_keys(table, index)) {
    return ese_error(EseErr::unicode_translation_fail,
                     "index '" + index.name + "' needs the sort keys of Windows");
  }
  return index;
}

}  // namespace stillframe::ese
