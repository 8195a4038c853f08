#include "writers/ese/format/record_image.hpp"

#include <gtest/gtest.h>

#include "writers/ese/format/ese_error.hpp"

namespace stillframe::ese {
namespace {

constexpr std::size_t kPageBytes = 8192;
constexpr std::size_t kUsed = 500, kTags = 7;

Result<std::vector<std::byte>> no_compression(Bytes, std::size_t) {
  return Error(Errc::not_supported, "not compressed");
}

std::vector<std::byte> page() {
  std::vector<std::byte> bytes(kPageBytes);
  for (std::size_t i = 40; i < 40 + kUsed; ++i) bytes[i] = static_cast<std::byte>(i);
  for (std::size_t i = 1; i <= kTags * 4; ++i) bytes[kPageBytes - i] = static_cast<std::byte>(i);
  store_le(bytes.data() + 28, static_cast<std::uint16_t>(kPageBytes - 40 - kUsed - kTags * 4));
  store_le(bytes.data() + 32, static_cast<std::uint16_t>(kUsed));
  store_le(bytes.data() + 34, static_cast<std::uint16_t>(kTags));
  return bytes;
}

TEST(EseRecordImage, FreeSpaceIsTakenOutAndPutBack) {
  const auto image = dehydrate_page(page());
  EXPECT_EQ(image.size(), 40 + kUsed + kTags * 4);
  EXPECT_EQ(load_le<std::uint16_t>(image.data() + 28), 0);
  const auto again = restore_page_image(image, PageImageFlags::kDehydrated, kPageBytes,
                                        no_compression, "a record");
  ASSERT_TRUE(again.ok()) << again.error().what();
  EXPECT_EQ(again.value(), page());
}

TEST(EseRecordImage, APageWhoseFreeSpaceIsScatteredStaysAsItIs) {
  auto scattered = page();
  store_le(scattered.data() + 28, std::uint16_t{8000});
  EXPECT_EQ(dehydrate_page(scattered), scattered);
}

TEST(EseRecordImage, ImagesThatAreNoPageAreRefused) {
  auto image = dehydrate_page(page());
  store_le(image.data() + 34, std::uint16_t{0xFFF});
  const auto tags = rehydrate_page(image, kPageBytes, "a record");
  ASSERT_FALSE(tags.ok());
  EXPECT_TRUE(is(tags.error(), EseErr::log_corrupted));
  EXPECT_FALSE(rehydrate_page(Bytes(image).first(39), kPageBytes, "a record").ok());
  EXPECT_FALSE(rehydrate_page(std::vector<std::byte>(kPageBytes + 1), kPageBytes, "r").ok());
}

TEST(EseRecordImage, CompressedImagesAreExpandedByTheCaller) {
  const auto whole = page();
  const Decompress expand = [&](Bytes, std::size_t bytes_max) {
    EXPECT_EQ(bytes_max, kPageBytes);
    return Result<std::vector<std::byte>>(whole);
  };
  const std::vector<std::byte> packed(10);
  EXPECT_EQ(
      restore_page_image(packed, PageImageFlags::kCompressed, kPageBytes, expand, "r").value(),
      whole);
  EXPECT_FALSE(
      restore_page_image(packed, PageImageFlags::kCompressed, kPageBytes, no_compression, "r")
          .ok());
}

}  // namespace
}  // namespace stillframe::ese
