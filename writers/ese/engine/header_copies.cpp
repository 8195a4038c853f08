#include "writers/ese/engine/header_copies.hpp"

#include <algorithm>
#include <vector>

#include "framework/base/path.hpp"
#include "writers/ese/format/database_header.hpp"
#include "writers/ese/format/layout.hpp"

namespace stillframe::ese {

namespace {

constexpr std::uint64_t kCopiesOfHeader = 2;

Status write_copy(File& database, std::uint64_t copy, Bytes page) {
  if (Status s = database.write(copy * page.size(), page); !s.ok()) return s;
  return database.sync();
}

// Makes the copy that is not believed equal to the one that is. Until then only that one stands
// between a torn write and a database without a header, and a whole copy that is not believed is of
// a write that a crash undid: it must not come back when the other is torn.
Status mend_copies(File& database, std::size_t page_bytes) {
  const auto size = database.size();
  if (!size.ok()) return size.error();
  std::vector<std::byte> start(
      std::min<std::uint64_t>(size.value(), kCopiesOfHeader * kPageBytesMax));
  if (Status s = database.read(0, start); !s.ok()) return s;
  const auto found = find_header(start, escape_path(database.path()));
  // A new file, or one that has no header to lose.
  if (!found.ok() || found.value().header.page_size() != page_bytes) return Ok{};
  if (found.value().copies == HeaderCopies::equal) return Ok{};
  const std::uint64_t believed = found.value().copies == HeaderCopies::primary_bad ? 1 : 0;
  return write_copy(database, 1 - believed,
                    Bytes(start).subspan(believed * page_bytes, page_bytes));
}

}  // namespace

Status write_header_copies(File& database, Bytes page) {
  if (Status s = mend_copies(database, page.size()); !s.ok()) return s;
  for (std::uint64_t copy = 0; copy < kCopiesOfHeader; ++copy) {
    if (Status s = write_copy(database, copy, page); !s.ok()) return s;
  }
  return Ok{};
}

}  // namespace stillframe::ese
