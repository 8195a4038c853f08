#include "framework/model/verb.hpp"

#include <set>
#include <string>

#include <gtest/gtest.h>

namespace stillframe {
namespace {

TEST(Verb, EachHasANameThatComesBack) {
  std::set<std::string> names;
  for (int number = 1; number <= kVerbs; ++number) {
    const auto verb = static_cast<Verb>(number);
    names.insert(std::string(to_string(verb)));
    auto back = parse_verb(to_string(verb));
    ASSERT_TRUE(back.ok()) << number;
    EXPECT_EQ(back.value(), verb);
  }
  EXPECT_EQ(names.size(), static_cast<std::size_t>(kVerbs));
  EXPECT_EQ(to_string(Verb::restore_register), "restore_register");
}

TEST(Verb, UnknownNamesAndNumbersAreSaidToBeUnknown) {
  for (const char* name : {"", "Freeze", "freeze ", "melt", "unknown"}) {
    auto verb = parse_verb(name);
    ASSERT_FALSE(verb.ok()) << name;
    EXPECT_EQ(verb.error().code(), Errc::invalid_argument);
  }
  EXPECT_EQ(to_string(static_cast<Verb>(0)), "unknown");
  EXPECT_EQ(to_string(static_cast<Verb>(kVerbs + 1)), "unknown");
}

TEST(Verb, CapabilitiesGuardTheVerbsTheyAreFor) {
  const auto needs = [](Verb verb, Capability c) {
    return required_capability(verb) == Capabilities{static_cast<std::uint32_t>(c)};
  };
  EXPECT_TRUE(needs(Verb::freeze, Capability::snapshot));
  EXPECT_TRUE(needs(Verb::post_snapshot, Capability::snapshot));
  EXPECT_TRUE(needs(Verb::read, Capability::streaming));
  EXPECT_TRUE(needs(Verb::truncate_logs, Capability::logs));
  EXPECT_TRUE(needs(Verb::post_restore, Capability::restore_events));
  EXPECT_TRUE(needs(Verb::restore_register, Capability::staged_restore));
  EXPECT_TRUE(needs(Verb::verify, Capability::verify));
  for (Verb verb :
       {Verb::identify, Verb::prepare_backup, Verb::backup_complete, Verb::abort, Verb::shutdown}) {
    EXPECT_EQ(required_capability(verb).bits, 0u) << to_string(verb);
  }
}

}  // namespace
}  // namespace stillframe
