// What goes over a channel comes out as it went in, and nothing else does.
#include "writers/ese/ntds/channel_message.hpp"

#include <algorithm>

#include <gtest/gtest.h>

#include <stillframe/ntds/ntdshost.h>

namespace stillframe::ese::ntds {
namespace {

std::vector<ChannelRequest> some_requests() {
  AskRegister ask;
  ask.arguments.checkpoint = "/checkpoint";
  ask.arguments.logs = "/logs";
  ask.arguments.set = std::string("/a\0b", 4);
  ask.arguments.low = 3;
  ask.arguments.high = 0xFFFFF;
  ask.arguments.databases = {{"C:\\one.edb", "/db/one.edb"}, {"", ""}};
  return {AskOnline{},
          AskPrepare{{std::byte{1}, std::byte{0}}},
          AskPrepare{},
          AskLocations{},
          ask,
          AskComplete{0xC8000000},
          AskEnd{},
          AskBackup{},
          AskDatabases{},
          AskLogs{},
          AskOpen{"/db/one.edb"},
          AskOpen{},
          AskRead{1},
          AskRead{kChannelReadBytesMax},
          AskClose{},
          AskTruncate{},
          AskBackupEnd{}};
}

TEST(ChannelMessage, RequestsComeOutAsTheyWentIn) {
  for (const ChannelRequest& request : some_requests()) {
    const auto bytes = encode_request(request);
    ASSERT_TRUE(bytes.ok());
    const auto back = decode_request(bytes.value());
    ASSERT_TRUE(back.ok()) << request.index();
    EXPECT_TRUE(back.value() == request) << request.index();
  }
}

TEST(ChannelMessage, AnswersComeOutAsTheyWentIn) {
  ChannelAnswer answer;
  answer.code = hrRestoreInProgress;
  answer.why = "because";
  answer.online = true;
  answer.files = {{BFT_LOG_DIR, "/logs"}, {BFT_NTDS_DATABASE, "/db/one.edb"}};
  const auto back = decode_answer(encode_answer(answer).value());
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(back.value().code, answer.code);
  EXPECT_EQ(back.value().why, answer.why);
  EXPECT_TRUE(back.value().online);
  ASSERT_EQ(back.value().files.size(), 2U);
  EXPECT_EQ(back.value().files[1].kind, BFT_NTDS_DATABASE);
  EXPECT_EQ(back.value().files[1].path, "/db/one.edb");
}

TEST(ChannelMessage, AnswersWithBytesComeOutAsTheyWentIn) {
  ChannelAnswer size, block, neither;
  size.bytes = std::uint64_t{1} << 40;
  block.block.assign(kChannelReadBytesMax, std::byte{7});
  for (const ChannelAnswer& answer : {size, block, neither}) {
    const auto bytes = encode_answer(answer);
    ASSERT_TRUE(bytes.ok());
    const auto back = decode_answer(bytes.value());
    ASSERT_TRUE(back.ok());
    EXPECT_EQ(back.value().bytes, answer.bytes);
    EXPECT_TRUE(back.value().block == answer.block);
    EXPECT_EQ(back.value().code, hrNone);
  }
}

// One way to say a thing, so what comes back is what was sent.
TEST(ChannelMessage, NothingIsSaidInOneWay) {
  std::vector<std::byte> nothing(2 + 8 + 4);
  nothing[0] = std::byte{1};
  nothing[1] = std::byte{0x81};
  EXPECT_FALSE(decode_answer(nothing).ok());
  nothing[2] = std::byte{1};
  EXPECT_TRUE(decode_answer(nothing).ok());
  std::vector<std::byte> read = encode_request(AskRead{kChannelReadBytesMax}).value();
  read[2] = std::byte{1};
  EXPECT_FALSE(decode_request(read).ok()) << "more than an answer has";
  std::fill(read.begin() + 2, read.end(), std::byte{0});
  EXPECT_FALSE(decode_request(read).ok()) << "of nothing";
}

TEST(ChannelMessage, WhatIsCutOffOrLongerIsNone) {
  for (const ChannelRequest& request : some_requests()) {
    std::vector<std::byte> bytes = encode_request(request).value();
    for (std::size_t kept = 0; kept < bytes.size(); ++kept) {
      EXPECT_FALSE(decode_request(Bytes(bytes).first(kept)).ok()) << kept;
    }
    bytes.push_back(std::byte{0});
    EXPECT_FALSE(decode_request(bytes).ok());
    bytes[0] = std::byte{2};
    EXPECT_FALSE(decode_request(Bytes(bytes).first(bytes.size() - 1)).ok()) << "a later version";
  }
  EXPECT_FALSE(encode_request(AskPrepare{std::vector<std::byte>(DS_MESSAGE_BYTES_MAX)}).ok());
}

}  // namespace
}  // namespace stillframe::ese::ntds
