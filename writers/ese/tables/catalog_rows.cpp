#include "writers/ese/tables/catalog_rows.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace stillframe::ese {

namespace {

constexpr std::byte kTrue{0xFF};
constexpr std::uint16_t kKeyBytesUnsaid = 255;
constexpr std::uint32_t kMapFlagsUsual = 0x30401;
constexpr std::uint32_t kLongValueDensity = 100, kDensityUsual = 80;
constexpr std::uint32_t kExtended = 0x10000;
constexpr std::uint8_t kSegmentTemplate = 0x80, kSegmentDescending = 0x40, kSegmentNull = 0x20;
constexpr std::uint32_t kShortColumnBytesMax = 255;
constexpr std::uint16_t kNotNullLast = 7;  // of the catalog's fixed columns

template <class T>
Value little(T number) {
  Value value(sizeof number);
  store_le(value.data(), number);
  return value;
}

Value text(const std::string& from) {
  const auto* bytes = reinterpret_cast<const std::byte*>(from.data());
  return {bytes, bytes + from.size()};
}

std::vector<std::byte> encode_segments(const std::vector<IndexSegment>& segments) {
  std::vector<std::byte> bytes;
  for (const IndexSegment& segment : segments) {
    const unsigned flags = (segment.of_template ? kSegmentTemplate : 0U) |
                           (segment.descending ? kSegmentDescending : 0U) |
                           (segment.must_be_null ? kSegmentNull : 0U);
    const Value one =
        little(std::uint32_t{static_cast<std::uint16_t>(segment.column)} << 16 | flags);
    bytes.insert(bytes.end(), one.begin(), one.end());
  }
  return bytes;
}

std::uint32_t number(Pgno pgno) {
  return static_cast<std::uint32_t>(pgno);
}
std::uint32_t number(Objid objid) {
  return static_cast<std::uint32_t>(objid);
}

Index catalog_index(std::string name, Objid objid, Pgno root, std::uint32_t flags,
                    std::initializer_list<std::uint16_t> columns) {
  Index index;
  index.name = std::move(name);
  index.objid = objid;
  index.root = root;
  index.flags = flags | kExtended;
  index.density = kDensityUsual;
  for (const std::uint16_t column : columns) index.segments.push_back({ColumnId{column}});
  return index;
}

// Both catalogs have the same columns, and differ in their indexes.
Table catalog_like(std::string name, Objid objid, Pgno root, std::uint32_t pages) {
  Table table = catalog_table();
  table.name = std::move(name);
  table.objid = objid;
  table.root = root;
  table.density = kDensityUsual;
  table.initial_pages = pages;
  std::erase_if(table.columns, [](const Column& column) {
    return column.name == "PgnoFDPLastSetTime";  // of newer databases than those made here
  });
  for (Column& column : table.columns) {
    const auto id = static_cast<std::uint16_t>(column.id);
    if (id <= kNotNullLast || id == kName) column.flags |= kColumnNotNull;
    if (!is_fixed(column.id) && !is_tagged(column.id)) column.size = kShortColumnBytesMax;
    column.code_page = 1252;
  }
  table.indexes.push_back(catalog_index("Id", objid, root,
                                        kIndexUnique | kIndexNoNullSegment | kIndexPrimary,
                                        {kObjidTable, kType, kId}));
  return table;
}

}  // namespace

CatalogRow row_of(const Table& table) {
  CatalogRow row;
  row.table = table.objid;
  row.type = CatalogType::table;
  row.id = number(table.objid);
  row.type_or_root = number(table.root);
  row.space_usage = table.density;
  row.flags = table.flags;
  row.pages_or_locale = table.initial_pages;
  row.name = table.name;
  return row;
}

CatalogRow row_of(const Table& table, const Column& column) {
  CatalogRow row;
  row.table = table.objid;
  row.type = CatalogType::column;
  row.id = static_cast<std::uint16_t>(column.id);
  row.type_or_root = static_cast<std::uint32_t>(column.type);
  row.space_usage = column.size;
  row.flags = column.flags;
  row.pages_or_locale = column.code_page;
  row.name = column.name;
  row.default_value = column.default_value;
  return row;
}

