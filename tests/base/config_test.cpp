#include "framework/base/config.hpp"

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "framework/base/trusted_file.hpp"

namespace stillframe {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(Config, ReadsWhatItIsAskedFor) {
  auto parsed = ConfigTable::parse(
      "name = 'orders'\ncount = 3\non = true\nargs = ['a', 'b']\nwait_ms = 250\n"
      "[env]\nA = '1'\n[[set]]\npath = '/x'\n[[set]]\npath = '/y'\n",
      "test.toml");
  ASSERT_TRUE(parsed.ok()) << parsed.error().what();
  ConfigTable table = parsed.value();
  EXPECT_EQ(table.required_text("name"), "orders");
  EXPECT_EQ(table.number("count", 0, 1, 9), 3);
  EXPECT_TRUE(table.flag("on", false));
  EXPECT_THAT(table.texts("args"), ElementsAre("a", "b"));
  EXPECT_EQ(table.milliseconds("wait_ms", std::chrono::milliseconds(1)).count(), 250);
  EXPECT_THAT(table.table("env").all_texts(), ElementsAre(testing::Pair("A", "1")));
  auto sets = table.tables("set");
  ASSERT_EQ(sets.size(), 2u);
  EXPECT_EQ(sets[1].text("path"), "/y") << sets[0].text("path");
  EXPECT_EQ(sets[0].text("path"), "/x");
  EXPECT_TRUE(table.finish().ok());
}

TEST(Config, ATableThatIsHandedOnBecomesJson) {
  auto parsed = ConfigTable::parse(
      "[[plugin]]\nconfig = { data = '/srv', depth = 3, ratio = 0.5, on = true, "
      "hosts = ['a', { name = \"b\\\"\\u0000\" }] "
      "}\n[[plugin]]\n[plugin.config]\n[plugin.config.x]\n"
      "y = -1\n[[plugin]]\n",
      "test.toml");
  ASSERT_TRUE(parsed.ok()) << parsed.error().what();
  auto plugins = parsed.value().tables("plugin");
  ASSERT_EQ(plugins.size(), 3u);
  EXPECT_EQ(
      plugins[0].json_object("config"),
      R"({"data":"/srv","depth":3,"hosts":["a",{"name":"b\"\u0000"}],"on":true,"ratio":0.5})");
  EXPECT_EQ(plugins[1].json_object("config"), R"({"x":{"y":-1}})");
  EXPECT_EQ(plugins[2].json_object("config"), "{}");
  EXPECT_TRUE(parsed.value().finish().ok()) << parsed.value().finish().error().what();
}

TEST(Config, WhatJsonCannotSayIsAMistakeOnItsLine) {
  for (const char* value : {"1979-05-27", "07:32:00", "nan", "-inf", "[1, [inf]]"}) {
    auto parsed =
        ConfigTable::parse("[config]\na = 1\nb = " + std::string(value) + "\n", "test.toml");
    ASSERT_TRUE(parsed.ok()) << value;
    (void)parsed.value().json_object("config");
    const Status s = parsed.value().finish();
    ASSERT_FALSE(s.ok()) << value;
    EXPECT_THAT(s.error().what(), HasSubstr("test.toml:3: 'config' holds a value")) << value;
  }
  auto text = ConfigTable::parse("config = 'x'\n", "test.toml");
  EXPECT_EQ(text.value().json_object("config"), "{}");
  EXPECT_THAT(text.value().finish().error().what(), HasSubstr("'config' must be a table"));
}

TEST(Config, AKeyThatNobodyReadIsAMistakeOnItsLine) {
  auto parsed = ConfigTable::parse("name = 'x'\n[env]\nA = '1'\nB = '2'\n", "test.toml");
  ConfigTable table = parsed.value();
  (void)table.text("name");
  (void)table.table("env").text("A");
  Status s = table.finish();
  ASSERT_FALSE(s.ok());
  EXPECT_THAT(s.error().what(), HasSubstr("test.toml:4: the key 'env.B'"));
}

TEST(Config, TheFirstMistakeIsKept) {
  auto parsed = ConfigTable::parse("name = 7\ncount = 'x'\n", "test.toml");
  ConfigTable table = parsed.value();
  (void)table.number("count", 0, 0, 1);
  (void)table.text("name");
  EXPECT_THAT(table.finish().error().what(), HasSubstr("test.toml:2: 'count' must be"));
}

