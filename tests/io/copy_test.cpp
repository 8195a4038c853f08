// Faithful copies, on each kind of file system that backups meet.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "framework/io/copy_metadata.hpp"
#include "framework/io/copy_tree.hpp"
#include "framework/io/file.hpp"
#include "framework/testkit/provider_suite/describe_tree.hpp"
#include "tests/support/loop_fs.hpp"

namespace stillframe {
namespace {

using testkit::describe_tree;
using testkit::differences;
using tests::FsKind;
using tests::LoopFs;

void write_at(const BytePath& path, off_t offset, const std::string& bytes) {
  auto file = open_file(path, O_RDWR | O_CREAT, 0644);
  ASSERT_TRUE(file.ok()) << file.error().what();
  ASSERT_EQ(pwrite(file.value().get(), bytes.data(), bytes.size(), offset),
            static_cast<ssize_t>(bytes.size()));
}

// Everything a file system can say about a file, in one tree.
void build_rich_tree(const BytePath& root) {
  ASSERT_TRUE(make_directories(root + "/dir/\xff\xfe not utf8\n", 0750).ok());
  write_at(root + "/plain", 0, "hello");
  write_at(root + "/dir/\xff\xfe not utf8\n/\x80name", 0, std::string(70000, 'x'));
  write_at(root + "/dir/" + BytePath(255, 'L'), 0, "long name");
  write_at(root + "/empty", 0, "");
  write_at(root + "/sparse", 4 << 20, "after a hole");
  write_at(root + "/sparse", 9 << 20, "after another");
  ASSERT_EQ(truncate((root + "/sparse").c_str(), 12 << 20), 0);
  write_at(root + "/only hole", 0, "");
  ASSERT_EQ(truncate((root + "/only hole").c_str(), 1 << 20), 0);
  ASSERT_EQ(link((root + "/plain").c_str(), (root + "/dir/second name").c_str()), 0);
  ASSERT_EQ(symlink("../nowhere/\xff", (root + "/link").c_str()), 0);
  ASSERT_EQ(lchown((root + "/link").c_str(), 1234, 4321), 0);
  ASSERT_EQ(mkfifo((root + "/fifo").c_str(), 0640), 0);
  ASSERT_EQ(mknod((root + "/device").c_str(), S_IFCHR | 0600, makedev(1, 3)), 0);
  ASSERT_EQ(chown((root + "/empty").c_str(), 1000, 2000), 0);
  ASSERT_EQ(chmod((root + "/empty").c_str(), 06711), 0);
  ASSERT_EQ(setxattr((root + "/plain").c_str(), "user.note", "value\0x", 7, 0), 0);
  ASSERT_EQ(setxattr((root + "/plain").c_str(), "trusted.secret", "t", 1, 0), 0);
  ASSERT_EQ(setxattr((root + "/dir").c_str(), "user.directory", "d", 1, 0), 0);
  ASSERT_EQ(chown((root + "/dir/second name").c_str(), 77, 77), 0);
  // Capabilities go when the owner changes, so the order of the copy matters.
  const char capability[] = "\x01\0\0\x02\0\x04\0\0\0\0\0\0\0\0\0\0\0\0\0";  // net_bind_service
  ASSERT_EQ(setxattr((root + "/plain").c_str(), "security.capability", capability, 20, 0), 0);
  ASSERT_EQ(tests::run_program({"setfacl", "-m", "u:55:rw,g:66:r,m::rw", root + "/sparse"}), 0);
  ASSERT_EQ(tests::run_program({"setfacl", "-d", "-m", "u:55:rwx", root + "/dir"}), 0);
  const timespec old[2] = {{1000000000, 123456789}, {999999999, 987654321}};
  for (const char* name : {"/plain", "/link", "/fifo", "/dir", "/sparse"}) {
    ASSERT_EQ(utimensat(AT_FDCWD, (root + name).c_str(), old, AT_SYMLINK_NOFOLLOW), 0);
  }
}

class CopyTree : public testing::TestWithParam<std::tuple<FsKind, DataMode>> {
 protected:
  void SetUp() override {
    std::string reason;
    fs_ = LoopFs::make(std::get<0>(GetParam()), reason);
    if (!fs_) GTEST_SKIP() << reason;
    from_ = fs_->mount_point() + "/from";
    to_ = fs_->mount_point() + "/to";
    ASSERT_TRUE(make_directories(from_).ok());
    ASSERT_TRUE(make_directories(to_).ok());
  }
  DataMode mode() const { return std::get<1>(GetParam()); }
  Result<TreeCopyReport> copy() {
    TreeCopyOptions options;
    options.data = mode();
    return copy_tree(open_directory(from_).value().get(), open_directory(to_).value().get(),
                     options);
  }

