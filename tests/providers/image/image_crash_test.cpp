// The image provider killed at each point of a revert: the next object finishes or undoes it, and
// the volume is mounted again.
#include <csignal>
#include <cstdio>
#include <fstream>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "framework/base/path.hpp"
#include "framework/io/file.hpp"
#include "framework/io/mounts.hpp"
#include "framework/testkit/provider_suite/rich_tree.hpp"
#include "tests/providers/faults.hpp"
#include "tests/providers/image/images_under_test.hpp"
#include "tests/providers/sanitized.hpp"

namespace stillframe::tests {
namespace {

using testkit::get_file;
using testkit::put_file;

constexpr int kPointsMax = 30;

class ImageReverts : public testing::TestWithParam<FsKind> {
 protected:
  void SetUp() override {
    std::string reason;
    images_ = ImagesUnderTest::make(FsKind::xfs, GetParam(), 1, reason);
    if (!images_) GTEST_SKIP() << reason;
    live_ = images_->fs().mount_point();
    ASSERT_TRUE(put_file(live_ + "/a", "old").ok());
    auto made = snapshot();
    ASSERT_TRUE(made.ok()) << made.error().what();
    snapshot_ = made.value().snapshot;
    root_ = made.value().root;
  }

  Result<SnapshotInfo> snapshot() {
    CutRequest request;
    request.set = SetId::generate();
    request.snapshot = SnapshotId::generate();
    request.volume = images_->volume(live_);
    request.attributes.persistent = true;
    auto provider = images_->make();
    if (Status s = provider->begin_prepare(request); !s.ok()) return s.error();
    if (auto r = provider->end_prepare(request.set); !r.ok()) return r.error();
    if (Status s = provider->pre_commit(request.set); !s.ok()) return s.error();
    if (auto r = provider->commit(request.set); !r.ok()) return r.error();
    if (Status s = provider->post_commit(request.set); !s.ok()) return s.error();
    auto made = provider->pre_final(request.set);
    if (!made.ok()) return made.error();
    if (Status s = provider->post_final(request.set); !s.ok()) return s.error();
    return made.value().at(0);
  }

  std::unique_ptr<Provider> provider_with(FaultAt& faults) {
    ProviderEnvironment environment = images_->environment();
    environment.faults = &faults;
    return make_image_provider(environment);
  }

