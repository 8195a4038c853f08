// The rows of one table against its keys, its indexes and its long values.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "writers/ese/format/page_source.hpp"
#include "writers/ese/format/schema.hpp"
#include "writers/ese/format/verify.hpp"

namespace stillframe::ese {

using RowFindings = std::function<void(Check, std::string)>;

struct RowCounts {
  std::uint64_t rows = 0;
  std::uint64_t indexes_checked = 0, indexes_skipped = 0, index_entries = 0;
  std::uint64_t long_values = 0, long_value_bytes = 0;
};

// Needs memory for the keys of one index and for the names of the table's long values.
RowCounts check_rows(const PageSource& source, const Table& table, const RowFindings& findings);

}  // namespace stillframe::ese
