// What an application says of a table, a column or an index that is to be made, and the rules it
// has to keep.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <stillframe/result.hpp>

#include "writers/ese/format/schema.hpp"

namespace stillframe::ese {

// Where a column lies in records. Long columns are always tagged; what has a size of its own is
// fixed, and the rest variable, unless something else is asked for.
enum class ColumnPlace { usual, fixed, variable, tagged };

struct ColumnSpec {
  std::string name;
  ColumnType type = ColumnType::none;
  ColumnPlace place = ColumnPlace::usual;
  std::uint32_t size = 0;   // of text and binary: the longest; 0: 255, of long columns no limit
  std::uint32_t flags = 0;  // ColumnFlag; that it has a default follows from that
  std::uint32_t code_page = 1252;  // of text
  std::vector<std::byte> default_value{};
};

struct SegmentSpec {
  std::string column;
  bool descending = false;
};

struct ConditionSpec {
  std::string column;
  bool must_be_null = false;
};

// Rows of any nulls are in the index unless flags say otherwise.
inline constexpr std::uint32_t kIndexAllNulls =
    kIndexAllowAllNulls | kIndexAllowFirstNull | kIndexAllowSomeNulls;

struct IndexSpec {
  std::string name;
  std::uint32_t flags = kIndexAllNulls;  // IndexFlag
  std::vector<SegmentSpec> segments{};
  std::vector<ConditionSpec> conditions{};
  std::uint16_t key_bytes_max = 0;  // 0: 255
  std::uint32_t density = 80;
};

struct TableSpec {
  std::string name;
  std::uint32_t pages = 1;
  std::uint32_t density = 80;
  std::vector<ColumnSpec> columns{};
  std::vector<IndexSpec> indexes{};
};

// InvalidName.
Status check_name(std::string_view name);

// The column as it would be in `table`, with its number and place. ColumnDuplicate,
// ColumnRedundant, InvalidColumnType, TaggedNotNULL, CannotBeTagged, MultiValuedColumnMustBeTagged,
// DefaultValueTooBig, TableNotEmpty for rows that would have to be changed; limit_reached.
Result<Column> design_column(const Table& table, const ColumnSpec& spec, bool table_empty);

// The index as it would be in `table`, without its tree. IndexDuplicate, IndexHasPrimary,
// ColumnNotFound, IndexInvalidDef, UnicodeTranslationFail.
Result<Index> design_index(const Table& table, const IndexSpec& spec, std::size_t page_bytes);

const Column* find_column(const Table& table, std::string_view name);
const Index* find_index(const Table& table, std::string_view name);
// Names differ by more than the case of ASCII letters.
bool same_name(std::string_view a, std::string_view b);

}  // namespace stillframe::ese
