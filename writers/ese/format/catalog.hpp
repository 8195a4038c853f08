// The catalog: the table that describes all tables. docs/formats/catalog.md has its columns.
#pragma once

#include <string>
#include <vector>

#include "writers/ese/format/long_values.hpp"
#include "writers/ese/format/page_source.hpp"
#include "writers/ese/format/schema.hpp"

namespace stillframe::ese {

inline constexpr Pgno kCatalogRoot{4};
inline constexpr Pgno kShadowCatalogRoot{24};

enum class CatalogType : std::int16_t {
  table = 1,
  column = 2,
  index = 3,
  long_values = 4,
  callback = 5
};

// The columns of the catalog that are written here.
enum CatalogColumnId : std::uint16_t {
  kObjidTable = 1,
  kType = 2,
  kId = 3,
  kTypeOrRoot = 4,
  kSpaceUsage = 5,
  kFlags = 6,
  kPagesOrLocale = 7,
  kRootFlag = 8,
  kRecordOffset = 9,
  kMapFlags = 10,
  kKeyMost = 11,
  kChunkMax = 12,
  kName = 128,
  kTemplate = 130,
  kDefault = 131,
  kKeyFields = 132,
  kVarSegMac = 133,
  kConditions = 134,
  kTuples = 135,
  kLocale = 261,
};

// One row of the catalog.
struct CatalogRow {
  Objid table{};
  CatalogType type{};
  std::uint32_t id = 0;            // an objid; of a column its number
  std::uint32_t type_or_root = 0;  // of a column its type, else the tree's root
  std::uint32_t space_usage = 0;   // of a column its size, else the density
  std::uint32_t flags = 0;
  std::uint32_t pages_or_locale = 0;
  std::uint32_t map_flags = 0;
  std::uint16_t key_bytes_max = 0;  // 0: not said
  std::uint16_t variable_bytes_max = 0;
  std::uint32_t chunk_bytes = 0;
  std::string name;
  std::string template_name;
  std::vector<std::byte> default_value, segments, conditions, tuple_limits;
  std::string locale;

  friend bool operator==(const CatalogRow&, const CatalogRow&) = default;
};

// One row from its record in the catalog.
Result<CatalogRow> decode_catalog_row(const LongValueReader& long_values, Bytes record,
                                      bool large_page);

// All rows of the catalog at `root`, in its order.
Result<std::vector<CatalogRow>> read_catalog(const PageSource& source, Pgno root, Objid objid);

// What the rows describe. `update_major` of the database decides what rows leave out.
Result<Schema> build_schema(const std::vector<CatalogRow>& rows, std::size_t page_bytes,
                            std::uint32_t update_major);

// The schema of a database: from its catalog, or from the shadow catalog if that is what can be
// read.
Result<Schema> read_schema(const PageSource& source, std::uint32_t update_major);

}  // namespace stillframe::ese
