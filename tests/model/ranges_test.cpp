#include "framework/model/ranges.hpp"

#include <random>

#include <gmock/gmock.h>

#include "tests/support/scale.hpp"

namespace stillframe {
namespace {

using testing::HasSubstr;

TEST(Ranges, DecimalAndHexadecimalPairsAreReadInTheirOrder) {
  auto ranges = parse_ranges("0x200000:65536,0:0x1000");
  ASSERT_TRUE(ranges.ok()) << ranges.error().what();
  EXPECT_EQ(ranges.value(), (std::vector<ByteRange>{{0x200000, 65536}, {0, 4096}}));
  EXPECT_EQ(format_ranges(ranges.value()), "2097152:65536,0:4096");
  EXPECT_EQ(parse_ranges("0:18446744073709551615").value()[0].length, UINT64_MAX);
  EXPECT_EQ(parse_ranges("0xFFFFFFFFFFFFFFFE:1").value()[0].offset, UINT64_MAX - 1);
}

TEST(Ranges, WhatIsWrongIsNamedWithItsPlace) {
  struct Row {
    const char *text, *says;
  };
  for (const Row& row : std::initializer_list<Row>{
           {"", "expected a number"},
           {"5", "expected ':'"},
           {"5:", "expected a number"},
           {":5", "expected a number"},
           {"0:1,", "expected a number"},
           {"0:1 ,2:1", "expected ','"},
           {" 0:1", "expected a number"},
           {"-1:5", "expected a number"},
           {"+1:5", "expected a number"},
           {"0x:5", "expected a number"},
           {"0:0", "is empty"},
           {"18446744073709551616:1", "does not fit 64 bits"},
           {"0x10000000000000000:1", "does not fit 64 bits"},
           {"18446744073709551615:1", "ends beyond 64 bits"},
           {"2:18446744073709551614", "ends beyond 64 bits"},
           {"0:5,4:2", "ranges 0:5 and 4:2 overlap"},
           {"4:2,0:5", "ranges 0:5 and 4:2 overlap"},
       }) {
    auto ranges = parse_ranges(row.text);
    ASSERT_FALSE(ranges.ok()) << row.text;
    EXPECT_EQ(ranges.error().code(), Errc::invalid_argument);
    EXPECT_THAT(ranges.error().what(), HasSubstr(row.says)) << row.text;
  }
  EXPECT_TRUE(parse_ranges("0:5,5:2").ok());
}

TEST(Ranges, AFileMayStandInTheirPlace) {
  for (const char* text : {"/var/x.ranges", "File=/var/x.ranges"}) {
    auto either = parse_ranges_or_file(text);
    ASSERT_TRUE(either.ok());
    EXPECT_EQ(std::get<BytePath>(either.value()), "/var/x.ranges");
  }
  EXPECT_EQ(std::get<0>(parse_ranges_or_file("1:2").value()).size(), 1u);
  EXPECT_FALSE(parse_ranges_or_file("File=x").ok());
  EXPECT_FALSE(parse_ranges_or_file("/a/../b").ok());
  EXPECT_FALSE(parse_ranges_or_file("/" + std::string(5000, 'x')).ok());
}

TEST(RangesFile, IsLittleEndianWithItsCountFirst) {
  const std::string bytes = encode_ranges_file(std::vector<ByteRange>{{1, 0x0203}});
  EXPECT_EQ(bytes, std::string("\1\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\3\2\0\0\0\0\0\0", 24));
  EXPECT_EQ(decode_ranges_file(bytes).value(), (std::vector<ByteRange>{{1, 0x0203}}));
  EXPECT_TRUE(decode_ranges_file(std::string(8, '\0')).value().empty());
}

TEST(RangesFile, OneThatEndsEarlyIsToldFromOneThatLies) {
  const std::string bytes = encode_ranges_file(std::vector<ByteRange>{{0, 1}, {5, 6}});
  for (std::size_t keep = 0; keep < bytes.size(); ++keep) {
    EXPECT_EQ(decode_ranges_file(bytes.substr(0, keep)).error().code(), Errc::truncated) << keep;
  }
  EXPECT_EQ(decode_ranges_file(bytes + "x").error().code(), Errc::corrupt);
  EXPECT_EQ(decode_ranges_file(std::string(8, '\xff')).error().code(), Errc::corrupt);
  EXPECT_EQ(
      decode_ranges_file(encode_ranges_file(std::vector<ByteRange>{{0, 9}, {8, 1}})).error().code(),
      Errc::corrupt);
  EXPECT_EQ(decode_ranges_file(encode_ranges_file(std::vector<ByteRange>{{0, 0}})).error().code(),
            Errc::corrupt);
}

TEST(Ranges, AnyListComesBackAsTextAndAsFile) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (std::uint64_t i = 0; i < tests::scaled(2000); ++i) {
    std::vector<ByteRange> ranges;
    std::uint64_t at = random() % 1000;
    for (std::uint64_t n = 1 + random() % 20; n > 0; --n) {
      const std::uint64_t length = 1 + random() % (std::uint64_t{1} << (random() % 40));
      ranges.push_back({at, length});
      at += length + random() % 3;
    }
    std::shuffle(ranges.begin(), ranges.end(), random);
    ASSERT_EQ(parse_ranges(format_ranges(ranges)).value(), ranges);
    ASSERT_EQ(decode_ranges_file(encode_ranges_file(ranges)).value(), ranges);
  }
}

}  // namespace
}  // namespace stillframe
