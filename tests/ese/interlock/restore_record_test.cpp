#include "writers/ese/interlock/restore_record.hpp"

#include <gtest/gtest.h>

namespace stillframe::ese {
namespace {

RestoreRecord full_record() {
  RestoreRecord record;
  record.id = RestoreId{0xFEDC'BA98'7654'3210};
  record.state = RestoreState::failed;
  record.result = 0xC7FF0002;
  record.checkpoint = "/a b/checkpoint";
  record.logs = "/logs\nof \xFF";
  record.set = "/set";
  record.low = Generation{0xA};
  record.high = Generation{kRestoreGenerationMax};
  record.databases = {{"C:\\ntds\\ntds.dit", "/new/ntds.dit"}, {"/old/two", "/new/two"}};
  return record;
}

std::string text_of(const RestoreRecord& record) {
  const auto text = encode_restore_record(record);
  EXPECT_TRUE(text.ok());
  return text.ok() ? text.value() : "";
}

Errc refusal(std::string_view text) {
  const auto record = decode_restore_record(text, "restore.env");
  return record.ok() ? Errc{} : record.error().code();
}

TEST(RestoreRecord, ComesBackAsItWas) {
  const RestoreRecord record = full_record();
  const auto again = decode_restore_record(text_of(record), "restore.env");
  ASSERT_TRUE(again.ok()) << again.error().what();
  EXPECT_TRUE(again.value() == record);
  EXPECT_EQ(again.value().logs, record.logs);
  EXPECT_EQ(again.value().databases[0].logged, record.databases[0].logged);
  EXPECT_EQ(again.value().high, record.high);
}

TEST(RestoreRecord, CutShortItIsTruncated) {
  const std::string text = text_of(full_record());
  for (std::size_t bytes = 0; bytes < text.size(); ++bytes) {
    EXPECT_EQ(refusal(text.substr(0, bytes)), Errc::truncated) << bytes;
  }
}

TEST(RestoreRecord, NoByteOfItCanBeAnother) {
  const std::string text = text_of(full_record());
  for (std::size_t at = 0; at < text.size(); ++at) {
    std::string changed = text;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    EXPECT_NE(refusal(changed), Errc{}) << "byte " << at;
  }
  EXPECT_EQ(refusal(text + "\n"), Errc::truncated);
}

TEST(RestoreRecord, OneOfANewerVersionOrOfSomebodyElseIsLeftAlone) {
  EXPECT_EQ(refusal("stillframe-ese-restore 2\nwhatever"), Errc::future_version);
  EXPECT_EQ(refusal("{\"format\": \"stillframe-interlock\"}\n"), Errc::not_supported);
}

TEST(RestoreRecord, WhatCannotBeReadIsNotWritten) {
  const auto refused = [](auto change) {
    RestoreRecord record = full_record();
    change(record);
    return !encode_restore_record(record).ok();
  };
  EXPECT_TRUE(refused([](RestoreRecord& its) { its.logs.clear(); }));
  EXPECT_TRUE(refused([](RestoreRecord& its) { its.set = std::string(5000, 'x'); }));
  EXPECT_TRUE(refused([](RestoreRecord& its) { its.checkpoint.push_back('\0'); }));
  EXPECT_TRUE(refused([](RestoreRecord& its) { its.low = Generation{-1}; }));
  EXPECT_TRUE(refused([](RestoreRecord& its) { its.high = Generation{0x100000}; }));
  EXPECT_TRUE(refused([](RestoreRecord& its) { its.high = Generation{0x9}; }));
  EXPECT_TRUE(refused([](RestoreRecord& its) { its.databases[0].file.clear(); }));
  EXPECT_TRUE(refused([](RestoreRecord& its) { its.result = 0; }));
  EXPECT_TRUE(refused([](RestoreRecord& its) { its.state = RestoreState::copied; }));
}

}  // namespace
}  // namespace stillframe::ese
