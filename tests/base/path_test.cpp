#include "framework/base/path.hpp"

#include <gtest/gtest.h>

namespace stillframe {
namespace {

TEST(Path, ParentsAndLastComponents) {
  EXPECT_EQ(parent_path("/a/b"), "/a");
  EXPECT_EQ(parent_path("/a/b/"), "/a");
  EXPECT_EQ(parent_path("/a"), "/");
  EXPECT_EQ(parent_path("/"), "/");
  EXPECT_EQ(parent_path("a"), ".");
  EXPECT_EQ(last_component("/a/b"), "b");
  EXPECT_EQ(last_component("/a/b//"), "b");
  EXPECT_EQ(last_component("/"), "");
}

TEST(Path, TidyingKeepsWhatLinksCouldChange) {
  EXPECT_EQ(tidy_path("//a/./b//"), "/a/b");
  EXPECT_EQ(tidy_path("/"), "/");
  EXPECT_EQ(tidy_path("/a/../b"), "/a/../b");
  EXPECT_EQ(tidy_path("./x"), "x");
  EXPECT_EQ(tidy_path(""), ".");
}

TEST(Path, ANeighbourWithTheSamePrefixIsNotWithin) {
  EXPECT_TRUE(is_within("/a/b", "/a"));
  EXPECT_TRUE(is_within("/a", "/a"));
  EXPECT_FALSE(is_within("/ab", "/a"));
  EXPECT_TRUE(is_within("/anything", "/"));
  EXPECT_EQ(path_below("/a/b/c", "/a"), "b/c");
  EXPECT_EQ(path_below("/", "/"), "");
}

TEST(Path, UnsafeRelativePathsAreRecognised) {
  for (const char* good : {"", "a", "a/b", "...", "a/..b"}) EXPECT_TRUE(is_safe_relative(good));
  for (const char* bad : {"/", "/a", "a/", "a//b", ".", "..", "a/../b", "a/."}) {
    EXPECT_FALSE(is_safe_relative(bad)) << bad;
  }
  EXPECT_FALSE(is_safe_relative(std::string_view("a\0b", 3)));
}

TEST(Path, JoiningDoesNotDoubleSlashes) {
  EXPECT_EQ(join_path("/", "a"), "/a");
  EXPECT_EQ(join_path("/a", "/b"), "/a/b");
  EXPECT_EQ(join_path("/a", ""), "/a");
  EXPECT_EQ(join_path("", "a"), "a");
}

}  // namespace
}  // namespace stillframe
