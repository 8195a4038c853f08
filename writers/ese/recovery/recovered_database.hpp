// The pages of a database while it is recovered: those of its file, and over them the changed ones
// in the journal. The file is only read.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <stillframe/result.hpp>

#include "framework/io/files.hpp"
#include "writers/ese/engine/page_cache.hpp"
#include "writers/ese/format/database_header.hpp"
#include "writers/ese/recovery/recovery_journal.hpp"

namespace stillframe::ese {

class RecoveredDatabase final : public PageStore {
 public:
  // The file need not exist; what one has that is made anew does not count.
  enum class Contents { of_file, made_anew };
  static Result<std::unique_ptr<RecoveredDatabase>> open(Files& files, const BytePath& path,
                                                         std::size_t page_bytes, Contents contents);

  // Verified; page_not_initialized for pages of zeros and pages behind the end, read_verify_failure
  // for one that is damaged. A flipped bit is put right.
  Status read(Pgno pgno, MutableBytes into) override;
  Status write(std::span<const PageToWrite> pages) override;

  // Pages that are written get the checksum of Windows Vista and later, whatever they had.
  void use_new_checksums(bool use) { new_checksums_ = use; }
  // What the file has behind this page does not count.
  void end_at(Pgno last);
  // The file has pages up to this one at least.
  void grow_to(Pgno last);
  Pgno last_page() const { return last_; }
  const std::string& name() const { return name_; }

  // All changed pages are written. Makes the journal complete and carries it over: from then on the
  // file is the recovered database, with this header.
  Status finish(const DatabaseHeader& header);

 private:
  RecoveredDatabase(Files& files, BytePath path, std::size_t page_bytes, RecoveryJournal journal);
  std::uint64_t offset_of(Pgno pgno) const;
  void seal(Pgno pgno, MutableBytes page);

  Files* files_;
  const BytePath path_;
  const std::string name_;  // for messages
  const std::size_t page_bytes_;
  RecoveryJournal journal_;
  std::unique_ptr<File> file_;  // null when it does not exist
  bool new_checksums_ = true;
  std::uint64_t file_pages_ = 0;
  Pgno last_{};
};

}  // namespace stillframe::ese
