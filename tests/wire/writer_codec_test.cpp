#include "framework/wire/writer_codec.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/wire/sample_values.hpp"

namespace stillframe::wire {
namespace {

RawMessage raw_call(std::string json) {
  return {Kind::call, 1, 0, std::move(json)};
}
RawMessage raw_answer(std::string json) {
  return {Kind::answer, 1, 0, std::move(json)};
}

TEST(WriterCodec, EveryCallSurvivesTheWire) {
  const auto calls = tests::sample_calls();
  ASSERT_EQ(calls.size(), static_cast<std::size_t>(kVerbs));
  for (const WriterCall& call : calls) {
    SCOPED_TRACE(to_string(call.verb));
    auto message = encode_call(call, 12);
    ASSERT_TRUE(message.ok()) << message.error().what();
    EXPECT_EQ(message.value().sequence, 12u);
    auto back = decode_call(message.value());
    ASSERT_TRUE(back.ok()) << back.error().what();
    EXPECT_EQ(back.value().verb, call.verb);
    EXPECT_EQ(back.value().session, call.session);
    EXPECT_EQ(back.value().deadline, call.deadline);
    EXPECT_EQ(back.value().hold_limit, call.hold_limit);
    EXPECT_EQ(back.value().lease, call.lease);
    EXPECT_EQ(back.value().args, call.args);
  }
}

// Text of the call before is used again: only if it says all that this one does.
TEST(WriterCodec, CallsThatDifferInOneFieldAreNotTakenForEachOther) {
  WriterCall freeze{Verb::freeze, SessionId::generate(), BootTime(Duration(5)),
                    Duration(6),  Duration(7),           NoArgs{}};
  std::vector<WriterCall> calls(6, freeze);
  calls[1].verb = Verb::thaw;
  calls[2].session = SessionId::generate();
  calls[3].deadline = BootTime(Duration(8));
  calls[4].hold_limit = Duration(9);
  calls[5].lease = Duration(10);
  for (const WriterCall& other : calls) {
    for (const WriterCall& call : {freeze, freeze, other, other, freeze}) {
      const auto message = encode_call(call, 1);
      ASSERT_TRUE(message.ok());
      const auto back = decode_call(message.value());
      ASSERT_TRUE(back.ok());
      EXPECT_EQ(back.value().verb, call.verb);
      EXPECT_EQ(back.value().session, call.session);
      EXPECT_EQ(back.value().deadline, call.deadline);
      EXPECT_EQ(back.value().hold_limit, call.hold_limit);
      EXPECT_EQ(back.value().lease, call.lease);
    }
  }
}

TEST(WriterCodec, ACallThatWasReadIsStillNoMessageOfAnotherKind) {
  auto message = encode_call({Verb::freeze, SessionId::generate(), {}, {}, {}, NoArgs{}}, 1);
  ASSERT_TRUE(message.ok() && decode_call(message.value()).ok());
  message.value().kind = Kind::answer;
  EXPECT_FALSE(decode_call(message.value()).ok());
  message.value().kind = Kind::call;
  message.value().descriptors = 1;
  EXPECT_FALSE(decode_call(message.value()).ok());
}

TEST(WriterCodec, ABareAnswerIsOneToFreezeOnly) {
  const auto answer = decode_answer(Verb::freeze, raw_answer(R"({"payload":{}})"), {});
  ASSERT_TRUE(answer.ok() && answer.value().status.ok());
  EXPECT_TRUE(std::holds_alternative<NoArgs>(answer.value().payload));
  EXPECT_FALSE(decode_answer(Verb::thaw, raw_answer(R"({"payload":{}})"), {}).ok());
  EXPECT_FALSE(decode_answer(Verb::freeze, raw_call(R"({"payload":{}})"), {}).ok());
}

TEST(WriterCodec, EveryAnswerSurvivesTheWire) {
  for (int number = 1; number <= kVerbs; ++number) {
    const Verb verb = static_cast<Verb>(number);
    SCOPED_TRACE(to_string(verb));
    WriterAnswer answer;
    answer.payload = tests::sample_payload(verb);
    ASSERT_TRUE(payload_fits(verb, answer.payload));
    auto back = decode_answer(verb, encode_answer(verb, answer, 3), {});
    ASSERT_TRUE(back.ok()) << back.error().what();
    EXPECT_TRUE(back.value().status.ok());
    EXPECT_EQ(back.value().payload, answer.payload);
  }
}

TEST(WriterCodec, FailureKeepsCodeMessageAndTheWritersOwnNumber) {
  WriterAnswer answer;
  answer.status = Error(Errc::writer_retryable, "busy\nnow", -77);
  auto back = decode_answer(Verb::freeze, encode_answer(Verb::freeze, answer, 3), {});
  ASSERT_TRUE(back.ok());
  ASSERT_FALSE(back.value().status.ok());
  EXPECT_EQ(back.value().status.error(), answer.status.error());
  EXPECT_EQ(back.value().status.error().application_code(), -77);
}

TEST(WriterCodec, APartialFailureBringsAlongWhichComponentsFailed) {
  for (const Verb verb : {Verb::prepare_backup, Verb::post_snapshot, Verb::pre_restore}) {
    SCOPED_TRACE(to_string(verb));
    WriterAnswer answer;
    answer.payload = tests::sample_payload(verb);
    answer.status = Error(Errc::partial_failure, "one of two", 5);
    auto back = decode_answer(verb, encode_answer(verb, answer, 3), {});
    ASSERT_TRUE(back.ok()) << back.error().what();
    ASSERT_FALSE(back.value().status.ok());
    EXPECT_EQ(back.value().status.error(), answer.status.error());
    EXPECT_EQ(back.value().payload, answer.payload);
  }
}

// Whatever a writer edited before it failed as a whole is not wanted.
TEST(WriterCodec, ATotalFailureBringsNoEditsAlong) {
  WriterAnswer answer;
  answer.payload = tests::sample_payload(Verb::prepare_backup);
  answer.status = Error(Errc::writer_fatal, "all of it");
  auto back =
      decode_answer(Verb::prepare_backup, encode_answer(Verb::prepare_backup, answer, 3), {});
  ASSERT_TRUE(back.ok()) << back.error().what();
  EXPECT_EQ(std::get<BackupView>(back.value().payload), BackupView());
}

TEST(WriterCodec, CodeOfANewerPeerReadsAsInternalAndKeepsItsName) {
  auto back = decode_answer(
      Verb::freeze,
      raw_answer(R"({"error":{"code":999,"name":"moon_phase","message":"wrong moon"}})"), {});
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(back.value().status.error().code(), Errc::internal);
  EXPECT_EQ(back.value().status.error().what(), "moon_phase: wrong moon");
}

TEST(WriterCodec, ArgumentsOfAnotherVerbAreNotSent) {
  WriterCall call;
  call.verb = Verb::freeze;
  call.args = ReadArgs{1, 2};
  EXPECT_EQ(encode_call(call, 1).error().code(), Errc::invalid_argument);
}

TEST(WriterCodec, PayloadOfAnotherVerbIsAFailedAnswer) {
  WriterAnswer answer;
  answer.payload = StreamInfo{};
  auto back = decode_answer(Verb::thaw, encode_answer(Verb::thaw, answer, 1), {});
  ASSERT_TRUE(back.ok());
  ASSERT_FALSE(back.value().status.ok());
  EXPECT_EQ(back.value().status.error().code(), Errc::internal);
}

TEST(WriterCodec, HostileCallsAreCorrupt) {
  const char* cases[] = {
      "",
      "null",
      "[]",
      "{}",
      "{",
      R"({"verb":7,"deadline_ns":0})",
      R"({"verb":"explode","deadline_ns":0})",
      R"({"verb":"freeze"})",
      R"({"verb":"freeze","deadline_ns":"soon"})",
      R"({"verb":"freeze","deadline_ns":1e300})",
      R"({"verb":"freeze","deadline_ns":0,"session":"not-an-id"})",
      R"({"verb":"freeze","deadline_ns":0,"args":[]})",
      R"({"verb":"read","deadline_ns":0,"args":{"handle":-1,"bytes_max":1}})",
      R"({"verb":"read","deadline_ns":0})",
      R"({"verb":"verify","deadline_ns":0,"args":{"component":{"name":"a"},"root":"\\q"}})",
  };
  for (const char* json : cases) {
    auto call = decode_call(raw_call(json));
    ASSERT_FALSE(call.ok()) << json;
    EXPECT_EQ(call.error().code(), Errc::corrupt) << json;
  }
}

TEST(WriterCodec, DeepNestingIsRefused) {
  const std::string deep(100'000, '[');
  auto call = decode_call(raw_call(R"({"verb":"freeze","deadline_ns":0,"x":)" + deep));
  ASSERT_FALSE(call.ok());
  EXPECT_EQ(call.error().code(), Errc::corrupt);
}

TEST(WriterCodec, HostileAnswersAreCorrupt) {
  const std::pair<Verb, const char*> cases[] = {
      {Verb::thaw, "{}"},
      {Verb::thaw, R"({"payload":3})"},
      {Verb::thaw, R"({"error":{}})"},
      {Verb::thaw, R"({"error":{"code":"x","message":""}})"},
      {Verb::read, R"({"payload":{"hex":"0"}})"},
      {Verb::read, R"({"payload":{"hex":"0G"}})"},
      {Verb::read, R"({"payload":{}})"},
      {Verb::restore_locations, R"({"payload":{}})"},
      {Verb::open_stream, R"({"payload":{"handle":1,"size":-1,"read_unit":1}})"},
  };
  for (const auto& [verb, json] : cases) {
    auto answer = decode_answer(verb, raw_answer(json), {});
    ASSERT_FALSE(answer.ok()) << json;
    EXPECT_EQ(answer.error().code(), Errc::corrupt) << json;
  }
}

TEST(WriterCodec, OnlyAnOpenedStreamMayBringADescriptor) {
  auto descriptors = [](std::size_t count) {
    std::vector<Descriptor> all;
    for (std::size_t i = 0; i < count; ++i) all.emplace_back(::dup(0));
    return all;
  };
  WriterAnswer answer;
  answer.payload = StreamInfo{1, 2, 3};
  auto stream =
      decode_answer(Verb::open_stream, encode_answer(Verb::open_stream, answer, 1), descriptors(1));
  ASSERT_TRUE(stream.ok());
  EXPECT_EQ(stream.value().descriptors.size(), 1u);
  EXPECT_FALSE(
      decode_answer(Verb::open_stream, encode_answer(Verb::open_stream, answer, 1), descriptors(2))
          .ok());
  EXPECT_FALSE(decode_answer(Verb::freeze, raw_answer(R"({"payload":{}})"), descriptors(1)).ok());
}

}  // namespace
}  // namespace stillframe::wire
