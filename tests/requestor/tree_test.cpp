#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/requestor/store_fixture.hpp"

namespace stillframe::requestor {
namespace {

struct TreeTest : tests::StoreFixture {
  const std::string root = temporary.path() + "/root";
  const std::string outside = temporary.path() + "/outside";
  Tree tree = make();

  Tree make() {
    EXPECT_EQ(mkdir(root.c_str(), 0700), 0);
    EXPECT_EQ(mkdir(outside.c_str(), 0700), 0);
    overwrite(outside + "/secret", "secret");
    return Tree::open(root).value();
  }
};

TEST_F(TreeTest, PathsThatLeaveItAreRefused) {
  for (const char* path : {"../outside/secret", "a/../../outside/secret", "/etc/passwd"}) {
    EXPECT_FALSE(tree.open_file(path).ok()) << path;
    EXPECT_FALSE(tree.create_file(path, 0600).ok()) << path;
  }
  EXPECT_EQ(read(outside + "/secret"), "secret");
}

TEST_F(TreeTest, LinksAreNotFollowedAnywhereOnTheWay) {
  ASSERT_EQ(symlink(outside.c_str(), (root + "/way").c_str()), 0);
  ASSERT_EQ(symlink((outside + "/secret").c_str(), (root + "/last").c_str()), 0);
  EXPECT_FALSE(tree.open_file("way/secret").ok());
  EXPECT_FALSE(tree.open_file("last").ok());
  EXPECT_FALSE(tree.create_file("way/new", 0600).ok());
  EXPECT_FALSE(tree.make_directories("way/deeper", 0700).ok());
  EXPECT_FALSE(tree.replace("way/secret", "changed").ok());
  EXPECT_EQ(read(outside + "/secret"), "secret");
}

TEST_F(TreeTest, RemovingDoesNotFollowLinks) {
  ASSERT_TRUE(tree.make_directories("d/e", 0700).ok());
  ASSERT_EQ(symlink(outside.c_str(), (root + "/d/e/way").c_str()), 0);
  EXPECT_TRUE(tree.remove_all("d").ok());
  EXPECT_FALSE(std::filesystem::exists(root + "/d"));
  EXPECT_EQ(read(outside + "/secret"), "secret");
  EXPECT_TRUE(tree.remove_all("d").ok()) << "idempotent";
}

TEST_F(TreeTest, CreateRefusesWhatIsThere) {
  ASSERT_TRUE(tree.create_file("a/b/c", 0600).ok());
  EXPECT_EQ(tree.create_file("a/b/c", 0600).error().code(), Errc::already_exists);
  EXPECT_FALSE(tree.create_file("a/b/c/d", 0600).ok()) << "a file is in the way";
}

TEST_F(TreeTest, PipeInPlaceOfAFileDoesNotHang) {
  ASSERT_EQ(mkfifo((root + "/pipe").c_str(), 0600), 0);
  EXPECT_FALSE(tree.read_text("pipe", 100).ok());
  const auto entries = tree.list("");
  ASSERT_TRUE(entries.ok());
  ASSERT_EQ(entries.value().size(), 1u);
  EXPECT_EQ(entries.value()[0].kind, FileKind::fifo);
}

TEST_F(TreeTest, ReadTextIsBounded) {
  overwrite(root + "/big", std::string(101, 'x'));
  EXPECT_EQ(tree.read_text("big", 100).error().code(), Errc::limit_reached);
  EXPECT_TRUE(tree.read_text("big", 101).ok());
}

TEST_F(TreeTest, ReplaceKeepsTheOldOrTheNew) {
  ASSERT_TRUE(tree.replace("f", "one").ok());
  ASSERT_TRUE(tree.replace("f", "two").ok());
  EXPECT_EQ(read(root + "/f"), "two");
  EXPECT_FALSE(std::filesystem::exists(root + "/f.new"));
}

}  // namespace
}  // namespace stillframe::requestor
