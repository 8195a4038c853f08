#include "writers/ese/format/checksum.hpp"

#include <bit>

#include "framework/base/check.hpp"
#include "writers/ese/format/checksum_isa.hpp"

namespace stillframe::ese {

namespace {

constexpr std::uint32_t kXorSeed = 0x89ABCDEF;
constexpr std::size_t kChecksumBytes = 8;
constexpr std::size_t kFlagsAt = 36;
constexpr std::uint32_t kNewChecksumFlag = 0x2000;
constexpr std::size_t kOtherBlocksAt =
    40;  // checksums of blocks 1..3 in the header of a large page

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

bool is_zero(Bytes bytes) {
  return bytes[0] == std::byte{0} &&
         std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0;
}

}  // namespace

std::uint32_t xor_checksum(Bytes bytes) {
  STILLFRAME_CHECK(bytes.size() >= 4 && bytes.size() % 4 == 0, "a sum over whole dwords");
  const ChecksumLoops& loops = checksum_loops();
  const std::size_t fast = bytes.size() / loops.step * loops.step;
  const std::uint32_t own = load_le<std::uint32_t>(bytes.data());
  return kXorSeed ^ own ^ loops.xor_words(bytes.data(), fast) ^
         portable_checksum_loops().xor_words(bytes.data() + fast, bytes.size() - fast);
}

std::uint64_t ecc_checksum(Bytes block, std::uint32_t number, bool holds_checksum) {
  return ecc_checksum(checksum_loops(), block, number, holds_checksum);
}

std::uint64_t ecc_checksum(const ChecksumLoops& loops, Bytes block, std::uint32_t number,
                           bool holds_checksum) {
  STILLFRAME_CHECK(std::has_single_bit(block.size()) && block.size() >= 64 && block.size() <= 8192,
                   "a block is a power of two of at most 8192 bytes");
  const auto& able = block.size() >= loops.step ? loops : portable_checksum_loops();
  return combine(able.parities(block.data(), block.size(), holds_checksum), block.size(), number);
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
  const auto last_bit = static_cast<std::uint32_t>(block_bytes * 8 - 1);
  const auto apart = static_cast<std::uint32_t>((expected >> 32) ^ (actual >> 32));
  const auto words = static_cast<std::uint32_t>(expected ^ actual);
  const std::uint32_t bit = apart & 0xFFFF;
  // What a page says of itself may be any bytes, and so the number of a bit that it does not have.
  const bool one = bit <= last_bit && (apart >> 16 ^ bit) == last_bit && words == 1U << bit % 32;
  if (!one || (holds_checksum && bit < kChecksumBytes * 8)) return {};
  return {true, bit};
}

PageSum check_page_sum(Bytes page, std::uint32_t pgno) {
  if (is_zero(page)) return PageSum::zero;
  if ((load_le<std::uint32_t>(page.data() + kFlagsAt) & kNewChecksumFlag) == 0) {
    const bool right = load_le<std::uint32_t>(page.data()) == xor_checksum(page) &&
                       load_le<std::uint32_t>(page.data() + 4) == pgno;
    return right ? PageSum::good : PageSum::bad;
  }
  return page_checksum(page, pgno) == stored_page_checksum(page) ? PageSum::good : PageSum::bad;
}

PageSum check_and_correct_page(MutableBytes page, std::uint32_t pgno) {
  const PageSum sum = check_page_sum(page, pgno);
  if (sum != PageSum::bad ||
      (load_le<std::uint32_t>(page.data() + kFlagsAt) & kNewChecksumFlag) == 0)
    return sum;
  const std::size_t blocks = checksum_blocks(page.size());
  const std::size_t each = page.size() / blocks;
  // The last blocks first: block 0 holds their sums.
  for (std::size_t i = blocks; i-- > 0;) {
    const std::uint64_t expected = stored_page_checksum(page)[i];
    const std::uint64_t actual = page_checksum(page, pgno)[i];
    if (expected == actual) continue;
    const FlippedBit flipped = find_flipped_bit(expected, actual, each, i == 0);
    if (!flipped.found) continue;
    page[i * each + flipped.bit / 8] ^= static_cast<std::byte>(1U << flipped.bit % 8);
  }
  // A flip in block 0 may have been in the sum of another block, which is judged again by this.
  return check_page_sum(page, pgno) == PageSum::good ? PageSum::corrected : PageSum::bad;
}

}  // namespace stillframe::ese
