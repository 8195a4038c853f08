#include "writers/ese/format/checksum.hpp"

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/scale.hpp"
#include "writers/ese/format/checksum_isa.hpp"

namespace stillframe::ese {
namespace {

constexpr std::size_t kFlagsAt = 36;
constexpr std::uint32_t kNewChecksumFlag = 0x2000;

template <class Value>
std::vector<std::byte> bytes_by(std::size_t count, Value value) {
  std::vector<std::byte> bytes(count);
  for (std::size_t i = 0; i < count; ++i) bytes[i] = static_cast<std::byte>(value(i) % 256);
  return bytes;
}

void set_new_checksum_flag(std::vector<std::byte>& page) {
  const auto flags = load_le<std::uint32_t>(page.data() + kFlagsAt);
  store_le(page.data() + kFlagsAt, flags | kNewChecksumFlag);
}

TEST(EseChecksum, SmallPagesSumUpAsOneBlock) {
  auto page = bytes_by(8192, [](std::size_t i) { return i; });
  set_new_checksum_flag(page);
  EXPECT_EQ(page_checksum(page, 9876)[0], 0x0000000004042290u);
}

TEST(EseChecksum, HeadersSumUpByXor) {
  auto header = bytes_by(8192, [](std::size_t i) { return i; });
  set_new_checksum_flag(header);
  store_le(header.data(), std::uint32_t{0x89123456});
  store_le(header.data() + 4, std::uint32_t{0x12345678});
  EXPECT_EQ(xor_checksum(header), 0x9F9B9F93u);
}

TEST(EseChecksum, LargePagesSumUpAsFourBlocks) {
  auto page = bytes_by(32768, [](std::size_t i) { return i + i / 13; });
  set_new_checksum_flag(page);
  seal_page(page, 0x98765431);
  const PageChecksum expected{0xF9CE063147B6B865, 0x69AF69AFCDD590E4, 0x770988F62EA1A9E2,
                              0x7CB77CB77B839A0E};
  EXPECT_EQ(stored_page_checksum(page), expected);
  EXPECT_EQ(page_checksum(page, 0x98765431), expected);
}

TEST(EseChecksum, EveryFlippedBitOfABlockIsFound) {
  auto page = bytes_by(4096, [](std::size_t i) { return i * 7 + i / 91; });
  const std::uint64_t good = page_checksum(page, 17)[0];
  for (std::size_t bit = 64; bit < page.size() * 8; ++bit) {
    page[bit / 8] ^= static_cast<std::byte>(1 << bit % 8);
    const FlippedBit found = find_flipped_bit(good, page_checksum(page, 17)[0], page.size(), true);
    ASSERT_TRUE(found.found) << bit;
    ASSERT_EQ(found.bit, bit);
    page[bit / 8] ^= static_cast<std::byte>(1 << bit % 8);
  }
}

TEST(EseChecksum, TwoFlippedBitsAreNotTakenForOne) {
  auto page = bytes_by(4096, [](std::size_t i) { return i; });
  const std::uint64_t good = page_checksum(page, 3)[0];
  page[100] ^= std::byte{1};
  for (std::size_t at = 101; at < page.size(); ++at) {
    page[at] ^= std::byte{4};
    EXPECT_FALSE(find_flipped_bit(good, page_checksum(page, 3)[0], page.size(), true).found) << at;
    page[at] ^= std::byte{4};
  }
}

std::vector<const ChecksumLoops*> loops_that_run_here() {
  std::vector<const ChecksumLoops*> all{&portable_checksum_loops()};
  if (avx2_checksum_loops() != nullptr) all.push_back(avx2_checksum_loops());
  if (avx512_checksum_loops() != nullptr) all.push_back(avx512_checksum_loops());
  return all;
}

// The definition, bit by bit.
std::uint64_t sum_by_definition(Bytes block, std::uint32_t number, bool holds_checksum) {
  std::uint32_t words = 0, low = 0, high = 0;
  const auto last_bit = static_cast<std::uint32_t>(block.size() * 8 - 1);
  for (std::size_t at = holds_checksum ? 8 : 0; at < block.size(); ++at) {
    for (std::uint32_t bit = 0; bit < 8; ++bit) {
      if ((std::to_integer<unsigned>(block[at]) >> bit & 1) == 0) continue;
      const auto index = static_cast<std::uint32_t>(at * 8 + bit);
      low ^= index;
      high ^= index ^ last_bit;
      words ^= 1U << index % 32;
    }
  }
  return (words ^ number) | std::uint64_t{low} << 32 | std::uint64_t{high} << 48;
}

TEST(EseChecksum, EveryInstructionSetGivesWhatTheDefinitionDoes) {
  const std::uint32_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (std::uint64_t round = 0; round < stillframe::tests::scaled(200); ++round) {
    const std::size_t size = std::size_t{64} << random() % 8;
    std::vector<std::byte> block(size);
    // Sparse ones too: a slip of one lane shows best where few bits are set.
    const std::size_t set = round % 2 == 0 ? size : 1 + random() % 4;
    for (std::size_t i = 0; i < set; ++i) block[random() % size] = static_cast<std::byte>(random());
    const auto number = static_cast<std::uint32_t>(random());
    const bool holds = random() % 2 == 0;
    const std::uint64_t expected = sum_by_definition(block, number, holds);
    for (const ChecksumLoops* loops : loops_that_run_here()) {
      ASSERT_EQ(ecc_checksum(*loops, block, number, holds), expected) << loops->name << size;
    }
  }
}

TEST(EseChecksum, EveryInstructionSetXorsTheSameWords) {
  const std::uint32_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  std::vector<std::byte> bytes(32768);
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(random());
  for (const ChecksumLoops* loops : loops_that_run_here()) {
    for (std::size_t size = loops->step; size <= bytes.size(); size += loops->step) {
      ASSERT_EQ(loops->xor_words(bytes.data(), size),
                portable_checksum_loops().xor_words(bytes.data(), size))
          << loops->name;
    }
  }
}

// The same sums three times over: an instruction set that does not pay.
Parities slow_parities(const std::byte* block, std::size_t bytes, bool skip_checksum) {
  const ChecksumLoops& loops = portable_checksum_loops();
  Parities sum;
  for (int i = 0; i < 3; ++i) {
    const Parities again = loops.parities(block, bytes, skip_checksum);
    sum.words ^= again.words;
    sum.odd_indexes ^= again.odd_indexes;
  }
  return sum;
}

TEST(EseChecksum, TheInstructionSetThatProvesFasterIsChosen) {
  ChecksumLoops slow = portable_checksum_loops();
  slow.parities = slow_parities;
  EXPECT_EQ(&clearly_faster(portable_checksum_loops(), slow), &portable_checksum_loops());
  EXPECT_EQ(&clearly_faster(slow, portable_checksum_loops()), &portable_checksum_loops());
}

TEST(EseChecksum, SumsOfAnyLengthAreTheXorOfTheirWords) {
  const auto bytes = bytes_by(4099, [](std::size_t i) { return i * 31 + i / 7; });
  std::uint32_t expected = 0x89ABCDEF;
  for (std::size_t size = 4; size + 4 <= bytes.size(); size += 4) {
    ASSERT_EQ(xor_checksum(Bytes(bytes).first(size)), expected) << size;
    expected ^= load_le<std::uint32_t>(bytes.data() + size);
  }
}

class EseChecksumSizes : public testing::TestWithParam<std::size_t> {};

TEST_P(EseChecksumSizes, OneFlippedBitOfABlockIsPutRight) {
  auto good = bytes_by(GetParam(), [](std::size_t i) { return i * 13 + i / 251; });
  set_new_checksum_flag(good);
  seal_page(good, 99);
  ASSERT_EQ(check_page_sum(good, 99), PageSum::good);
  EXPECT_EQ(check_page_sum(good, 98), PageSum::bad);  // another page's
  const std::size_t flag_bit = kFlagsAt * 8 + 13;     // without it the page is of the old form
  for (std::size_t bit = 0; bit < good.size() * 8; bit += 61) {
    const bool in_sums = bit < 64 || (checksum_blocks(GetParam()) > 1 && bit >= 320 && bit < 512);
    if (in_sums || bit == flag_bit) continue;
    auto page = good;
    page[bit / 8] ^= static_cast<std::byte>(1 << bit % 8);
    ASSERT_EQ(check_and_correct_page(page, 99), PageSum::corrected) << bit;
    ASSERT_EQ(page, good);
  }
}

// The sum that a page bears can be made so that the bit it accuses lies behind the page.
TEST_P(EseChecksumSizes, ASumThatNamesNoBitOfItsBlockPutsNothingRight) {
  auto page = bytes_by(GetParam(), [](std::size_t i) { return i * 13 + i / 251; });
  set_new_checksum_flag(page);
  seal_page(page, 99);
  const std::uint64_t good = stored_page_checksum(page)[0];
  const std::uint64_t last_bit = GetParam() / checksum_blocks(GetParam()) * 8 - 1;
  for (std::uint64_t bit = 64; bit < 65536; bit += 32) {
    const std::uint64_t words = bit > last_bit ? 1 : 2;  // within the block: another bit of a word
    store_le(page.data(), good ^ (words | bit << 32 | (bit ^ last_bit) << 48));
    const auto before = page;
    ASSERT_EQ(check_and_correct_page(page, 99), PageSum::bad) << bit;
    ASSERT_EQ(page, before);
  }
}

INSTANTIATE_TEST_SUITE_P(All, EseChecksumSizes, testing::Values(2048, 4096, 8192, 16384, 32768));

TEST(EseChecksum, PagesFromBeforeVistaSumUpByXorAndNameThemselves) {
  auto page = bytes_by(4096, [](std::size_t i) { return i / 3; });
  store_le(page.data() + kFlagsAt, std::uint32_t{0x802});
  store_le(page.data() + 4, std::uint32_t{12});
  store_le(page.data(), xor_checksum(page));
  EXPECT_EQ(check_page_sum(page, 12), PageSum::good);
  EXPECT_EQ(check_page_sum(page, 13), PageSum::bad);
  page[1000] ^= std::byte{1};
  EXPECT_EQ(check_and_correct_page(page, 12), PageSum::bad);
}

TEST(EseChecksum, AZeroPageIsNotADamagedOne) {
  std::vector<std::byte> page(4096);
  EXPECT_EQ(check_page_sum(page, 7), PageSum::zero);
  page.back() = std::byte{1};
  EXPECT_EQ(check_page_sum(page, 7), PageSum::bad);
}

}  // namespace
}  // namespace stillframe::ese
