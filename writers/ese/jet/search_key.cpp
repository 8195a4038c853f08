#include "writers/ese/jet/search_key.hpp"

#include <algorithm>
#include <string>

#include "writers/ese/jet/answer.hpp"

namespace stillframe::ese::jet {

namespace {

constexpr JET_GRBIT kStartLimits = JET_bitFullColumnStartLimit | JET_bitPartialColumnStartLimit;
constexpr JET_GRBIT kFullLimits =
    JET_bitFullColumnStartLimit | JET_bitFullColumnEndLimit | JET_bitStrLimit;
constexpr JET_GRBIT kPartialLimits =
    JET_bitSubStrLimit | JET_bitPartialColumnStartLimit | JET_bitPartialColumnEndLimit;
constexpr JET_GRBIT kLimits = kFullLimits | kPartialLimits;
constexpr JET_GRBIT kMakeKeyBits =
    JET_bitNewKey | JET_bitNormalizedKey | JET_bitKeyDataZeroLength | kLimits;
constexpr std::size_t kGroup = 8;  // of a variable binary value: its bytes, then one that counts
constexpr std::byte kHighest{0xFF};

bool is_variable(const Column& column) {
  const bool long_one =
      column.type == ColumnType::long_binary || column.type == ColumnType::long_text;
  return long_one || is_text(column.type) ||
         (column.type == ColumnType::binary && !is_fixed(column.id));
}

// What follows the value's own bytes in its segment: the end of text, or the padding and the count
// of the last group.
std::size_t tail_bytes(const Column& column, std::size_t value_bytes) {
  if (!is_variable(column)) return 0;
  if (value_bytes == 0 || is_text(column.type)) return value_bytes == 0 ? 0 : 1;
  const std::size_t used = value_bytes % kGroup == 0 ? kGroup : value_bytes % kGroup;
  return kGroup - used + 1;
}

}  // namespace

void SearchKey::clear() {
  key_.clear();
  columns_ = 0;
  made_ = complete_ = false;
}

Status SearchKey::add(const Table& table, const Index& index, Bytes data, JET_GRBIT grbit) {
  const JET_GRBIT limits = grbit & kLimits;
  if ((grbit & ~kMakeKeyBits) != 0 || (limits & (limits - 1)) != 0) {
    return jet_error(JET_errInvalidGrbit, "the options of JetMakeKey do not go together");
  }
  if ((grbit & JET_bitNormalizedKey) != 0) {
    key_.assign(data.begin(), data.end());
    key_.resize(std::min<std::size_t>(key_.size(), index.key_bytes_max + 1U));
    made_ = complete_ = true;
    return Ok{};
  }
  if ((grbit & JET_bitNewKey) != 0) clear();
  if (!made_ && (grbit & JET_bitNewKey) == 0) {
    return jet_error(JET_errKeyNotMade, "a key begins with JET_bitNewKey");
  }
  if (complete_ || columns_ == index.segments.size()) {
    return jet_error(JET_errKeyIsMade, "index '" + index.name + "' has no further column");
  }
  made_ = true;
  return add_value(table, index, data, grbit);
}

Status SearchKey::add_value(const Table& table, const Index& index, Bytes data, JET_GRBIT grbit) {
  const IndexSegment& segment = index.segments[columns_];
  const Column* column = table.find_column(segment.column, segment.of_template);
  if (column == nullptr) {
    return jet_error(JET_errColumnNotFound, "a column of index '" + index.name + "' is gone");
  }
  const std::size_t fixed = fixed_bytes_of(column->type);
  const bool null = data.empty() && (grbit & JET_bitKeyDataZeroLength) == 0;
  if (!null && fixed != 0 && data.size() != fixed) {
    return jet_error(JET_errInvalidBufferSize,
                     "a value of '" + column->name + "' has " + std::to_string(fixed) + " bytes");
  }
  Value value(data.begin(), data.end());
  if (column->type == ColumnType::bit && !null) {
    value[0] = value[0] == std::byte{0} ? std::byte{0} : std::byte{0xFF};
  }
  if (!null && fixed == 0 && is_fixed(column->id)) {
    value.resize(column->size, is_text(column->type) ? std::byte{' '} : std::byte{0});
  }
  Status added = append_segment(index, segment, *column,
                                null ? std::nullopt : std::optional<Bytes>(value), key_);
  if (!added.ok()) return added;
  ++columns_;
  if ((grbit & kPartialLimits) != 0 && !null && key_.size() < index.key_bytes_max) {
    key_.resize(key_.size() - tail_bytes(*column, value.size()));
  }
  if ((grbit & kLimits) == 0) return Ok{};
  complete_ = true;
  if ((grbit & kStartLimits) == 0) key_.push_back(kHighest);
  return Ok{};
}

}  // namespace stillframe::ese::jet