  std::unique_ptr<LoopFs> fs_;
  BytePath from_, to_;
};

TEST_P(CopyTree, TheCopySaysTheSameAboutEveryFile) {
  build_rich_tree(from_);
  auto copied = copy();
  ASSERT_TRUE(copied.ok()) << copied.error().what();
  EXPECT_TRUE(copied.value().not_kept.empty());
  auto expected = describe_tree(from_), actual = describe_tree(to_);
  ASSERT_TRUE(expected.ok() && actual.ok());
  EXPECT_EQ(expected.value().size(), 13u);
  EXPECT_EQ(differences(expected.value(), actual.value()), "");
}

TEST_P(CopyTree, SocketsAreCountedAndLeftOut) {
  const int made = socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::snprintf(address.sun_path, sizeof address.sun_path, "%s/socket", from_.c_str());
  ASSERT_EQ(bind(made, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  auto copied = copy();
  close(made);
  ASSERT_TRUE(copied.ok()) << copied.error().what();
  EXPECT_EQ(copied.value().sockets_skipped, 1u);
  EXPECT_FALSE(exists(to_ + "/socket"));
}

TEST_P(CopyTree, SharesBlocksExactlyWhenAsked) {
  write_at(from_ + "/big", 0, std::string(8 << 20, 'b'));
  sync();
  auto copied = copy();
  ASSERT_TRUE(copied.ok()) << copied.error().what();
  const bool can_share = fs_->kind() != FsKind::ext4;
  const bool shares = can_share && mode() == DataMode::clone_or_copy;
  EXPECT_EQ(copied.value().bytes_written, shares ? 0u : std::uint64_t{8} << 20);
}

class CopyTreeOnBtrfs : public CopyTree {};

TEST_P(CopyTreeOnBtrfs, NoCopyOnWriteFilesStaySo) {
  write_at(from_ + "/nocow", 0, "");
  {
    auto file = open_file(from_ + "/nocow", O_RDWR);
    ASSERT_TRUE(set_nocow(file.value().get(), "nocow").ok());
  }
  write_at(from_ + "/nocow", 0, std::string(1 << 20, 'n'));
  write_at(from_ + "/cow", 0, std::string(1 << 20, 'c'));
  auto copied = copy();
  ASSERT_TRUE(copied.ok()) << copied.error().what();
  EXPECT_TRUE(has_nocow(open_file(to_ + "/nocow", O_RDONLY).value().get()));
  EXPECT_FALSE(has_nocow(open_file(to_ + "/cow", O_RDONLY).value().get()));
  if (mode() == DataMode::clone_or_copy) {
    EXPECT_EQ(copied.value().bytes_written, 0u);
  }
}

TEST_P(CopyTree, CancellingStopsIt) {
  write_at(from_ + "/file", 0, "x");
  std::atomic<bool> cancelled{true};
  TreeCopyOptions options;
  options.cancelled = &cancelled;
  auto copied =
      copy_tree(open_directory(from_).value().get(), open_directory(to_).value().get(), options);
  EXPECT_EQ(copied.error().code(), Errc::cancelled);
}

std::string name_of(const testing::TestParamInfo<std::tuple<FsKind, DataMode>>& tested) {
  return std::string(to_string(std::get<0>(tested.param))) +
         (std::get<1>(tested.param) == DataMode::copy ? "_copied" : "_shared");
}

constexpr DataMode kModes[] = {DataMode::clone_or_copy, DataMode::copy};

INSTANTIATE_TEST_SUITE_P(Kinds, CopyTree,
                         testing::Combine(testing::Values(FsKind::btrfs, FsKind::xfs, FsKind::ext4),
                                          testing::ValuesIn(kModes)),
                         name_of);
// Only btrfs has files without copy on write.
INSTANTIATE_TEST_SUITE_P(Kinds, CopyTreeOnBtrfs,
                         testing::Combine(testing::Values(FsKind::btrfs),
                                          testing::ValuesIn(kModes)),
                         name_of);

TEST(CloneData, SaysNotSupportedWhereBlocksCannotBeShared) {
  std::string reason;
  auto fs = LoopFs::make(FsKind::ext4, reason);
  if (!fs) GTEST_SKIP() << reason;
  write_at(fs->mount_point() + "/a", 0, "content");
  auto from = open_file(fs->mount_point() + "/a", O_RDONLY);
  auto to = open_file(fs->mount_point() + "/b", O_RDWR | O_CREAT, 0600);
  EXPECT_EQ(clone_data(from.value().get(), to.value().get(), "a").error().code(),
            Errc::not_supported);
  auto copied = copy_data(from.value().get(), to.value().get(), DataMode::clone_or_copy, "a");
  ASSERT_TRUE(copied.ok());
  EXPECT_FALSE(copied.value().cloned);
  EXPECT_EQ(read_file(fs->mount_point() + "/b", 100).value(), "content");
}

// The kernel copies within one file system only, and says so in the middle of the work.
TEST(CopyData, GoesBetweenFileSystems) {
  std::string reason;
  auto ext4 = LoopFs::make(FsKind::ext4, reason), xfs = LoopFs::make(FsKind::xfs, reason);
  if (!ext4 || !xfs) GTEST_SKIP() << reason;
  build_rich_tree(ext4->mount_point());
  write_at(ext4->mount_point() + "/big", 0, std::string(40 << 20, 'b'));
  ASSERT_TRUE(make_directories(xfs->mount_point() + "/to").ok());
  TreeCopyOptions options;
  options.data = DataMode::clone_or_copy;
  auto copied = copy_tree(open_directory(ext4->mount_point()).value().get(),
                          open_directory(xfs->mount_point() + "/to").value().get(), options);
  ASSERT_TRUE(copied.ok()) << copied.error().what();
  for (const char* name : {"/plain", "/sparse", "/big", "/only hole"}) {
    EXPECT_TRUE(read_file(ext4->mount_point() + name, 64 << 20).value() ==
                read_file(xfs->mount_point() + "/to" + name, 64 << 20).value())
        << name;
  }
}

TEST(CopyData, RunningOutOfSpaceIsNoSpace) {
  std::string reason;
  auto fs = LoopFs::make(FsKind::ext4, reason, {std::uint64_t{16} << 20, {}, {}});
  if (!fs) GTEST_SKIP() << reason;
  tests::TemporaryDirectory elsewhere;
  write_at(elsewhere.path() + "/a", 0, std::string(32 << 20, 'z'));
  auto from = open_file(elsewhere.path() + "/a", O_RDONLY);
  auto to = open_file(fs->mount_point() + "/b", O_RDWR | O_CREAT, 0600);
  auto copied = copy_data(from.value().get(), to.value().get(), DataMode::copy, "a");
  EXPECT_EQ(copied.error().code(), Errc::no_space) << copied.error().what();
}

}  // namespace
}  // namespace stillframe
