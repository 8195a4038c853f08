// The values of a row, wherever they are kept: in the record, in the long-value tree, or as the
// default of their column.
#pragma once

#include <optional>
#include <vector>

#include "writers/ese/format/long_values.hpp"
#include "writers/ese/format/record.hpp"
#include "writers/ese/format/schema.hpp"

namespace stillframe::ese {

using Value = std::vector<std::byte>;
// No element: null. Several: a multi-valued column.
using Values = std::vector<Value>;

class RowReader {
 public:
  RowReader(const PageSource& source, const Table& table);

  // The values of `column` in `record`, which is one of the table's.
  Result<Values> values(const RecordView& record, const Column& column);
  // The column's tagged entry is all that is needed to know the LIDs a row refers to.
  LongValues& long_values() { return long_values_; }

 private:
  Result<Value> value(const StoredValue& stored);

  LongValues long_values_;
};

}  // namespace stillframe::ese
