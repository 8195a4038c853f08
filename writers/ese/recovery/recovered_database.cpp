#include "writers/ese/recovery/recovered_database.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "framework/base/path.hpp"
#include "writers/ese/format/checksum.hpp"
#include "writers/ese/format/page.hpp"
#include "writers/ese/format/page_check.hpp"
#include "writers/ese/format/page_editor.hpp"

namespace stillframe::ese {

namespace {

constexpr std::uint64_t kHeaderCopies = 2;

std::uint32_t number(Pgno pgno) {
  return static_cast<std::uint32_t>(pgno);
}

}  // namespace

RecoveredDatabase::RecoveredDatabase(Files& files, BytePath path, std::size_t page_bytes,
                                     RecoveryJournal journal)
    : files_(&files),
      path_(std::move(path)),
      name_(escape_path(last_component(path_))),
      page_bytes_(page_bytes),
      journal_(std::move(journal)) {}

Result<std::unique_ptr<RecoveredDatabase>> RecoveredDatabase::open(Files& files,
                                                                   const BytePath& path,
                                                                   std::size_t page_bytes,
                                                                   Contents contents) {
  auto journal = RecoveryJournal::create(files, path, page_bytes);
  if (!journal.ok()) return journal.error();
  std::unique_ptr<RecoveredDatabase> database(
      new RecoveredDatabase(files, path, page_bytes, std::move(journal).value()));
  if (contents == Contents::made_anew || !files.exists(path)) return database;
  auto file = files.open(path, FileAccess::read);
  if (!file.ok()) return file.error();
  const auto size = file.value()->size();
  if (!size.ok()) return size.error();
  const std::uint64_t slots = size.value() / page_bytes;
  database->file_pages_ = slots > kHeaderCopies ? slots - kHeaderCopies : 0;
  database->last_ = Pgno{static_cast<std::uint32_t>(database->file_pages_)};
  database->file_ = std::move(file).value();
  return database;
}

std::uint64_t RecoveredDatabase::offset_of(Pgno pgno) const {
  return (number(pgno) + kHeaderCopies - 1) * page_bytes_;
}

Status RecoveredDatabase::read(Pgno pgno, MutableBytes into) {
  const auto name = [&] { return "page " + std::to_string(number(pgno)) + " of '" + name_ + "'"; };
  const bool in_file = file_ != nullptr && number(pgno) <= file_pages_ && pgno != Pgno::null;
  if (!journal_.has(pgno) && !in_file) {
    return ese_error(EseErr::page_not_initialized, name() + " was never written");
  }
  const Status read =
      journal_.has(pgno) ? journal_.read(pgno, into) : file_->read(offset_of(pgno), into);
  if (!read.ok()) return read;
  switch (check_and_correct_page(into, number(pgno))) {
    case PageSum::zero:
      return ese_error(EseErr::page_not_initialized, name() + " was never written");
    case PageSum::bad:
      return ese_error(EseErr::read_verify_failure,
                       name() + " is damaged; take it from another copy of the database");
    case PageSum::good:
    case PageSum::corrected:
      break;
  }
  const PageView page(into);
  if (page.has(kPageEmpty) || page.has(kPagePreInit)) {
    return check_page_structure(into, name_, pgno);
  }
  return check_page_for_editing(into, name_, pgno);
}

Status RecoveredDatabase::write(std::span<const PageToWrite> pages) {
  for (const PageToWrite& each : pages) seal(each.pgno, each.page);
  return journal_.write(pages);
}

// A record that makes a page does not say how it is summed: that is decided when it is written.
void RecoveredDatabase::seal(Pgno pgno, MutableBytes page) {
  if (new_checksums_) PageEditor(page).set_flags(PageView(page).flags() | kPageNewChecksum);
  if (PageView(page).has(kPageNewChecksum)) {
    seal_page(page, number(pgno));
  } else {
    store_le(page.data() + sizeof(std::uint32_t), pgno);
    store_le(page.data(), xor_checksum(page));
  }
  grow_to(pgno);
}

void RecoveredDatabase::end_at(Pgno last) {
  file_pages_ = std::min<std::uint64_t>(file_pages_, number(last));
  last_ = Pgno{static_cast<std::uint32_t>(file_pages_)};
}

void RecoveredDatabase::grow_to(Pgno last) {
  last_ = std::max(last_, last);
}

Status RecoveredDatabase::finish(const DatabaseHeader& header) {
  std::vector<std::byte> page(page_bytes_);
  seal_header(header, page);
  if (Status written = journal_.write(Pgno::null, page); !written.ok()) return written;
  const std::uint64_t bytes = (number(last_) + kHeaderCopies) * page_bytes_;
  if (Status complete = journal_.complete(bytes); !complete.ok()) return complete;
  file_.reset();
  const auto carried = carry_over(*files_, path_);
  return carried.ok() ? Status(Ok{}) : Status(carried.error());
}

}  // namespace stillframe::ese
