#include "writers/ese/tables/row_builder.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>

#include "writers/ese/format/compression.hpp"
#include "writers/ese/format/ese_error.hpp"
#include "writers/ese/format/page.hpp"

namespace stillframe::ese {

namespace {

constexpr std::size_t kShortValueBytesMax = 255;
constexpr std::size_t kLidBytes = 4;
// Beside the record, in a page with one node: two tags, the size words of a node and its prefix,
// and what the root of a tree says about its space.
constexpr std::size_t kNodeOverhead = 2 * kTagBytes + 4 + 24;

bool is_long(const Column& column) {
  return column.type == ColumnType::long_binary || column.type == ColumnType::long_text;
}

Error unfit(const Column& column, EseErr err, const std::string& why) {
  return ese_error(err, "column '" + column.name + "' " + why);
}

Status check_fits(const Column& column, const Value& value) {
  if (const std::size_t bytes = fixed_bytes_of(column.type); bytes != 0) {
    if (value.size() == bytes) return Ok{};
    return unfit(column, EseErr::column_does_not_fit,
                 "has values of " + std::to_string(bytes) + " bytes");
  }
  const std::size_t most = is_long(column) && column.size == 0 ? kLongValueBytesMax
                           : column.size != 0                  ? column.size
                                                               : kShortValueBytesMax;
  if (value.size() <= most) return Ok{};
  return unfit(column, EseErr::column_too_big, "has at most " + std::to_string(most) + " bytes");
}

// Text is filled up with spaces, bytes with zeros, in fixed columns; every true bit is the same.
Value filled(const Column& column, const Value& value) {
  if (column.type == ColumnType::bit) {
    return {value[0] == std::byte{0} ? std::byte{0} : std::byte{0xFF}};
  }
  Value whole = value;
  if (is_fixed(column.id) && fixed_bytes_of(column.type) == 0) {
    whole.resize(column.size, is_text(column.type) ? std::byte{' '} : std::byte{0});
  }
  return whole;
}

// As it is given.
bool is_whole(const Column& column, const Value& value) {
  return column.type != ColumnType::bit && (!is_fixed(column.id) || value.size() == column.size);
}

}  // namespace

Packing packing_of(const Column& column) {
  if ((column.flags & kColumnCompressed) == 0) return Packing::plain;
  return column.unicode() ? Packing::compressed_unicode : Packing::compressed;
}

Status RowBuilder::set(const Column& column, const Values& values) {
  if (values.empty() && (column.flags & kColumnNotNull) != 0) {
    return unfit(column, EseErr::null_invalid, "must not be null");
  }
  if (is_tagged(column.id)) return set_tagged(column, values);
  if (values.size() > 1) {
    return unfit(column, EseErr::multi_valued_column_must_be_tagged, "has one value at most");
  }
  const Value* value = values.empty() ? nullptr : &values.front();
  if (value != nullptr) {
    if (Status fits = check_fits(column, *value); !fits.ok()) return fits;
  }
  if (!is_fixed(column.id)) {
    record_.set_variable(column, value == nullptr ? std::nullopt : std::optional(*value));
  } else if (value == nullptr) {
    record_.set_fixed(column, std::nullopt);
  } else if (is_whole(column, *value)) {
    record_.set_fixed(column, *value);
  } else {
    record_.set_fixed(column, filled(column, *value));
  }
  return Ok{};
}

Result<LooseValue> RowBuilder::store(const Column& column, const Value& value, bool alone) {
  if (Status fits = check_fits(column, value); !fits.ok()) return fits.error();
  LooseValue stored;
  stored.bytes = filled(column, value);
  if (!is_long(column)) return stored;
  const Packing packing = packing_of(column);
  if (stored.bytes.size() > kIntrinsicBytesMax) {
    const auto lid = long_values_.create(stored.bytes, packing);
    if (!lid.ok()) return lid.error();
    stored.separated = true;
    stored.bytes.resize(kLidBytes);
    store_le(stored.bytes.data(), static_cast<std::uint32_t>(lid.value().value));
  } else if (alone && packing != Packing::plain) {
    std::vector<std::byte> packed = compress(stored.bytes, packing == Packing::compressed_unicode);
    stored.compressed = !packed.empty();
    if (stored.compressed) stored.bytes = std::move(packed);
  }
  return stored;
}

Status RowBuilder::set_tagged(const Column& column, const Values& values) {
  if (values.size() > 1 && (column.flags & kColumnMultiValued) == 0) {
    return unfit(column, EseErr::column_does_not_fit, "has one value at most");
  }
  if (const LooseTagged* old = record_.find_tagged(column.id, column.of_template)) {
    for (const LooseValue& value : old->values) {
      const StoredValue stored{value.bytes, false, value.separated, false};
      if (value.separated) released_.push_back(stored.lid());
    }
  }
  LooseTagged entry{column.id, column.of_template, values.empty(), {}};
  if (values.empty() && (column.flags & kColumnHasDefault) == 0) {
    record_.erase_tagged(column.id, column.of_template);
    return Ok{};
  }
  for (const Value& value : values) {
    auto stored = store(column, value, values.size() == 1);
    if (!stored.ok()) return stored.error();
    entry.values.push_back(std::move(stored).value());
  }
  record_.set_tagged(std::move(entry));
  return Ok{};
}

// False when no value is left whose going would help.
Result<bool> RowBuilder::separate_longest() {
  LooseValue* longest = nullptr;
  const Column* its_column = nullptr;
  for (LooseTagged& entry : record_.tagged()) {
    const Column* column = table_.find_column(entry.id, entry.of_template);
    if (column == nullptr || !is_long(*column)) continue;
    for (LooseValue& value : entry.values) {
      if (value.separated || value.encrypted || value.bytes.size() <= kLidBytes) continue;
      if (longest != nullptr && longest->bytes.size() >= value.bytes.size()) continue;
      longest = &value;
      its_column = column;
    }
  }
  if (longest == nullptr) return false;
  std::vector<std::byte> plain = longest->bytes;
  if (longest->compressed) {
    auto expanded = decompress(longest->bytes);
    if (!expanded.ok()) return expanded.error();
    plain = std::move(expanded).value();
  }
  const auto lid = long_values_.create(plain, packing_of(*its_column));
  if (!lid.ok()) return lid.error();
  *longest = {std::vector<std::byte>(kLidBytes), false, true, false};
  store_le(longest->bytes.data(), static_cast<std::uint32_t>(lid.value().value));
  return true;
}

Result<std::vector<std::byte>> RowBuilder::finish(std::size_t key_bytes) {
  const bool large_page = page_bytes_ > 8192;
  const std::size_t most = page_bytes_ - (large_page ? 80 : 40) - kNodeOverhead - key_bytes;
  for (;;) {
    auto record = record_.encode(large_page);
    if (record.ok() && record.value().size() <= most) return record;
    const auto shorter = separate_longest();
    if (!shorter.ok()) return shorter.error();
    if (!shorter.value()) {
      return ese_error(EseErr::record_too_big, "a row of table '" + table_.name +
                                                   "' has more than " + std::to_string(most) +
                                                   " bytes that cannot be kept elsewhere");
    }
  }
}

}  // namespace stillframe::ese
