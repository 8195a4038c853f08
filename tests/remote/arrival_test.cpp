#include "framework/remote/arrival.hpp"

#include <gtest/gtest.h>

namespace stillframe {
namespace {

TEST(Arrival, TlsIsKnownByItsFirstByte) {
  auto judged = judge_arrival("\x16");
  ASSERT_TRUE(judged.ok() && judged.value());
  EXPECT_EQ(judged.value()->kind, Arrival::Kind::control);
}

TEST(Arrival, AMoversPreambleIsWaitedForWhole) {
  const MoverName name{1, 2, 3, 0xff};
  const std::string preamble = mover_preamble(name);
  ASSERT_EQ(preamble.size(), kMoverPreambleBytes);
  for (std::size_t cut = 0; cut < preamble.size(); ++cut) {
    auto judged = judge_arrival(std::string_view(preamble).substr(0, cut));
    ASSERT_TRUE(judged.ok()) << cut;
    EXPECT_FALSE(judged.value()) << cut;
  }
  auto judged = judge_arrival(preamble);
  ASSERT_TRUE(judged.ok() && judged.value());
  EXPECT_EQ(judged.value()->kind, Arrival::Kind::mover);
  EXPECT_EQ(judged.value()->mover, name);
}

TEST(Arrival, AnythingElseIsNoTls) {
  for (const char* text : {"GET / HTTP/1.1", "SFW1", "SFX", "\x15"}) {
    auto judged = judge_arrival(text);
    ASSERT_FALSE(judged.ok()) << text;
    EXPECT_EQ(judged.error().code(), Errc::corrupt);
  }
}

TEST(Arrival, NamesAreTextAndBack) {
  const MoverName name{0xab, 1};
  EXPECT_EQ(parse_mover_name(to_text(name)).value(), name);
  EXPECT_FALSE(parse_mover_name("ab").ok());
  EXPECT_FALSE(parse_mover_name(std::string(32, 'g')).ok());
}

}  // namespace
}  // namespace stillframe
