#include "writers/dedup/volume/table_index.hpp"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "framework/base/check.hpp"
#include "framework/base/path.hpp"
#include "writers/dedup/volume/layout.hpp"

namespace stillframe::dedup {

namespace {

constexpr std::uint64_t kIndexSignature = 0x5845444e49444653;  // SFDINDEX
constexpr std::uint16_t kIndexMajorVersion = 1;
constexpr std::size_t kIndexHeaderSum = 56, kIndexPageSum = 4088;
constexpr std::size_t kIndexSlotBytes = 32, kIndexCountOffset = 4064;
constexpr std::size_t kIndexReadBytes = std::size_t{1} << 20;

Error index_error(Errc code, const char* what) {
  return Error(code, std::string("index of a file table: ") + what);
}

std::uint64_t index_page_sum(Bytes bytes, std::uint32_t page) {
  return XXH3_64bits_withSeed(bytes.data(), kIndexPageSum, page);
}

struct FoundEntry {
  IndexSlot slot;
  EntryKind kind{};
};

// Every entry, in order.
Result<std::vector<FoundEntry>> entries_of_table(const File& table, std::uint64_t covered_bytes) {
  std::vector<FoundEntry> found;
  std::vector<std::byte> piece;
  std::uint64_t base = 0;
  for (std::uint64_t at = kTableHeaderBytes; at < covered_bytes;) {
    const std::uint64_t left = covered_bytes - at;
    if (left < kEntryHeadBytes) return index_error(Errc::corrupt, "the table ends in an entry");
    if (at + kEntryHeadBytes > base + piece.size()) {
      base = at;
      piece.resize(std::min<std::uint64_t>(kIndexReadBytes, left));
      if (Status s = table.read(base, piece); !s.ok()) return s.error();
    }
    const auto head = parse_entry_head(Bytes(piece).subspan(at - base));
    if (!head || head->bytes > left) return index_error(Errc::corrupt, "the table has no entry");
    found.push_back({{head->file, at, head->bytes}, head->kind});
    at += head->bytes;
  }
  return found;
}

// Those that count.
std::vector<IndexSlot> slots_of(std::vector<FoundEntry> entries) {
  std::sort(entries.begin(), entries.end(),
            [](const FoundEntry& a, const FoundEntry& b) { return a.slot < b.slot; });
  std::vector<IndexSlot> slots;
  std::size_t of_file = 0;  // where those of the current file begin
  for (const FoundEntry& entry : entries) {
    if (of_file < slots.size() && slots[of_file].file != entry.slot.file) of_file = slots.size();
    if (entry.kind != EntryKind::change) slots.resize(of_file);
    if (entry.kind != EntryKind::gone) slots.push_back(entry.slot);
  }
  return slots;
}

}  // namespace

std::array<std::byte, kIndexHeaderBytes> format_index_header(const IndexHeader& header) {
  std::array<std::byte, kIndexHeaderBytes> bytes{};
  store_le(bytes.data(), kIndexSignature);
  store_le(bytes.data() + 8, kIndexMajorVersion);
  store_le(bytes.data() + 12, header.pages);
  std::memcpy(bytes.data() + 16, header.store.data(), header.store.size());
  std::memcpy(bytes.data() + 32, header.table.data(), header.table.size());
  store_le(bytes.data() + 48, header.covered_bytes);
  store_le(bytes.data() + kIndexHeaderSum,
           static_cast<std::uint64_t>(XXH3_64bits(bytes.data(), kIndexHeaderSum)));
  return bytes;
}

Result<IndexHeader> parse_index_header(Bytes bytes) {
  if (bytes.size() < kIndexHeaderBytes)
    return index_error(Errc::truncated, "its header ends early");
  if (load_le<std::uint64_t>(bytes.data()) != kIndexSignature ||
      load_le<std::uint64_t>(bytes.data() + kIndexHeaderSum) !=
          XXH3_64bits(bytes.data(), kIndexHeaderSum)) {
    return index_error(Errc::corrupt, "its header is damaged");
  }
  if (load_le<std::uint16_t>(bytes.data() + 8) != kIndexMajorVersion) {
    return index_error(Errc::future_version, "it is of another version");
  }
  IndexHeader header;
  header.pages = load_le<std::uint32_t>(bytes.data() + 12);
  std::memcpy(header.store.data(), bytes.data() + 16, header.store.size());
  std::memcpy(header.table.data(), bytes.data() + 32, header.table.size());
  header.covered_bytes = load_le<std::uint64_t>(bytes.data() + 48);
  if (header.covered_bytes < kTableHeaderBytes || header.covered_bytes > kFileBytesMax) {
    return index_error(Errc::corrupt, "it covers no table");
  }
  return header;
}

std::array<std::byte, kIndexPageBytes> format_index_page(std::uint32_t page,
                                                         std::span<const IndexSlot> slots) {
  STILLFRAME_CHECK(!slots.empty() && slots.size() <= kIndexSlotsMax, "a page of bounded size");
  std::array<std::byte, kIndexPageBytes> bytes{};
  std::byte* at = bytes.data();
  for (const IndexSlot& slot : slots) {
    std::memcpy(at, slot.file.bytes().data(), slot.file.bytes().size());
    store_le(at + 16, slot.offset);
    store_le(at + 24, slot.bytes);
    at += kIndexSlotBytes;
  }
  store_le(bytes.data() + kIndexCountOffset, static_cast<std::uint32_t>(slots.size()));
  store_le(bytes.data() + kIndexPageSum, index_page_sum(bytes, page));
  return bytes;
}

Result<std::vector<IndexSlot>> parse_index_page(Bytes bytes, std::uint32_t page) {
  if (bytes.size() < kIndexPageBytes) return index_error(Errc::truncated, "a page ends early");
  if (load_le<std::uint64_t>(bytes.data() + kIndexPageSum) != index_page_sum(bytes, page)) {
    return index_error(Errc::corrupt, "a page is damaged");
  }
  const auto count = load_le<std::uint32_t>(bytes.data() + kIndexCountOffset);
  if (count == 0 || count > kIndexSlotsMax) return index_error(Errc::corrupt, "a page is odd");
  std::vector<IndexSlot> slots(count);
  const std::byte* at = bytes.data();
  for (IndexSlot& slot : slots) {
    UuidBytes file;
    std::memcpy(file.data(), at, file.size());
    slot = {FileId(file), load_le<std::uint64_t>(at + 16), load_le<std::uint32_t>(at + 24)};
    if (slot.offset < kTableHeaderBytes || slot.offset > kFileBytesMax ||
        slot.bytes < kEntryBytesMin || slot.bytes > kEntryBytesMax) {
      return index_error(Errc::corrupt, "a slot is outside the table");
    }
    at += kIndexSlotBytes;
  }
  if (!std::is_sorted(slots.begin(), slots.end())) {
    return index_error(Errc::corrupt, "a page is not in order");
  }
  return slots;
}

Status write_table_index(Files& files, const BytePath& folder, const File& table,
                         const UuidBytes& store, std::uint64_t covered_bytes) {
  std::array<std::byte, kTableHeaderBytes> head{};
  if (Status s = table.read(0, head); !s.ok()) return s;
  auto entries = entries_of_table(table, covered_bytes);
  if (!entries.ok()) return entries.error();
  const std::vector<IndexSlot> slots = slots_of(std::move(entries).value());
  const BytePath path = join_path(folder, kTableIndexFileName), beside = path + ".new";
  if (files.exists(beside)) {
    if (Status s = files.remove(beside); !s.ok()) return s;
  }
  const auto file = files.create(beside);
  if (!file.ok()) return file.error();
  std::uint32_t page = 0;
  for (std::size_t done = 0; done < slots.size(); done += kIndexSlotsMax) {
    const std::size_t count = std::min(kIndexSlotsMax, slots.size() - done);
    const auto bytes = format_index_page(page, std::span(slots).subspan(done, count));
    if (Status s = file.value()->write(index_page_offset(page), bytes); !s.ok()) return s;
    ++page;
  }
  const auto header = format_index_header({store, table_of_header(head), covered_bytes, page});
  if (Status s = file.value()->write(0, header); !s.ok()) return s;
  if (Status s = file.value()->sync(); !s.ok()) return s;
  if (Status s = files.rename(beside, path); !s.ok()) return s;
  return files.sync_directory(folder);
}

}  // namespace stillframe::dedup
