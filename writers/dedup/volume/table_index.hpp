// Where the file table has the entries of each file, for whoever can read only parts of it: a
// program that restores a few files of many. docs/formats/dedup-volume.md.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include <stillframe/byte_path.hpp>
#include <stillframe/ids.hpp>
#include <stillframe/result.hpp>

#include "framework/base/bytes.hpp"
#include "framework/io/files.hpp"
#include "writers/dedup/volume/file_entry.hpp"

namespace stillframe::dedup {

constexpr std::size_t kIndexHeaderBytes = 64, kIndexPageBytes = 4096;
constexpr std::size_t kIndexSlotsMax = 127;  // of a page

struct IndexHeader {
  UuidBytes store{}, table{};
  std::uint64_t covered_bytes =
      0;  // of the table, from its beginning: what comes later is not in it
  std::uint32_t pages = 0;
  friend bool operator==(const IndexHeader&, const IndexHeader&) = default;
};

// An entry that counts: the last one of its file that is whole, or a change since.
struct IndexSlot {
  FileId file;
  std::uint64_t offset = 0;  // in the table
  std::uint32_t bytes = 0;
  friend auto operator<=>(const IndexSlot&, const IndexSlot&) = default;
};

constexpr std::uint64_t index_page_offset(std::uint32_t page) {
  return kIndexHeaderBytes + std::uint64_t{page} * kIndexPageBytes;
}

std::array<std::byte, kIndexHeaderBytes> format_index_header(const IndexHeader& header);
Result<IndexHeader> parse_index_header(Bytes bytes);
// Slots ascend within a page and from page to page; a page has at least one.
std::array<std::byte, kIndexPageBytes> format_index_page(std::uint32_t page,
                                                         std::span<const IndexSlot> slots);
Result<std::vector<IndexSlot>> parse_index_page(Bytes bytes, std::uint32_t page);

// The index of the first `covered_bytes` of this table, which are durable; in place of the one that
// is there. Durable on return.
Status write_table_index(Files& files, const BytePath& folder, const File& table,
                         const UuidBytes& store, std::uint64_t covered_bytes);

}  // namespace stillframe::dedup
