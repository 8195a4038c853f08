#include "tests/support/loop_fs.hpp"

#include <fstream>

#include <gtest/gtest.h>

namespace stillframe::tests {
namespace {

bool mounted(const std::string& place) {
  for (const auto& mount : mounted_now()) {
    if (mount.mount_point == place) return true;
  }
  return false;
}

class LoopFsOf : public testing::TestWithParam<FsKind> {};

TEST_P(LoopFsOf, IsMountedAndWritableAndLeavesNothingBehind) {
  std::string reason;
  auto fs = LoopFs::make(GetParam(), reason);
  if (!fs) GTEST_SKIP() << reason;
  EXPECT_TRUE(std::ofstream(fs->mount_point() + "/file") << "content");
  EXPECT_TRUE(mounted(fs->mount_point()));
  const std::string place = fs->mount_point(), image = fs->image();
  fs.reset();
  EXPECT_FALSE(mounted(place));
  EXPECT_FALSE(std::ifstream(image).is_open());
}

TEST_P(LoopFsOf, MountsThatATestLeftBehindGoWithIt) {
  std::string reason;
  auto fs = LoopFs::make(GetParam(), reason);
  if (!fs) GTEST_SKIP() << reason;
  const std::string place = fs->scratch() + "/bound";
  ASSERT_EQ(run_program({"mkdir", place}), 0);
  ASSERT_EQ(run_program({"mount", "--bind", fs->mount_point(), place}), 0);
  ASSERT_TRUE(mounted(place));
  fs.reset();
  EXPECT_FALSE(mounted(place));
}

INSTANTIATE_TEST_SUITE_P(Kinds, LoopFsOf, testing::Values(FsKind::btrfs, FsKind::xfs, FsKind::ext4),
                         [](const auto& tested) { return to_string(tested.param); });

}  // namespace
}  // namespace stillframe::tests
