// One row as it lies in a leaf: fixed, variable and tagged columns. docs/formats/records.md has the
// bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include <stillframe/result.hpp>

#include "writers/ese/format/bytes.hpp"

namespace stillframe::ese {

enum class ColumnId : std::uint16_t {};
inline constexpr std::uint16_t kFixedFirst = 1, kVariableFirst = 128, kTaggedFirst = 256;

constexpr bool is_fixed(ColumnId id) {
  return static_cast<std::uint16_t>(id) < kVariableFirst;
}
constexpr bool is_tagged(ColumnId id) {
  return static_cast<std::uint16_t>(id) >= kTaggedFirst;
}

// The name of a long value that is stored outside the record.
struct Lid {
  std::uint64_t value = 0;
  bool wide = false;  // 64 bits
  friend bool operator==(const Lid&, const Lid&) = default;
};

// One of the values of a column as the record holds it.
struct StoredValue {
  Bytes bytes;  // of a separated value: its LID
  bool compressed = false;
  bool separated = false;
  bool encrypted = false;
  Lid lid() const;
};

struct TaggedColumn {
  ColumnId id{};
  bool of_template = false;
  bool null = false;  // an explicit null, which overrides a default
  std::vector<StoredValue> values;
};

class RecordView {
 public:
  // `large_page`: of a database with pages above 8 KiB. database_corrupted if the parts of the
  // record do not lie within it; tagged values are judged when they are asked for.
  static Result<RecordView> open(Bytes record, bool large_page);

  std::uint16_t last_fixed() const { return last_fixed_; }
  std::uint16_t last_variable() const { return last_variable_; }

  bool stores_fixed(ColumnId id) const {
    return id >= ColumnId{kFixedFirst} && static_cast<std::uint16_t>(id) <= last_fixed_;
  }
  bool fixed_is_null(ColumnId id) const;
  // `offset` and `size` from the schema; nothing if they reach outside the fixed part.
  std::optional<Bytes> fixed(std::size_t offset, std::size_t size) const;

  bool stores_variable(ColumnId id) const {
    return static_cast<std::uint16_t>(id) <= last_variable_;
  }
  // Nothing for null. The column is stored.
  std::optional<Bytes> variable(ColumnId id) const;

  std::size_t tagged_count() const { return tagged_count_; }
  Result<TaggedColumn> tagged(std::size_t index) const;
  // The column if the record has an entry for it.
  Result<std::optional<TaggedColumn>> find_tagged(ColumnId id, bool of_template) const;

 private:
  struct Entry {
    std::uint16_t id = 0, word = 0;
  };
  Entry entry(std::size_t index) const;
  std::size_t tagged_offset(std::size_t index) const;

  Bytes record_;
  bool large_ = false;
  std::uint16_t last_fixed_ = 0, last_variable_ = 127;
  std::size_t fixed_end_ = 0;
  std::size_t variable_data_ = 0;
  std::size_t variable_end_ = 0;
  std::size_t tagged_count_ = 0;
};

}  // namespace stillframe::ese
