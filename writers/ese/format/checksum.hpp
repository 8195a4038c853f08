// The two checksums of ESE files. docs/formats/checksums.md derives them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "writers/ese/format/bytes.hpp"

namespace stillframe::ese {

// The checksum of database, log and checkpoint headers and of pages from before Vista: all dwords
// but the first, which holds it. `bytes` is a multiple of 4 long and at least 4.
std::uint32_t xor_checksum(Bytes bytes);

// The checksum of a block: `number` is its page number, or its segment number for logs. The bytes
// that hold the checksum itself, the first 8, count as zero when `holds_checksum`. `block` is a
// power of two of at most 8192 bytes.
std::uint64_t ecc_checksum(Bytes block, std::uint32_t number, bool holds_checksum);

// The same by the loops of one instruction set.
struct ChecksumLoops;
std::uint64_t ecc_checksum(const ChecksumLoops& loops, Bytes block, std::uint32_t number,
                           bool holds_checksum);

// Pages above 8 KiB are four blocks with a checksum each; others have one.
using PageChecksum = std::array<std::uint64_t, 4>;
constexpr std::size_t checksum_blocks(std::size_t page_bytes) {
  return page_bytes > 8192 ? 4 : 1;
}

// What the bytes of a page sum up to in the 64-bit form, and what the page says they do.
PageChecksum page_checksum(Bytes page, std::uint32_t pgno);
PageChecksum stored_page_checksum(Bytes page);

// Puts the right checksum into a page (64-bit form; the caller has set the page's flag for it).
void seal_page(MutableBytes page, std::uint32_t pgno);

// If one flipped bit explains why `block`, which should sum up to `expected`, sums up to `actual`:
// its index within the block. No index: the damage is larger, or lies in the checksum.
struct FlippedBit {
  bool found = false;
  std::size_t bit = 0;
};
FlippedBit find_flipped_bit(std::uint64_t expected, std::uint64_t actual, std::size_t block_bytes,
                            bool holds_checksum);

enum class PageSum {
  good,
  corrected,  // one bit was wrong and has been put right
  zero,       // never written: nothing to check
  bad,
};

// Judges a page as it lies in a file: either form of checksum, by the page's own flag.
PageSum check_page_sum(Bytes page, std::uint32_t pgno);
// The same, and puts a flipped bit in each block right. A page that stays bad may have been
// changed.
PageSum check_and_correct_page(MutableBytes page, std::uint32_t pgno);

}  // namespace stillframe::ese
