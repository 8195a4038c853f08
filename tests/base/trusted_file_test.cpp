#include "framework/base/trusted_file.hpp"

#include <filesystem>
#include <fstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/loop_fs.hpp"

namespace stillframe::tests {
namespace {

using testing::HasSubstr;

TEST(TrustedDirectory, IsOneThatNobodyElseCanChangeOrReplace) {
  const TemporaryDirectory folder;
  const uid_t us = ::geteuid();
  const std::string directory = folder.path() + "/a/b";
  std::filesystem::create_directories(directory);
  ASSERT_TRUE(check_trusted_directory(directory, us).ok())
      << check_trusted_directory(directory, us).error().what();
  ASSERT_EQ(::chmod(directory.c_str(), 01777), 0);
  EXPECT_THAT(check_trusted_directory(directory, us).error().what(), HasSubstr("chmod go-w"))
      << "others could make what we expect in it before we do";
  ASSERT_EQ(::chmod(directory.c_str(), 0755), 0);
  ASSERT_EQ(::chmod((folder.path() + "/a").c_str(), 0777), 0);
  EXPECT_EQ(check_trusted_directory(directory, us).error().code(), Errc::access_denied)
      << "others could put another in its place";
  ASSERT_EQ(::chmod((folder.path() + "/a").c_str(), 0755), 0);
  EXPECT_EQ(check_trusted_directory(directory, us + 1).ok(), us == 0) << "root is trusted always";
  std::ofstream(folder.path() + "/file") << "x";
  EXPECT_THAT(check_trusted_directory(folder.path() + "/file", us).error().what(),
              HasSubstr("no directory"));
  EXPECT_EQ(check_trusted_directory(folder.path() + "/none", us).error().code(), Errc::not_found);
  EXPECT_EQ(check_trusted_directory("a/b", us).error().code(), Errc::invalid_argument);
}

}  // namespace
}  // namespace stillframe::tests
