#include "writers/ese/format/catalog.hpp"

#include <algorithm>
#include <map>

#include "writers/ese/format/ese_error.hpp"
#include "writers/ese/format/row.hpp"
#include "writers/ese/format/text.hpp"

namespace stillframe::ese {

namespace {

constexpr std::size_t kSegmentBytes = 4;
constexpr std::uint8_t kSegmentTemplate = 0x80, kSegmentDescending = 0x40, kSegmentNull = 0x20;
constexpr std::uint16_t kKeyBytesDefault = 255;
constexpr std::uint32_t kColumnIdMax = 0xFFFF;

// Reads the columns of one row; the first error sticks and is asked for at the end.
class RowDecoder {
 public:
  RowDecoder(RowReader& reader, const RecordView& record) : reader_(reader), record_(record) {}

  std::vector<std::byte> bytes(CatalogColumnId id) {
    const Column* column = catalog_table().find_column(ColumnId{id}, false);
    Result<Values> values = reader_.values(record_, *column);
    if (!values.ok()) {
      if (status_.ok()) status_ = values.error();
      return {};
    }
    return values.value().empty() ? std::vector<std::byte>{} : std::move(values.value().front());
  }

  std::uint32_t number(CatalogColumnId id) {
    std::uint32_t value = 0;
    const std::vector<std::byte> stored = bytes(id);
    std::copy_n(stored.begin(), std::min(stored.size(), sizeof value),
                reinterpret_cast<std::byte*>(&value));
    return value;
  }

  std::string text(CatalogColumnId id) { return code_page_text(bytes(id)); }

  const Status& status() const { return status_; }

