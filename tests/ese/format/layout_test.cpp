#include "writers/ese/format/layout.hpp"

#include <vector>

#include <gtest/gtest.h>

#include "writers/ese/format/ese_error.hpp"
#include "writers/ese/format/small_types.hpp"

namespace stillframe::ese {
namespace {

TEST(EseLayout, StructuresComeBackAsTheyWereWritten) {
  BackupInfo info;
  info.mark = {0x1234, 0x5678, Generation{0x9ABCDEF}};
  info.time.day = 28;
  info.time.utc_and_low_milliseconds = 0x7F;
  info.low = Generation{3};
  info.high = Generation{-4};
  std::vector<std::byte> bytes(BackupInfo::kBytes + 5, std::byte{0xEE});
  encode(info, bytes);
  EXPECT_EQ(decode<BackupInfo>(bytes), info);
  EXPECT_EQ(load_le<std::uint16_t>(bytes.data() + 2), 0x5678);
  EXPECT_EQ(bytes[BackupInfo::kBytes], std::byte{0xEE});  // nothing behind it was touched
}

TEST(EseLayout, PositionsSortAsTheLogRuns) {
  const Lgpos early{4000, 7, Generation{1}}, later{0, 8, Generation{1}}, next{0, 0, Generation{2}};
  EXPECT_LT(early, later);
  EXPECT_LT(later, next);
  EXPECT_TRUE(Lgpos{}.none());
}

TEST(EseLayout, TimesAreWholeMilliseconds) {
  LogTime time;
  time.utc_and_low_milliseconds = static_cast<std::uint8_t>((999 & 0x7F) << 1 | 1);
  time.high_milliseconds = static_cast<std::uint8_t>((999 >> 7) << 1);
  EXPECT_EQ(time.milliseconds(), 999);
  EXPECT_TRUE(time.utc());
  EXPECT_FALSE(time.os_snapshot());
}

TEST(EseError, CarriesTheNumberThatJetCallersKnow) {
  const Error error = ese_error(EseErr::read_verify_failure, "page 7 of 'a.edb'");
  EXPECT_EQ(error.code(), Errc::corrupt);
  EXPECT_EQ(error.application_code(), -1018);
  EXPECT_TRUE(is(error.while_doing("backing up"), EseErr::read_verify_failure));
  EXPECT_EQ(error.what(), "page 7 of 'a.edb' (ReadVerifyFailure, -1018)");
}

}  // namespace
}  // namespace stillframe::ese
