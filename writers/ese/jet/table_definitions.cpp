#include "writers/ese/jet/table_definitions.hpp"

namespace stillframe::ese::jet {

namespace {

constexpr std::uint32_t kAscii = 1252, kUnicode = kUnicodePage;
constexpr std::uint32_t kUsualDensity = 80, kDensityMin = 20, kDensityMax = 100;

struct FlagPair {
  JET_GRBIT bit;
  std::uint32_t flag;
};
constexpr FlagPair kColumnFlags[] = {
    {JET_bitColumnNotNULL, kColumnNotNull},
    {JET_bitColumnVersion, kColumnVersion},
    {JET_bitColumnAutoincrement, kColumnAutoIncrement},
    {JET_bitColumnMultiValued, kColumnMultiValued},
    {JET_bitColumnEscrowUpdate, kColumnEscrow},
    {JET_bitColumnCompressed, kColumnCompressed},
};
constexpr JET_GRBIT kColumnPlaces = JET_bitColumnFixed | JET_bitColumnTagged;
// Without effect: what is added is versioned, and every column can be changed.
constexpr JET_GRBIT kColumnHints = JET_bitColumnUnversioned | JET_bitColumnUpdatable;
constexpr JET_GRBIT kColumnNotOffered = JET_bitColumnUserDefinedDefault | JET_bitColumnDeleteOnZero;

constexpr JET_GRBIT kIgnoreNulls =
    JET_bitIndexIgnoreNull | JET_bitIndexIgnoreAnyNull | JET_bitIndexIgnoreFirstNull;
// Without effect: an index is filled, versioned and logged as any row is.
constexpr JET_GRBIT kIndexHints =
    JET_bitIndexLazyFlush | JET_bitIndexUnversioned | JET_bitIndexKeyMost;
constexpr JET_GRBIT kIndexOffered = JET_bitIndexUnique | JET_bitIndexPrimary |
                                    JET_bitIndexDisallowNull | kIgnoreNulls |
                                    JET_bitIndexSortNullsHigh | JET_bitIndexCrossProduct |
                                    JET_bitIndexDisallowTruncation | kIndexHints;
constexpr JET_GRBIT kIndexNotOffered =
    JET_bitIndexEmpty | JET_bitIndexUnicode | JET_bitIndexTuples | JET_bitIndexTupleLimits;

Status check_offered(JET_GRBIT grbit, JET_GRBIT offered, JET_GRBIT not_offered, const char* what) {
  if ((grbit & ~(offered | not_offered)) != 0) {
    return jet_error(JET_errInvalidGrbit, std::string(what) + " has no such option");
  }
  if ((grbit & not_offered) == 0) return Ok{};
  return jet_error(JET_errFeatureNotAvailable,
                   std::string(what) + " was asked for what is not offered");
}

std::uint32_t null_flags(JET_GRBIT grbit) {
  if ((grbit & JET_bitIndexDisallowNull) != 0) return kIndexNoNullSegment;
  if ((grbit & JET_bitIndexIgnoreAnyNull) != 0) return 0;
  std::uint32_t flags = kIndexAllowSomeNulls;
  if ((grbit & JET_bitIndexIgnoreNull) == 0) flags |= kIndexAllowAllNulls;
  if ((grbit & JET_bitIndexIgnoreFirstNull) == 0) flags |= kIndexAllowFirstNull;
  return flags;
}

}  // namespace

Result<ColumnSpec> column_spec(const ColumnRequest& request) {
  JET_GRBIT offered = kColumnPlaces | kColumnHints;
  for (const FlagPair& pair : kColumnFlags) offered |= pair.bit;
  if (Status s = check_offered(request.grbit, offered, kColumnNotOffered, "a column"); !s.ok()) {
    return s.error();
  }
  if ((request.grbit & kColumnPlaces) == kColumnPlaces) {
    return jet_error(JET_errInvalidGrbit, "a column is fixed or tagged, not both");
  }
  ColumnSpec spec;
  spec.name = request.name;
  spec.type = static_cast<ColumnType>(request.type);
  if (request.type == JET_coltypNil || request.type > JET_coltypUnsignedLongLong) {
    return jet_error(JET_errInvalidColumnType, "'" + request.name + "' is of no type there is");
  }
  const bool known_page =
      request.code_page == 0 || request.code_page == kAscii || request.code_page == kUnicode;
  if (is_text(spec.type) && !known_page) {
    return jet_error(JET_errInvalidCodePage, "text is of code page 1252 or 1200");
  }
  spec.code_page = request.code_page == 0 ? kAscii : request.code_page;
  if ((request.grbit & JET_bitColumnFixed) != 0) spec.place = ColumnPlace::fixed;
  if ((request.grbit & JET_bitColumnTagged) != 0) spec.place = ColumnPlace::tagged;
  spec.size = fixed_bytes_of(spec.type) != 0 ? 0 : request.bytes_max;
  for (const FlagPair& pair : kColumnFlags) {
    if ((request.grbit & pair.bit) != 0) spec.flags |= pair.flag;
  }
  spec.default_value.assign(request.default_value.begin(), request.default_value.end());
  return spec;
}

JET_GRBIT grbit_of(const Column& column) {
  JET_GRBIT grbit = JET_bitColumnUpdatable;
  if (is_fixed(column.id)) grbit |= JET_bitColumnFixed;
  if (is_tagged(column.id)) grbit |= JET_bitColumnTagged;
  for (const FlagPair& pair : kColumnFlags) {
    if ((column.flags & pair.flag) != 0) grbit |= pair.bit;
  }
  return grbit;
}

Result<std::uint32_t> density_of(std::uint32_t asked) {
  if (asked == 0) return kUsualDensity;
  if (asked >= kDensityMin && asked <= kDensityMax) return asked;
  return jet_error(JET_errDensityInvalid, "pages are filled to 20 to 100 per cent");
}

Result<IndexSpec> index_spec(const IndexRequest& request) {
  Status offered = check_offered(request.grbit, kIndexOffered, kIndexNotOffered, "an index");
  if (!offered.ok()) return offered.error();
  const bool primary = (request.grbit & JET_bitIndexPrimary) != 0;
  if (primary && (request.grbit & kIgnoreNulls) != 0) {
    return jet_error(JET_errInvalidGrbit, "a primary index has every row");
  }
  const auto density = density_of(request.density);
  if (!density.ok()) return density.error();
  IndexSpec spec;
  spec.name = request.name;
  spec.density = density.value();
  spec.conditions = request.conditions;
  spec.key_bytes_max = static_cast<std::uint16_t>(request.key_bytes_max);
  for (const std::string& part : request.key) {
    if (part.size() < 2 || (part.front() != '+' && part.front() != '-')) {
      return jet_error(JET_errIndexInvalidDef,
                       "the key of '" + request.name + "' is a list of '+column' and '-column'");
    }
    spec.segments.push_back({part.substr(1), part.front() == '-'});
  }
  spec.flags = null_flags(request.grbit);
  if (primary) spec.flags |= kIndexPrimary;
  if ((request.grbit & JET_bitIndexUnique) != 0) spec.flags |= kIndexUnique;
  if ((request.grbit & JET_bitIndexSortNullsHigh) != 0) spec.flags |= kIndexNullsHigh;
  if ((request.grbit & JET_bitIndexCrossProduct) != 0) spec.flags |= kIndexCrossProduct;
  if ((request.grbit & JET_bitIndexDisallowTruncation) != 0) {
    spec.flags |= kIndexDisallowTruncation;
  }
  return spec;
}

}  // namespace stillframe::ese::jet