TEST(Config, LaterFilesLieOverEarlierOnes) {
  auto parsed = ConfigTable::parse_all(
      {{"main.toml",
        "name = 'main'\nlist = ['a']\n[limits]\nhold = 1\nlease = 2\n[[set]]\npath = '/x'\n"},
       {"conf.d/10.toml", "list = ['b']\n[limits]\nhold = 7\n[[set]]\npath = '/y'\n"}});
  ASSERT_TRUE(parsed.ok()) << parsed.error().what();
  ConfigTable table = parsed.value();
  EXPECT_EQ(table.text("name"), "main");
  EXPECT_THAT(table.texts("list"), ElementsAre("b"));
  ConfigTable limits = table.table("limits");
  EXPECT_EQ(limits.number("hold", 0, 0, 9), 7);
  EXPECT_EQ(limits.number("lease", 0, 0, 9), 2);
  auto sets = table.tables("set");
  ASSERT_EQ(sets.size(), 2u);
  EXPECT_EQ(sets[0].text("path") + sets[1].text("path"), "/x/y");
  EXPECT_TRUE(table.finish().ok());
}

TEST(Config, AMistakeNamesTheFileItIsIn) {
  auto parsed = ConfigTable::parse_all({{"main.toml", "[limits]\nhold = 1\n"},
                                        {"conf.d/10.toml", "\n[limits]\nlease = 'x'\nodd = 1\n"}});
  ConfigTable limits = parsed.value().table("limits");
  (void)limits.number("hold", 0, 0, 9);
  EXPECT_THAT(parsed.value().finish().error().what(), HasSubstr("conf.d/10.toml:3: the key"));
  auto again = ConfigTable::parse_all({{"main.toml", "a = 1\n"}, {"conf.d/20.toml", "b = = 2\n"}});
  ASSERT_FALSE(again.ok());
  EXPECT_THAT(again.error().what(), HasSubstr("conf.d/20.toml:1"));
}

TEST(Config, NoFilesAreDefaults) {
  auto parsed = ConfigTable::parse_all({});
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(parsed.value().table("limits").number("hold", 5, 0, 9), 5);
  EXPECT_TRUE(parsed.value().finish().ok());
}

TEST(Config, BrokenTomlNamesItsLine) {
  auto parsed = ConfigTable::parse("a = 1\nb = = 2\n", "test.toml");
  ASSERT_FALSE(parsed.ok());
  EXPECT_THAT(parsed.error().what(), HasSubstr("test.toml:2"));
}

class TrustedFile : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/stillframe-trust-XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    folder_ = name;
    path_ = folder_ + "/file";
    std::ofstream(path_) << "content";
    ::chmod(path_.c_str(), 0600);
  }
  void TearDown() override {
    ::unlink((folder_ + "/link").c_str());
    ::unlink(path_.c_str());
    ::rmdir(folder_.c_str());
  }
  std::string folder_, path_;
};

TEST_F(TrustedFile, IsReadWhenOnlyItsOwnerMayWriteIt) {
  EXPECT_EQ(read_trusted_file(path_, ::getuid(), 100).value(), "content");
  EXPECT_EQ(read_trusted_file(path_, ::getuid(), 3).error().code(), Errc::limit_reached);
}

TEST_F(TrustedFile, OthersMayNotWriteItNorItsFolder) {
  ::chmod(path_.c_str(), 0620);
  EXPECT_EQ(check_trusted_file(path_, ::getuid()).error().code(), Errc::access_denied);
  ::chmod(path_.c_str(), 0600);
  ::chmod(folder_.c_str(), 0777);
  EXPECT_THAT(check_trusted_file(path_, ::getuid()).error().what(), HasSubstr("folder"));
}

TEST_F(TrustedFile, AnotherOwnerIsRefused) {
  if (::getuid() == 0) {
    EXPECT_TRUE(check_trusted_file(path_, 1).ok()) << "what is root's is trusted by everybody";
    ASSERT_EQ(::chown(path_.c_str(), 2, 2), 0);
  }
  EXPECT_EQ(check_trusted_file(path_, 1).error().code(), Errc::access_denied);
}

TEST_F(TrustedFile, ALinkIsJudgedByWhereItLeads) {
  ASSERT_EQ(::symlink(path_.c_str(), (folder_ + "/link").c_str()), 0);
  EXPECT_TRUE(check_trusted_file(folder_ + "/link", ::getuid()).ok());
  ::chmod(path_.c_str(), 0606);
  EXPECT_FALSE(check_trusted_file(folder_ + "/link", ::getuid()).ok());
}

TEST_F(TrustedFile, AProgramMustBeExecutableAndAbsolute) {
  EXPECT_THAT(check_trusted_program(path_, ::getuid()).error().what(), HasSubstr("executable"));
  ::chmod(path_.c_str(), 0700);
  EXPECT_TRUE(check_trusted_program(path_, ::getuid()).ok());
  EXPECT_EQ(check_trusted_program("file", ::getuid()).error().code(), Errc::invalid_argument);
  EXPECT_EQ(check_trusted_program("/tmp", 0).error().code(), Errc::access_denied);
}

}  // namespace
}  // namespace stillframe
