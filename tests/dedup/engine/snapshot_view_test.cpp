// The read-only view of a snapshot: every file as its users saw it, whatever a cut in the middle of
// work has left, and nothing is changed.
#include <cerrno>
#include <csignal>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "tests/dedup/writer/writer_volume.hpp"
#include "writers/dedup/engine/volume_in_snapshot.hpp"
#include "writers/dedup/volume/stub.hpp"

namespace stillframe::dedup {
namespace {

namespace fs = std::filesystem;
using stillframe::tests::FsKind;
using testing::HasSubstr;
using testing::UnorderedElementsAre;
using tests::text_of;

class SnapshotView : public ::testing::TestWithParam<FsKind> {
 protected:
  void SetUp() override {
    std::string reason;
    if (!fs::exists("/dev/fuse")) GTEST_SKIP() << "no /dev/fuse";
    volume_ = tests::WriterVolume::make(GetParam(), reason, encrypted());
    if (!volume_) GTEST_SKIP() << reason;
    fs::create_directory(place_());
    ASSERT_TRUE(volume_->fs().mount());
    change_like_an_engine_that_was_killed();
  }
  void TearDown() override {
    hide();
    if (volume_) (void)volume_->fs().unmount();
  }

  virtual bool encrypted() const { return false; }
  std::string root() const { return volume_->fs().mount_point(); }
  std::string own() const { return root() + "/" + kVolumeFolder; }
  std::string place_() const { return volume_->fs().scratch() + "/files"; }

