// The tables that readers of other makers are given: every type of column and every rule of an
// index, and what is in each cell. A cell is a function of its place and of how often its row was
// replaced, so what has to be read is known without reading.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "writers/ese/format/schema.hpp"
#include "writers/ese/tables/row_builder.hpp"
#include "writers/ese/tables/table_spec.hpp"

namespace stillframe::ese::tests {

struct WrittenTable {
  TableSpec spec;
  std::uint64_t rows = 0;
  // Made when the table has rows.
  std::vector<ColumnSpec> later_columns{};
  std::vector<IndexSpec> later_indexes{};

  bool is_later(const Column& column) const;
};

// `rows` are for the largest of them; the others have a few hundred at most.
std::vector<WrittenTable> written_tables(std::uint64_t rows);

// Auto-increment, version and escrow columns: the engine gives these their numbers.
bool is_counted(const Column& column);

class WrittenValues {
 public:
  WrittenValues(std::uint64_t seed, std::size_t page_bytes)
      : seed_(seed), page_bytes_(page_bytes) {}

  // Of a column that is_counted() not.
  Values cell(const Table& table, const Column& column, std::int32_t id, unsigned revision) const;
  // All of a row, but for what a new one leaves to the defaults.
  RowValues row(const Table& table, std::int32_t id, unsigned revision) const;

 private:
  std::uint64_t seed_;
  std::size_t page_bytes_;
};

}  // namespace stillframe::ese::tests
