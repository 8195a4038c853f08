#include "writers/ese/format/checksum.hpp"

#include <algorithm>
#include <vector>

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace stillframe::ese
