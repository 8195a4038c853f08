#include "framework/daemon/hosts/host_spec.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace stillframe::daemon {
namespace {

using ::testing::HasSubstr;

struct Read {
  std::vector<HostSpec> specs;
  Status status = Ok{};
};

Read read(const std::string& toml) {
  auto table = ConfigTable::parse(toml, "stillframe.toml");
  EXPECT_TRUE(table.ok()) << table.error().what();
  Read out;
  out.specs = read_host_specs(table.value());
  out.status = table.value().finish();
  return out;
}

std::string mistake(const std::string& toml) {
  const Read out = read(toml);
  return out.status.ok() ? "none" : out.status.error().what();
}

constexpr const char* kShop = "[[plugin]]\nname = 'shop'\nmakes = 'writer'\n";

TEST(HostSpecs, EveryKindIsReadWithWhatItIsHandedOn) {
  const Read out = read(
      "[[plugin]]\nname = 'shop'\nfile = '/lib/shop.so'\nmakes = 'writer'\nuser = 'shop'\n"
      "config = { data = '/srv/shop', tables = ['a', 'b'] }\n"
      "[[plugin]]\nname = 'array-1.x'\nfile = '/lib/array.so'\nmakes = 'provider'\n"
      "[[writer]]\nname = 'mail'\nfile = '/etc/mail.toml'\nuser = 'mail'\n");
  ASSERT_TRUE(out.status.ok()) << out.status.error().what();
  EXPECT_THAT(out.specs,
              ::testing::ElementsAre(
                  HostSpec{"shop", HostKind::plugin_writer, "/lib/shop.so", "shop",
                           R"({"data":"/srv/shop","tables":["a","b"]})"},
                  HostSpec{"array-1.x", HostKind::plugin_provider, "/lib/array.so", "", "{}"},
                  HostSpec{"mail", HostKind::declarative_writer, "/etc/mail.toml", "mail", "{}"}));
  EXPECT_TRUE(read("").specs.empty());
}

TEST(HostSpecs, NamesAreUniqueAmongAllOfThem) {
  EXPECT_THAT(
      mistake(kShop + std::string("file = '/a'\n[[writer]]\nname = 'shop'\nfile = '/b'\n")),
      HasSubstr("stillframe.toml:6: 'name' is 'shop', which another [[plugin]] or [[writer]] "
                "has already"));
}

TEST(HostSpecs, NamesAreSafeInCommandsAndFiles) {
  for (const char* name : {"a b", "a/b", "..", "-v", ".x", "\u00e4"}) {
    EXPECT_THAT(mistake("[[writer]]\nname = '" + std::string(name) + "'\nfile = '/f'\n"),
                HasSubstr("stillframe.toml:2: 'name' is '"))
        << name;
  }
  const std::string longest(64, 'n');
  EXPECT_EQ(mistake("[[writer]]\nname = '" + longest + "'\nfile = '/f'\n"), "none");
  EXPECT_THAT(mistake("[[writer]]\nname = '" + longest + "n'\nfile = '/f'\n"),
              HasSubstr("must be at most 64 letters"));
  EXPECT_THAT(mistake("[[writer]]\nfile = '/f'\n"), HasSubstr("'name' is missing or empty"));
}

TEST(HostSpecs, FilesAreSaidFromTheRoot) {
  EXPECT_THAT(mistake(kShop + std::string("file = 'lib/shop.so'\n")),
              HasSubstr("stillframe.toml:4: 'file' is 'lib/shop.so', but must be a path from /"));
  EXPECT_THAT(mistake(kShop), HasSubstr("'file' is missing or empty"));
}

TEST(HostSpecs, WhatAPluginMakesIsSaid) {
  EXPECT_THAT(mistake("[[plugin]]\nname = 'x'\nfile = '/f'\nmakes = 'reader'\n"),
              HasSubstr("'makes' is 'reader', but must be \"writer\" or \"provider\""));
  EXPECT_THAT(mistake("[[plugin]]\nname = 'x'\nfile = '/f'\n"),
              HasSubstr("'makes' is missing or empty"));
}

TEST(HostSpecs, KeysThatMeanNothingAreMistakes) {
  EXPECT_THAT(mistake("[[writer]]\nname = 'x'\nfile = '/f'\nconfig = {}\n"),
              HasSubstr("the key 'writer.config' means nothing here"));
  EXPECT_THAT(mistake("[[writer]]\nname = 'x'\nfile = '/f'\nuser = ''\n"),
              HasSubstr("'user' is empty"));
}

TEST(HostSpecs, KindsHaveOneNameEach) {
  for (const HostKind kind :
       {HostKind::plugin_writer, HostKind::plugin_provider, HostKind::declarative_writer}) {
    EXPECT_EQ(kind_of(kind_name(kind)), kind);
  }
  EXPECT_EQ(kind_of("plugin"), std::nullopt);
}

}  // namespace
}  // namespace stillframe::daemon
