// What a database contains: tables, columns, indexes. docs/formats/catalog.md says how it is kept.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "writers/ese/format/record.hpp"
#include "writers/ese/format/small_types.hpp"

namespace stillframe::ese {

enum class ColumnType : std::uint16_t {
  none = 0,  // of a deleted column
  bit = 1,
  unsigned_byte = 2,
  short_int = 3,
  long_int = 4,
  currency = 5,
  ieee_single = 6,
  ieee_double = 7,
  date_time = 8,
  binary = 9,
  text = 10,
  long_binary = 11,
  long_text = 12,
  super_long = 13,  // obsolete
  unsigned_long = 14,
  long_long = 15,
  guid = 16,
  unsigned_short = 17,
  unsigned_long_long = 18,
};
std::string_view name_of(ColumnType type) noexcept;
// 0 for the types whose size a column or a value decides.
std::size_t fixed_bytes_of(ColumnType type) noexcept;
constexpr bool is_text(ColumnType type) {
  return type == ColumnType::text || type == ColumnType::long_text;
}

inline constexpr std::uint32_t kUnicodePage = 1200;

enum ColumnFlag : std::uint32_t {
  kColumnNotNull = 0x1,
  kColumnVersion = 0x2,
  kColumnAutoIncrement = 0x4,
  kColumnMultiValued = 0x8,
  kColumnHasDefault = 0x10,
  kColumnEscrow = 0x20,
  kColumnFinalize = 0x40,
  kColumnUserDefault = 0x80,
  kColumnTemplate = 0x100,
  kColumnDeleteOnZero = 0x200,
  kColumnPlaceholder = 0x800,
  kColumnCompressed = 0x1000,
  kColumnEncrypted = 0x2000,
};

enum IndexFlag : std::uint32_t {
  kIndexUnique = 0x1,
  kIndexAllowAllNulls = 0x2,
  kIndexAllowFirstNull = 0x4,
  kIndexAllowSomeNulls = 0x8,
  kIndexNoNullSegment = 0x10,
  kIndexPrimary = 0x20,
  kIndexMultiValued = 0x80,
  kIndexLocalizedText = 0x400,
  kIndexNullsHigh = 0x800,
  kIndexCrossProduct = 0x2000,
  kIndexDisallowTruncation = 0x4000,
  kIndexDotNetGuid = 0x20000,
  kIndexDeferredPopulation = 0x40000,
};

enum TableFlag : std::uint32_t {
  kTableSystem = 0x80000000,
  kTableFixedColumns = 0x40000000,
  kTableTemplate = 0x20000000,
  kTableDerived = 0x10000000,
  kTableDynamicSystem = 0x08000000,
};

struct Column {
  ColumnId id{};
  ColumnType type = ColumnType::none;
  std::uint32_t size = 0;
  std::uint32_t flags = 0;
  std::uint32_t code_page = 0;
  std::string name;
  std::vector<std::byte> default_value;
  bool of_template = false;  // inherited: its values say so in records
  std::size_t offset = 0;    // of a fixed column, in the record

  bool unicode() const { return is_text(type) && code_page == kUnicodePage; }
};

struct IndexSegment {
  ColumnId column{};
  bool of_template = false;
  bool descending = false;
  bool must_be_null = false;  // of a condition; otherwise the column must not be null
};

struct Index {
  std::string name;
  Objid objid{};
  Pgno root{};
  std::uint32_t flags = 0;
  std::uint32_t density = 0;
  std::uint32_t lcid = 0;
  std::string locale;
  std::uint32_t map_flags = 0;
  std::uint16_t key_bytes_max = 255;
  std::uint16_t variable_bytes_max = 255;
  std::vector<IndexSegment> segments;
  std::vector<IndexSegment> conditions;
  bool tuples = false;  // indexes pieces of a column

  bool unique() const { return (flags & kIndexUnique) != 0; }
  bool primary() const { return (flags & kIndexPrimary) != 0; }
};

struct Table {
  std::string name;
  Objid objid{};
  Pgno root{};
  std::uint32_t flags = 0;
  std::uint32_t initial_pages = 0;
  std::uint32_t density = 0;
  std::string template_name;
  std::uint32_t chunk_bytes = 0;  // of its long values
  std::vector<Column> columns;    // those of its template first, each group by id
  std::vector<Index> indexes;
  Objid long_values_objid{};
  Pgno long_values_root{};  // null: it has none

  bool system() const { return (flags & kTableSystem) != 0; }
  const Column* find_column(ColumnId id, bool of_template) const;
  const Index* primary_index() const;
};

struct Schema {
  std::vector<Table> tables;  // in the order of their objids

  const Table* find(std::string_view name) const;
};

// What the catalog would say of MSysObjects and its shadow: known before any page is read.
const Table& catalog_table();

}  // namespace stillframe::ese
