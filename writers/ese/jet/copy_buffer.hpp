// A row that a caller is preparing: what it shall hold when it is written.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include <stillframe/ese/jet.h>
#include <stillframe/result.hpp>

#include "writers/ese/jet/index_walk.hpp"
#include "writers/ese/tables/table_rows.hpp"

namespace stillframe::ese::jet {

// How one value of a column is set.
struct SetRequest {
  Bytes data;
  std::uint32_t data_bytes = 0;  // with JET_bitSetSizeLV the new size; otherwise of `data`
  JET_GRBIT grbit = 0;
  std::uint32_t offset = 0;
  std::uint32_t itag = 1;
};

class CopyBuffer {
 public:
  enum class Kind { insert, replace, move };  // move: insert and delete the original
  // `original` is the record of row `row`, if there is one.
  CopyBuffer(Kind kind, std::uint8_t level, Key row, std::vector<std::byte> original)
      : kind_(kind), level_(level), row_(std::move(row)), original_(std::move(original)) {}

  // What a new row has of another one: all but what is counted.
  Status copy_from(const Now& now, TableObject& table, Bytes record, bool with_auto_increment);
  // Gives a new row its number.
  Status count(const Now& now, TableObject& table);

  // 0, ColumnMaxTruncated, or an error: ColumnNotFound, InvalidColumnType for what is counted,
  // InvalidBufferSize, BadItagSequence, MultiValuedDuplicate.
  Result<JET_ERR> set(const Now& now, TableObject& table, const Column& column,
                      const SetRequest& request);
  // What the column would hold.
  Result<Values> values(const Now& now, TableObject& table, const Column& column) const;

  // Writes the row, and says where it is.
  Result<Key> write(const Now& now, TableObject& table) const;

  Kind kind() const { return kind_; }
  const Key& row() const { return row_; }
  std::uint8_t level() const { return level_; }
  void lower(std::uint8_t level) { level_ = level < level_ ? level : level_; }

 private:
  // A long value's part, which is written alone as long as nothing else of the row is set.
  struct Part {
    ColumnId column{};
    LongValueEdit edit;
  };
  bool keep_as_part(const Column& column, const SetRequest& request);
  Status make_whole(const Now& now, TableObject& table);
  Result<Values> whole_values(const Now& now, TableObject& table, const Column& column) const;

  const Kind kind_;
  std::uint8_t level_;
  const Key row_;
  const std::vector<std::byte> original_;
  RowValues values_;
  std::optional<Part> part_;
};

}  // namespace stillframe::ese::jet
