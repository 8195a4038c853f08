#include "writers/ese/format/loose_record.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

#include "framework/base/check.hpp"
#include "writers/ese/format/ese_error.hpp"
#include "writers/ese/format/record_layout.hpp"

namespace stillframe::ese {

namespace {

constexpr std::size_t kVariableEndMax = 0x7FFF;
constexpr std::size_t kSmallOffsetMax = 0x1FFF, kLargeOffsetMax = 0x7FFF;
constexpr std::size_t kTwoBytesMax = 255;

std::uint16_t number(ColumnId id) {
  return static_cast<std::uint16_t>(id);
}

// Columns of a template come first.
std::tuple<bool, ColumnId> order_of(const LooseTagged& entry) {
  return {!entry.of_template, entry.id};
}

void append(std::vector<std::byte>& to, Bytes bytes) {
  to.insert(to.end(), bytes.begin(), bytes.end());
}

void append_word(std::vector<std::byte>& to, std::size_t word) {
  to.resize(to.size() + sizeof(std::uint16_t));
  store_le(to.data() + to.size() - sizeof(std::uint16_t), static_cast<std::uint16_t>(word));
}

// A byte says how long the first is.
void append_two(const std::vector<LooseValue>& values, std::vector<std::byte>& to) {
  to.push_back(static_cast<std::byte>(values[0].bytes.size()));
  append(to, values[0].bytes);
  append(to, values[1].bytes);
}

void append_multiple(const std::vector<LooseValue>& values, std::vector<std::byte>& to) {
  std::size_t offset = values.size() * sizeof(std::uint16_t);
  for (const LooseValue& value : values) {
    append_word(to, offset | (value.separated ? kOneOfManySeparated : 0U));
    offset += value.bytes.size();
  }
  for (const LooseValue& value : values) append(to, value.bytes);
}

bool fits_two(const std::vector<LooseValue>& values) {
  return values.size() == 2 && std::all_of(values.begin(), values.end(), [](const LooseValue& v) {
           return !v.separated && v.bytes.size() <= kTwoBytesMax;
         });
}

}  // namespace

Result<LooseRecord> LooseRecord::of(const RecordView& record, const Table& table) {
  LooseRecord loose(table);
  loose.extend_fixed(record.last_fixed());
  for (std::uint16_t id = kFixedFirst; id <= record.last_fixed(); ++id) {
    const Column* column = loose.stored_column(id);
    if (column == nullptr) continue;
    const auto bytes = record.fixed(column->offset, column->size);
    if (!bytes) {
      return ese_error(EseErr::database_corrupted,
                       "a record's fixed part ends before column '" + column->name + "'");
    }
    std::copy(
        bytes->begin(), bytes->end(),
        loose.fixed_.begin() + static_cast<std::ptrdiff_t>(column->offset - kRecordHeaderBytes));
    loose.nulls_[id - 1U] = record.fixed_is_null(ColumnId{id});
  }
  for (std::uint16_t id = kVariableFirst; id <= record.last_variable(); ++id) {
    const auto bytes = record.variable(ColumnId{id});
    loose.variable_.emplace_back();
    if (bytes) loose.variable_.back().emplace(bytes->begin(), bytes->end());
  }
  for (std::size_t i = 0; i < record.tagged_count(); ++i) {
    const auto column = record.tagged(i);
    if (!column.ok()) return column.error();
    LooseTagged entry{column.value().id, column.value().of_template, column.value().null, {}};
    for (const StoredValue& value : column.value().values) {
      entry.values.push_back({{value.bytes.begin(), value.bytes.end()},
                              value.compressed,
                              value.separated,
                              value.encrypted});
    }
    loose.tagged_.push_back(std::move(entry));
  }
  return loose;
}

const Column* LooseRecord::stored_column(std::uint16_t id) const {
  const Column* own = table_->find_column(ColumnId{id}, false);
  return own != nullptr ? own : table_->find_column(ColumnId{id}, true);
}

void LooseRecord::extend_fixed(std::uint16_t last) {
  while (nulls_.size() < last) {
    const auto id = static_cast<std::uint16_t>(nulls_.size() + 1);
    const Column* column = stored_column(id);
    const bool known = column != nullptr;
    const bool has_default = known && (column->flags & kColumnHasDefault) != 0 &&
                             column->default_value.size() == column->size;
    if (has_default) {
      append(fixed_, column->default_value);
    } else if (known) {
      fixed_.resize(fixed_.size() + column->size);
    }
    nulls_.push_back(!has_default);
  }
}

void LooseRecord::extend_variable(std::uint16_t last) {
  while (variable_.size() + kNoVariableColumn < last) {
    const auto id = static_cast<std::uint16_t>(variable_.size() + kVariableFirst);
    const Column* column = stored_column(id);
    const bool has_default = column != nullptr && (column->flags & kColumnHasDefault) != 0 &&
                             !column->default_value.empty();
    variable_.emplace_back();
    if (has_default) variable_.back() = column->default_value;
  }
}

void LooseRecord::set_fixed(const Column& column, std::optional<Bytes> value) {
  const std::uint16_t id = number(column.id);
  extend_fixed(id);
  nulls_[id - 1U] = !value;
  const auto at = fixed_.begin() + static_cast<std::ptrdiff_t>(column.offset - kRecordHeaderBytes);
  if (!value) {
    std::fill_n(at, column.size, std::byte{0});
    return;
  }
  STILLFRAME_CHECK(value->size() == column.size, "a value of a fixed column has another size");
  std::copy(value->begin(), value->end(), at);
}

void LooseRecord::set_variable(const Column& column, std::optional<std::vector<std::byte>> value) {
  const std::uint16_t id = number(column.id);
  extend_variable(id);
  variable_[id - std::size_t{kVariableFirst}] = std::move(value);
}

LooseTagged* LooseRecord::find_tagged(ColumnId id, bool of_template) {
  const auto found = std::find_if(tagged_.begin(), tagged_.end(), [&](const LooseTagged& entry) {
    return entry.id == id && entry.of_template == of_template;
  });
  return found == tagged_.end() ? nullptr : &*found;
}

void LooseRecord::set_tagged(LooseTagged entry) {
  erase_tagged(entry.id, entry.of_template);
  const auto place = std::lower_bound(
      tagged_.begin(), tagged_.end(), entry,
      [](const LooseTagged& a, const LooseTagged& b) { return order_of(a) < order_of(b); });
  tagged_.insert(place, std::move(entry));
}

void LooseRecord::erase_tagged(ColumnId id, bool of_template) {
  std::erase_if(tagged_, [&](const LooseTagged& entry) {
    return entry.id == id && entry.of_template == of_template;
  });
}

bool LooseRecord::is_long(const LooseTagged& entry) const {
  const Column* column = table_->find_column(entry.id, entry.of_template);
  return column != nullptr &&
         (column->type == ColumnType::long_binary || column->type == ColumnType::long_text);
}

// What follows the array of entries for one column; `has_header` for the entry of a small page.
std::vector<std::byte> LooseRecord::tagged_bytes(const LooseTagged& entry, bool large_page,
                                                 bool& has_header) const {
  unsigned header = is_long(entry) ? kTaggedLong : 0;
  const std::vector<LooseValue>& values = entry.values;
  const bool two = fits_two(values) && header == 0;
  if (entry.null) {
    header = kTaggedNull;
  } else {
    if (two) header |= kTaggedTwo;
    if (values.size() > 1) header |= kTaggedMultiple;
    if (values[0].compressed) header |= kTaggedCompressed;
    if (values.size() == 1 && values[0].separated) header |= kTaggedSeparated;
    if (values[0].encrypted) header |= kTaggedEncrypted;
  }
  std::vector<std::byte> bytes;
  has_header = header != 0 && !entry.null;
  if (large_page || has_header) bytes.push_back(static_cast<std::byte>(header));
  if (entry.null) return bytes;
  if (two) {
    append_two(values, bytes);
  } else if (values.size() > 1) {
    append_multiple(values, bytes);
  } else {
    append(bytes, values[0].bytes);
  }
  return bytes;
}

// What fixed and variable columns take, and what is before and between them.
std::size_t LooseRecord::untagged_bytes() const {
  std::size_t bytes = kRecordHeaderBytes + fixed_.size() + (nulls_.size() + 7) / 8;
  for (const auto& value : variable_) {
    bytes += sizeof(std::uint16_t) + (value ? value->size() : 0);
  }
  return bytes;
}

Result<std::vector<std::byte>> LooseRecord::encode(bool large_page) const {
  const auto too_long = [] {
    return Error(Errc::invalid_argument, "a record's parts are longer than it can say");
  };
  std::vector<std::byte> record;
  record.reserve(untagged_bytes());
  record.resize(kRecordHeaderBytes);
  record[0] = static_cast<std::byte>(nulls_.size());
  record[1] = static_cast<std::byte>(kNoVariableColumn + variable_.size());
  append(record, fixed_);
  const std::size_t bitmap = record.size();
  record.resize(bitmap + (nulls_.size() + 7) / 8);
  for (std::size_t i = 0; i < nulls_.size(); ++i) {
    if (nulls_[i]) record[bitmap + i / 8] |= static_cast<std::byte>(1U << i % 8);
  }
  if (record.size() > kVariableEndMax) return too_long();
  store_le(record.data() + 2, static_cast<std::uint16_t>(record.size()));
  std::size_t end = 0;
  for (const auto& value : variable_) {
    end += value ? value->size() : 0;
    if (end > kVariableEndMax) return too_long();
    append_word(record, end | (value ? 0U : kVariableColumnNull));
  }
  for (const auto& value : variable_) {
    if (value) append(record, *value);
  }
  std::vector<std::byte> values;
  for (const LooseTagged& entry : tagged_) {
    bool has_header = false;
    const std::vector<std::byte> bytes = tagged_bytes(entry, large_page, has_header);
    const std::size_t offset = tagged_.size() * kTaggedEntryBytes + values.size();
    if (offset > (large_page ? kLargeOffsetMax : kSmallOffsetMax)) return too_long();
    append_word(record, number(entry.id));
    append_word(record, offset | (entry.of_template ? kTaggedOfTemplate : 0U) |
                            (!large_page && entry.null ? kTaggedSmallNull : 0U) |
                            (!large_page && has_header ? kTaggedSmallHasHeader : 0U));
    append(values, bytes);
  }
  append(record, values);
  return record;
}

}  // namespace stillframe::ese
