#include <random>
#include <string>

#include <gtest/gtest.h>

#include <stillframe/byte_path.hpp>

#include "framework/base/utf8.hpp"
#include "tests/support/scale.hpp"

namespace stillframe {
namespace {

struct Pair {
  std::string bytes;
  std::string text;
};

TEST(EscapePath, KeepsValidUtf8AndEscapesTheRest) {
  const Pair pairs[] = {
      {"/srv/orders.db", "/srv/orders.db"},
      {"/srv/\xc3\xa4\xe2\x82\xac\xf0\x9f\x97\x83", "/srv/\xc3\xa4\xe2\x82\xac\xf0\x9f\x97\x83"},
      {"a\\b", "a\\\\b"},
      {"line\nbreak\ttab\x7f", "line\\x0abreak\\x09tab\\x7f"},
      {"latin-\xe9", "latin-\\xe9"},
      {"\xc3", "\\xc3"},                             // ends inside a sequence
      {"\xc0\xaf", "\\xc0\\xaf"},                    // overlong slash
      {"\xed\xa0\x80", "\\xed\\xa0\\x80"},           // surrogate
      {"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"},  // above U+10FFFF
      {"\xe0\x9f\xbf", "\\xe0\\x9f\\xbf"},           // overlong
      {"\xf0\x8f\xbf\xbf", "\\xf0\\x8f\\xbf\\xbf"},
      {"\xff\xc3\xa4", "\\xff\xc3\xa4"},
      {"\\x41", "\\\\x41"},
      {"", ""},
  };
  for (const Pair& pair : pairs) {
    EXPECT_EQ(escape_path(pair.bytes), pair.text);
    auto back = unescape_path(pair.text);
    ASSERT_TRUE(back.ok()) << pair.text << ": " << back.error().what();
    EXPECT_EQ(back.value(), pair.bytes);
  }
}

TEST(UnescapePath, RefusesWhatEscapePathWouldNotHaveMade) {
  for (std::string text : {
           "\\", "a\\", "\\n", "\\x", "\\x4", "\\xg0", "\\x0A", "\\xFF",
           "\\x00",       // NUL
           "\\x41",       // a plain letter
           "\\x5c",       // a backslash has its own escape
           "\\xc3\\xa4",  // valid UTF-8 spelled as bytes
           "\xe9",        // a raw byte that is no UTF-8
           "\n", "\x7f",  // raw control characters
       }) {
    auto back = unescape_path(text);
    ASSERT_FALSE(back.ok()) << text;
    EXPECT_EQ(back.error().code(), Errc::invalid_argument);
    EXPECT_TRUE(is_utf8(back.error().what())) << back.error().what();
  }
  EXPECT_FALSE(unescape_path(std::string_view("a\0b", 3)).ok());
}

TEST(UnescapePath, TakesFourKibibytesAndNoMore) {
  const std::string longest(kBytePathBytesMax, 'p');
  EXPECT_EQ(unescape_path(longest).value(), longest);
  EXPECT_FALSE(unescape_path(longest + "p").ok());

  const std::string worst(kBytePathBytesMax, '\xff');
  EXPECT_EQ(escape_path(worst).size(), 4 * kBytePathBytesMax);
  EXPECT_EQ(unescape_path(escape_path(worst)).value(), worst);
  EXPECT_FALSE(unescape_path(escape_path(worst + "\xff")).ok());
}

TEST(EscapePath, AnyBytesComeBackAndTheTextIsUtf8OnOneLine) {
  const auto seed = std::random_device{}();
  RecordProperty("seed", static_cast<int>(seed));
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  // Bytes that make or break sequences come up more often than chance would have it.
  const std::string likely = "/\\x0aA\xc3\xa4\xe2\x82\xac\xf0\x9f\x97\x83\xed\xa0\x80\xff\n";
  for (std::uint64_t i = 0; i < tests::scaled(20'000); ++i) {
    std::string bytes(random() % 40, '\0');
    for (char& c : bytes) {
      c = random() % 2 == 0 ? likely[random() % likely.size()]
                            : static_cast<char>(1 + random() % 255);
    }
    const std::string text = escape_path(bytes);
    ASSERT_TRUE(is_utf8(text));
    ASSERT_EQ(text.find('\n'), std::string::npos);
    auto back = unescape_path(text);
    ASSERT_TRUE(back.ok()) << text << ": " << back.error().what();
    ASSERT_EQ(back.value(), bytes);
  }
}

}  // namespace
}  // namespace stillframe
