// Keeps pages whole over crashes. A disk may stop in the middle of a page, and the log has changes,
// not pages; so every page is made durable in a file beside its database before it is written to
// its place. docs/formats/page-shelter.md has the bytes.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include <stillframe/byte_path.hpp>
#include <stillframe/result.hpp>

#include "framework/io/files.hpp"
#include "writers/ese/format/bytes.hpp"
#include "writers/ese/format/database_header.hpp"
#include "writers/ese/format/small_types.hpp"

namespace stillframe::ese {

// A page as it goes to its file, with its checksum.
struct SealedPage {
  Pgno pgno{};
  Bytes bytes;
};

// Which file sheltered pages are of, and as of when.
struct ShelteredDatabase {
  Signature database;
  Lgpos attached;
  Generation
      newest{};  // that the header speaks of: it does so before pages of that one are written

  static ShelteredDatabase of(const DatabaseHeader& header);
  // The file with this header is the one, not older than the pages, and was not shut down since.
  bool is(const DatabaseHeader& header) const;
};

// "x.edb.pages" for "x.edb".
BytePath shelter_path(const BytePath& database);

// Tells whole pages from torn ones, which a page's own checksum does not always.
std::uint64_t sheltered_hash(Bytes page);

// One thread at a time.
class PageShelter {
 public:
  static constexpr std::size_t kPagesInBatch = 64;
  static constexpr std::size_t kPagesAtOnce = 4 * kPagesInBatch;

  // Begins anew, in place of any there is: nothing of that is needed. `sync_database` makes durable
  // what was written to the database.
  static Result<std::unique_ptr<PageShelter>> create(Files& files, const BytePath& database,
                                                     std::size_t page_bytes,
                                                     std::function<Status()> sync_database);

  // On return these pages, kPagesAtOnce at most, may be written to their places.
  Status take(std::span<const SealedPage> pages, const ShelteredDatabase& of);

 private:
  PageShelter(std::unique_ptr<File> file, std::size_t page_bytes,
              std::function<Status()> sync_database);
  Status write_batch(std::span<const SealedPage> pages, const ShelteredDatabase& of);

  const std::unique_ptr<File> file_;
  const std::size_t page_bytes_;
  const std::function<Status()> sync_database_;
  std::uint64_t next_ = 0;  // batches so far
};

// After a crash, before anything reads the database: puts back what was being written when it
// stopped. How many pages that was. No database, or no shelter: none.
Result<std::size_t> restore_sheltered(Files& files, const BytePath& database,
                                      const BytePath& shelter);
// The database is whole and nobody writes to it any more.
Status remove_shelter(Files& files, const BytePath& database);

}  // namespace stillframe::ese