  // True when the child was killed at point `at`, false when it never came there.
  bool revert_killed_at(int at) {
    const pid_t child = ::fork();
    if (child == 0) {
      FaultAt faults(FaultAt::What::kill, at);
      Status done = provider_with(faults)->revert(snapshot_, {});
      if (!done.ok()) std::fprintf(stderr, "%s\n", done.error().what().c_str());
      ::_exit(done.ok() ? 0 : 1);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_TRUE(WIFSIGNALED(status) || WEXITSTATUS(status) == 0) << "the revert failed";
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
  }

  std::string content(const BytePath& directory) {
    auto text = get_file(directory + "/a");
    return text.ok() ? text.value() : text.error().what();
  }

  void expect_settled(const std::string& when) {
    auto all = images_->make()->query();
    ASSERT_TRUE(all.ok()) << all.error().what();
    ASSERT_EQ(all.value().size(), 1u) << when;
    EXPECT_EQ(all.value()[0].reason_unusable, "") << when;
    EXPECT_FALSE(exists(images_->fs().image() + ".stillframe-revert")) << when;
    EXPECT_EQ(content(root_), "old") << when << ": the snapshot is not what it was";
  }

  std::unique_ptr<ImagesUnderTest> images_;
  BytePath live_, root_;
  SnapshotId snapshot_;
};

TEST_P(ImageReverts, OfAMountedVolumeKilledAnywhereAreFinishedOrUndoneAndItIsMountedAgain) {
  for (int at = 0; at < kPointsMax; at += points_apart()) {
    const std::string when = "killed at point " + std::to_string(at);
    ASSERT_TRUE(put_file(live_ + "/a", "new").ok()) << when;
    const bool killed = revert_killed_at(at);
    expect_settled(when);
    ASSERT_TRUE(is_mount_point(live_).value()) << when;
    const std::string found = content(live_);
    EXPECT_TRUE(found == "old" || found == "new") << when << ": " << found;
    if (!killed) {
      EXPECT_EQ(found, "old");
      EXPECT_GE(at, 6) << "there should be more points than that";
      break;
    }
    Status again = images_->make()->revert(snapshot_, {});
    ASSERT_TRUE(again.ok()) << when << ": " << again.error().what();
    EXPECT_EQ(content(live_), "old") << when;
  }
  Status removed = images_->make()->remove(snapshot_);
  EXPECT_TRUE(removed.ok()) << removed.error().what();
}

TEST_P(ImageReverts, OfAnImageThatNothingShowsKilledAnywhereLeaveTheOldOrTheNewOne) {
  for (int at = 0; at < kPointsMax; at += points_apart()) {
    const std::string when = "killed at point " + std::to_string(at);
    ASSERT_TRUE(put_file(live_ + "/a", "new").ok()) << when;
    ASSERT_TRUE(images_->fs().unmount());
    images_->fs().detach();
    const bool killed = revert_killed_at(at);
    expect_settled(when);
    ASSERT_TRUE(images_->fs().mount()) << when;
    const std::string found = content(live_);
    EXPECT_TRUE(found == "old" || found == "new") << when << ": " << found;
    if (!killed) {
      EXPECT_EQ(found, "old");
      EXPECT_GE(at, 3) << "there should be more points than that";
      break;
    }
  }
  Status removed = images_->make()->remove(snapshot_);
  EXPECT_TRUE(removed.ok()) << removed.error().what();
}

// As after a reboot in the middle: the loop device is gone, and fstab has not mounted anything.
TEST_P(ImageReverts, WhoseLoopDeviceIsGoneAfterwardsAreFinishedAllTheSame) {
  for (int at = 0; at < kPointsMax; at += points_apart()) {
    const std::string when = "killed at point " + std::to_string(at);
    ASSERT_TRUE(put_file(live_ + "/a", "new").ok()) << when;
    if (!revert_killed_at(at)) break;
    if (!is_mount_point(live_).value()) images_->fs().detach();
    expect_settled(when);
    ASSERT_TRUE(is_mount_point(live_).value()) << when;
    const std::string found = content(live_);
    EXPECT_TRUE(found == "old" || found == "new") << when << ": " << found;
    // Back to the file system's own device for the next round.
    ASSERT_EQ(run_program({"umount", live_}), 0) << when;
    images_->fs().detach();
    ASSERT_TRUE(images_->fs().mount()) << when;
  }
  Status removed = images_->make()->remove(snapshot_);
  EXPECT_TRUE(removed.ok()) << removed.error().what();
}

TEST_P(ImageReverts, ThatFailAnywhereSayWhyAndLeaveTheVolumeMounted) {
  for (int at = 0; at < kPointsMax; at += points_apart()) {
    const std::string when = "failed at point " + std::to_string(at);
    ASSERT_TRUE(put_file(live_ + "/a", "new").ok()) << when;
    FaultAt faults(FaultAt::What::fail, at);
    Status done = provider_with(faults)->revert(snapshot_, {});
    expect_settled(when);
    ASSERT_TRUE(is_mount_point(live_).value()) << when;
    if (done.ok()) {
      EXPECT_EQ(content(live_), "old") << when;
      break;
    }
    EXPECT_NE(done.error().what().find("injected"), std::string::npos) << done.error().what();
  }
  Status removed = images_->make()->remove(snapshot_);
  EXPECT_TRUE(removed.ok()) << removed.error().what();
}

INSTANTIATE_TEST_SUITE_P(Image, ImageReverts, testing::Values(FsKind::ext4, FsKind::xfs),
                         [](const auto& one) { return std::string(to_string(one.param)); });

}  // namespace
}  // namespace stillframe::tests
