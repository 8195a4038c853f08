#include "framework/io/mounts.hpp"

#include <algorithm>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "framework/io/file.hpp"
#include "tests/support/loop_fs.hpp"

namespace stillframe {
namespace {

using tests::FsKind;
using tests::LoopFs;

// Counts only what is the test's own: others mount beside it.
int mounts_of(const BytePath& device) {
  const auto mounts = tests::mounted_now();
  return static_cast<int>(std::count_if(mounts.begin(), mounts.end(),
                                        [&](const auto& mount) { return mount.source == device; }));
}

class Mounts : public testing::Test {
 protected:
  void SetUp() override {
    std::string reason;
    fs_ = LoopFs::make(FsKind::btrfs, reason);
    if (!fs_) GTEST_SKIP() << reason;
    place_ = fs_->scratch() + "/place";
    ASSERT_TRUE(make_directories(place_).ok());
    ASSERT_TRUE(write_file_durably(fs_->mount_point() + "/file", "content", 04755).ok());
  }
  std::unique_ptr<LoopFs> fs_;
  BytePath place_;
};

TEST_F(Mounts, ASealedViewIsReadOnlyAndHarmless) {
  auto source = open_directory(fs_->mount_point()).value();
  ASSERT_TRUE(bind_mount_sealed(source.get(), place_).ok());
  EXPECT_EQ(read_file(place_ + "/file", 100).value(), "content");
  struct statvfs vfs {};
  ASSERT_EQ(statvfs(place_.c_str(), &vfs), 0);
  for (unsigned long flag : {ST_RDONLY, ST_NOSUID, ST_NODEV, ST_NOEXEC}) {
    EXPECT_TRUE((vfs.f_flag & flag) != 0) << flag;
  }
  EXPECT_EQ(open_file(place_ + "/new", O_WRONLY | O_CREAT, 0600).error().code(),
            Errc::access_denied)
      << "a read-only file system answers EROFS";
  EXPECT_TRUE(is_mount_point(place_).value());
  ASSERT_TRUE(unmount(place_).ok());
  EXPECT_FALSE(is_mount_point(place_).value());
  EXPECT_EQ(unmount(place_).error().code(), Errc::not_found);
  EXPECT_TRUE(write_file_durably(fs_->mount_point() + "/file", "still writable").ok());
}

TEST_F(Mounts, ABusyMountIsInUseAndTheHolderIsNamed) {
  auto source = open_directory(fs_->mount_point()).value();
  ASSERT_TRUE(bind_mount_sealed(source.get(), place_).ok());
  auto file = open_file(place_ + "/file", O_RDONLY);
  Status s = unmount(place_);
  ASSERT_FALSE(s.ok());
  EXPECT_EQ(s.error().code(), Errc::in_use);
  EXPECT_NE(s.error().what().find("process " + std::to_string(getpid())), std::string::npos)
      << s.error().what();
  file.value().reset();
  EXPECT_TRUE(unmount(place_).ok());
}

TEST_F(Mounts, AMountBelowIsNamedAsTheHolder) {
  const BytePath below = fs_->mount_point() + "/below";
  ASSERT_TRUE(make_directories(below).ok());
  ASSERT_EQ(tests::run_program({"mount", "-t", "tmpfs", "none", below}), 0);
  Status s = unmount(fs_->mount_point());
  EXPECT_EQ(s.error().code(), Errc::in_use);
  EXPECT_NE(s.error().what().find(below), std::string::npos) << s.error().what();
}

TEST_F(Mounts, ADetachedMountShowsTheTopLevelAndIsInNoTable) {
  ASSERT_EQ(tests::run_program({"btrfs", "subvolume", "create", fs_->mount_point() + "/@sub"}), 0);
  ASSERT_TRUE(fs_->unmount());
  ASSERT_TRUE(fs_->mount("subvol=@sub"));
  {
    auto top = mount_detached("btrfs", fs_->device(), {{"subvolid", "5"}});
    ASSERT_TRUE(top.ok()) << top.error().what();
    EXPECT_EQ(faccessat(top.value().get(), "@sub", F_OK, 0), 0);
    EXPECT_EQ(mounts_of(fs_->device()), 1) << "only the one of the subvolume";
  }
  EXPECT_TRUE(fs_->unmount());  // the detached mount is gone with its descriptor
}

TEST_F(Mounts, AMountThatCannotBeMadeNamesTheDevice) {
  auto top = mount_detached("btrfs", "/dev/no-such-device", {});
  ASSERT_FALSE(top.ok());
  EXPECT_NE(top.error().what().find("/dev/no-such-device"), std::string::npos);
}

}  // namespace
}  // namespace stillframe
