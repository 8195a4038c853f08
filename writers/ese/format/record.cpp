#include "writers/ese/format/record.hpp"

#include "writers/ese/format/ese_error.hpp"
#include "writers/ese/format/record_layout.hpp"

namespace stillframe::ese {

namespace {

constexpr std::uint16_t kSmallOffset = 0x1FFF, kLargeOffset = 0x7FFF;

Error broken(const char* why) {
  return ese_error(EseErr::database_corrupted, std::string("a record's ") + why);
}

StoredValue plain_value(Bytes bytes, unsigned header) {
  StoredValue value;
  value.bytes = bytes;
  value.compressed = (header & kTaggedCompressed) != 0;
  value.separated = (header & kTaggedSeparated) != 0;
  value.encrypted = (header & kTaggedEncrypted) != 0;
  return value;
}

bool good_lid(const StoredValue& value) {
  return !value.separated || value.bytes.size() == 4 || value.bytes.size() == 8;
}

// A byte says how long the first is.
Status split_two(Bytes bytes, unsigned header, std::vector<StoredValue>& values) {
  if (bytes.empty() || std::to_integer<std::size_t>(bytes[0]) > bytes.size() - 1) {
    return broken("two values do not fit into their column");
  }
  const auto first = std::to_integer<std::size_t>(bytes[0]);
  values.push_back(plain_value(bytes.subspan(1, first), header & kTaggedCompressed));
  values.push_back(plain_value(bytes.subspan(1 + first), 0));
  return Ok{};
}

Status split_multiple(Bytes bytes, unsigned header, std::vector<StoredValue>& values) {
  const auto word = [&](std::size_t at) { return load_le<std::uint16_t>(bytes.data() + at); };
  if (bytes.size() < 2) return broken("list of values is cut off");
  const std::size_t count = (word(0) & ~kOneOfManySeparated) / 2;
  if (count == 0 || count * 2 > bytes.size()) return broken("list of values is cut off");
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t from = word(i * 2) & ~kOneOfManySeparated;
    const std::size_t to = i + 1 < count ? word(i * 2 + 2) & ~kOneOfManySeparated : bytes.size();
    if (from > to || to > bytes.size()) return broken("list of values is out of order");
    StoredValue value =
        plain_value(bytes.subspan(from, to - from), i == 0 ? header & kTaggedCompressed : 0);
    value.separated = (word(i * 2) & kOneOfManySeparated) != 0;
    if (value.separated) value.compressed = false;
    if (!good_lid(value)) return broken("long value has a name of odd length");
    values.push_back(value);
  }
  return Ok{};
}

}  // namespace

Lid StoredValue::lid() const {
  if (bytes.size() == 8) return {load_le<std::uint64_t>(bytes.data()), true};
  return {load_le<std::uint32_t>(bytes.data()), false};
}

Result<RecordView> RecordView::open(Bytes record, bool large_page) {
  RecordView view;
  if (record.size() < kRecordHeaderBytes) return broken("header is cut off");
  view.record_ = record;
  view.large_ = large_page;
  view.last_fixed_ = std::to_integer<std::uint16_t>(record[0]);
  view.last_variable_ = std::to_integer<std::uint16_t>(record[1]);
  view.fixed_end_ = load_le<std::uint16_t>(record.data() + 2);
  const std::size_t nulls = (view.last_fixed_ + 7U) / 8;
  if (view.last_variable_ < kNoVariableColumn || view.last_fixed_ > kNoVariableColumn ||
      view.fixed_end_ < kRecordHeaderBytes + nulls || view.fixed_end_ > record.size()) {
    return broken("fixed part reaches outside it");
  }
  const std::size_t variables = view.last_variable_ - std::size_t{kNoVariableColumn};
  view.variable_data_ = view.fixed_end_ + variables * 2;
  if (view.variable_data_ > record.size()) return broken("variable part reaches outside it");
  std::size_t before = 0;
  for (std::size_t i = 0; i < variables; ++i) {
    const std::size_t end =
        load_le<std::uint16_t>(record.data() + view.fixed_end_ + i * 2) & 0x7FFF;
    if (end < before || view.variable_data_ + end > record.size()) {
      return broken("variable part reaches outside it");
    }
    before = end;
  }
  view.variable_end_ = view.variable_data_ + before;
  const std::size_t tagged = record.size() - view.variable_end_;
  if (tagged == 0) return view;
  if (tagged < kTaggedEntryBytes) return broken("tagged part is cut off");
  const std::size_t first = view.tagged_offset(0);
  if (first % kTaggedEntryBytes != 0 || first == 0 || first > tagged) {
    return broken("tagged part reaches outside it");
  }
  view.tagged_count_ = first / kTaggedEntryBytes;
  return view;
}

