// Where pages come from: a file, a buffer pool, or memory in tests.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <stillframe/result.hpp>

#include "writers/ese/format/bytes.hpp"
#include "writers/ese/format/small_types.hpp"

namespace stillframe::ese {

class PageSource {
 public:
  virtual ~PageSource() = default;

  virtual std::string_view name() const = 0;  // for messages
  virtual std::size_t page_bytes() const = 0;
  // The last page of the source; pages are 1..last.
  virtual Pgno last_page() const = 0;

  // Reads pages that follow each other into `to`, a multiple of the page size, as they lie: nothing
  // is checked. Callable from several threads at once. Pages past the last: bad_page_link.
  virtual Status read_pages(Pgno first, MutableBytes to) const = 0;
};

}  // namespace stillframe::ese
