// What is said in a hold has the bytes that the general codec writes, and is read as it reads them.
#include "framework/wire/hold_texts.hpp"

#include <limits>
#include <random>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "framework/wire/writer_codec.hpp"

namespace stillframe::wire {
namespace {

constexpr std::int64_t kMin = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();

bool same(const CallHead& a, const CallHead& b) {
  return a.verb == b.verb && a.session == b.session && a.deadline == b.deadline &&
         a.hold_limit == b.hold_limit && a.lease == b.lease;
}

std::int64_t any_count(std::mt19937_64& random) {
  constexpr std::int64_t kEdges[] = {0, 1, -1, 9, 10, kMin, kMax};
  return random() % 2 == 0 ? kEdges[random() % std::size(kEdges)]
                           : static_cast<std::int64_t>(random() >> random() % 64);
}

CallHead any_call(std::mt19937_64& random) {
  CallHead call{random() % 2 == 0 ? Verb::freeze : Verb::thaw, SessionId::generate(),
                BootTime(Duration(any_count(random))), Duration(any_count(random)),
                Duration(any_count(random))};
  if (random() % 4 == 0) call.session = SessionId{};
  return call;
}

HoldStatement any_hold(std::mt19937_64& random) {
  HoldStatement hold;
  hold.held_from = BootTime(Duration(any_count(random)));
  hold.held_until = BootTime(Duration(any_count(random)));
  hold.longest_stall = Duration(any_count(random));
  hold.unbroken = true;
  return hold;
}

// A space in front is all that keeps a text from the short way.
RawMessage by_the_general_codec(Kind kind, const std::string& text) {
  return {kind, 1, 0, " " + text};
}

TEST(HoldTexts, CallsAreTheBytesOfTheGeneralCodec) {
  std::mt19937_64 random(20261130);
  for (int i = 0; i < 2000; ++i) {
    const CallHead call = any_call(random);
    const std::string text = hold_call_text(call);
    ASSERT_EQ(nlohmann::json::parse(text).dump(), text);
    const auto read = read_hold_call(text);
    ASSERT_TRUE(read && same(*read, call)) << text;
    const auto general = decode_call(by_the_general_codec(Kind::call, text));
    ASSERT_TRUE(general.ok()) << text << ": " << general.error().what();
    const WriterCall& other = general.value();
    ASSERT_TRUE(
        same(call, {other.verb, other.session, other.deadline, other.hold_limit, other.lease}))
        << text;
  }
}

TEST(HoldTexts, AnswersAreTheBytesOfTheGeneralCodec) {
  std::mt19937_64 random(20261130);
  for (int i = 0; i < 2000; ++i) {
    const HoldStatement hold = any_hold(random);
    const std::string text = hold_answer_text(hold);
    ASSERT_EQ(nlohmann::json::parse(text).dump(), text);
    const auto read = read_hold_answer(text);
    ASSERT_TRUE(read && *read == hold) << text;
    const auto general = decode_answer(Verb::thaw, by_the_general_codec(Kind::answer, text), {});
    ASSERT_TRUE(general.ok()) << text << ": " << general.error().what();
    ASSERT_EQ(std::get<HoldStatement>(general.value().payload), hold) << text;
  }
}

// What the short way cannot say, the general codec says whole.
TEST(HoldTexts, OtherStatementsAndVerbsHaveNone) {
  HoldStatement broken, asserted, because;
  asserted.unbroken = asserted.asserted_only = true;
  because.unbroken = true;
  because.broken_because = "a \"quoted\" reason";
  for (const HoldStatement& hold : {broken, asserted, because}) {
    EXPECT_EQ(hold_answer_text(hold), "");
    WriterAnswer answer;
    answer.payload = hold;
    const auto back = decode_answer(Verb::thaw, encode_answer(Verb::thaw, answer, 1), {});
    ASSERT_TRUE(back.ok());
    EXPECT_EQ(std::get<HoldStatement>(back.value().payload), hold);
  }
  CallHead call;
  for (const Verb verb : {Verb::identify, Verb::abort, Verb::prepare_snapshot, Verb::verify}) {
    call.verb = verb;
    EXPECT_EQ(hold_call_text(call), "");
  }
}

// A text that is cut, has more to it, or a number in another form is not taken the short way; where
// the general codec refuses it too, it stays refused.
TEST(HoldTexts, WhatLooksALittleDifferentIsLeftToTheGeneralCodec) {
  std::mt19937_64 random(7);
  const std::string call = hold_call_text(any_call(random));
  const std::string answer = hold_answer_text(any_hold(random));
  for (std::size_t bytes = 0; bytes < call.size(); ++bytes)
    EXPECT_FALSE(read_hold_call(call.substr(0, bytes))) << bytes;
  for (std::size_t bytes = 0; bytes < answer.size(); ++bytes)
    EXPECT_FALSE(read_hold_answer(answer.substr(0, bytes))) << bytes;
  EXPECT_FALSE(read_hold_call(call + " "));
  EXPECT_FALSE(read_hold_answer(answer + "}"));
  for (const char* number :
       {"007", "-0", "-01", "+1", "1.0", "1e3", "9223372036854775808", "", "-"}) {
    const std::string one = R"({"args":{},"deadline_ns":)" + std::string(number);
    EXPECT_FALSE(read_hold_call(one + R"(,"verb":"freeze"})")) << number;
    EXPECT_FALSE(read_hold_answer(R"({"payload":{"held_from":1,"held_until":)" +
                                  std::string(number) + R"(,"unbroken":true}})"))
        << number;
  }
  EXPECT_FALSE(read_hold_call(R"({"args":{},"deadline_ns":1,"verb":"identify"})"));
  EXPECT_FALSE(read_hold_call(
      R"({"args":{},"deadline_ns":1,"session":"6ba7b810-9dad-41d1-80b4-00c04fd430cx","verb":"thaw"})"));
  EXPECT_FALSE(read_hold_call(R"({"args":{},"deadline_ns":1,"session":"6ba7b810)"));
}

}  // namespace
}  // namespace stillframe::wire
