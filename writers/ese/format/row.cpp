#include "writers/ese/format/row.hpp"

#include "writers/ese/format/compression.hpp"
#include "writers/ese/format/ese_error.hpp"

namespace stillframe::ese {

namespace {

Value value_of(Bytes bytes) {
  return {bytes.begin(), bytes.end()};
}

std::optional<Bytes> default_of(const Column& column) {
  const bool has = (column.flags & kColumnHasDefault) != 0 &&
                   (column.flags & kColumnUserDefault) == 0 && !column.default_value.empty();
  return has ? std::optional<Bytes>(column.default_value) : std::nullopt;
}

Values only_value(const std::optional<Bytes>& bytes) {
  Values values;
  if (bytes) values.push_back(value_of(*bytes));
  return values;
}

}  // namespace

Result<std::optional<Bytes>> value_in_place(const RecordView& record, const Column& column) {
  if (!is_fixed(column.id)) {
    return record.stores_variable(column.id) ? record.variable(column.id) : default_of(column);
  }
  if (!record.stores_fixed(column.id)) return default_of(column);
  if (record.fixed_is_null(column.id)) return std::optional<Bytes>();
  const auto bytes = record.fixed(column.offset, column.size);
  if (bytes) return bytes;
  return ese_error(EseErr::database_corrupted,
                   "a record's fixed part ends before column '" + column.name + "'");
}

Result<Values> RowReader::values(const RecordView& record, const Column& column) {
  if (is_tagged(column.id)) {
    auto tagged = record.find_tagged(column.id, column.of_template);
    if (!tagged.ok()) return tagged.error();
    if (!tagged.value()) return only_value(default_of(column));
    Values values;
    for (const StoredValue& stored : tagged.value()->values) {
      Result<Value> one = value(stored);
      if (!one.ok()) return one.error().while_doing("column '" + column.name + "'");
      values.push_back(std::move(one).value());
    }
    return values;
  }
  const auto bytes = value_in_place(record, column);
  return bytes.ok() ? Result<Values>(only_value(bytes.value())) : bytes.error();
}

Result<Value> RowReader::value(const StoredValue& stored) {
  if (stored.encrypted) {
    return ese_error(EseErr::decompression_failed, "the value is encrypted by its application");
  }
  if (stored.separated) return long_values_->read(stored.lid());
  if (stored.compressed) return decompress(stored.bytes);
  return value_of(stored.bytes);
}

}  // namespace stillframe::ese
