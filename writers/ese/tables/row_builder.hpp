// Makes the record of a row from the values of its columns, and puts what is too long for it
// elsewhere.
#pragma once

#include <map>
#include <vector>

#include <stillframe/result.hpp>

#include "writers/ese/format/loose_record.hpp"
#include "writers/ese/format/row.hpp"
#include "writers/ese/tables/long_value_store.hpp"

namespace stillframe::ese {

// What columns shall hold; no element: null.
using RowValues = std::map<ColumnId, Values>;

// A value of a long column that is longer goes to the table's tree of long values.
inline constexpr std::size_t kIntrinsicBytesMax = 1023;

// How a column's long values are kept.
Packing packing_of(const Column& column);

class RowBuilder {
 public:
  // Of a new row, or of one that is changed. Both outlive it.
  RowBuilder(const Table& table, LongValueStore& long_values, std::size_t page_bytes)
      : table_(table), long_values_(long_values), page_bytes_(page_bytes), record_(table) {}
  RowBuilder(const Table& table, LongValueStore& long_values, std::size_t page_bytes,
             LooseRecord record)
      : table_(table),
        long_values_(long_values),
        page_bytes_(page_bytes),
        record_(std::move(record)) {}

  // ColumnTooBig, ColumnDoesNotFit, NullInvalid, MultiValuedColumnMustBeTagged for values that the
  // column cannot hold.
  Status set(const Column& column, const Values& values);

  // The record for a node whose key has `key_bytes`; long values leave it until it fits.
  // RecordTooBig if it never does.
  Result<std::vector<std::byte>> finish(std::size_t key_bytes);
  // The row does not refer to these any more.
  const std::vector<Lid>& released() const { return released_; }

 private:
  Status set_tagged(const Column& column, const Values& values);
  Result<LooseValue> store(const Column& column, const Value& value, bool alone);
  Result<bool> separate_longest();

  const Table& table_;
  LongValueStore& long_values_;
  const std::size_t page_bytes_;
  LooseRecord record_;
  std::vector<Lid> released_;
};

}  // namespace stillframe::ese
