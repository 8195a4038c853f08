#include "framework/model/path_text.hpp"

#include <gtest/gtest.h>

namespace stillframe {
namespace {

TEST(PathText, BeneathIsDecidedByWholeElements) {
  EXPECT_TRUE(is_beneath_or_equal("/a/b", "/a/b"));
  EXPECT_TRUE(is_beneath_or_equal("/a/b/c", "/a/b/"));
  EXPECT_TRUE(is_beneath_or_equal("/a//b", "/a"));
  EXPECT_TRUE(is_beneath_or_equal("/a", "/"));
  EXPECT_FALSE(is_beneath_or_equal("/a/bc", "/a/b"));
  EXPECT_FALSE(is_beneath_or_equal("/a", "/a/b"));
  EXPECT_FALSE(is_beneath_or_equal("/a", ""));
}

TEST(PathText, WhatIsBeneathIsRelative) {
  EXPECT_EQ(path_relative_to("/a/b/c", "/a"), "b/c");
  EXPECT_EQ(path_relative_to("/a/b", "/"), "a/b");
  EXPECT_EQ(path_relative_to("/a/b", "/a/b/"), "");
  EXPECT_EQ(trim_slashes("//a///b//"), "/a/b");
}

TEST(PathText, DotsRelativePathsAndNulsAreNotPlain) {
  EXPECT_TRUE(is_plain_absolute("/"));
  EXPECT_TRUE(is_plain_absolute("/a/.hidden/..b"));
  for (const char* path : {"", "a", "/a/../b", "/./a", "/a/..", "a/b"}) {
    EXPECT_FALSE(is_plain_absolute(path)) << path;
  }
  EXPECT_FALSE(is_plain_absolute(std::string_view("/a\0b", 4)));
  EXPECT_TRUE(is_plain_name("..a"));
  for (const char* name : {"", ".", "..", "a/b"}) EXPECT_FALSE(is_plain_name(name)) << name;
}

}  // namespace
}  // namespace stillframe
