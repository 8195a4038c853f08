#include "framework/remote/remote_address.hpp"

#include <gtest/gtest.h>

namespace stillframe {
namespace {

TEST(RemoteAddress, NamesAddressesAndPorts) {
  const auto parsed = [](const char* text) { return parse_remote_address(text).value(); };
  EXPECT_EQ(parsed("db1"), (RemoteAddress{"db1", kRemotePort}));
  EXPECT_EQ(parsed("db1:99"), (RemoteAddress{"db1", 99}));
  EXPECT_EQ(parsed("192.0.2.7:1"), (RemoteAddress{"192.0.2.7", 1}));
  EXPECT_EQ(parsed("2001:db8::1"), (RemoteAddress{"2001:db8::1", kRemotePort}));
  EXPECT_EQ(parsed("[2001:db8::1]:99"), (RemoteAddress{"2001:db8::1", 99}));
  EXPECT_EQ(to_string(parsed("[2001:db8::1]:99")), "[2001:db8::1]:99");
}

TEST(RemoteAddress, WhatIsNoneIsRefusedWithTheWayOut) {
  for (const char* text :
       {"", ":1", "a:", "a:x", "a:65536", "[::1", "[::1]x", "a b", "-a", "a/b"}) {
    auto parsed = parse_remote_address(text);
    ASSERT_FALSE(parsed.ok()) << text;
    EXPECT_EQ(parsed.error().code(), Errc::invalid_argument);
    EXPECT_NE(parsed.error().what().find("HOST:PORT"), std::string::npos) << text;
  }
}

}  // namespace
}  // namespace stillframe
