// link: stillframe_ese_test_support
// A page shelter beside a database of a few pages. Whatever is in it, a page that is good where it
// is stays so, and what is put back is a good page.
#include <algorithm>
#include <cstdint>
#include <vector>

#include "framework/base/check.hpp"
#include "tests/io/support/crashing_files.hpp"
#include "writers/ese/engine/page_shelter.hpp"
#include "writers/ese/format/checksum.hpp"
#include "writers/ese/format/database_header.hpp"

using namespace stillframe;
using namespace stillframe::ese;

namespace {

using Blob = std::vector<std::byte>;
constexpr std::size_t kHeadBytes = 4096, kPagesInBatch = 64, kPgnosAt = 32, kHashesAt = 288;
constexpr std::uint64_t kMagic = 0x3245'4741'5046'5345;
constexpr std::uint32_t kPages = 6;  // of the database; half of them torn
const BytePath kDatabase = "/fuzz.edb";

// The input from its front; zeros behind its end.
struct Input {
  const std::uint8_t* data;
  std::size_t left;
  std::uint8_t next() {
    if (left == 0) return 0;
    --left;
    return *data++;
  }
};

Blob page_of(std::uint32_t pgno, std::uint8_t fill, std::size_t page_bytes) {
  Blob page(page_bytes, static_cast<std::byte>(fill));
  store_le(page.data() + 36, std::uint32_t{0x2800});  // checksums of the newer form
  seal_page(page, pgno);
  return page;
}

Blob database_of(std::size_t page_bytes) {
  DatabaseHeader header;
  header.page_bytes = static_cast<std::uint32_t>(page_bytes);
  Blob all(2 * page_bytes);
  seal_header(header, MutableBytes(all).first(page_bytes));
  seal_header(header, MutableBytes(all).subspan(page_bytes));
  for (std::uint32_t pgno = 1; pgno <= kPages; ++pgno) {
    Blob page = page_of(pgno, static_cast<std::uint8_t>(pgno), page_bytes);
    if (pgno % 2 == 0) page[page_bytes / 2] ^= std::byte{0xFF};
    if (pgno % 4 == 0) page[page_bytes / 2 + 9] ^= std::byte{0xFF};
    all.insert(all.end(), page.begin(), page.end());
  }
  return all;
}

// A head and its pages, right but for what the input says: for each page its number, what it is
// filled with, and which of its two sums is wrong.
void add_batch(Input& input, std::size_t page_bytes, std::uint64_t at, Blob& shelter) {
  const std::size_t pages = input.next() % 8;
  shelter.resize(at + kHeadBytes + pages * page_bytes);
  std::byte* head = shelter.data() + at;
  store_le(head + 4, static_cast<std::uint32_t>(page_bytes));
  store_le(head + 8, kMagic);
  store_le(head + 16, std::uint64_t{input.next()});
  store_le(head + 24, static_cast<std::uint32_t>(pages));
  for (std::size_t i = 0; i < pages; ++i) {
    const std::uint32_t pgno = input.next() % (kPages + 4);
    Blob page = page_of(pgno, input.next(), page_bytes);
    const std::uint8_t wrong = input.next();
    if ((wrong & 1) != 0) page[100] ^= std::byte{0x55};
    store_le(head + kPgnosAt + 4 * i, pgno);
    store_le(head + kHashesAt + 8 * i, sheltered_hash(page) ^ ((wrong & 2) != 0 ? 1U : 0U));
    std::copy(page.begin(), page.end(),
              shelter.begin() + static_cast<std::ptrdiff_t>(at + kHeadBytes + i * page_bytes));
  }
}

Blob shelter_of(Input& input, std::size_t page_bytes) {
  Blob shelter;
  const std::size_t batches = input.next() % 5;
  const std::uint64_t each = kHeadBytes + kPagesInBatch * page_bytes;
  for (std::size_t i = 0; i < batches; ++i) add_batch(input, page_bytes, i * each, shelter);
  const bool sealed = input.next() % 2 == 0;
  while (input.left > 2 && !shelter.empty()) {  // and then any bytes in the heads
    const std::size_t batch = input.next() % (batches + 1);
    const std::size_t at = batch * each + (input.next() | (input.next() & 3U) << 8U);
    const std::uint8_t byte = input.next();
    if (at < shelter.size()) shelter[at] = static_cast<std::byte>(byte);
  }
  for (std::size_t i = 0; sealed && i < batches; ++i) {
    const MutableBytes head = MutableBytes(shelter).subspan(i * each, kHeadBytes);
    store_le(head.data(), xor_checksum(head));
  }
  return shelter;
}

void put(Files& files, const BytePath& path, const Blob& bytes) {
  auto file = files.create(path);
  STILLFRAME_CHECK(file.ok() && file.value()->write(0, bytes).ok(), "a file in memory");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input input{data, size};
  const std::size_t page_bytes = std::size_t{2048} << input.next() % 5;
  tests::CrashingFiles files;
  const Blob before = database_of(page_bytes);
  put(files, kDatabase, before);
  put(files, shelter_path(kDatabase), shelter_of(input, page_bytes));

  const auto restored = restore_sheltered(files, kDatabase, shelter_path(kDatabase));
  STILLFRAME_CHECK(restored.ok(), "a damaged shelter is no error");
  auto file = files.open(kDatabase, FileAccess::read);
  STILLFRAME_CHECK(file.ok() && file.value()->size().ok(), "the database is there");
  Blob after(file.value()->size().value());
  STILLFRAME_CHECK(file.value()->read(0, after).ok(), "the database can be read");
  STILLFRAME_CHECK(std::equal(before.begin(), before.begin() + 2 * page_bytes, after.begin()),
                   "a header was changed");
  std::size_t changed = 0;
  for (std::uint32_t pgno = 1; (pgno + 2) * page_bytes <= before.size(); ++pgno) {
    const Bytes was = Bytes(before).subspan((pgno + 1) * page_bytes, page_bytes);
    const Bytes is = Bytes(after).subspan((pgno + 1) * page_bytes, page_bytes);
    if (std::equal(was.begin(), was.end(), is.begin())) continue;
    ++changed;
    STILLFRAME_CHECK(check_page_sum(was, pgno) == PageSum::bad, "a whole page was replaced");
    STILLFRAME_CHECK(check_page_sum(is, pgno) == PageSum::good, "a damaged page was put back");
  }
  STILLFRAME_CHECK(changed <= restored.value(), "more pages were changed than it says");
  return 0;
}
