#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <stillframe/writer.hpp>

#include "tests/support/loop_fs.hpp"

namespace stillframe {
namespace {

namespace fs = std::filesystem;

class TakeOutOfSnapshots : public testing::Test {
 protected:
  TakeOutOfSnapshots() {
    for (const char* root : {"live", "cut"}) {
      fs::create_directories(at(root) + "/cache/deep");
      for (const char* file : {"/keep", "/cache/1.tmp", "/cache/deep/2.tmp", "/cache/3"}) {
        std::ofstream(at(root) + file) << "x";
      }
    }
    set_.volumes = {{at("live"), SnapshotId::generate(), at("cut")}};
  }
  std::string at(const std::string& name) const { return folder_.path() + "/" + name; }
  std::size_t files_in(const std::string& root) const {
    std::size_t files = 0;
    for (const auto& entry : fs::recursive_directory_iterator(at(root))) {
      files += entry.is_regular_file() ? 1 : 0;
    }
    return files;
  }

  tests::TemporaryDirectory folder_;
  SnapshotSetView set_;
};

TEST_F(TakeOutOfSnapshots, DeletesFromTheSnapshotAndNeverFromTheVolume) {
  ASSERT_EQ(::setenv("STILLFRAME_TEST_HOME", at("live").c_str(), 1), 0);
  auto out = take_out_of_snapshots(set_, {{"${STILLFRAME_TEST_HOME}/cache", "*.tmp", true, {}}});
  ASSERT_TRUE(out.ok()) << out.error().what();
  EXPECT_EQ(out.value().files, 2u);
  EXPECT_TRUE(out.value().notes.empty());
  EXPECT_EQ(files_in("cut"), 2u);
  EXPECT_TRUE(fs::exists(at("cut/keep")) && fs::exists(at("cut/cache/3")));
  EXPECT_EQ(files_in("live"), 4u);
}

TEST_F(TakeOutOfSnapshots, APlaceThatIsNotInTheSetStaysAsItIs) {
  set_.volumes[0].mount_point = "/elsewhere";
  auto out = take_out_of_snapshots(set_, {{at("live/cache"), "*", true, {}}});
  ASSERT_TRUE(out.ok());
  EXPECT_EQ(out.value().files, 0u);
  EXPECT_EQ(files_in("live") + files_in("cut"), 8u);
}

TEST_F(TakeOutOfSnapshots, WhatCannotBeDeletedIsNotedAndTheRestGoes) {
  if (::geteuid() == 0) {
    // Root writes where it may not; a place that has turned into a link stops it all the same.
    fs::rename(at("cut/cache/deep"), at("cut/moved"));
    fs::create_directory_symlink(at("live/cache/deep"), at("cut/cache/deep"));
  } else {
    fs::permissions(at("cut/cache/deep"), fs::perms::owner_read | fs::perms::owner_exec);
  }
  auto out = take_out_of_snapshots(
      set_, {{at("live/cache"), "*.tmp", false, {}}, {at("live/cache/deep"), "*.tmp", false, {}}});
  ASSERT_TRUE(out.ok());
  EXPECT_EQ(out.value().files, 1u);
  EXPECT_EQ(out.value().notes.size(), 1u);
  EXPECT_EQ(files_in("live"), 4u);
  fs::permissions(at("cut/cache"), fs::perms::owner_all);
}

TEST_F(TakeOutOfSnapshots, AVariableThatIsNotSetIsAnError) {
  ASSERT_EQ(::unsetenv("STILLFRAME_TEST_HOME"), 0);
  auto out = take_out_of_snapshots(set_, {{"$STILLFRAME_TEST_HOME/x", "*", false, {}}});
  ASSERT_FALSE(out.ok());
  EXPECT_EQ(out.error().code(), Errc::not_found);
}

}  // namespace
}  // namespace stillframe