bool RecordView::fixed_is_null(ColumnId id) const {
  const std::size_t bit = static_cast<std::uint16_t>(id) - 1U;
  const std::size_t nulls = fixed_end_ - (last_fixed_ + 7U) / 8;
  return (std::to_integer<unsigned>(record_[nulls + bit / 8]) >> bit % 8 & 1) != 0;
}

std::optional<Bytes> RecordView::fixed(std::size_t offset, std::size_t size) const {
  const std::size_t end = fixed_end_ - (last_fixed_ + 7U) / 8;
  if (offset < kRecordHeaderBytes || offset + size > end) return std::nullopt;
  return record_.subspan(offset, size);
}

std::optional<Bytes> RecordView::variable(ColumnId id) const {
  const std::size_t index = static_cast<std::uint16_t>(id) - std::size_t{kVariableFirst};
  const auto word = [&](std::size_t i) {
    return load_le<std::uint16_t>(record_.data() + fixed_end_ + i * 2);
  };
  if ((word(index) & kVariableColumnNull) != 0) return std::nullopt;
  const std::size_t from = index == 0 ? 0 : word(index - 1) & ~kVariableColumnNull;
  return record_.subspan(variable_data_ + from, (word(index) & ~kVariableColumnNull) - from);
}

RecordView::Entry RecordView::entry(std::size_t index) const {
  const std::byte* at = record_.data() + variable_end_ + index * kTaggedEntryBytes;
  return {load_le<std::uint16_t>(at), load_le<std::uint16_t>(at + 2)};
}

std::size_t RecordView::tagged_offset(std::size_t index) const {
  return entry(index).word & (large_ ? kLargeOffset : kSmallOffset);
}

Result<TaggedColumn> RecordView::tagged(std::size_t index) const {
  const Bytes all = record_.subspan(variable_end_);
  const Entry at = entry(index);
  const std::size_t from = tagged_offset(index);
  const std::size_t to = index + 1 < tagged_count_ ? tagged_offset(index + 1) : all.size();
  if (from > to || to > all.size()) return broken("tagged values are out of order");
  Bytes bytes = all.subspan(from, to - from);
  TaggedColumn column;
  column.id = ColumnId{at.id};
  column.of_template = (at.word & kTaggedOfTemplate) != 0;
  unsigned header = 0;
  if (large_ || (at.word & kTaggedSmallHasHeader) != 0) {
    // Large pages may leave it out of an empty value.
    if (!bytes.empty()) {
      header = std::to_integer<unsigned>(bytes[0]);
      bytes = bytes.subspan(1);
    }
  }
  column.null = large_ ? (header & kTaggedNull) != 0 : (at.word & kTaggedSmallNull) != 0;
  if (column.null) return column;
  Status split = Ok{};
  if ((header & kTaggedTwo) != 0) {
    split = split_two(bytes, header, column.values);
  } else if ((header & kTaggedMultiple) != 0) {
    split = split_multiple(bytes, header, column.values);
  } else {
    column.values.push_back(plain_value(bytes, header));
    if (!good_lid(column.values.back())) return broken("long value has a name of odd length");
  }
  if (!split.ok()) return split.error();
  return column;
}

Result<std::optional<TaggedColumn>> RecordView::find_tagged(ColumnId id, bool of_template) const {
  for (std::size_t i = 0; i < tagged_count_; ++i) {
    const Entry at = entry(i);
    if (at.id != static_cast<std::uint16_t>(id)) continue;
    if (((at.word & kTaggedOfTemplate) != 0) != of_template) continue;
    Result<TaggedColumn> column = tagged(i);
    if (!column.ok()) return column.error();
    return std::optional(std::move(column).value());
  }
  return std::optional<TaggedColumn>();
}

}  // namespace stillframe::ese
