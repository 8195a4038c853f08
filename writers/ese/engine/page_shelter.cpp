#include "writers/ese/engine/page_shelter.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <utility>

#include "framework/base/check.hpp"
#include "framework/base/path.hpp"
#include "writers/ese/format/checksum.hpp"
#include "writers/ese/format/database_header.hpp"
#include "writers/ese/format/layout.hpp"

namespace stillframe::ese {

namespace {

constexpr std::uint64_t kMagic = 0x3245'4741'5046'5345;  // "ESFPAGE2"
constexpr std::size_t kHeadBytes = 4096;
// A database is synced once in so many: enough that no call writes over what it wrote itself.
constexpr std::size_t kBatches = 16;
static_assert(kBatches * PageShelter::kPagesInBatch > PageShelter::kPagesAtOnce);
constexpr std::uint64_t kHeaderPagesBefore = 2;

// What a batch is: behind its head as many pages as it says.
struct BatchHead {
  static constexpr std::size_t kBytes = 72 + PageShelter::kPagesInBatch * 12;

  std::uint32_t checksum = 0;
  std::uint32_t page_bytes = 0;
  std::uint64_t magic = kMagic;
  std::uint64_t number = 0;  // of the batch: the larger, the newer
  std::uint32_t pages = 0;
  std::array<std::uint32_t, PageShelter::kPagesInBatch> pgnos{};
  std::array<std::uint64_t, PageShelter::kPagesInBatch> hashes{};
  ShelteredDatabase of;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    visit(0, "checksum", self.checksum);
    visit(4, "page_bytes", self.page_bytes);
    visit(8, "magic", self.magic);
    visit(16, "number", self.number);
    visit(24, "pages", self.pages);
    visit(32, "pgnos", self.pgnos);
    visit(32 + PageShelter::kPagesInBatch * 4, "hashes", self.hashes);
    visit(32 + PageShelter::kPagesInBatch * 12, "database", self.of.database);
    visit(60 + PageShelter::kPagesInBatch * 12, "attached", self.of.attached);
    visit(68 + PageShelter::kPagesInBatch * 12, "newest", self.of.newest);
  }
};

std::uint64_t batch_bytes(std::size_t page_bytes) {
  return kHeadBytes + PageShelter::kPagesInBatch * page_bytes;
}

std::uint64_t place_of(std::uint32_t pgno, std::size_t page_bytes) {
  return (std::uint64_t{pgno} - 1 + kHeaderPagesBefore) * page_bytes;
}

// Of a batch whose head is whole; which of its pages are is told by the sums.
std::optional<BatchHead> decode_head(Bytes bytes) {
  const auto head = decode<BatchHead>(bytes);
  const bool whole = head.magic == kMagic && head.checksum == xor_checksum(bytes) &&
                     is_page_size(head.page_bytes) && head.pages <= PageShelter::kPagesInBatch;
  return whole ? std::optional(head) : std::nullopt;
}

struct Sheltered {
  std::uint64_t number = 0;
  std::vector<std::byte> page;
  ShelteredDatabase of;
};
using ShelteredPages = std::map<std::uint32_t, Sheltered>;  // by page number, the newest of each

// A page whose batch was still being written then is not here: its place was not touched.
Status read_batch(const File& shelter, std::uint64_t at, const BatchHead& head,
                  std::uint64_t file_bytes, ShelteredPages& found) {
  std::vector<std::byte> page(head.page_bytes);
  for (std::size_t i = 0; i < head.pages; ++i) {
    const std::uint64_t from = at + kHeadBytes + i * head.page_bytes;
    if (from + page.size() > file_bytes) return Ok{};
    if (Status s = shelter.read(from, page); !s.ok()) return s;
    if (head.pgnos[i] == 0 || sheltered_hash(page) != head.hashes[i]) continue;
    if (check_page_sum(page, head.pgnos[i]) != PageSum::good) continue;
    Sheltered& newest = found[head.pgnos[i]];
    if (newest.page.empty() || newest.number < head.number) newest = {head.number, page, head.of};
  }
  return Ok{};
}

Result<ShelteredPages> read_shelter(const File& shelter) {
  ShelteredPages found;
  const auto size = shelter.size();
  if (!size.ok()) return size.error();
  std::vector<std::byte> bytes(kHeadBytes);
  std::uint64_t each = 0;  // unknown before the first good head, which the first batch has
  for (std::size_t i = 0; i < kBatches; ++i) {
    const std::uint64_t at = i * each;
    if ((i > 0 && each == 0) || at + kHeadBytes > size.value()) break;
    if (Status s = shelter.read(at, bytes); !s.ok()) return s.error();
    const auto head = decode_head(bytes);
    if (i == 0) each = batch_bytes(load_le<std::uint32_t>(bytes.data() + 4));
    if (!head) continue;
    if (Status s = read_batch(shelter, at, *head, size.value(), found); !s.ok()) return s.error();
  }
  return found;
}

// Nothing when the header cannot be read: then recovery refuses the database, whatever its pages.
Result<std::optional<DatabaseHeader>> header_of(const File& database, std::uint64_t file_bytes,
                                                const BytePath& path) {
  std::vector<std::byte> start(
      std::min<std::uint64_t>(file_bytes, kHeaderPagesBefore * kPageBytesMax));
  if (Status s = database.read(0, start); !s.ok()) return s.error();
  const auto found = find_header(start, escape_path(path));
  return found.ok() ? std::optional(found.value().header) : std::nullopt;
}

// What is in a page's place, with zeros where the file has ended.
Result<std::vector<std::byte>> read_page_at(const File& database, std::uint64_t at,
                                            std::uint64_t file_bytes, std::size_t page_bytes) {
  std::vector<std::byte> page(page_bytes);
  const auto count = std::min<std::uint64_t>(file_bytes > at ? file_bytes - at : 0, page_bytes);
  if (count == 0) return page;
  if (Status s = database.read(at, MutableBytes(page).first(count)); !s.ok()) return s.error();
  return page;
}

}  // namespace

