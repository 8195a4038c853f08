#include "framework/model/pattern.hpp"

#include <chrono>
#include <random>
#include <string>

#include <gtest/gtest.h>

#include "tests/support/scale.hpp"

namespace stillframe {
namespace {

TEST(Pattern, QuestionMarkIsOneByteAndStarAnyNumber) {
  struct Row {
    const char *pattern, *name;
    bool matches;
  };
  const Row rows[] = {
      {"*", "", true},          {"*", "a.b", true},     {"", "", true},
      {"", "a", false},         {"a", "a", true},       {"a", "A", false},
      {"?", "", false},         {"?", "\xff", true},    {"??", "\xc3\xa4", true},
      {"*.db", "x.db", true},   {"*.db", ".db", true},  {"*.db", "x.dbx", false},
      {"a*b*c", "aXbYc", true}, {"a*b*c", "abc", true}, {"a*b*c", "acb", false},
      {"*a", "aaab", false},    {"a**b", "ab", true},   {"a?*", "a", false},
      {"*?", "x", true},        {"[a]", "a", false},    {"[a]", "[a]", true},
      {"a.b", "axb", false},    {"*\n", "x\n", true},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(matches_pattern(row.pattern, row.name), row.matches)
        << row.pattern << " against " << row.name;
  }
}

// The definition, word for word; exponential, so only for short texts.
bool matches_slowly(std::string_view pattern, std::string_view name) {
  if (pattern.empty()) return name.empty();
  if (pattern[0] == '*') {
    return matches_slowly(pattern.substr(1), name) ||
           (!name.empty() && matches_slowly(pattern, name.substr(1)));
  }
  return !name.empty() && (pattern[0] == '?' || pattern[0] == name[0]) &&
         matches_slowly(pattern.substr(1), name.substr(1));
}

std::string random_text(std::mt19937& random, const char* letters, std::size_t count) {
  std::string out(random() % 7, ' ');
  for (char& c : out) c = letters[random() % count];
  return out;
}

TEST(Pattern, AgreesWithItsDefinition) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (std::uint64_t i = 0; i < tests::scaled(100'000); ++i) {
    const std::string pattern = random_text(random, "ab?*", 4);
    const std::string name = random_text(random, "ab", 2);
    ASSERT_EQ(matches_pattern(pattern, name), matches_slowly(pattern, name))
        << pattern << " against " << name;
  }
}

// Overlap is what some name says: all names up to 6 letters are tried.
TEST(Pattern, OverlapMeansThatANameMatchesBoth) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  std::vector<std::string> names{""};
  for (std::size_t i = 0; names[i].size() < 8; ++i) {
    names.push_back(names[i] + "a");
    names.push_back(names[i] + "b");
  }
  for (std::uint64_t i = 0; i < tests::scaled(400); ++i) {
    const std::string a = random_text(random, "ab?*", 4).substr(0, 4);
    const std::string b = random_text(random, "ab?*", 4).substr(0, 4);
    bool both = false;
    for (const auto& name : names) both |= matches_pattern(a, name) && matches_pattern(b, name);
    ASSERT_EQ(patterns_overlap(a, b), both) << a << " and " << b;
  }
}

TEST(Pattern, ManyStarsDoNotExplode) {
  std::string pattern;
  for (int i = 0; i < 200; ++i) pattern += "a*";
  pattern += "b";
  const std::string name(4096, 'a');
  EXPECT_FALSE(matches_pattern(pattern, name));
  EXPECT_TRUE(patterns_overlap(pattern, "*b"));
}

}  // namespace
}  // namespace stillframe
