#include "writers/ese/format/key.hpp"

#include <gtest/gtest.h>

#include "tests/ese/support/sample_database.hpp"

namespace stillframe::ese {
namespace {

using tests::Blob;

Column column_of(ColumnType type, std::uint16_t id = 1) {
  Column column;
  column.type = type;
  column.id = ColumnId{id};
  column.code_page = 1252;
  return column;
}

Key key_of(const Column& column, const Blob& value, const Index& index = {},
           const IndexSegment& segment = {}) {
  Key key;
  const Status added = append_segment(index, segment, column, value, key);
  EXPECT_TRUE(added.ok());
  return key;
}

template <class T>
Blob little(T value) {
  Blob bytes(sizeof value);
  store_le(bytes.data(), value);
  return bytes;
}

Key hex(std::string_view digits) {
  Key key;
  for (std::size_t i = 0; i + 1 < digits.size(); i += 2) {
    key.push_back(
        static_cast<std::byte>(std::stoul(std::string(digits.substr(i, 2)), nullptr, 16)));
  }
  return key;
}

TEST(EseKey, SignedNumbersAreAsTheReferenceHasThem) {
  EXPECT_EQ(key_of(column_of(ColumnType::long_int), little(3)), hex("7f80000003"));
  EXPECT_EQ(key_of(column_of(ColumnType::short_int), little(std::int16_t{2})), hex("7f8002"));
}

template <class T>
void sorts(ColumnType type, const std::vector<T>& ascending) {
  for (std::size_t i = 1; i < ascending.size(); ++i) {
    EXPECT_LT(key_of(column_of(type), little(ascending[i - 1])),
              key_of(column_of(type), little(ascending[i])))
        << name_of(type) << i;
  }
}

TEST(EseKey, KeysSortAsTheirValues) {
  sorts<std::int32_t>(ColumnType::long_int, {INT32_MIN, -2, -1, 0, 1, INT32_MAX});
  sorts<std::int64_t>(ColumnType::currency, {INT64_MIN, -1, 0, 1, INT64_MAX});
  sorts<std::uint32_t>(ColumnType::unsigned_long, {0, 1, 0x80000000, 0xFFFFFFFF});
  sorts<double>(ColumnType::date_time, {-1e300, -2.5, -1e-300, 0.0, 1e-300, 2.5, 1e300});
  sorts<float>(ColumnType::ieee_single, {-3.0F, -1.0F, 0.0F, 1.0F});
}

TEST(EseKey, DescendingSegmentsSortTheOtherWay) {
  const IndexSegment down{ColumnId{1}, false, true, false};
  EXPECT_GT(key_of(column_of(ColumnType::long_int), little(1), {}, down),
            key_of(column_of(ColumnType::long_int), little(2), {}, down));
}

TEST(EseKey, NullsSortLowUnlessTheIndexSaysHigh) {
  Index high;
  high.flags = kIndexNullsHigh;
  Key low_key, high_key;
  EXPECT_TRUE(append_segment({}, {}, column_of(ColumnType::long_int), {}, low_key).ok());
  EXPECT_TRUE(append_segment(high, {}, column_of(ColumnType::long_int), {}, high_key).ok());
  EXPECT_EQ(low_key, hex("00"));
  EXPECT_EQ(high_key, hex("c0"));
  EXPECT_EQ(key_of(column_of(ColumnType::binary, 128), {}), hex("40"));
}

TEST(EseKey, BinaryComesInGroupsOfEight) {
  const Column binary = column_of(ColumnType::binary, 128);
  EXPECT_EQ(key_of(binary, hex("0102")), hex("7f010200000000000002"));
  EXPECT_EQ(key_of(binary, hex("0102030405060708")), hex("7f010203040506070808"));
  EXPECT_EQ(key_of(binary, hex("010203040506070809")),
            hex("7f010203040506070809090000000000000001"));
  EXPECT_EQ(key_of(column_of(ColumnType::binary), hex("0102")),
            hex("7f0102"));  // of a fixed column
}

TEST(EseKey, TextIsInCapitalsAndEndsWithANul) {
  EXPECT_EQ(key_of(column_of(ColumnType::text, 128), tests::blob("aZ1")), hex("7f415a3100"));
}

TEST(EseKey, TextThatTheLimitCutsOffHasNoEnd) {
  Index index;
  index.key_bytes_max = index.variable_bytes_max = 4;
  EXPECT_EQ(key_of(column_of(ColumnType::text, 128), tests::blob("abcdef"), index),
            hex("7f414243"));
}

TEST(EseKey, GuidsSortByTheirLastBytesFirst) {
  const Blob guid = hex("000102030405060708090a0b0c0d0e0f");
  Index dot_net;
  dot_net.flags = kIndexDotNetGuid;
  EXPECT_EQ(key_of(column_of(ColumnType::guid), guid), hex("7f0a0b0c0d0e0f08090607040500010203"));
  EXPECT_EQ(key_of(column_of(ColumnType::guid), guid, dot_net), hex("7f0302010005040706"
                                                                    "08090a0b0c0d0e0f"));
}

TEST(EseKey, UnicodeTextIsRefusedByName) {
  Column text = column_of(ColumnType::text, 128);
  text.code_page = kUnicodePage;
  Key key;
  const Blob value(2);
  const Status added = append_segment({}, {}, text, value, key);
  ASSERT_FALSE(added.ok());
  EXPECT_TRUE(is(added.error(), EseErr::unicode_translation_fail));
}

}  // namespace
}  // namespace stillframe::ese
