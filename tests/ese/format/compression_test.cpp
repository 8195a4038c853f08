#include "writers/ese/format/compression.hpp"

#include <random>
#include <string>

#include <gtest/gtest.h>

#include "tests/support/scale.hpp"
#include "writers/ese/format/ese_error.hpp"

namespace stillframe::ese {
namespace {

using Blob = std::vector<std::byte>;

Blob blob(std::string_view text) {
  const auto* data = reinterpret_cast<const std::byte*>(text.data());
  return {data, data + text.size()};
}

Blob wide(std::string_view text) {
  Blob bytes;
  for (const char character : text) {
    bytes.push_back(static_cast<std::byte>(character));
    bytes.push_back(std::byte{0});
  }
  return bytes;
}

TEST(EseCompression, SevenBitTextComesBackAtEveryLength) {
  std::string text;
  for (int length = 1; length < 200; ++length) {
    text += static_cast<char>(' ' + length % 90);
    const Blob narrow = compress_seven_bit(blob(text), false);
    const Blob unicode = compress_seven_bit(wide(text), true);
    if (!narrow.empty()) {
      EXPECT_EQ(decompress(narrow).value(), blob(text)) << length;
    }
    EXPECT_EQ(narrow.empty(), length < 16) << length;
    if (!unicode.empty()) {
      EXPECT_EQ(decompress(unicode).value(), wide(text)) << length;
    }
  }
}

TEST(EseCompression, SevenBitRefusesWhatHasEight) {
  EXPECT_TRUE(compress_seven_bit(blob(std::string(50, '\xC4')), false).empty());
}

// Runs and copies of every length, so that every form of a match's length is met.
TEST(EseCompression, XpressComesBackAtEveryMatchLength) {
  std::mt19937 random(3);
  for (std::size_t run = 3; run < 800; run += run < 320 ? 1 : 37) {
    Blob plain;
    for (int i = 0; i < 40; ++i) plain.push_back(static_cast<std::byte>(random()));
    for (int copies = 0; copies < 3; ++copies) {
      plain.insert(plain.end(), run, std::byte{7});
      plain.push_back(static_cast<std::byte>(random()));
    }
    const Blob packed = compress_xpress(plain);
    if (packed.empty()) continue;
    ASSERT_EQ(decompress(packed).value(), plain) << run;
  }
  const Blob longest(65535, std::byte{1});  // one match with a length in 16 bits
  EXPECT_EQ(decompress(compress_xpress(longest)).value(), longest);
  EXPECT_LT(compress_xpress(longest).size(), 40u);
}

TEST(EseCompression, RandomTextComesBack) {
  const std::uint32_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (std::uint64_t round = 0; round < stillframe::tests::scaled(300); ++round) {
    Blob plain(random() % 9000);
    const unsigned letters = 1 + random() % 8;
    for (std::byte& byte : plain) byte = static_cast<std::byte>('a' + random() % letters);
    const Blob packed = compress(plain, false);
    if (!packed.empty()) {
      ASSERT_EQ(decompress(packed).value(), plain);
    }
  }
}

TEST(EseCompression, DamagedStreamsAreRefusedOrGiveTheSizeTheyPromise) {
  const std::uint32_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const Blob good = compress_xpress(blob(std::string(500, 'x') + std::string(300, 'y')));
  for (std::uint64_t round = 0; round < stillframe::tests::scaled(5000); ++round) {
    Blob bad = good;
    bad[random() % bad.size()] ^= static_cast<std::byte>(1 << random() % 8);
    bad.resize(1 + random() % bad.size());
    const auto result = decompress(bad);
    if (result.ok()) {
      EXPECT_EQ(result.value().size(), decompressed_bytes(bad).value());
    }
  }
}

TEST(EseCompression, Lz4BlocksAreRead) {
  // Literals "ab", then a match of 10 at distance 2, then the literals "cdefg" that must end a
  // block.
  const Blob packed =
      blob(std::string("\x38\x11\x00\x26"
                       "ab\x02\x00\x50"
                       "cdefg",
                       15 - 1));
  const auto plain = decompress(packed);
  ASSERT_TRUE(plain.ok()) << plain.error().what();
  EXPECT_EQ(plain.value(), blob("abababababab"
                                "cdefg"));
}

TEST(EseCompression, SchemesOfOtherBuildsAreRefusedByNumber) {
  for (const unsigned scheme : {0u, 4u, 5u, 6u, 8u, 31u}) {
    const Blob bytes{static_cast<std::byte>(scheme << 3), std::byte{1}, std::byte{0}};
    const auto result = decompress(bytes);
    ASSERT_FALSE(result.ok());
    EXPECT_TRUE(is(result.error(), EseErr::decompression_failed));
    EXPECT_NE(result.error().what().find("scheme " + std::to_string(scheme)), std::string::npos);
  }
}

}  // namespace
}  // namespace stillframe::ese