  // Torn ends of table and containers, a file that had begun to grow.
  void change_like_an_engine_that_was_killed() {
    std::ofstream(own() + "/" + kTableFileName, std::ios::app) << std::string(100, 'x');
    for (const auto& entry : fs::directory_iterator(own() + "/" + kStoreFolder + "/containers")) {
      std::ofstream(entry.path(), std::ios::app | std::ios::binary) << std::string(5'000, 'x');
    }
    tests::put_text(own() + "/" + kStoreFolder + "/containers/0000ffff.00000001", "new");
    fs::resize_file(root() + "/one", volume_->one.size() + 10'000);
  }

  // In a process of its own, until it is killed.
  void show(const std::string& tree, const std::string& key_file = "") {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    server_ = ::fork();
    if (server_ == 0) {
      ::close(ends[0]);
      const auto volume = VolumeInSnapshot::open(tree, key_file);
      if (!volume.ok()) ::_exit(1);
      const auto view = volume.value()->show(place_(), {});
      if (!view.ok()) ::_exit(2);
      (void)!::write(ends[1], "r", 1);
      (void)view.value()->run();
      ::_exit(0);
    }
    ::close(ends[1]);
    char ready = 0;
    EXPECT_EQ(::read(ends[0], &ready, 1), 1);
    ::close(ends[0]);
  }
  void kill_server() {
    if (server_ <= 0) return;
    ::kill(server_, SIGKILL);
    ::waitpid(server_, nullptr, 0);
    server_ = -1;
  }
  void hide() {
    kill_server();
    if (volume_) (void)::umount2(place_().c_str(), MNT_DETACH);
  }
  std::string operator/(const std::string& name) const { return place_() + "/" + name; }

  void expect_first_files() const {
    EXPECT_EQ(text_of(*this / "one"), volume_->one);
    EXPECT_EQ(text_of(*this / "two"), volume_->one);
    EXPECT_EQ(text_of(*this / "sub/three"), volume_->three);
    EXPECT_EQ(text_of(*this / "plain"), "plain");
    EXPECT_EQ(fs::file_size(*this / "one"), volume_->one.size());
  }
  int failure_to_open(const std::string& name, int flags) const {
    const Descriptor open(::open((*this / name).c_str(), flags | O_CLOEXEC));
    return open.valid() ? 0 : errno;
  }

  std::unique_ptr<tests::WriterVolume> volume_;
  pid_t server_ = -1;
};

INSTANTIATE_TEST_SUITE_P(On, SnapshotView,
                         ::testing::Values(FsKind::ext4, FsKind::xfs, FsKind::btrfs),
                         [](const auto& one) { return stillframe::tests::to_string(one.param); });

TEST_P(SnapshotView, FilesAreThoseOfTheUsersAndNobodyChangesThem) {
  ASSERT_EQ(stillframe::tests::run_program({"mount", "-o", "remount,ro", root()}), 0);
  show(root());
  expect_first_files();
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(place_())) {
    if (entry.path().filename() != "lost+found") names.push_back(entry.path().filename());
  }
  EXPECT_THAT(names, UnorderedElementsAre("one", "two", "sub", "plain"));
  EXPECT_LT(::getxattr((*this / "one").c_str(), kStubAttribute, nullptr, 0), 0);
  EXPECT_EQ(failure_to_open("one", O_RDWR), EROFS);
  EXPECT_EQ(failure_to_open("new", O_RDWR | O_CREAT), EROFS);
  EXPECT_EQ(::unlink((*this / "one").c_str()), -1);
  EXPECT_EQ(errno, EROFS);
}

// A snapshot that could be written, and a mount that somebody made writable.
TEST_P(SnapshotView, NothingIsWrittenThroughItOrBelowIt) {
  const auto table_before = text_of(own() + "/" + kTableFileName);
  show(root());
  ASSERT_EQ(::mount(nullptr, place_().c_str(), nullptr, MS_REMOUNT | MS_NOSUID | MS_NODEV, nullptr),
            0);
  EXPECT_EQ(failure_to_open("one", O_RDWR), EROFS);
  EXPECT_EQ(failure_to_open("plain", O_WRONLY | O_TRUNC), EROFS);
  EXPECT_NE(failure_to_open("new", O_RDWR | O_CREAT), 0);
  EXPECT_NE(::truncate((*this / "plain").c_str(), 1), 0);
  EXPECT_NE(::unlink((*this / "plain").c_str()), 0);
  EXPECT_NE(::setxattr((*this / "plain").c_str(), "user.a", "x", 1, 0), 0);
  expect_first_files();
  hide();
  EXPECT_EQ(text_of(own() + "/" + kTableFileName), table_before);
  EXPECT_TRUE(fs::exists(own() + "/" + kStoreFolder + "/containers/0000ffff.00000001"));
  EXPECT_EQ(fs::file_size(root() + "/one"), volume_->one.size() + 10'000);
}

TEST_P(SnapshotView, WhatIsDamagedIsAnErrorAndAKilledServerToo) {
  for (const auto& entry : fs::directory_iterator(own() + "/" + kStoreFolder + "/containers")) {
    if (fs::file_size(entry.path()) < 400'000) continue;
    std::fstream container(entry.path(), std::ios::in | std::ios::out | std::ios::binary);
    container.seekp(200'000);
    container << "damage";
  }
  show(root());
  std::string bytes(volume_->one.size(), '\0');
  {
    const Descriptor one(::open((*this / "one").c_str(), O_RDONLY | O_CLOEXEC));
    ASSERT_TRUE(one.valid());
    EXPECT_EQ(::pread(one.get(), bytes.data(), 4096, 200'000), -1);
    EXPECT_EQ(errno, EIO);
  }
  EXPECT_EQ(text_of(*this / "plain"), "plain");
  kill_server();
  EXPECT_EQ(failure_to_open("plain", O_RDONLY), ENOTCONN);
}

TEST_P(SnapshotView, WhatIsNoVolumeOrHalfOfOneIsRefused) {
  EXPECT_EQ(VolumeInSnapshot::open(volume_->fs().scratch()).error().code(), Errc::not_found);
  tests::put_text(own() + "/" + kRestoreRecordName, "x");
  EXPECT_EQ(VolumeInSnapshot::open(root()).error().code(), Errc::interlocked);
  fs::remove(own() + "/" + kRestoreRecordName);
  fs::remove_all(own() + "/" + kStoreFolder);
  EXPECT_FALSE(VolumeInSnapshot::open(root()).ok());
}

// ---- encrypted ones

class EncryptedSnapshotView : public SnapshotView {
 protected:
  bool encrypted() const override { return true; }
};

INSTANTIATE_TEST_SUITE_P(On, EncryptedSnapshotView, ::testing::Values(FsKind::ext4),
                         [](const auto& one) { return stillframe::tests::to_string(one.param); });

TEST_P(EncryptedSnapshotView, FilesAreShownWithTheKeyFileThatItsSettingsName) {
  ASSERT_EQ(stillframe::tests::run_program({"mount", "-o", "remount,ro", root()}), 0);
  show(root());
  expect_first_files();
}

TEST_P(EncryptedSnapshotView, AKeyFileThatIsElsewhereIsNamedAndAnotherOneRefused) {
  const std::string moved = volume_->fs().scratch() + "/moved";
  const std::string other = volume_->fs().scratch() + "/other";
  fs::rename(volume_->key_file(), moved);
  tests::WriterVolume::put_key_file(other, 'b');
  const auto missing = VolumeInSnapshot::open(root());
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().code(), Errc::not_found);
  EXPECT_THAT(missing.error().what(), HasSubstr(volume_->key_file()));
  EXPECT_EQ(VolumeInSnapshot::open(root(), other).error().code(), Errc::access_denied);
  show(root(), moved);
  expect_first_files();
}

}  // namespace
}  // namespace stillframe::dedup
