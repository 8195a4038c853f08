// A record taken apart, to be changed and put together again. docs/formats/records.md has the
// bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include <stillframe/result.hpp>

#include "writers/ese/format/record.hpp"
#include "writers/ese/format/schema.hpp"

namespace stillframe::ese {

// One value as a record holds it, with its bytes.
struct LooseValue {
  std::vector<std::byte> bytes;  // of a separated value: its LID
  bool compressed = false;
  bool separated = false;
  bool encrypted = false;

  friend bool operator==(const LooseValue&, const LooseValue&) = default;
};

struct LooseTagged {
  ColumnId id{};
  bool of_template = false;
  bool null = false;  // said explicitly, against a default
  std::vector<LooseValue> values;

  friend bool operator==(const LooseTagged&, const LooseTagged&) = default;
};

class LooseRecord {
 public:
  // A record without columns.
  explicit LooseRecord(const Table& table) : table_(&table) {}
  // database_corrupted if the record cannot be taken apart. `table` outlives it.
  static Result<LooseRecord> of(const RecordView& record, const Table& table);

  // Fixed and variable columns; no value: null. What lies before the column and is not stored yet
  // gets its default, or null. The value of a fixed column has its size.
  void set_fixed(const Column& column, std::optional<Bytes> value);
  void set_variable(const Column& column, std::optional<std::vector<std::byte>> value);

  // The column's entry, if there is one.
  LooseTagged* find_tagged(ColumnId id, bool of_template);
  void set_tagged(LooseTagged entry);
  void erase_tagged(ColumnId id, bool of_template);
  std::vector<LooseTagged>& tagged() { return tagged_; }

  // `large_page`: of a database with pages above 8 KiB. invalid_argument if a part is larger than
  // its sizes can say.
  Result<std::vector<std::byte>> encode(bool large_page) const;

 private:
  void extend_fixed(std::uint16_t last);
  void extend_variable(std::uint16_t last);
  const Column* stored_column(std::uint16_t id) const;
  bool is_long(const LooseTagged& entry) const;
  std::size_t untagged_bytes() const;
  std::vector<std::byte> tagged_bytes(const LooseTagged& entry, bool large_page,
                                      bool& has_header) const;

  const Table* table_;
  std::vector<std::byte> fixed_;  // the columns' bytes, back to back
  std::vector<bool> nulls_;       // by number, from 1
  std::vector<std::optional<std::vector<std::byte>>> variable_;
  std::vector<LooseTagged> tagged_;  // in the order of a record
};

}  // namespace stillframe::ese
