#include "writers/ese/recovery/recovery_journal.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>
#include <vector>

#include "framework/base/path.hpp"
#include "writers/ese/engine/header_copies.hpp"
#include "writers/ese/format/checksum.hpp"
#include "writers/ese/format/database_header.hpp"
#include "writers/ese/format/ese_error.hpp"
#include "writers/ese/format/layout.hpp"

namespace stillframe::ese {

namespace {

constexpr std::uint64_t kMagic = 0x314c4e5252465345;  // "ESFRRNL1"
constexpr std::size_t kHeadBytes = 512;               // a disk writes as much whole or not at all
constexpr std::uint64_t kPagesAt = 32768;
constexpr Pgno kHeaderPage{0};
constexpr std::size_t kHeaderPagesBefore = 2;
constexpr std::size_t kCarriedAtOnce = 64;  // pages

struct JournalHead {
  static constexpr std::size_t kBytes = 40;

  std::uint32_t checksum = 0;
  std::uint32_t page_bytes = 0;
  std::uint64_t magic = kMagic;
  std::uint64_t database_bytes = 0;
  std::uint64_t pages = 0;
  std::uint32_t index_checksum = 0;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    visit(0, "checksum", self.checksum);
    visit(4, "page_bytes", self.page_bytes);
    visit(8, "magic", self.magic);
    visit(16, "database_bytes", self.database_bytes);
    visit(24, "pages", self.pages);
    visit(32, "index_checksum", self.index_checksum);
  }
};

// The page numbers in the order of their slots, as the file has them.
std::vector<std::byte> index_bytes(const std::unordered_map<Pgno, std::uint32_t>& slots) {
  std::vector<std::byte> bytes((slots.size() + 1) * sizeof(Pgno));  // a word more: never empty
  for (const auto& [pgno, slot] : slots) store_le(bytes.data() + slot * sizeof(Pgno), pgno);
  return bytes;
}

// None for a journal that was not completed.
Result<std::optional<JournalHead>> read_head(const File& file) {
  const auto size = file.size();
  if (!size.ok()) return size.error();
  if (size.value() < kPagesAt) return std::optional<JournalHead>();
  std::array<std::byte, kHeadBytes> bytes;
  if (Status read = file.read(0, bytes); !read.ok()) return read.error();
  const auto head = decode<JournalHead>(bytes);
  const bool whole = head.magic == kMagic && head.checksum == xor_checksum(bytes) &&
                     is_page_size(head.page_bytes) &&
                     head.pages <= (size.value() - kPagesAt) / head.page_bytes;
  return whole ? std::optional(head) : std::nullopt;
}

Error damaged(const File& journal, const std::string& why) {
  return ese_error(EseErr::database_corrupted,
                   "the journal of a recovery, '" + escape_path(journal.path()) + "', " + why +
                       "; its database is in part carried over: take both from a copy");
}

Result<std::vector<Pgno>> read_index(const File& file, const JournalHead& head) {
  std::vector<std::byte> bytes((head.pages + 1) * sizeof(Pgno));
  if (Status read = file.read(kPagesAt + head.pages * head.page_bytes, bytes); !read.ok()) {
    return read.error();
  }
  if (xor_checksum(bytes) != head.index_checksum) return damaged(file, "has a damaged index");
  std::vector<Pgno> index(head.pages);
  for (std::size_t slot = 0; slot < index.size(); ++slot) {
    index[slot] = load_le<Pgno>(bytes.data() + slot * sizeof(Pgno));
  }
  return index;
}

bool good_page(Bytes page, Pgno pgno) {
  if (pgno == kHeaderPage) return xor_checksum(page) == load_le<std::uint32_t>(page.data());
  return check_page_sum(page, static_cast<std::uint32_t>(pgno)) != PageSum::bad;
}

// Pages that lie together in the journal, to their places; those that follow each other there as
// one write. A header among them is kept for later.
Status carry_some(const File& journal, Bytes pages, std::span<const Pgno> pgnos, File& database,
                  std::vector<std::byte>& header) {
  const std::size_t each = pages.size() / pgnos.size();
  for (std::size_t i = 0; i < pgnos.size(); ++i) {
    const Bytes page = pages.subspan(i * each, each);
    if (!good_page(page, pgnos[i])) return damaged(journal, "has a damaged page");
    if (pgnos[i] == kHeaderPage) header.assign(page.begin(), page.end());
  }
  for (std::size_t begin = 0, end = 0; begin < pgnos.size(); begin = end) {
    const auto first = static_cast<std::uint64_t>(pgnos[begin]);
    for (end = begin + 1; end < pgnos.size(); ++end) {
      if (static_cast<std::uint64_t>(pgnos[end]) != first + (end - begin)) break;
    }
    if (pgnos[begin] == kHeaderPage) {
      end = begin + 1;
      continue;
    }
    const Bytes run = pages.subspan(begin * each, (end - begin) * each);
    const std::uint64_t at = (first + kHeaderPagesBefore - 1) * each;
    if (Status written = database.write(at, run); !written.ok()) return written;
    database.write_back(at, run.size());
  }
  return Ok{};
}

// Pages first, then the header that calls them consistent.
Status carry_pages(const File& journal, const JournalHead& head, const std::vector<Pgno>& index,
                   File& database) {
  std::vector<std::byte> pages, header;
  if (Status sized = database.resize(head.database_bytes); !sized.ok()) return sized;
  for (std::size_t slot = 0; slot < index.size(); slot += kCarriedAtOnce) {
    const auto some = std::span(index).subspan(slot, std::min(kCarriedAtOnce, index.size() - slot));
    pages.resize(some.size() * head.page_bytes);
    const Status read = journal.read(kPagesAt + slot * head.page_bytes, pages);
    if (!read.ok()) return read;
    const Status carried = carry_some(journal, pages, some, database, header);
    if (!carried.ok()) return carried;
  }
  if (Status synced = database.sync(); !synced.ok()) return synced;
  if (header.empty()) return damaged(journal, "has no header for the database");
  return write_header_copies(database, header);
}

Status remove_journal(Files& files, const BytePath& path) {
  if (Status removed = files.remove(path); !removed.ok()) return removed;
  return files.sync_directory(parent_path(path));
}

Result<std::unique_ptr<File>> open_or_create(Files& files, const BytePath& path) {
  if (files.exists(path)) return files.open(path, FileAccess::write);
  auto file = files.create(path);
  if (!file.ok()) return file;
  if (Status synced = files.sync_directory(parent_path(path)); !synced.ok()) {
    return synced.error();
  }
  return file;
}

}  // namespace

