#include "writers/ese/jet/copy_buffer.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "writers/ese/jet/answer.hpp"
#include "writers/ese/tables/all_or_nothing.hpp"

namespace stillframe::ese::jet {

namespace {

constexpr std::uint32_t kCounted = kColumnVersion | kColumnAutoIncrement;
constexpr JET_GRBIT kParts = JET_bitSetAppendLV | JET_bitSetOverwriteLV | JET_bitSetSizeLV;
constexpr JET_GRBIT kHints =
    JET_bitSetSeparateLV | JET_bitSetIntrinsicLV | JET_bitSetUncompressed | JET_bitSetCompressed;
constexpr JET_GRBIT kSetColumnBits = kParts | kHints | JET_bitSetZeroLength |
                                     JET_bitSetUniqueMultiValues | JET_bitSetRevertToDefaultValue;
constexpr std::uint32_t kLongValueBytesMax = 0x7FFFFFFF;

bool is_long(const Column& column) {
  return column.type == ColumnType::long_binary || column.type == ColumnType::long_text;
}

Error refused(JET_ERR number, const Column& column, const std::string& why) {
  return jet_error(number, "column '" + column.name + "' " + why);
}

LongValueEdit edit_of(const SetRequest& request) {
  LongValueEdit edit;
  edit.bytes.assign(request.data.begin(), request.data.end());
  if ((request.grbit & JET_bitSetAppendLV) != 0) {
    edit.kind = LongValueEdit::Kind::append;
  } else if ((request.grbit & JET_bitSetSizeLV) != 0) {
    edit.kind = LongValueEdit::Kind::resize;
    edit.size = request.data_bytes;
    edit.bytes.clear();
  } else {
    edit.offset = request.offset;
  }
  return edit;
}

void apply_edit(const LongValueEdit& edit, Value& value) {
  if (edit.kind == LongValueEdit::Kind::resize) {
    value.resize(edit.size);
    return;
  }
  const std::size_t from = edit.kind == LongValueEdit::Kind::append ? value.size() : edit.offset;
  value.resize(std::max(value.size(), from + edit.bytes.size()));
  std::copy(edit.bytes.begin(), edit.bytes.end(),
            value.begin() + static_cast<std::ptrdiff_t>(from));
}

// The options are those there are, and fit the column.
Status check(const Column& column, const SetRequest& request) {
  if ((request.grbit & JET_bitSetUniqueNormalizedMultiValues) != 0) {
    return jet_error(JET_errFeatureNotAvailable, "values are compared as bytes only");
  }
  const JET_GRBIT parts = request.grbit & kParts;
  const bool pair = parts == (JET_bitSetOverwriteLV | JET_bitSetSizeLV);
  if ((request.grbit & ~kSetColumnBits) != 0 || ((parts & (parts - 1)) != 0 && !pair)) {
    return jet_error(JET_errInvalidGrbit, "the options of JetSetColumn do not go together");
  }
  if ((column.flags & kCounted) != 0) {
    return refused(JET_errInvalidColumnType, column, "is counted by the engine");
  }
  if (parts != 0 && !is_long(column)) {
    return refused(JET_errInvalidGrbit, column, "has no long values");
  }
  if (parts != 0 && std::uint64_t{request.offset} + request.data_bytes > kLongValueBytesMax) {
    return refused(JET_errColumnTooBig, column, "has values of at most 2^31-1 bytes");
  }
  return Ok{};
}

// The value that is set as a whole; 1512 if it had to be cut.
Result<JET_ERR> whole_value(const Column& column, const SetRequest& request, Value& value) {
  value.assign(request.data.begin(), request.data.end());
  const std::size_t fixed = fixed_bytes_of(column.type);
  if (fixed != 0 && value.size() != fixed) {
    return refused(JET_errInvalidBufferSize, column,
                   "has values of " + std::to_string(fixed) + " bytes");
  }
  if (fixed != 0 || column.size == 0 || value.size() <= column.size) return JET_ERR{JET_errSuccess};
  if (is_long(column)) {
    return refused(JET_errColumnTooBig, column,
                   "has values of at most " + std::to_string(column.size) + " bytes");
  }
  value.resize(column.size);
  return JET_ERR{JET_wrnColumnMaxTruncated};
}

bool sets_null(const SetRequest& request) {
  return request.data_bytes == 0 &&
         (request.grbit & (JET_bitSetZeroLength | JET_bitSetSizeLV | JET_bitSetAppendLV)) == 0;
}

Status place(const Column& column, std::uint32_t itag, Value value, Values& values) {
  const bool append = itag == 0 || itag > values.size();
  if (append && !values.empty() && (column.flags & kColumnMultiValued) == 0) {
    return refused(JET_errBadItagSequence, column, "has one value at most");
  }
  if (append) {
    values.push_back(std::move(value));
  } else {
    values[itag - 1] = std::move(value);
  }
  return Ok{};
}

// The value as it is, with the request's part of it changed.
Value part_changed(const SetRequest& request, Value value) {
  const bool both = (request.grbit & kParts) == (JET_bitSetOverwriteLV | JET_bitSetSizeLV);
  if (!both) {
    apply_edit(edit_of(request), value);
    return value;
  }
  SetRequest data = request;
  data.grbit = JET_bitSetOverwriteLV;
  apply_edit(edit_of(data), value);
  value.resize(std::size_t{request.offset} + request.data_bytes);
  return value;
}

// Makes of the column's values what the request wants.
Result<JET_ERR> set_in(const Column& column, const SetRequest& request, Values& all) {
  const bool there = request.itag > 0 && request.itag <= all.size();
  if ((request.grbit & JET_bitSetRevertToDefaultValue) != 0) {
    all.clear();
    if ((column.flags & kColumnHasDefault) != 0) all.push_back(column.default_value);
    return JET_ERR{JET_errSuccess};
  }
  if (sets_null(request)) {
    if (there) all.erase(all.begin() + static_cast<std::ptrdiff_t>(request.itag - 1));
    return JET_ERR{JET_errSuccess};
  }
  Value value;
  JET_ERR done = JET_errSuccess;
  if ((request.grbit & kParts) != 0) {
    value = part_changed(request, there ? all[request.itag - 1] : Value{});
  } else {
    const auto whole = whole_value(column, request, value);
    if (!whole.ok()) return whole;
    done = whole.value();
  }
  const bool unique = (request.grbit & JET_bitSetUniqueMultiValues) != 0;
  if (unique && std::find(all.begin(), all.end(), value) != all.end()) {
    return refused(JET_errMultiValuedDuplicate, column, "has this value already");
  }
  if (Status s = place(column, request.itag, std::move(value), all); !s.ok()) return s.error();
  return done;
}

}  // namespace

// ---- Values

Result<Values> CopyBuffer::whole_values(const Now& now, TableObject& table,
                                        const Column& column) const {
  if (const auto found = values_.find(column.id); found != values_.end()) return found->second;
  if (!original_.empty()) return TableRows(table, now.transaction).values(original_, column);
  if ((column.flags & kColumnHasDefault) != 0) return Values{column.default_value};
  if ((column.flags & kColumnVersion) != 0) return Values{Value(column.size)};
  return Values{};
}

Result<Values> CopyBuffer::values(const Now& now, TableObject& table, const Column& column) const {
  auto values = whole_values(now, table, column);
  if (!values.ok() || !part_ || part_->column != column.id) return values;
  if (values.value().empty()) values.value().emplace_back();
  apply_edit(part_->edit, values.value().front());
  return values;
}

Status CopyBuffer::make_whole(const Now& now, TableObject& table) {
  if (!part_) return Ok{};
  const auto definition = table.definition(now.transaction);
  if (!definition.ok()) return definition.error();
  const Column* column = definition.value()->find_column(part_->column, false);
  if (column == nullptr) return jet_error(JET_errColumnNotFound, "the column is gone");
  auto values = this->values(now, table, *column);
  if (!values.ok()) return values.error();
  values_[column->id] = std::move(values).value();
  part_.reset();
  return Ok{};
}

// Whoever streams a long value into a row that is there writes only what is new, however long the
// value is by then.
bool CopyBuffer::keep_as_part(const Column& column, const SetRequest& request) {
  const bool alone = kind_ == Kind::replace && values_.empty() && request.itag == 1 &&
                     (column.flags & kColumnMultiValued) == 0 && column.size == 0 &&
                     (request.grbit & (kParts & ~JET_bitSetSizeLV)) != 0 &&
                     (request.grbit & JET_bitSetSizeLV) == 0;
  if (!alone) return false;
  LongValueEdit edit = edit_of(request);
  if (!part_) {
    part_ = Part{column.id, std::move(edit)};
    return true;
  }
  const auto append = LongValueEdit::Kind::append;
  if (part_->column != column.id || part_->edit.kind != append || edit.kind != append) return false;
  part_->edit.bytes.insert(part_->edit.bytes.end(), edit.bytes.begin(), edit.bytes.end());
  return true;
}

Result<JET_ERR> CopyBuffer::set(const Now& now, TableObject& table, const Column& column,
                                const SetRequest& request) {
  if (Status s = check(column, request); !s.ok()) return s.error();
  if (kind_ != Kind::insert && (column.flags & kColumnEscrow) != 0) {
    return refused(JET_errColumnNotUpdatable, column, "is changed with JetEscrowUpdate");
  }
  if (keep_as_part(column, request)) return JET_ERR{JET_errSuccess};
  if (Status s = make_whole(now, table); !s.ok()) return s.error();
  auto values = this->values(now, table, column);
  if (!values.ok()) return values.error();
  const auto done = set_in(column, request, values.value());
  if (done.ok()) values_[column.id] = std::move(values).value();
  return done;
}

// ---- New rows

Status CopyBuffer::copy_from(const Now& now, TableObject& table, Bytes record,
                             bool with_auto_increment) {
  const auto definition = table.definition(now.transaction);
  if (!definition.ok()) return definition.error();
  TableRows rows(table, now.transaction);
  for (const Column& column : definition.value()->columns) {
    if (column.type == ColumnType::none || (column.flags & kColumnVersion) != 0) continue;
    if ((column.flags & kColumnAutoIncrement) != 0 && !with_auto_increment) continue;
    auto values = rows.values(record, column);
    if (!values.ok()) return values.error();
    values_[column.id] = std::move(values).value();
  }
  return Ok{};
}

Status CopyBuffer::count(const Now& now, TableObject& table) {
  const auto definition = table.definition(now.transaction);
  if (!definition.ok()) return definition.error();
  for (const Column& column : definition.value()->columns) {
    if (column.type == ColumnType::none || (column.flags & kColumnAutoIncrement) == 0) continue;
    if (values_.contains(column.id)) continue;
    const auto next = table.next_auto_increment(*definition.value(), column);
    if (!next.ok()) return next.error();
    Value number(sizeof next.value());
    store_le(number.data(), next.value());
    number.resize(column.size);
    values_[column.id] = {std::move(number)};
  }
  return Ok{};
}

Result<Key> CopyBuffer::write(const Now& now, TableObject& table) const {
  TableRows rows(table, now.transaction);
  if (kind_ == Kind::insert) return rows.insert(values_);
  if (kind_ == Kind::move) {
    // First out, then in: they may have the same keys.
    return all_or_nothing(now.transaction, [&]() -> Result<Key> {
      if (Status s = rows.remove(row_); !s.ok()) return s.error();
      return rows.insert(values_);
    });
  }
  Status done = Ok{};
  if (part_) {
    const auto definition = table.definition(now.transaction);
    if (!definition.ok()) return definition.error();
    const Column* column = definition.value()->find_column(part_->column, false);
    if (column == nullptr) return jet_error(JET_errColumnNotFound, "the column is gone");
    done = rows.edit(row_, *column, part_->edit);
  } else {
    done = rows.replace(row_, values_);
  }
  if (!done.ok()) return done.error();
  return row_;
}

}  // namespace stillframe::ese::jet