CatalogRow row_of(const Table& table, const Index& index) {
  CatalogRow row;
  row.table = table.objid;
  row.type = CatalogType::index;
  row.id = number(index.objid);
  row.type_or_root = number(index.root);
  row.space_usage = index.density;
  row.flags = index.flags;
  row.map_flags = kMapFlagsUsual;
  if (index.key_bytes_max != kKeyBytesUnsaid) row.key_bytes_max = index.key_bytes_max;
  row.name = index.name;
  row.segments = encode_segments(index.segments);
  row.conditions = encode_segments(index.conditions);
  return row;
}

CatalogRow row_of_long_values(const Table& table, Objid objid, Pgno root) {
  CatalogRow row;
  row.table = table.objid;
  row.type = CatalogType::long_values;
  row.id = number(objid);
  row.type_or_root = number(root);
  row.space_usage = kLongValueDensity;
  row.pages_or_locale = 1;
  row.name = "LV";
  return row;
}

RowValues values_of(const CatalogRow& row, std::size_t offset) {
  RowValues values;
  const auto put = [&](CatalogColumnId id, Value value) {
    values[ColumnId{id}] = {std::move(value)};
  };
  put(kObjidTable, little(row.table));
  put(kType, little(row.type));
  put(kId, little(row.id));
  put(kTypeOrRoot, little(row.type_or_root));
  put(kSpaceUsage, little(row.space_usage));
  put(kFlags, little(row.flags));
  put(kPagesOrLocale, little(row.pages_or_locale));
  if (row.type == CatalogType::table) put(kRootFlag, {kTrue});
  if (offset != 0) put(kRecordOffset, little(static_cast<std::uint16_t>(offset)));
  if (row.map_flags != 0) put(kMapFlags, little(row.map_flags));
  if (row.key_bytes_max != 0) put(kKeyMost, little(row.key_bytes_max));
  put(kName, text(row.name));
  if (!row.default_value.empty()) put(kDefault, row.default_value);
  if (!row.segments.empty()) put(kKeyFields, row.segments);
  if (!row.conditions.empty()) put(kConditions, row.conditions);
  return values;
}

Table catalog_definition() {
  constexpr std::uint32_t kPages = 20;
  Table table = catalog_like("MSysObjects", Objid::catalog, kCatalogRoot, kPages);
  table.indexes.push_back(catalog_index(
      "Name", Objid{4}, Pgno{7}, kIndexUnique | kIndexNoNullSegment, {kObjidTable, kType, kName}));
  table.indexes.push_back(catalog_index("RootObjects", Objid{5}, Pgno{10},
                                        kIndexUnique | kIndexAllowSomeNulls, {kRootFlag, kName}));
  return table;
}

Table shadow_catalog_definition(std::size_t page_bytes) {
  return catalog_like("MSysObjectsShadow", Objid::shadow_catalog, kShadowCatalogRoot,
                      page_bytes == 2048 ? 6 : 5);
}

Table object_ids_definition(Pgno root) {
  Table table;
  table.name = "MSysObjids";
  table.objid = kObjectIds;
  table.root = root;
  table.flags = kTableSystem | kTableFixedColumns | kTableDynamicSystem;
  table.density = kLongValueDensity;
  const auto add = [&](std::uint16_t id, const char* name, ColumnType type) {
    Column column;
    column.id = ColumnId{id};
    column.name = name;
    column.type = type;
    column.size = static_cast<std::uint32_t>(fixed_bytes_of(type));
    table.columns.push_back(std::move(column));
  };
  add(kObjectIdsObject, "objid", ColumnType::long_int);
  add(kObjectIdsTable, "objidTable", ColumnType::long_int);
  add(kObjectIdsType, "type", ColumnType::short_int);
  Index primary = catalog_index("primary", kObjectIds, root,
                                kIndexUnique | kIndexPrimary | kIndexAllowAllNulls |
                                    kIndexAllowFirstNull | kIndexAllowSomeNulls,
                                {kObjectIdsObject});
  primary.density = kLongValueDensity;
  table.indexes.push_back(std::move(primary));
  return table;
}

}  // namespace stillframe::ese