BytePath journal_path(const BytePath& database) {
  return database + ".recovery";
}

Result<RecoveryJournal> RecoveryJournal::create(Files& files, const BytePath& database,
                                                std::size_t page_bytes) {
  const BytePath path = journal_path(database);
  if (files.exists(path)) {
    if (Status removed = files.remove(path); !removed.ok()) return removed.error();
  }
  auto file = files.create(path);
  if (!file.ok()) return file.error();
  return RecoveryJournal(files, std::move(file).value(), page_bytes);
}

std::uint64_t RecoveryJournal::offset_of(std::uint32_t slot) const {
  return kPagesAt + std::uint64_t{slot} * page_bytes_;
}

Status RecoveryJournal::read(Pgno pgno, MutableBytes into) const {
  return file_->read(offset_of(slots_.at(pgno)), into);
}

std::uint32_t RecoveryJournal::slot_of(Pgno pgno) {
  return slots_.try_emplace(pgno, static_cast<std::uint32_t>(slots_.size())).first->second;
}

Status RecoveryJournal::write(Pgno pgno, Bytes page) {
  return file_->write(offset_of(slot_of(pgno)), page);
}

Status RecoveryJournal::write(std::span<const PageToWrite> pages) {
  std::vector<std::byte> run;
  run.reserve(pages.size() * page_bytes_);
  std::uint64_t begin = 0;
  const auto write_run = [&]() -> Status {
    if (Status written = file_->write(begin, run); !written.ok()) return written;
    file_->write_back(begin, run.size());
    run.clear();
    return Ok{};
  };
  for (const PageToWrite& each : pages) {
    const std::uint64_t at = offset_of(slot_of(each.pgno));
    if (!run.empty() && at != begin + run.size()) {
      if (Status written = write_run(); !written.ok()) return written;
    }
    if (run.empty()) begin = at;
    run.insert(run.end(), each.page.begin(), each.page.end());
  }
  return run.empty() ? Status(Ok{}) : write_run();
}

Status RecoveryJournal::complete(std::uint64_t database_bytes) {
  const std::vector<std::byte> index = index_bytes(slots_);
  const auto behind = offset_of(static_cast<std::uint32_t>(slots_.size()));
  if (Status written = file_->write(behind, index); !written.ok()) return written;
  if (Status synced = file_->sync(); !synced.ok()) return synced;
  if (Status synced = files_->sync_directory(parent_path(file_->path())); !synced.ok()) {
    return synced;
  }
  JournalHead head;
  head.page_bytes = static_cast<std::uint32_t>(page_bytes_);
  head.database_bytes = database_bytes;
  head.pages = slots_.size();
  head.index_checksum = xor_checksum(index);
  std::array<std::byte, kHeadBytes> bytes{};
  encode(head, bytes);
  store_le(bytes.data(), xor_checksum(bytes));
  if (Status written = file_->write(0, bytes); !written.ok()) return written;
  return file_->sync();
}

Result<bool> carry_over(Files& files, const BytePath& database) {
  const BytePath path = journal_path(database);
  if (!files.exists(path)) return false;
  auto journal = files.open(path, FileAccess::read);
  if (!journal.ok()) return journal.error();
  const auto head = read_head(*journal.value());
  if (!head.ok()) return head.error();
  if (head.value()) {
    const auto index = read_index(*journal.value(), *head.value());
    if (!index.ok()) return index.error();
    auto file = open_or_create(files, database);
    if (!file.ok()) return file.error();
    const Status carried =
        carry_pages(*journal.value(), *head.value(), index.value(), *file.value());
    if (!carried.ok()) return carried.error();
  }
  if (Status removed = remove_journal(files, path); !removed.ok()) return removed.error();
  return head.value().has_value();
}

Status discard_incomplete(Files& files, const BytePath& database) {
  const BytePath path = journal_path(database);
  if (!files.exists(path)) return Ok{};
  auto journal = files.open(path, FileAccess::read);
  if (!journal.ok()) return journal.error();
  const auto head = read_head(*journal.value());
  if (!head.ok()) return head.error();
  return head.value() ? Status(Ok{}) : remove_journal(files, path);
}

}  // namespace stillframe::ese
