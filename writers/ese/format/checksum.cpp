#include "writers/ese/format/checksum.hpp"

#include <bit>

#include "framework/base/check.hpp"

namespace stillframe::ese {

namespace {

constexpr std::uint32_t kXorSeed = 0x89ABCDEF;
constexpr std::size_t kChecksumBytes = 8;
constexpr std::size_t kOtherBlocksAt =
    40;  // checksums of blocks 1..3 in the header of a large page

// XOR of the 32-bit words, and of the indexes of those with an odd number of set bits.
struct Parities {
  std::uint32_t words = 0;
  std::uint32_t odd_indexes = 0;
};

Parities parities_of(Bytes block, std::size_t first_word) {
  Parities sum;
  for (std::size_t i = first_word; i < block.size() / 4; ++i) {
    const auto word = load_le<std::uint32_t>(block.data() + i * 4);
    sum.words ^= word;
    if (std::popcount(word) % 2 != 0) sum.odd_indexes ^= static_cast<std::uint32_t>(i);
  }
  return sum;
}

// The XOR of the indexes of all set bits: its upper bits are those of the words, its lower five
// come from the columns of the XOR of all words.
std::uint64_t combine(const Parities& sum, std::size_t block_bytes, std::uint32_t number) {
  constexpr std::uint32_t kColumns[] = {0xAAAAAAAA, 0xCCCCCCCC, 0xF0F0F0F0, 0xFF00FF00, 0xFFFF0000};
  const auto last_bit = static_cast<std::uint32_t>(block_bytes * 8 - 1);
  std::uint32_t low = sum.odd_indexes << 5;
  for (std::uint32_t bit = 0; bit < 5; ++bit) {
    low |= static_cast<std::uint32_t>(std::popcount(sum.words & kColumns[bit]) % 2) << bit;
  }
  const bool odd = std::popcount(sum.words) % 2 != 0;
  const std::uint32_t high = odd ? low ^ last_bit : low;
  return (sum.words ^ number) | std::uint64_t{low} << 32 | std::uint64_t{high} << 48;
}

}  // namespace

std::uint32_t xor_checksum(Bytes bytes) {
  STILLFRAME_CHECK(bytes.size() >= 4 && bytes.size() % 4 == 0, "a sum over whole dwords");
  std::uint32_t sum = kXorSeed;
  for (std::size_t at = 4; at < bytes.size(); at += 4) {
    sum ^= load_le<std::uint32_t>(bytes.data() + at);
  }
  return sum;
}

std::uint64_t ecc_checksum(Bytes block, std::uint32_t number, bool holds_checksum) {
  STILLFRAME_CHECK(std::has_single_bit(block.size()) && block.size() >= 64 && block.size() <= 8192,
                   "a block is a power of two of at most 8192 bytes");
  const std::size_t first = holds_checksum ? kChecksumBytes / 4 : 0;
  return combine(parities_of(block, first), block.size(), number);
}

// Blocks 1..3 first: block 0 holds their sums, so these are part of what it sums up.
PageChecksum page_checksum(Bytes page, std::uint32_t pgno) {
  PageChecksum sums{};
  const std::size_t blocks = checksum_blocks(page.size());
  const std::size_t each = page.size() / blocks;
  for (std::size_t i = 0; i < blocks; ++i) {
    sums[i] = ecc_checksum(page.subspan(i * each, each), pgno, i == 0);
  }
  return sums;
}

PageChecksum stored_page_checksum(Bytes page) {
  PageChecksum sums{};
  sums[0] = load_le<std::uint64_t>(page.data());
  for (std::size_t i = 1; i < checksum_blocks(page.size()); ++i) {
    sums[i] = load_le<std::uint64_t>(page.data() + kOtherBlocksAt + (i - 1) * kChecksumBytes);
  }
  return sums;
}

void seal_page(MutableBytes page, std::uint32_t pgno) {
  const std::size_t blocks = checksum_blocks(page.size());
  const std::size_t each = page.size() / blocks;
  for (std::size_t i = 1; i < blocks; ++i) {
    store_le(page.data() + kOtherBlocksAt + (i - 1) * kChecksumBytes,
             ecc_checksum(page.subspan(i * each, each), pgno, false));
  }
  store_le(page.data(), ecc_checksum(page.first(each), pgno, true));
}

FlippedBit find_flipped_bit(std::uint64_t expected, std::uint64_t actual, std::size_t block_bytes,
                            bool holds_checksum) {
  const auto index_bits = static_cast<std::uint32_t>(block_bytes * 8 - 1);
  const auto apart = static_cast<std::uint32_t>((expected >> 32) ^ (actual >> 32));
  const auto words = static_cast<std::uint32_t>(expected ^ actual);
  const bool one =
      (((apart >> 16) ^ apart) & index_bits) == index_bits && std::has_single_bit(words);
  const std::size_t bit = apart & 0xFFFF;
  if (!one || (holds_checksum && bit < kChecksumBytes * 8)) return {};
  return {true, bit};
}

}  // namespace stillframe::ese
