#include "writers/ese/format/schema.hpp"

#include <algorithm>

namespace stillframe::ese {

namespace {

struct TypeRow {
  ColumnType type;
  std::string_view name;
  std::size_t bytes;
};

constexpr TypeRow kTypes[] = {
    {ColumnType::none, "Deleted", 0},
    {ColumnType::bit, "Bit", 1},
    {ColumnType::unsigned_byte, "UnsignedByte", 1},
    {ColumnType::short_int, "Short", 2},
    {ColumnType::long_int, "Long", 4},
    {ColumnType::currency, "Currency", 8},
    {ColumnType::ieee_single, "IEEESingle", 4},
    {ColumnType::ieee_double, "IEEEDouble", 8},
    {ColumnType::date_time, "DateTime", 8},
    {ColumnType::binary, "Binary", 0},
    {ColumnType::text, "Text", 0},
    {ColumnType::long_binary, "LongBinary", 0},
    {ColumnType::long_text, "LongText", 0},
    {ColumnType::super_long, "SuperLongValue", 0},
    {ColumnType::unsigned_long, "UnsignedLong", 4},
    {ColumnType::long_long, "LongLong", 8},
    {ColumnType::guid, "GUID", 16},
    {ColumnType::unsigned_short, "UnsignedShort", 2},
    {ColumnType::unsigned_long_long, "UnsignedLongLong", 8},
};

const TypeRow* row_of(ColumnType type) {
  for (const TypeRow& row : kTypes) {
    if (row.type == type) return &row;
  }
  return nullptr;
}

struct CatalogColumn {
  std::uint16_t id;
  const char* name;
  ColumnType type;
};

constexpr CatalogColumn kCatalogColumns[] = {
    {1, "ObjidTable", ColumnType::long_int},
    {2, "Type", ColumnType::short_int},
    {3, "Id", ColumnType::long_int},
    {4, "ColtypOrPgnoFDP", ColumnType::long_int},
    {5, "SpaceUsage", ColumnType::long_int},
    {6, "Flags", ColumnType::long_int},
    {7, "PagesOrLocale", ColumnType::long_int},
    {8, "RootFlag", ColumnType::bit},
    {9, "RecordOffset", ColumnType::short_int},
    {10, "LCMapFlags", ColumnType::long_int},
    {11, "KeyMost", ColumnType::unsigned_short},
    {12, "LVChunkMax", ColumnType::long_int},
    {13, "PgnoFDPLastSetTime", ColumnType::date_time},
    {128, "Name", ColumnType::text},
    {129, "Stats", ColumnType::binary},
    {130, "TemplateTable", ColumnType::text},
    {131, "DefaultValue", ColumnType::binary},
    {132, "KeyFldIDs", ColumnType::binary},
    {133, "VarSegMac", ColumnType::binary},
    {134, "ConditionalColumns", ColumnType::binary},
    {135, "TupleLimits", ColumnType::binary},
    {136, "Version", ColumnType::binary},
    {137, "SortID", ColumnType::binary},
    {256, "CallbackData", ColumnType::long_binary},
    {257, "CallbackDependencies", ColumnType::long_binary},
    {258, "SeparateLV", ColumnType::long_binary},
    {259, "SpaceHints", ColumnType::long_binary},
    {260, "SpaceDeferredLVHints", ColumnType::long_binary},
    {261, "LocaleName", ColumnType::long_binary},
};

Table make_catalog_table() {
  Table table;
  table.name = "MSysObjects";
  table.objid = Objid::catalog;
  table.root = Pgno{4};
  table.flags = kTableSystem | kTableFixedColumns;
  std::size_t offset = 4;
  for (const CatalogColumn& row : kCatalogColumns) {
    Column column;
    column.id = ColumnId{row.id};
    column.type = row.type;
    column.name = row.name;
    column.code_page = is_text(row.type) ? 1252 : 0;
    column.size = static_cast<std::uint32_t>(fixed_bytes_of(row.type));
    column.offset = offset;
    if (is_fixed(column.id)) offset += column.size;
    table.columns.push_back(column);
  }
  return table;
}

}  // namespace

std::string_view name_of(ColumnType type) noexcept {
  const TypeRow* row = row_of(type);
  return row == nullptr ? "unknown" : row->name;
}

std::size_t fixed_bytes_of(ColumnType type) noexcept {
  const TypeRow* row = row_of(type);
  return row == nullptr ? 0 : row->bytes;
}

const Column* Table::find_column(ColumnId id, bool of_template) const {
  for (const Column& column : columns) {
    if (column.id == id && column.of_template == of_template) return &column;
  }
  return nullptr;
}

const Index* Table::primary_index() const {
  for (const Index& index : indexes) {
    if (index.primary()) return &index;
  }
  return nullptr;
}

const Table* Schema::find(std::string_view name) const {
  const auto found = std::find_if(tables.begin(), tables.end(),
                                  [&](const Table& table) { return table.name == name; });
  return found == tables.end() ? nullptr : &*found;
}

const Table& catalog_table() {
  static const Table table = make_catalog_table();
  return table;
}

}  // namespace stillframe::ese
