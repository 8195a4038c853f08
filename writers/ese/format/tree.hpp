// Reading B+ trees. docs/formats/trees.md has their rules.
#pragma once

#include <string>
#include <vector>

#include "writers/ese/format/page.hpp"
#include "writers/ese/format/page_source.hpp"

namespace stillframe::ese {

inline constexpr std::size_t kTreeDepthMax = 16;

// Reads one page and judges its checksum, with a flipped bit put right in `to`: nothing is known
// yet of what it consists of. read_verify_failure or page_not_initialized otherwise.
Status read_summed_page(const PageSource& source, Pgno pgno, MutableBytes to);
// The same, and that its nodes lie within it: database_corrupted otherwise.
Status read_checked_page(const PageSource& source, Pgno pgno, MutableBytes to);

// Walks the live nodes of one tree in the order of their keys. What it points at is valid until it
// is moved. One thread at a time.
class TreeCursor {
 public:
  TreeCursor(const PageSource& source, Pgno root, Objid objid);

  Status first();
  // To the first live node whose key is not below `key`.
  Status seek(const KeyView& key);
  Status next();

  bool at_end() const { return at_end_; }
  NodeView node() const { return PageView(page_).node(line_); }
  Pgno pgno() const { return pgno_; }
  std::size_t line() const { return line_; }

 private:
  Status load(Pgno pgno);
  template <class Choose>
  Status descend(const Choose& choose);
  // From a place that may be behind the last line or on a dead node to the next live one.
  Status settle();

  const PageSource& source_;
  Pgno root_;
  Objid objid_;
  std::vector<std::byte> page_;
  Pgno pgno_ = Pgno::null;
  std::size_t line_ = 0;
  std::uint64_t leaves_left_ = 0;  // a chain that goes in circles ends
  bool at_end_ = true;
};

std::string page_text(const PageSource& source, Pgno pgno);  // "page 7 of 'a.edb'"

}  // namespace stillframe::ese
