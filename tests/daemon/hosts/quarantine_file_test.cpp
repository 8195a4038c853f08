#include "framework/daemon/hosts/quarantine_file.hpp"

#include <gtest/gtest.h>

#include "framework/io/file.hpp"
#include "tests/support/loop_fs.hpp"

namespace stillframe::daemon {
namespace {

HostSpec shop() {
  return {"shop", HostKind::plugin_writer, "/lib/shop.so", "shop", R"({"data":"/srv"})"};
}

std::vector<QuarantineEntry> two() {
  return {{"shop", spec_digest(shop()), WallTime(Duration(7)), 5, "signal 11: \"no\"\n"},
          {"mail", std::string(64, 'a'), WallTime(Duration(-1)), 0, ""}};
}

TEST(QuarantineFile, ComesBackAsItWasWritten) {
  tests::TemporaryDirectory directory("quarantine");
  const std::string path = directory.path() + "/q.json";
  ASSERT_TRUE(read_quarantine(path).ok());
  EXPECT_TRUE(read_quarantine(path).value().empty());
  ASSERT_TRUE(write_quarantine(path, two()).ok());
  auto back = read_quarantine(path);
  ASSERT_TRUE(back.ok()) << back.error().what();
  EXPECT_EQ(back.value(), two());
  ASSERT_TRUE(write_quarantine(path, {}).ok());
  EXPECT_TRUE(read_quarantine(path).value().empty());
}

TEST(QuarantineFile, EveryTornCopyIsFoundOut) {
  const std::string text = quarantine_text(two());
  for (std::size_t bytes = 0; bytes + 1 < text.size(); ++bytes) {
    EXPECT_FALSE(parse_quarantine(text.substr(0, bytes)).ok()) << bytes;
  }
  EXPECT_TRUE(parse_quarantine(text).ok());
}

TEST(QuarantineFile, WhatSomebodyElseWroteIsNotBelieved) {
  for (const char* text :
       {"", "[]", "{}", "{\"version\":1}", "{\"version\":0,\"quarantined\":[]}",
        "{\"version\":1,\"quarantined\":[7]}", "{\"version\":1,\"quarantined\":[{\"name\":\"x\"}]}",
        "{\"version\":1,\"quarantined\":[{\"name\":\"x\",\"spec\":\"short\",\"since\":0,"
        "\"crashes\":5,\"reason\":\"\"}]}",
        "{\"version\":1,\"quarantined\":[{\"name\":\"x\",\"spec\":7,\"since\":0,\"crashes\":-1,"
        "\"reason\":\"\"}]}"}) {
    EXPECT_FALSE(parse_quarantine(text).ok()) << text;
  }
  EXPECT_EQ(parse_quarantine("{\"version\":2}").error().code(), Errc::future_version);
}

TEST(QuarantineFile, ADigestIsThatOfEverythingButTheName) {
  HostSpec renamed = shop();
  renamed.name = "other";
  EXPECT_EQ(spec_digest(renamed), spec_digest(shop()));
  HostSpec changed = shop();
  changed.config_json = "{}";
  EXPECT_NE(spec_digest(changed), spec_digest(shop()));
  HostSpec shifted = shop();
  shifted.file += "s";
  shifted.user = "hop";
  EXPECT_NE(spec_digest(shifted), spec_digest(shop()));
}

}  // namespace
}  // namespace stillframe::daemon
