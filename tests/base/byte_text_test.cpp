#include "framework/base/byte_text.hpp"

#include <gtest/gtest.h>

namespace stillframe {
namespace {

TEST(EscapeBytes, AnyLengthAndNulComeBack) {
  std::string bytes(100'000, '\xfe');
  bytes += std::string(1, '\0') + "tail";
  EXPECT_EQ(unescape_bytes(escape_bytes(bytes)).value(), bytes);
  EXPECT_EQ(escape_bytes(std::string_view("a\0b", 3)), "a\\x00b");
}

TEST(EscapeBytes, OnlyTheCanonicalFormIsAccepted) {
  EXPECT_FALSE(unescape_bytes("\\x41").ok());
  EXPECT_FALSE(unescape_bytes("a\nb").ok());
}

TEST(Base64, ComesBackAndRefusesWhatItWouldNotWrite) {
  std::vector<std::uint8_t> bytes;
  for (int i = 0; i < 260; ++i) {
    const std::string text = to_base64(bytes);
    auto back = from_base64(text);
    ASSERT_TRUE(back.ok()) << text;
    ASSERT_EQ(back.value(), bytes);
    bytes.push_back(static_cast<std::uint8_t>(i * 7));
  }
  EXPECT_EQ(to_base64(std::vector<std::uint8_t>{'M', 'a'}), "TWE=");
  for (const char* text : {"T", "TWE", "TWF=", "====", "TW E", "TWE=\n", "T*E=", "A===", "=AAA"}) {
    EXPECT_FALSE(from_base64(text).ok()) << text;
  }
}

}  // namespace
}  // namespace stillframe
