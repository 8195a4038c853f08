#include "writers/script/session_protocol.hpp"

#include <csignal>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace stillframe::script {
namespace {

using Kind = SessionAnswer::Kind;
using testing::HasSubstr;

TEST(SessionProtocol, UnderstandsEveryAnswer) {
  EXPECT_EQ(parse_session_answer("OK").value().kind, Kind::ok);
  EXPECT_EQ(parse_session_answer("HELD").value().kind, Kind::held);
  EXPECT_EQ(parse_session_answer("HELD stall_ms=35").value().stall, std::chrono::milliseconds(35));
  auto broken = parse_session_answer("BROKEN the lock was lost").value();
  EXPECT_EQ(broken.kind, Kind::broken);
  EXPECT_EQ(broken.reason, "the lock was lost");
  EXPECT_EQ(parse_session_answer("VETO no").value().code, Errc::writer_fatal);
  EXPECT_EQ(parse_session_answer("RETRY later").value().code, Errc::writer_retryable);
  EXPECT_EQ(parse_session_answer("TIMEOUT x").value().code, Errc::timed_out);
  EXPECT_EQ(parse_session_answer("RESOURCES x").value().code, Errc::out_of_resources);
  EXPECT_EQ(parse_session_answer("INCONSISTENT x").value().code, Errc::inconsistent_snapshot);
}

TEST(SessionProtocol, WhatIsNoAnswerIsNeverTakenForOne) {
  for (const char* line :
       {"", "ok", "OK yes", "HELD 35", "HELD stall_ms=", "HELD stall_ms=-1", "HELD stall_ms=1x",
        "HELD stall_ms=99999999999999999999", "HELDX", " OK", "VETOED"}) {
    auto answer = parse_session_answer(line);
    ASSERT_FALSE(answer.ok()) << line;
    EXPECT_EQ(answer.error().code(), Errc::corrupt);
  }
  EXPECT_FALSE(parse_session_answer("VETO " + std::string(kSessionLineBytesMax, 'x')).ok());
}

TEST(SessionProtocol, ReasonsArePrintable) {
  EXPECT_EQ(parse_session_answer("VETO \x1b[31m\xff").value().reason, "\\x1b[31m\\xff");
}

TEST(SessionProtocol, ExitCodesHaveTheirMeaning) {
  EXPECT_TRUE(status_of_exit(0, 0, "/bin/x", "").ok());
  const std::pair<int, Errc> rows[] = {
      {62, Errc::writer_fatal},     {63, Errc::inconsistent_snapshot},
      {71, Errc::out_of_resources}, {75, Errc::writer_retryable},
      {77, Errc::access_denied},    {124, Errc::timed_out},
      {126, Errc::access_denied},   {127, Errc::not_found},
      {1, Errc::writer_fatal}};
  for (const auto& [code, means] : rows) {
    EXPECT_EQ(status_of_exit(code, 0, "/bin/x", "").error().code(), means) << code;
  }
  Status killed = status_of_exit(0, SIGSEGV, "/bin/x", "it said this");
  EXPECT_EQ(killed.error().code(), Errc::writer_fatal);
  EXPECT_THAT(killed.error().what(), HasSubstr("signal 11"));
  EXPECT_THAT(killed.error().what(), HasSubstr("it said this"));
}

}  // namespace
}  // namespace stillframe::script
