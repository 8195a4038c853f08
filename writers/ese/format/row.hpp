// The values of a row, wherever they are kept: in the record, in the long-value tree, or as the
// default of their column.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "writers/ese/format/long_values.hpp"
#include "writers/ese/format/record.hpp"
#include "writers/ese/format/schema.hpp"

namespace stillframe::ese {

using Value = std::vector<std::byte>;
// No element: null. Several: a multi-valued column.
using Values = std::vector<Value>;

// The value of a fixed or variable column where it is kept: in the record, or in the column as its
// default. None for null.
Result<std::optional<Bytes>> value_in_place(const RecordView& record, const Column& column);

class RowReader {
 public:
  // Long values come from the tree of `table`.
  RowReader(const PageSource& source, const Table& table)
      : own_(std::make_unique<LongValues>(source, table)), long_values_(own_.get()) {}
  // It outlives the reader.
  explicit RowReader(const LongValueReader& long_values) : long_values_(&long_values) {}

  // The values of `column` in `record`, which is one of the table's.
  Result<Values> values(const RecordView& record, const Column& column);

 private:
  Result<Value> value(const StoredValue& stored);

  std::unique_ptr<LongValues> own_;
  const LongValueReader* long_values_;
};

}  // namespace stillframe::ese
