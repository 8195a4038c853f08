#include "framework/daemon/broker/exposed_files.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "framework/io/file.hpp"
#include "framework/io/mounts.hpp"
#include "tests/support/loop_fs.hpp"

namespace stillframe::daemon {
namespace {

namespace fs = std::filesystem;
using tests::TemporaryDirectory;

std::string content(const Descriptor& file) {
  char buffer[64];
  const ssize_t n = ::read(file.get(), buffer, sizeof buffer);
  return n < 0 ? "?" : std::string(buffer, static_cast<std::size_t>(n));
}

// A tree that is shown at `place_` as a provider exposes a snapshot.
class Exposed : public testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(tree_ + "/folder/below");
    fs::create_directories(place_);
    std::ofstream(tree_ + "/a") << "one";
    std::ofstream(tree_ + "/folder/b\n") << "two";
    fs::create_symlink("a", tree_ + "/link");
    fs::create_directory_symlink("/etc", tree_ + "/way-out");
    ::mkfifo((tree_ + "/fifo").c_str(), 0600);
    Status mounted = bind_mount_sealed(open_directory(tree_).value().get(), place_);
    if (!mounted.ok()) GTEST_SKIP() << "needs to mount: " << mounted.error().what();
    mounted_ = true;
  }
  void TearDown() override {
    if (mounted_) ::umount2(place_.c_str(), MNT_DETACH);
  }

  Result<std::vector<Descriptor>> open(const BytePath& root, const std::vector<BytePath>& paths) {
    return open_exposed_files({allowed_, "/no/such/place"}, root, paths);
  }
  Errc refusal(const BytePath& path) { return open(place_, {"a", path}).error().code(); }

  const TemporaryDirectory folder_;
  const std::string tree_ = folder_.path() + "/tree";
  const std::string allowed_ = folder_.path() + "/exposed";
  const std::string place_ = allowed_ + "/today/1";
  bool mounted_ = false;
};

TEST_F(Exposed, FilesAreOpenedForReadingInTheirOrder) {
  auto files = open(place_, {"folder/b\n", "a"});
  ASSERT_TRUE(files.ok()) << files.error().what();
  ASSERT_EQ(files.value().size(), 2u);
  EXPECT_EQ(content(files.value()[0]), "two");
  EXPECT_EQ(content(files.value()[1]), "one");
  EXPECT_EQ(::fcntl(files.value()[0].get(), F_GETFL) & O_ACCMODE, O_RDONLY);
}

TEST_F(Exposed, NothingButItsRegularFilesIsOpened) {
  EXPECT_EQ(refusal("../tree/a"), Errc::invalid_argument);
  EXPECT_EQ(refusal("/etc/passwd"), Errc::invalid_argument);
  EXPECT_NE(refusal("way-out/passwd"), Errc::not_found) << "a link on the way";
  EXPECT_FALSE(open(place_, {"way-out/passwd"}).ok());
  EXPECT_EQ(refusal("link"), Errc::not_supported) << "a link at the end";
  EXPECT_EQ(refusal("folder"), Errc::not_supported);
  EXPECT_EQ(refusal("fifo"), Errc::not_supported) << "and nobody waits for its writer";
  EXPECT_EQ(refusal("none"), Errc::not_found);
}

TEST_F(Exposed, AMountInsideIsNotItsOwn) {
  const std::string inside = place_ + "/folder/below";
  ASSERT_EQ(::mount("/etc", inside.c_str(), nullptr, MS_BIND, nullptr), 0);
  EXPECT_EQ(refusal("folder/below/passwd"), Errc::access_denied);
  ::umount2(inside.c_str(), MNT_DETACH);
}

TEST_F(Exposed, OnlyWhatIsExposedWhereItMayBeIsARoot) {
  const auto refused = [&](const BytePath& root) {
    auto files = open(root, {"a"});
    return !files.ok() && (files.error().code() == Errc::access_denied ||
                           files.error().code() == Errc::invalid_argument);
  };
  EXPECT_TRUE(refused(tree_)) << "somewhere else";
  EXPECT_TRUE(refused("/"));
  EXPECT_TRUE(refused(allowed_)) << "all of them";
  EXPECT_TRUE(refused(allowed_ + "/today")) << "a folder, not a mount";
  EXPECT_TRUE(refused(allowed_ + "/../tree"));
  EXPECT_TRUE(refused(place_ + "/folder")) << "a part of one";
  const std::string open_mount = allowed_ + "/writable";
  fs::create_directory(open_mount);
  ASSERT_EQ(::mount(tree_.c_str(), open_mount.c_str(), nullptr, MS_BIND, nullptr), 0);
  EXPECT_TRUE(refused(open_mount)) << "no provider exposes a snapshot like this";
  ::umount2(open_mount.c_str(), MNT_DETACH);
}

TEST(FlushFileSystem, FlushesLocalOnesOnly) {
  const TemporaryDirectory folder;
  EXPECT_TRUE(flush_file_system(folder.path()).ok());
  EXPECT_TRUE(flush_file_system(folder.path() + "/not/there/yet").ok())
      << "the file system is flushed, and nobody learns what is there";
  EXPECT_EQ(flush_file_system("/proc").error().code(), Errc::volume_not_supported);
  EXPECT_EQ(flush_file_system("/proc/1/root/etc").error().code(), Errc::volume_not_supported);
}

}  // namespace
}  // namespace stillframe::daemon
