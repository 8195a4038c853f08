#include "framework/model/option_string.hpp"

#include <random>

#include <gmock/gmock.h>

#include "tests/support/scale.hpp"

namespace stillframe {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(RestoreOptions, ItemsAreReadWithTheirSubcomponents) {
  auto options = parse_restore_options(
      R"( "Authoritative" = "All" , "Stores/EU":"Roll Forward"="Partial:lsn 7","q"="say \"hi\" \\")");
  ASSERT_TRUE(options.ok()) << options.error().what();
  EXPECT_THAT(options.value(),
              ElementsAre(RestoreOption{"", "Authoritative", "All"},
                          RestoreOption{"Stores/EU", "Roll Forward", "Partial:lsn 7"},
                          RestoreOption{"", "q", "say \"hi\" \\"}));
  EXPECT_EQ(format_restore_options(options.value()),
            R"("Authoritative"="All","Stores/EU":"Roll Forward"="Partial:lsn 7",)"
            R"("q"="say \"hi\" \\")");
  EXPECT_TRUE(parse_restore_options("").value().empty());
  EXPECT_TRUE(parse_restore_options(" \t").value().empty());
  EXPECT_EQ(parse_restore_options("\"a\"=\"\"").value()[0].value, "");
}

TEST(RestoreOptions, WhatMakesNoSenseIsRefusedWithItsPlace) {
  struct Row {
    const char *text, *says;
  };
  for (const Row& row : std::initializer_list<Row>{
           {"a=b", "expected a quoted text"},
           {"\"a", "closing quote"},
           {"\"a\"", "expected '='"},
           {"\"a\"=", "expected a quoted text"},
           {"\"a\"=\"b", "closing quote"},
           {"\"a\"=\"b\"x", "expected ',' or the end"},
           {"\"a\"=\"b\",", "expected a quoted text"},
           {"\"a\"=\"\\n\"", "a backslash must come before"},
           {"\"\"=\"b\"", "the option has no name"},
           {"\"\":\"a\"=\"b\"", "the subcomponent has no name"},
           {"\"s\":\"t\":\"a\"=\"b\"", "expected '='"},
       }) {
    auto options = parse_restore_options(row.text);
    ASSERT_FALSE(options.ok()) << row.text;
    EXPECT_EQ(options.error().code(), Errc::invalid_argument);
    EXPECT_THAT(options.error().what(), HasSubstr(row.says)) << row.text;
  }
}

TEST(RestoreOptions, ALimitCoversTheSubcomponentAndWhatLiesBeneathIt) {
  const std::vector<RestoreOption> options = {
      {"", "Verify", "1"}, {"Stores", "verify", "2"}, {"Stores/EU", "VERIFY", "3"}};
  EXPECT_THAT(option_values(options, "Verify"), ElementsAre("1"));
  EXPECT_THAT(option_values(options, "verify", "stores"), ElementsAre("1", "2"));
  EXPECT_THAT(option_values(options, "verify", "Stores/eu/Box"), ElementsAre("1", "2", "3"));
  EXPECT_THAT(option_values(options, "verify", "Stores2"), ElementsAre("1"));
  EXPECT_THAT(option_values(options, "other"), IsEmpty());
}

TEST(RestoreOptions, AnyListComesBack) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const auto text = [&](bool may_be_empty) {
    std::string out(random() % 6 + (may_be_empty ? 0 : 1), ' ');
    for (char& c : out) c = "ab\"\\:=, /\n\xff"[random() % 11];
    return out;
  };
  for (std::uint64_t i = 0; i < tests::scaled(3000); ++i) {
    std::vector<RestoreOption> options(random() % 4);
    for (auto& option : options) option = {text(true), text(false), text(true)};
    auto back = parse_restore_options(format_restore_options(options));
    ASSERT_TRUE(back.ok()) << back.error().what();
    ASSERT_EQ(back.value(), options);
  }
}

}  // namespace
}  // namespace stillframe
