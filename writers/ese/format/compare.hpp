// Whether two databases are the same: page by page, or by their rows alone.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "writers/ese/format/page_source.hpp"
#include "writers/ese/format/schema.hpp"

namespace stillframe::ese {

// A database whose catalog has been read. Refers to both.
struct ComparedDatabase {
  const PageSource& source;
  const Schema& schema;
};

struct Comparison {
  std::uint64_t compared = 0;  // pages, or rows, that both have
  std::uint64_t different = 0;
  std::uint64_t only_in_first = 0, only_in_second = 0;
  std::uint64_t different_unused = 0;    // pages that no tree of either uses: no difference
  std::vector<std::string> differences;  // for people; at most as many as asked for

  bool same() const { return different == 0 && only_in_first == 0 && only_in_second == 0; }
};

// Pages by dbtime, links, object and nodes. What says nothing about the contents is left out:
// checksums, where nodes lie on a page, the mark that a version may exist, the flush type. Both
// have the same page size (invalid_argument otherwise). Errors: reading failed, or a tree is so
// damaged that its pages are not known.
Result<Comparison> compare_pages(const ComparedDatabase& first, const ComparedDatabase& second,
                                 std::size_t differences_max);

// Rows by primary key, column by column, whatever pages they lie on. Columns are matched by name;
// one that only one of the two has differs where it is not null. Tables of the engine's own count
// only if `system`. Errors: reading failed, or a row cannot be decoded.
Result<Comparison> compare_rows(const ComparedDatabase& first, const ComparedDatabase& second,
                                bool system, std::size_t differences_max);

}  // namespace stillframe::ese
