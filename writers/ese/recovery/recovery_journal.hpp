// The changed pages of a database that is being recovered, in a file beside it. The database itself
// is untouched until recovery has succeeded as a whole; then the journal is made durable, and what
// it holds is carried over. A crash before that leaves the old database, a crash after it a journal
// that the next run carries over: docs/formats/recovery-journal.md has the bytes.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <unordered_map>

#include <stillframe/result.hpp>

#include "framework/io/files.hpp"
#include "writers/ese/engine/page_cache.hpp"
#include "writers/ese/format/small_types.hpp"

namespace stillframe::ese {

// "x.edb.recovery" for "x.edb".
BytePath journal_path(const BytePath& database);

class RecoveryJournal {
 public:
  // Replaces a journal that no run completed.
  static Result<RecoveryJournal> create(Files& files, const BytePath& database,
                                        std::size_t page_bytes);

  bool has(Pgno pgno) const { return slots_.contains(pgno); }
  // The page is there.
  Status read(Pgno pgno, MutableBytes into) const;
  // `page` has its checksum. Page 0 stands for the header.
  Status write(Pgno pgno, Bytes page);
  // Several; those that follow each other in the journal are one write.
  Status write(std::span<const PageToWrite> pages);
  // Once this returns, the database is what the journal says, `database_bytes` long: carry_over()
  // brings the file there.
  Status complete(std::uint64_t database_bytes);

 private:
  RecoveryJournal(Files& files, std::unique_ptr<File> file, std::size_t page_bytes)
      : files_(&files), file_(std::move(file)), page_bytes_(page_bytes) {}
  std::uint64_t offset_of(std::uint32_t slot) const;
  std::uint32_t slot_of(Pgno pgno);

  Files* files_;
  std::unique_ptr<File> file_;
  std::size_t page_bytes_;
  std::unordered_map<Pgno, std::uint32_t> slots_;
};

// Carries a complete journal over to its database and removes it; removes one that is not complete.
// True if there was a complete one. The database need not exist.
Result<bool> carry_over(Files& files, const BytePath& database);

// Removes a journal that is not complete: its database is as it was without it.
Status discard_incomplete(Files& files, const BytePath& database);

}  // namespace stillframe::ese