ShelteredDatabase ShelteredDatabase::of(const DatabaseHeader& header) {
  return {header.sign_db, header.lgpos_attach, header.gen_max_required};
}

bool ShelteredDatabase::is(const DatabaseHeader& header) const {
  return header.state == DbState::dirty_shutdown && database == header.sign_db &&
         attached == header.lgpos_attach && newest <= header.gen_max_required;
}

// A page's own checksum does not do: bits that change alike in four neighbouring words leave it as
// it is, and an undone insert of four rows changes just these. Multiplying carries every bit on.
std::uint64_t sheltered_hash(Bytes page) {
  std::uint64_t hash = page.size();
  for (std::size_t at = 0; at < page.size(); at += sizeof hash) {
    hash = (hash ^ load_le<std::uint64_t>(page.data() + at)) * 0x9e37'79b9'7f4a'7c15;
    hash ^= hash >> 32;
  }
  return hash;
}

BytePath shelter_path(const BytePath& database) {
  return database + ".pages";
}

PageShelter::PageShelter(std::unique_ptr<File> file, std::size_t page_bytes,
                         std::function<Status()> sync_database)
    : file_(std::move(file)), page_bytes_(page_bytes), sync_database_(std::move(sync_database)) {}

Result<std::unique_ptr<PageShelter>> PageShelter::create(Files& files, const BytePath& database,
                                                         std::size_t page_bytes,
                                                         std::function<Status()> sync_database) {
  if (Status s = remove_shelter(files, database); !s.ok()) return s.error();
  auto file = files.create(shelter_path(database));
  if (!file.ok()) return file.error();
  if (Status s = files.sync_directory(parent_path(database)); !s.ok()) return s.error();
  return std::unique_ptr<PageShelter>(
      new PageShelter(std::move(file).value(), page_bytes, std::move(sync_database)));
}