 private:
  RowReader& reader_;
  const RecordView& record_;
  Status status_ = Ok{};
};

Result<CatalogRow> decode_row(RowReader& reader, const RecordView& record) {
  RowDecoder from(reader, record);
  CatalogRow row;
  row.table = Objid{from.number(kObjidTable)};
  row.type = static_cast<CatalogType>(from.number(kType));
  row.id = from.number(kId);
  row.type_or_root = from.number(kTypeOrRoot);
  row.space_usage = from.number(kSpaceUsage);
  row.flags = from.number(kFlags);
  row.pages_or_locale = from.number(kPagesOrLocale);
  row.map_flags = from.number(kMapFlags);
  row.key_bytes_max = static_cast<std::uint16_t>(from.number(kKeyMost));
  row.variable_bytes_max = static_cast<std::uint16_t>(from.number(kVarSegMac));
  row.chunk_bytes = from.number(kChunkMax);
  row.name = from.text(kName);
  row.template_name = from.text(kTemplate);
  row.default_value = from.bytes(kDefault);
  row.segments = from.bytes(kKeyFields);
  row.conditions = from.bytes(kConditions);
  row.tuple_limits = from.bytes(kTuples);
  row.locale = unicode_text(from.bytes(kLocale));
  if (!from.status().ok()) return from.status().error();
  return row;
}

std::vector<IndexSegment> decode_segments(Bytes bytes) {
  std::vector<IndexSegment> segments;
  for (std::size_t at = 0; at + kSegmentBytes <= bytes.size(); at += kSegmentBytes) {
    const auto flags = std::to_integer<std::uint8_t>(bytes[at]);
    segments.push_back({load_le<ColumnId>(bytes.data() + at + 2), (flags & kSegmentTemplate) != 0,
                        (flags & kSegmentDescending) != 0, (flags & kSegmentNull) != 0});
  }
  return segments;
}

Table table_of(const CatalogRow& row, std::size_t page_bytes, std::uint32_t update_major) {
  Table table;
  table.name = row.name;
  table.objid = Objid{row.id};
  table.root = Pgno{row.type_or_root};
  table.flags = row.flags;
  table.initial_pages = row.pages_or_locale;
  table.density = row.space_usage;
  table.template_name = row.template_name;
  table.chunk_bytes =
      row.chunk_bytes != 0
          ? row.chunk_bytes
          : static_cast<std::uint32_t>(default_chunk_bytes(page_bytes, update_major));
  return table;
}

Column column_of(const CatalogRow& row) {
  Column column;
  column.id = ColumnId{static_cast<std::uint16_t>(row.id)};
  column.type = static_cast<ColumnType>(row.type_or_root);
  column.size = row.space_usage;
  if (const std::size_t fixed = fixed_bytes_of(column.type); fixed != 0) {
    column.size = static_cast<std::uint32_t>(fixed);
  }
  column.flags = row.flags;
  column.code_page = row.pages_or_locale;
  column.name = row.name;
  column.default_value = row.default_value;
  return column;
}

Index index_of(const CatalogRow& row) {
  Index index;
  index.name = row.name;
  index.objid = Objid{row.id};
  index.root = Pgno{row.type_or_root};
  index.flags = row.flags;
  index.density = row.space_usage;
  index.lcid = row.pages_or_locale;
  index.locale = row.locale;
  index.map_flags = row.map_flags;
  index.key_bytes_max = row.key_bytes_max != 0 ? row.key_bytes_max : kKeyBytesDefault;
  index.variable_bytes_max =
      row.variable_bytes_max != 0 ? row.variable_bytes_max : index.key_bytes_max;
  index.segments = decode_segments(row.segments);
  index.conditions = decode_segments(row.conditions);
  index.tuples = !row.tuple_limits.empty();
  return index;
}

void add_row(Table& table, const CatalogRow& row) {
  switch (row.type) {
    case CatalogType::column:
      table.columns.push_back(column_of(row));
      return;
    case CatalogType::index:
      table.indexes.push_back(index_of(row));
      return;
    case CatalogType::long_values:
      table.long_values_objid = Objid{row.id};
      table.long_values_root = Pgno{row.type_or_root};
      return;
    case CatalogType::table:
    case CatalogType::callback:
      return;
  }
}

void inherit_columns(Table& table, const Schema& schema) {
  if (table.template_name.empty()) return;
  const Table* base = schema.find(table.template_name);
  if (base == nullptr || base == &table) return;
  std::vector<Column> columns = base->columns;
  for (Column& column : columns) column.of_template = true;
  columns.insert(columns.end(), table.columns.begin(), table.columns.end());
  table.columns = std::move(columns);
}

// Fixed columns lie back to back in the order of their numbers, deleted ones too.
void place_fixed_columns(Table& table) {
  std::vector<Column*> fixed;
  for (Column& column : table.columns) {
    if (is_fixed(column.id)) fixed.push_back(&column);
  }
  std::sort(fixed.begin(), fixed.end(),
            [](const Column* a, const Column* b) { return a->id < b->id; });
  std::size_t offset = 4;
  for (Column* column : fixed) {
    column->offset = offset;
    offset += column->size;
  }
}

}  // namespace

Result<CatalogRow> decode_catalog_row(const LongValueReader& long_values, Bytes bytes,
                                      bool large_page) {
  const auto record = RecordView::open(bytes, large_page);
  if (!record.ok()) return record.error();
  RowReader reader(long_values);
  return decode_row(reader, record.value());
}

Result<std::vector<CatalogRow>> read_catalog(const PageSource& source, Pgno root, Objid objid) {
  std::vector<CatalogRow> rows;
  const LongValues long_values(source, catalog_table());
  TreeCursor cursor(source, root, objid);
  Status moved = cursor.first();
  for (; moved.ok() && !cursor.at_end(); moved = cursor.next()) {
    Result<CatalogRow> row =
        decode_catalog_row(long_values, cursor.node().data, source.page_bytes() > 8192);
    if (!row.ok()) return row.error().while_doing(page_text(source, cursor.pgno()));
    rows.push_back(std::move(row).value());
  }
  if (!moved.ok()) return moved.error().while_doing("reading the catalog");
  return rows;
}

Result<Schema> build_schema(const std::vector<CatalogRow>& rows, std::size_t page_bytes,
                            std::uint32_t update_major) {
  Schema schema;
  std::map<Objid, std::size_t> place;
  for (const CatalogRow& row : rows) {
    if (row.type != CatalogType::table) continue;
    if (!place.emplace(row.table, schema.tables.size()).second) {
      return ese_error(EseErr::database_corrupted, "the catalog has two tables of one number");
    }
    schema.tables.push_back(table_of(row, page_bytes, update_major));
  }
  for (const CatalogRow& row : rows) {
    const auto found = place.find(row.table);
    if (found == place.end()) {
      return ese_error(EseErr::database_corrupted,
                       "the catalog has '" + row.name + "' of a table that it does not have");
    }
    if (row.type == CatalogType::column && (row.id < kFixedFirst || row.id > kColumnIdMax)) {
      return ese_error(EseErr::database_corrupted,
                       "the catalog gives column '" + row.name + "' a number that none can have");
    }
    add_row(schema.tables[found->second], row);
  }
  for (Table& table : schema.tables) inherit_columns(table, schema);
  for (Table& table : schema.tables) place_fixed_columns(table);
  return schema;
}

Result<Schema> read_schema(const PageSource& source, std::uint32_t update_major) {
  auto rows = read_catalog(source, kCatalogRoot, Objid::catalog);
  if (!rows.ok()) {
    auto shadow = read_catalog(source, kShadowCatalogRoot, Objid::shadow_catalog);
    if (!shadow.ok()) return rows.error();
    rows = std::move(shadow);
  }
  return build_schema(rows.value(), source.page_bytes(), update_major);
}

}  // namespace stillframe::ese
