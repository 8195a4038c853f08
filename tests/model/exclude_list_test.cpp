#include "framework/model/exclude_list.hpp"

#include <gmock/gmock.h>

#include "framework/model/exclusion.hpp"

namespace stillframe {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const MachinePlaces kPlaces{{"/people/ann", "/people/$odd"}, {"/", "/srv"}};

std::string shown(const ExcludedFiles& excluded) {
  return excluded.path + (excluded.recursive ? " ** " : " ") + excluded.pattern;
}

std::vector<std::string> parsed(std::string_view text) {
  auto list = parse_exclude_list(text, "caches.list", kPlaces);
  if (!list.ok()) return {"error: " + list.error().what()};
  std::vector<std::string> out;
  for (const ExcludedFiles& excluded : list.value()) out.push_back(shown(excluded));
  return out;
}

TEST(ExcludeList, ALineIsADirectoryAndAPatternWithAllThatLiesBeneathIfAsked) {
  EXPECT_THAT(parsed("# caches\n\n /var/tmp/*.iso \r\n/var/cache/**/*\n/core\n//a///b/**/x?"),
              ElementsAre("/var/tmp *.iso", "/var/cache ** *", "/ core", "/a/b ** x?"));
  EXPECT_THAT(parsed(""), ElementsAre());
  EXPECT_THAT(parsed("/a/with blank/x"), ElementsAre("/a/with blank x"));
}

TEST(ExcludeList, BytesThatAreNoTextAreEscaped) {
  EXPECT_THAT(parsed("/srv/\\xff/\\\\x"), ElementsAre("/srv/\xff \\x"));
}

TEST(ExcludeList, VariablesStandForEveryHomeAndEveryVolume) {
  EXPECT_THAT(parsed("${EVERY_HOME}/.cache/**/*"),
              ElementsAre("/people/ann/.cache ** *", "/people/$$odd/.cache ** *"));
  EXPECT_THAT(parsed("${EVERY_VOLUME}/swapfile"), ElementsAre("/ swapfile", "/srv swapfile"));
  auto list = parse_exclude_list("${EVERY_HOME}/x", "l", kPlaces);
  ASSERT_TRUE(list.ok());
  auto exclusion = ExclusionList::make(list.value(), {});
  ASSERT_TRUE(exclusion.ok()) << exclusion.error().what();
  EXPECT_TRUE(exclusion.value().excludes("/people/$odd", "x"));
}

TEST(ExcludeList, WhatIsWrongIsNamedWithItsListAndLine) {
  struct Row {
    std::string line, says;
  };
  const Row rows[] = {
      {"var/tmp/x", "is not absolute"},
      {"/a/../b/x", "'.' or '..'"},
      {"/a/**", "end the line with '**/*'"},
      {"/a/b/", "does not end in the name"},
      {"/", "does not end in the name"},
      {"/a/*/x", "only its last element"},
      {"/a/**/b/**/x", "only its last element"},
      {"$HOME/x", "variable HOME is not set"},
      {"/a/${EVERY_HOME}/x", "variable EVERY_HOME is not set"},
      {"/a/\\q", "escape"},
  };
  for (const Row& row : rows) {
    auto list = parse_exclude_list("/good/x\n" + row.line + "\n", "caches.list", kPlaces);
    ASSERT_FALSE(list.ok()) << row.line;
    EXPECT_EQ(list.error().code(), Errc::invalid_argument) << row.line;
    EXPECT_THAT(list.error().what(), HasSubstr("caches.list:2: "));
    EXPECT_THAT(list.error().what(), HasSubstr(row.says));
  }
}

TEST(ExcludeList, IsBounded) {
  MachinePlaces many;
  for (std::size_t i = 0; i < kExcludeListEntriesMax; ++i) {
    many.homes.push_back("/people/" + std::to_string(i));
  }
  EXPECT_TRUE(parse_exclude_list("${EVERY_HOME}/x\n", "l", many).ok());
  auto list = parse_exclude_list("${EVERY_HOME}/x\n/one/more\n", "l", many);
  ASSERT_FALSE(list.ok());
  EXPECT_EQ(list.error().code(), Errc::limit_reached);
}

}  // namespace
}  // namespace stillframe
