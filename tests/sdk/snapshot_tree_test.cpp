#include "framework/sdk/snapshot_tree.hpp"

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/loop_fs.hpp"

namespace stillframe {
namespace {

namespace fs = std::filesystem;
using testing::UnorderedElementsAre;

// Two volumes, one mounted inside the other, and the directories that are their snapshots.
class SnapshotTreeTest : public testing::Test {
 protected:
  SnapshotTreeTest() {
    put("one/app/a", "first");
    put("two/b", "second");
    put("outside", "secret");
    fs::create_directories(at("one/app/mounted"));
    set_.volumes = {{"/srv", SnapshotId::generate(), at("one")},
                    {"/srv/app/mounted", SnapshotId::generate(), at("two")}};
  }
  std::string at(const std::string& name) const { return folder_.path() + "/" + name; }
  void put(const std::string& name, const std::string& content) {
    fs::create_directories(fs::path(at(name)).parent_path());
    std::ofstream(at(name)) << content;
  }
  std::vector<std::string> names(const BytePath& directory) {
    auto entries = tree_.list(directory);
    if (!entries.ok()) return {"error: " + entries.error().what()};
    std::vector<std::string> out;
    for (const TreeEntry& entry : entries.value()) out.push_back(entry.name);
    return out;
  }

  tests::TemporaryDirectory folder_;
  SnapshotSetView set_;
  SnapshotTree tree_{set_};
};

TEST_F(SnapshotTreeTest, EachPathIsLookedForInTheSnapshotOfItsVolume) {
  EXPECT_THAT(names("/srv"), UnorderedElementsAre("app"));
  EXPECT_THAT(names("/srv/app"), UnorderedElementsAre("a", "mounted"));
  EXPECT_THAT(names("/srv/app/mounted"), UnorderedElementsAre("b"));
  EXPECT_EQ(tree_.stat("/srv/app/mounted/b").value().size, 6u);
  for (const char* path : {"/etc", "/srv/gone", "/srvx"}) {
    EXPECT_EQ(tree_.list(path).error().code(), Errc::not_found) << path;
  }
}

TEST_F(SnapshotTreeTest, LinksAreEntriesAndLeadNowhere) {
  fs::create_symlink("a", at("one/app/link"));
  fs::create_directory_symlink(folder_.path(), at("one/out"));
  EXPECT_EQ(tree_.stat("/srv/app/link").value().type, EntryType::symlink);
  EXPECT_FALSE(tree_.list("/srv/out").ok());
  EXPECT_FALSE(tree_.stat("/srv/out/outside").ok());
  EXPECT_FALSE(tree_.remove_file("/srv/out/outside").ok());
  EXPECT_TRUE(fs::exists(at("outside")));
  EXPECT_TRUE(tree_.remove_file("/srv/app/link").ok());
  EXPECT_TRUE(fs::exists(at("one/app/a")));
}

TEST_F(SnapshotTreeTest, DeletingTwiceIsFineAndDirectoriesStay) {
  EXPECT_TRUE(tree_.remove_file("/srv/app/mounted/b").ok());
  EXPECT_TRUE(tree_.remove_file("/srv/app/mounted/b").ok());
  EXPECT_FALSE(fs::exists(at("two/b")));
  EXPECT_FALSE(tree_.remove_file("/srv/app").ok());
}

TEST_F(SnapshotTreeTest, BeforePostSnapshotThereIsNothingToLookAt) {
  set_.volumes[0].snapshot_root.clear();
  EXPECT_EQ(tree_.list("/srv").error().code(), Errc::wrong_state);
}

}  // namespace
}  // namespace stillframe
