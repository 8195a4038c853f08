// Everything that can be checked about a database at rest. docs/esectl.md says what each finding
// means.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "writers/ese/format/database_header.hpp"
#include "writers/ese/format/page_source.hpp"

namespace stillframe::ese {

enum class Check {
  page_rules,      // page_check.hpp
  catalog,         // cannot be read, or contradicts itself
  shadow_catalog,  // says something else than the catalog
  space,           // extents overlap, or what is free is not owned
  tree,            // links, separators, order across pages
  record,          // a row that cannot be decoded
  primary_key,     // a row under another key than its own
  index,           // a secondary index that is not what the rows say
  long_value,      // missing, in pieces, or counted wrongly
};
std::string_view name_of(Check check) noexcept;

struct Finding {
  Check check;
  std::string what;
};

struct VerifyOptions {
  unsigned threads = 0;             // 0: one a processor
  std::size_t findings_max = 1000;  // more are counted and not kept
  // Called now and then from one thread at a time.
  std::function<void(std::string_view what, std::uint64_t done, std::uint64_t total)> progress;
};

struct VerifyReport {
  std::uint64_t pages_good = 0, pages_corrected = 0, pages_zero = 0, pages_bad = 0;
  std::vector<Pgno> bad_pages;         // at most findings_max
  std::uint64_t bad_pages_unused = 0;  // of no tree: no damage
  std::uint64_t tables = 0, trees = 0, rows = 0;
  std::uint64_t indexes_checked = 0, indexes_skipped = 0;  // skipped: keys that only Windows makes
  std::uint64_t index_entries = 0;
  std::uint64_t long_values = 0, long_value_bytes = 0;
  std::vector<Finding> findings;
  std::uint64_t findings_total = 0;

  bool good() const { return findings_total == 0; }
};

// An error only if reading itself fails; whatever is wrong with the database is in the report.
Result<VerifyReport> verify_database(const PageSource& source, const DatabaseHeader& header,
                                     const VerifyOptions& options);

}  // namespace stillframe::ese
