#include "framework/providers/guard/held_record.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

namespace stillframe::guard {
namespace {

HeldRecord example() {
  HeldRecord record;
  record.boot_id = "0f0c7e36-5a4f-4a0e-8ad7-0c1a2b3c4d5e";
  record.client = {812, 9001};
  record.keeper = {813, 9002};
  record.holder = {814, 9003};
  record.lease = std::chrono::milliseconds(200);
  record.file_systems = {{{7, 0}, "/srv/data"}, {{0, 45}, "/srv/a b\n\xff\\"}};
  return record;
}

TEST(HeldRecord, SurvivesTheRoundTripWithAnyPath) {
  auto read = parse_held_record(to_text(example()));
  ASSERT_TRUE(read.ok()) << read.error().what();
  EXPECT_EQ(read.value(), example());
}

TEST(HeldRecord, ATornRecordIsTruncatedNotCorrupt) {
  const std::string text = to_text(example());
  const std::size_t header = text.find('\n') + 1;
  for (std::size_t keep = header; keep < text.size(); ++keep) {
    if (text[keep - 1] != '\n') continue;
    EXPECT_EQ(parse_held_record(text.substr(0, keep)).error().code(), Errc::truncated);
  }
}

TEST(HeldRecord, LinesThatLieAreRefused) {
  for (const char* line :
       {"fs 7:0", "fs 7 /srv", "fs x:0 /srv", "fs 7:0 \\x", "fs 7:0 ", "boot ", "client 1",
        "client 1 2 3", "lease_ms -1", "lease_ms 1e9", "colour blue", "end ", "", "fs"}) {
    const std::string text = "stillframe-held 1\n" + std::string(line) + "\nend\n";
    auto read = parse_held_record(text);
    ASSERT_FALSE(read.ok()) << line;
    EXPECT_EQ(read.error().code(), Errc::corrupt) << line;
  }
  EXPECT_EQ(parse_held_record("stillframe-held 1\nend\nfs 7:0 /srv\n").error().code(),
            Errc::corrupt);
  EXPECT_EQ(parse_held_record("stillframe-held 2\nend\n").error().code(), Errc::future_version);
}

TEST(HeldRecord, AProcessIsToldFromALaterOneOfTheSameNumber) {
  ProcessRef self = process_ref(::getpid());
  EXPECT_TRUE(is_running(self));
  ++self.start_ticks;
  EXPECT_FALSE(is_running(self));
  EXPECT_FALSE(is_running({}));
}

}  // namespace
}  // namespace stillframe::guard
