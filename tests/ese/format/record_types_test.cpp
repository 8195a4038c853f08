#include "writers/ese/format/record_types.hpp"

#include <vector>

#include <gtest/gtest.h>

#include "writers/ese/format/ese_error.hpp"

namespace stillframe::ese {
namespace {

TEST(EseRecordTypes, RowsAreInOrderAndFoundByNumberAndName) {
  int before = -1;
  for (const RecordKind& kind : record_kinds()) {
    EXPECT_GT(static_cast<int>(kind.type), before);
    before = static_cast<int>(kind.type);
    EXPECT_EQ(record_kind(kind.type), &kind);
    EXPECT_EQ(record_kind(kind.name), &kind);
  }
}

// Every length lies inside the fixed part, and adds its value to the record's size.
TEST(EseRecordTypes, LengthsCountWhatFollowsTheFixedPart) {
  for (const RecordKind& kind : record_kinds()) {
    std::vector<std::byte> bytes(kind.fixed_bytes + std::size_t{64});
    bytes[0] = static_cast<std::byte>(kind.type);
    EXPECT_EQ(measure_record(bytes).bytes, kind.fixed_bytes) << kind.name;
    std::size_t expected = kind.fixed_bytes;
    for (const LengthField& field : kind.lengths) {
      if (field.width == 0) continue;
      ASSERT_LE(field.offset + field.width, kind.fixed_bytes) << kind.name;
      bytes[field.offset] = std::byte{4};
      expected += 4;
      const RecordSpan span = measure_record(bytes);
      EXPECT_EQ(span.bytes, expected) << kind.name;
      EXPECT_EQ(span.read, RecordRead::whole) << kind.name;
      EXPECT_EQ(measure_record(Bytes(bytes).first(expected - 1)).read, RecordRead::cut);
    }
  }
}

TEST(EseRecordTypes, UnknownNumbersAreRefusedByNumberAndPosition) {
  const std::vector<std::byte> bytes{std::byte{200}};
  const RecordSpan span = measure_record(bytes);
  EXPECT_EQ(span.read, RecordRead::unknown_type);
  const Error error = record_error(span.read, bytes, "edb.log", {0x6F6, 0x9F, Generation{9}});
  EXPECT_TRUE(is(error, EseErr::bad_log_version));
  EXPECT_NE(error.what().find("type 200"), std::string::npos) << error.what();
  EXPECT_NE(error.what().find("9,9F,6F6"), std::string::npos) << error.what();
}

TEST(EseRecordTypes, ALengthBeyondAnyRecordIsALie) {
  std::vector<std::byte> bytes(5);
  bytes[0] = static_cast<std::byte>(RecordType::macro_info);
  store_le(bytes.data() + 1, std::uint32_t{0xFFFFFFF0});
  EXPECT_EQ(measure_record(bytes).read, RecordRead::oversized);
}

TEST(EseRecordTypes, AReplaceDifferenceHidesAFlagInItsLength) {
  std::vector<std::byte> bytes(60);
  bytes[0] = static_cast<std::byte>(RecordType::replace_diff);
  store_le(bytes.data() + 44, std::uint16_t{0x8000 | 10});
  EXPECT_EQ(measure_record(bytes).bytes, 60u);
}

TEST(EseRecordTypes, PageRecordsShareAHeaderButForTheLatestOne) {
  EXPECT_TRUE(has_page_header(RecordType::insert));
  EXPECT_TRUE(has_page_header(RecordType::undo_info));
  EXPECT_FALSE(has_page_header(RecordType::new_page));
  EXPECT_FALSE(has_page_header(RecordType::begin0));
}

}  // namespace
}  // namespace stillframe::ese
