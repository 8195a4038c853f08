#include "framework/io/walk.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "framework/io/beneath.hpp"
#include "framework/io/file.hpp"
#include "framework/io/remove_tree.hpp"
#include "tests/support/loop_fs.hpp"

namespace stillframe {
namespace {

using testing::ElementsAre;

Status collect(const BytePath& root, std::vector<BytePath>& paths, const BytePath& do_not_enter) {
  auto top = open_directory(root).value();
  return walk_tree(
      top.get(), WalkOptions{},
      [&](const WalkEntry& entry) -> Result<bool> {
        paths.push_back(entry.path);
        return entry.path != do_not_enter;
      },
      [&](const WalkEntry& entry) -> Status {
        paths.push_back(entry.path + "/.");
        return Ok{};
      });
}

TEST(WalkTree, GoesInByteOrderAndReportsTheWayOut) {
  tests::TemporaryDirectory here;
  ASSERT_TRUE(make_directories(here.path() + "/b/c").ok());
  ASSERT_TRUE(make_directories(here.path() + "/closed/x").ok());
  for (const char* name : {"/a", "/b/\xff\n", "/b/c/z"}) {
    ASSERT_TRUE(write_file_durably(here.path() + name, "").ok());
  }
  std::vector<BytePath> paths;
  ASSERT_TRUE(collect(here.path(), paths, "closed").ok());
  EXPECT_THAT(paths, ElementsAre("a", "b", "b/c", "b/c/z", "b/c/.", "b/\xff\n", "b/.", "closed"));
}

TEST(WalkTree, AnErrorOfTheVisitorEndsIt) {
  tests::TemporaryDirectory here;
  ASSERT_TRUE(make_directories(here.path() + "/a/b").ok());
  auto top = open_directory(here.path()).value();
  int seen = 0;
  Status s = walk_tree(top.get(), WalkOptions{}, [&](const WalkEntry&) -> Result<bool> {
    ++seen;
    return Error(Errc::cancelled, "enough");
  });
  EXPECT_EQ(s.error().code(), Errc::cancelled);
  EXPECT_EQ(seen, 1);
}

// Deep enough that neither a descriptor a level nor a path of PATH_MAX bytes would do.
TEST(WalkTree, ThousandsOfLevelsAreWalkedAndRemoved) {
  constexpr int kLevels = 2500;
  tests::TemporaryDirectory here;
  Descriptor at = open_directory(here.path()).value();
  for (int level = 0; level < kLevels; ++level) {
    ASSERT_EQ(mkdirat(at.get(), "level", 0700), 0);
    at = Descriptor(openat(at.get(), "level", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    ASSERT_EQ(mknodat(at.get(), "file", S_IFREG | 0600, 0), 0);
  }
  int files = 0, left = 0;
  std::size_t longest = 0;
  auto top = open_directory(here.path()).value();
  Status walked = walk_tree(
      top.get(), WalkOptions{},
      [&](const WalkEntry& entry) -> Result<bool> {
        files += S_ISREG(entry.status.st_mode) ? 1 : 0;
        longest = std::max(longest, entry.path.size());
        return true;
      },
      [&](const WalkEntry&) -> Status {
        ++left;
        return Ok{};
      });
  ASSERT_TRUE(walked.ok()) << walked.error().what();
  EXPECT_EQ(files, kLevels);
  EXPECT_EQ(left, kLevels);
  EXPECT_GT(longest, std::size_t{3} * 4096);
  EXPECT_TRUE(remove_tree(here.path() + "/level").ok());
  EXPECT_FALSE(exists(here.path() + "/level"));
}

TEST(RemoveTree, TakesALinkAndNotWhatItNames) {
  tests::TemporaryDirectory here, elsewhere;
  ASSERT_TRUE(write_file_durably(elsewhere.path() + "/keep", "").ok());
  ASSERT_TRUE(make_directories(here.path() + "/d").ok());
  ASSERT_EQ(symlink(elsewhere.path().c_str(), (here.path() + "/d/link").c_str()), 0);
  ASSERT_TRUE(remove_tree(here.path() + "/d").ok());
  EXPECT_TRUE(exists(elsewhere.path() + "/keep"));
  EXPECT_TRUE(remove_tree(here.path() + "/d").ok());  // nothing there any more
}

}  // namespace
}  // namespace stillframe
