#include "framework/daemon/access/readable_files.hpp"

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "tests/support/loop_fs.hpp"

namespace stillframe::daemon {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using tests::TemporaryDirectory;

constexpr std::int64_t kUser = 54321, kGroup = 54322, kOtherGroup = 54323;

class ReadableFiles : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "to look as another user takes root";
    fs::permissions(root(), fs::perms(0755));
    make("data/table", 0644);
    make("data/log.1", 0644);
  }

  BytePath root() const { return folder_.path(); }
  void make(const std::string& path, unsigned mode) const {
    const fs::path whole = root() + "/" + path;
    fs::create_directories(whole.parent_path());
    std::ofstream(whole) << "content";
    fs::permissions(whole, fs::perms(mode));
  }
  void set_mode(const std::string& path, unsigned mode) const {
    fs::permissions(root() + "/" + path, fs::perms(mode));
  }
  // The path that is kept from the user; "" when nothing is, the error otherwise.
  std::string kept(const std::vector<FilePlace>& places, LinksIn links = LinksIn::followed,
                   const ReadableLimits& limits = {}) const {
    auto found = find_unreadable(user_, root(), links, places, limits);
    if (!found.ok()) return found.error().what();
    return found.value() ? found.value()->path : "";
  }

  const TemporaryDirectory folder_{"readable"};
  PeerCredentials user_{0, kUser, kGroup, {kOtherGroup}};
};

TEST_F(ReadableFiles, WhatTheUserCanReadIsFine) {
  EXPECT_EQ(kept({{"data", "*", true}, {"data", "table", false}, {"", "*", true}}), "");
  EXPECT_EQ(kept({{"data", "not-there", false}, {"no/such/place", "*", true}}), "");
}

TEST_F(ReadableFiles, AFileOfRootsIsNot) {
  make("data/secret", 0600);
  EXPECT_EQ(kept({{"data", "secret", false}}), "data/secret");
  EXPECT_EQ(kept({{"data", "s*", false}}), "data/secret");
  EXPECT_EQ(kept({{"", "*", true}}), "data/secret") << "wherever in the tree it is";
  EXPECT_EQ(kept({{"data", "table", false}, {"data", "log.*", false}}), "") << "nor is it meant";
  EXPECT_EQ(kept({{"", "*", false}}), "") << "what is below is not meant";
}

TEST_F(ReadableFiles, NeitherIsADirectoryThatCannotBeEnteredOrListed) {
  make("data/inner/deep/file", 0644);
  set_mode("data/inner", 0711);
  EXPECT_EQ(kept({{"data", "*", true}}), "data/inner");
  EXPECT_EQ(kept({{"data/inner", "*", false}}), "data/inner");
  EXPECT_EQ(kept({{"data/inner/deep", "file", false}}), "") << "to pass through is enough here";
  set_mode("data/inner", 0744);
  EXPECT_EQ(kept({{"data", "*", true}}), "data/inner");
  set_mode("data/inner", 0700);
  EXPECT_EQ(kept({{"data/inner/deep", "file", false}}), "data/inner/deep");
  EXPECT_EQ(kept({{"data", "*", false}}), "");
}

TEST_F(ReadableFiles, GroupsOfTheUserCount) {
  make("data/for-group", 0640);
  ASSERT_EQ(::chown((root() + "/data/for-group").c_str(), 0, kOtherGroup), 0);
  EXPECT_EQ(kept({{"data", "for-group", false}}), "");
  ASSERT_EQ(::chown((root() + "/data/for-group").c_str(), 0, kGroup), 0);
  EXPECT_EQ(kept({{"data", "for-group", false}}), "");
  user_.gid = kUser;
  EXPECT_EQ(kept({{"data", "for-group", false}}), "data/for-group");
}

// u::rw-,u:54321:r--,g::---,m::r--,o::---
TEST_F(ReadableFiles, AccessControlListsCount) {
  make("data/listed", 0600);
  struct Entry {
    std::uint16_t tag, permissions;
    std::uint32_t id;
  };
  struct {
    std::uint32_t version = 2;
    Entry entries[5] = {
        {0x01, 6, ~0U}, {0x02, 4, kUser}, {0x04, 0, ~0U}, {0x10, 4, ~0U}, {0x20, 0, ~0U}};
  } list;
  if (::setxattr((root() + "/data/listed").c_str(), "system.posix_acl_access", &list, sizeof list,
                 0) != 0)
    GTEST_SKIP() << "this file system keeps no access control lists";
  EXPECT_EQ(kept({{"data", "listed", false}}), "");
  user_.uid = kUser + 100;
  EXPECT_EQ(kept({{"data", "listed", false}}), "data/listed");
}

TEST_F(ReadableFiles, TheAnswerNamesThePlaceAndTheCause) {
  make("data/secret", 0600);
  auto found = find_unreadable(user_, root(), LinksIn::followed,
                               {{"data", "table", false}, {"data", "*", false}});
  ASSERT_TRUE(found.ok() && found.value());
  EXPECT_EQ(found.value()->place, 1u);
  EXPECT_THAT(found.value()->why, HasSubstr("Permission denied"));
}

// Everyday paths may lead through links, as far as the user could follow them; those of a snapshot
// never do.
TEST_F(ReadableFiles, LinksAreFollowedAsTheUserOrNotAtAll) {
  const TemporaryDirectory elsewhere("readable");
  std::ofstream(elsewhere.path() + "/secret") << "content";
  fs::permissions(elsewhere.path(), fs::perms(0700));
  fs::create_directory_symlink(elsewhere.path(), root() + "/way-out");
  EXPECT_EQ(kept({{"way-out", "secret", false}}), "way-out/secret");
  EXPECT_EQ(kept({{"way-out", "secret", false}}, LinksIn::refused), "") << "no reader gets there";
}

// However much lies below, what is near the top is looked at.
TEST_F(ReadableFiles, ABigTreeIsLookedAtFromItsTop) {
  for (int i = 0; i < 60; ++i) make("a/big/" + std::to_string(i), 0644);
  make("z/secret", 0600);
  ReadableLimits limits;
  limits.names = 16;
  EXPECT_EQ(kept({{"", "*", true}}, LinksIn::followed, limits), "z/secret");
}

TEST_F(ReadableFiles, NothingIsLeftBehind) {
  make("data/secret", 0600);
  const auto open_files = [] {
    std::size_t count = 0;
    for ([[maybe_unused]] const auto& one : fs::directory_iterator("/proc/self/fd")) ++count;
    return count;
  };
  const std::size_t before = open_files();
  for (int i = 0; i < 20; ++i) EXPECT_EQ(kept({{"", "*", true}}), "data/secret");
  EXPECT_EQ(open_files(), before);
  EXPECT_EQ(::geteuid(), 0u);
}

TEST(ReadableFilesWithoutRoot, WhoHasNoRightToAskIsTold) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may look as anybody";
  auto found =
      find_unreadable({0, kUser, kGroup, {}}, "/", LinksIn::followed, {{"etc", "*", false}});
  ASSERT_FALSE(found.ok());
  EXPECT_EQ(found.error().code(), Errc::not_supported);
}

}  // namespace
}  // namespace stillframe::daemon