Status PageShelter::take(std::span<const SealedPage> pages, const ShelteredDatabase& of) {
  STILLFRAME_CHECK(pages.size() <= kPagesAtOnce, "no more pages than are sheltered at once");
  for (std::size_t at = 0; at < pages.size(); at += kPagesInBatch) {
    const auto some = pages.subspan(at, std::min(kPagesInBatch, pages.size() - at));
    if (Status s = write_batch(some, of); !s.ok()) return s;
  }
  return file_->sync();
}

// What is overwritten must not be needed: its pages are in the database for good by then.
Status PageShelter::write_batch(std::span<const SealedPage> pages, const ShelteredDatabase& of) {
  if (next_ >= kBatches && next_ % kBatches == 0) {
    if (Status s = sync_database_(); !s.ok()) return s;
  }
  BatchHead head;
  head.page_bytes = static_cast<std::uint32_t>(page_bytes_);
  head.number = ++next_;
  head.of = of;
  head.pages = static_cast<std::uint32_t>(pages.size());
  std::vector<std::byte> bytes(kHeadBytes + pages.size() * page_bytes_);
  for (std::size_t i = 0; i < pages.size(); ++i) {
    head.pgnos[i] = static_cast<std::uint32_t>(pages[i].pgno);
    head.hashes[i] = sheltered_hash(pages[i].bytes);
    std::copy(pages[i].bytes.begin(), pages[i].bytes.end(),
              bytes.begin() + static_cast<std::ptrdiff_t>(kHeadBytes + i * page_bytes_));
  }
  const MutableBytes first = MutableBytes(bytes).first(kHeadBytes);
  encode(head, first);
  store_le(bytes.data(), xor_checksum(first));
  const std::uint64_t at = (head.number - 1) % kBatches * batch_bytes(page_bytes_);
  return file_->write(at, bytes);
}

Result<std::size_t> restore_sheltered(Files& files, const BytePath& database,
                                      const BytePath& shelter) {
  if (!files.exists(shelter) || !files.exists(database)) return std::size_t{0};
  auto kept = files.open(shelter, FileAccess::read);
  if (!kept.ok()) return kept.error();
  const auto pages = read_shelter(*kept.value());
  if (!pages.ok()) return pages.error();
  auto file = files.open(database, FileAccess::write);
  if (!file.ok()) return file.error();
  const auto size = file.value()->size();
  if (!size.ok()) return size.error();
  const auto header = header_of(*file.value(), size.value(), database);
  if (!header.ok()) return header.error();
  if (!header.value()) return std::size_t{0};
  std::size_t restored = 0;
  for (const auto& [pgno, sheltered] : pages.value()) {
    // Left by another database, whose pages lie elsewhere in their file.
    if (sheltered.page.size() != header.value()->page_size()) continue;
    const std::uint64_t at = place_of(pgno, sheltered.page.size());
    const auto there = read_page_at(*file.value(), at, size.value(), sheltered.page.size());
    if (!there.ok()) return there.error();
    if (there.value() == sheltered.page) continue;
    // A page that was torn may look good. In the file that it was written to, what is sheltered is
    // what its place had or was about to get; of any other file, only what is bad is touched.
    if (!sheltered.of.is(*header.value()) && check_page_sum(there.value(), pgno) != PageSum::bad)
      continue;
    if (Status s = file.value()->write(at, sheltered.page); !s.ok()) return s.error();
    ++restored;
  }
  if (restored == 0) return restored;
  if (Status s = file.value()->sync(); !s.ok()) return s.error();
  return restored;
}

Status remove_shelter(Files& files, const BytePath& database) {
  const BytePath path = shelter_path(database);
  return files.exists(path) ? files.remove(path) : Status(Ok{});
}

}  // namespace stillframe::ese
