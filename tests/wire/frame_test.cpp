#include "framework/wire/frame.hpp"

#include <random>

#include <gtest/gtest.h>

namespace stillframe::wire {
namespace {

std::string joined(const RawMessage& message) {
  auto frames = encode_frames(message);
  EXPECT_TRUE(frames.ok());
  std::string all;
  for (const auto& frame : frames.value()) all += frame;
  return all;
}

RawMessage message(Kind kind, std::uint64_t sequence, std::string payload,
                   std::uint16_t descriptors = 0) {
  return RawMessage{kind, sequence, descriptors, std::move(payload)};
}

// A header with one field replaced, for the hostile cases.
std::string header(std::uint8_t kind, std::uint16_t flags, std::uint32_t bytes,
                   std::uint16_t descriptors = 0) {
  std::string out("SFW1\x01", 5);
  out.push_back(static_cast<char>(kind));
  auto put = [&out](std::uint64_t value, int width) {
    for (int i = 0; i < width; ++i) out.push_back(static_cast<char>((value >> (8 * i)) & 0xff));
  };
  put(flags, 2);
  put(7, 8);
  put(bytes, 4);
  put(descriptors, 2);
  put(0, 2);
  return out;
}

std::vector<RawMessage> read_all(FrameReader& reader) {
  std::vector<RawMessage> all;
  while (auto one = reader.next()) all.push_back(std::move(*one));
  return all;
}

TEST(Frame, LayoutIsTheDocumentedOne) {
  const std::string bytes = joined(message(Kind::heartbeat, 0x0102030405060708, "{}", 3));
  const std::string want(
      "SFW1\x01\x15\x00\x00\x08\x07\x06\x05\x04\x03\x02\x01\x02\x00\x00\x00"
      "\x03\x00\x00\x00{}",
      26);
  EXPECT_EQ(bytes, want);
}

TEST(Frame, MessagesSurviveEverySplitOfTheStream) {
  const std::vector<RawMessage> sent{message(Kind::hello, 0, "{\"a\":1}"),
                                     message(Kind::heartbeat, 0, ""),
                                     message(Kind::call, 9, "{\"verb\":\"freeze\"}", 2)};
  std::string stream;
  for (const auto& one : sent) stream += joined(one);
  for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
    FrameReader reader;
    ASSERT_TRUE(reader.feed(stream.substr(0, cut)).ok());
    ASSERT_TRUE(reader.feed(stream.substr(cut)).ok());
    EXPECT_EQ(read_all(reader), sent) << "cut at " << cut;
    EXPECT_TRUE(reader.finish().ok());
  }
}

TEST(Frame, LargeDocumentTravelsInContinuationFrames) {
  std::string document(3 * kFramePayloadBytesMax + 17, 'x');
  document[kFramePayloadBytesMax] = 'y';
  const RawMessage sent = message(Kind::call, 4, document, 1);
  auto frames = encode_frames(sent);
  ASSERT_TRUE(frames.ok());
  ASSERT_EQ(frames.value().size(), 4u);

  FrameReader reader;
  reader.handshake_done();
  for (const auto& frame : frames.value()) ASSERT_TRUE(reader.feed(frame).ok());
  EXPECT_EQ(read_all(reader), std::vector{sent});
}

TEST(Frame, HeartbeatMayComeBetweenTheFramesOfALargeMessage) {
  const RawMessage document = message(Kind::call, 4, std::string(kFramePayloadBytesMax + 1, 'd'));
  const RawMessage heartbeat = message(Kind::heartbeat, 0, "{}");
  auto frames = encode_frames(document);
  ASSERT_TRUE(frames.ok());

  FrameReader reader;
  reader.handshake_done();
  ASSERT_TRUE(reader.feed(frames.value()[0]).ok());
  ASSERT_TRUE(reader.feed(joined(heartbeat)).ok());
  EXPECT_EQ(read_all(reader), std::vector{heartbeat});
  ASSERT_TRUE(reader.feed(frames.value()[1]).ok());
  EXPECT_EQ(read_all(reader), std::vector{document});
}

TEST(Frame, AnotherDocumentInsideAnUnfinishedOneIsCorrupt) {
  auto frames = encode_frames(message(Kind::call, 4, std::string(kFramePayloadBytesMax + 1, 'd')));
  ASSERT_TRUE(frames.ok());
  FrameReader reader;
  reader.handshake_done();
  ASSERT_TRUE(reader.feed(frames.value()[0]).ok());
  Status s = reader.feed(joined(message(Kind::call, 5, "{}")));
  ASSERT_FALSE(s.ok());
  EXPECT_EQ(s.error().code(), Errc::corrupt);
}

TEST(Frame, StreamThatEndsInsideAMessageIsTruncated) {
  const std::string stream = joined(message(Kind::hello, 0, "{\"role\":\"writer\"}"));
  for (std::size_t cut = 1; cut < stream.size(); ++cut) {
    FrameReader reader;
    ASSERT_TRUE(reader.feed(stream.substr(0, cut)).ok());
    EXPECT_FALSE(reader.next().has_value());
    Status s = reader.finish();
    ASSERT_FALSE(s.ok());
    EXPECT_EQ(s.error().code(), Errc::truncated);
  }
}

struct HostileCase {
  const char* name;
  std::string bytes;
  Errc code;
};

TEST(Frame, HostileHeadersAreRefusedBeforeTheirPayload) {
  std::string wrong_magic = header(1, 0, 0);
  wrong_magic[0] = 'X';
  std::string newer = header(1, 0, 0);
  newer[4] = 2;
  std::string older = header(1, 0, 0);
  older[4] = 0;
  std::string reserved = header(1, 0, 0);
  reserved[22] = 1;
  const std::vector<HostileCase> cases{
      {"magic", wrong_magic, Errc::corrupt},
      {"newer version", newer, Errc::future_version},
      {"version zero", older, Errc::corrupt},
      {"reserved", reserved, Errc::corrupt},
      {"kind zero", header(0, 0, 0), Errc::corrupt},
      {"unknown kind", header(99, 0, 0), Errc::corrupt},
      {"unknown flag", header(18, 0x8000, 0), Errc::corrupt},
      {"length beyond a frame", header(18, 0, 0xffffffff), Errc::limit_reached},
      {"hello beyond its limit", header(1, 0, kHandshakeBytesMax + 1), Errc::limit_reached},
      {"hello in pieces", header(1, 1, 10), Errc::corrupt},
      {"empty frame with more", header(18, 1, 0), Errc::corrupt},
      {"too many descriptors", header(18, 0, 0, 254), Errc::limit_reached},
  };
  for (const auto& c : cases) {
    FrameReader reader;
    Status s = reader.feed(c.bytes);
    ASSERT_FALSE(s.ok()) << c.name;
    EXPECT_EQ(s.error().code(), c.code) << c.name;
    EXPECT_FALSE(reader.feed("more").ok()) << c.name;
    EXPECT_FALSE(reader.next().has_value()) << c.name;
  }
}

TEST(Frame, BeforeTheHandshakeADocumentIsRefused) {
  FrameReader stranger;
  Status s = stranger.feed(header(18, 0, kHandshakeBytesMax + 1));
  ASSERT_FALSE(s.ok());
  EXPECT_EQ(s.error().code(), Errc::limit_reached);

  FrameReader known;
  known.handshake_done();
  EXPECT_TRUE(known.feed(header(18, 0, kHandshakeBytesMax + 1)).ok());
}

TEST(Frame, AReaderMayAllowLessThanAKindHas) {
  FrameReader reader;
  reader.handshake_done();
  reader.limit_messages(100'000);
  EXPECT_TRUE(reader.feed(header(18, 0, 100'000)).ok());
  FrameReader other;
  other.handshake_done();
  other.limit_messages(100'000);
  Status s = other.feed(header(18, 0, 100'001));
  ASSERT_FALSE(s.ok());
  EXPECT_EQ(s.error().code(), Errc::limit_reached);
  EXPECT_NE(s.error().what().find("100000"), std::string::npos);
}

TEST(Frame, LateDescriptorsAreCorrupt) {
  FrameReader reader;
  reader.handshake_done();
  ASSERT_TRUE(reader.feed(header(18, 1, 1, 1) + "x").ok());
  Status s = reader.feed(header(18, 0, 1, 1));
  ASSERT_FALSE(s.ok());
  EXPECT_EQ(s.error().code(), Errc::corrupt);
}

TEST(Frame, TooLargeAMessageIsNotEncoded) {
  EXPECT_EQ(encode_frames(message(Kind::hello, 0, std::string(kHandshakeBytesMax + 1, 'x')))
                .error()
                .code(),
            Errc::limit_reached);
  EXPECT_EQ(encode_frames(message(Kind::answer, 0, "", 254)).error().code(), Errc::limit_reached);
}

TEST(Frame, RandomMessagesInRandomPiecesComeOutAsTheyWentIn) {
  const unsigned seed = 20260731;
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  const Kind kinds[] = {Kind::call, Kind::answer, Kind::heartbeat, Kind::event, Kind::request};
  for (int round = 0; round < 50; ++round) {
    std::vector<RawMessage> sent;
    std::string stream;
    for (int i = 0; i < 20; ++i) {
      sent.push_back(message(kinds[random() % 5], random(), std::string(random() % 3000, 'p'),
                             static_cast<std::uint16_t>(random() % 4)));
      stream += joined(sent.back());
    }
    FrameReader reader;
    std::vector<RawMessage> got;
    for (std::size_t at = 0; at < stream.size();) {
      const std::size_t piece = 1 + random() % 997;
      ASSERT_TRUE(reader.feed(std::string_view(stream).substr(at, piece)).ok());
      at += piece;
      for (auto& one : read_all(reader)) got.push_back(std::move(one));
    }
    EXPECT_EQ(got, sent);
  }
}

}  // namespace
}  // namespace stillframe::wire
