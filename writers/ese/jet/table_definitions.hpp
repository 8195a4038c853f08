// What callers say of columns and indexes, as the engine is told, and back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <stillframe/result.hpp>

#include "writers/ese/jet/answer.hpp"
#include "writers/ese/jet/text.hpp"
#include "writers/ese/tables/table_spec.hpp"

namespace stillframe::ese::jet {

struct ColumnRequest {
  std::string name;
  JET_COLTYP type = JET_coltypNil;
  std::uint32_t code_page = 0;
  std::uint32_t bytes_max = 0;
  JET_GRBIT grbit = 0;
  Bytes default_value{};
};
// InvalidColumnType, InvalidCodePage, InvalidGrbit, FeatureNotAvailable.
Result<ColumnSpec> column_spec(const ColumnRequest& request);

struct IndexRequest {
  std::string name;
  std::vector<std::string> key;  // "+column", "-column"
  JET_GRBIT grbit = 0;
  std::uint32_t density = 0;
  std::vector<ConditionSpec> conditions{};
  std::uint32_t key_bytes_max = 0;
};
// IndexInvalidDef, InvalidGrbit, DensityInvalid, FeatureNotAvailable.
Result<IndexSpec> index_spec(const IndexRequest& request);

// What a JET_INDEXCREATE, in either form, asks for.
template <class Create>
Result<IndexRequest> index_request(const Create& create) {
  constexpr std::size_t kWithoutKeyMost = offsetof(Create, cbKeyMost);
  const bool short_form = create.cbStruct == kWithoutKeyMost;
  if (!short_form && create.cbStruct != sizeof create) {
    return jet_error(JET_errInvalidParameter, "a JET_INDEXCREATE is of odd size");
  }
  IndexRequest request{utf8(create.szIndexName), list_of(create.szKey, create.cbKey), create.grbit,
                       create.ulDensity};
  if (create.cbVarSegMac != 0) {
    return jet_error(JET_errFeatureNotAvailable, "columns have no limit of their own in a key");
  }
  for (std::uint32_t i = 0; i < create.cConditionalColumn; ++i) {
    const auto& condition = create.rgconditionalcolumn[i];
    const bool null = condition.grbit == JET_bitIndexColumnMustBeNull;
    if (!null && condition.grbit != JET_bitIndexColumnMustBeNonNull) {
      return jet_error(JET_errInvalidGrbit, "a condition is that a column is null, or is not");
    }
    request.conditions.push_back({utf8(condition.szColumnName), null});
  }
  if (!short_form && (create.grbit & JET_bitIndexKeyMost) != 0) {
    request.key_bytes_max = create.cbKeyMost;
  }
  return request;
}

// Nothing for a null pointer.
inline Bytes bytes_at(const void* data, std::uint32_t bytes) {
  return data == nullptr ? Bytes{} : Bytes(static_cast<const std::byte*>(data), bytes);
}

// 80 where the caller leaves it open; DensityInvalid.
Result<std::uint32_t> density_of(std::uint32_t asked);

// What an application would have said to get this column.
JET_GRBIT grbit_of(const Column& column);

}  // namespace stillframe::ese::jet
