#include "framework/providers/image/image_provider.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <tuple>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stillframe/testkit/provider_suite.hpp>

#include "tests/providers/image/images_under_test.hpp"
#include "tests/providers/sanitized.hpp"
#include "tests/support/mount_keeper.hpp"

namespace stillframe::tests {
namespace {

using testing::HasSubstr;

// ---- the suite that every provider passes

struct Inside {
  FsKind host, fs;
};
using Case = std::tuple<Inside, testkit::ProviderCheck>;

class ImageSuite : public testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    const Inside& wanted = std::get<0>(GetParam());
    const std::string name = std::string(to_string(wanted.host)) + to_string(wanted.fs);
    if (under_test_ && made_for_ == name) return;
    under_test_.reset();
    made_for_ = name;
    std::string reason;
    under_test_ = ImagesUnderTest::make(wanted.host, wanted.fs, 2, reason);
    if (!under_test_) GTEST_SKIP() << reason;
  }
  void TearDown() override {
    if (HasFailure()) under_test_.reset();
  }
  static void TearDownTestSuite() { under_test_.reset(); }

  static std::unique_ptr<ImagesUnderTest> under_test_;
  static std::string made_for_;
};

std::unique_ptr<ImagesUnderTest> ImageSuite::under_test_;
std::string ImageSuite::made_for_;

TEST_P(ImageSuite, Holds) {
  const auto& check = std::get<1>(GetParam());
  Status result = check.run(*under_test_);
  if (!result.ok() && result.error().code() == Errc::not_supported) {
    GTEST_SKIP() << result.error().what();
  }
  EXPECT_TRUE(result.ok()) << check.shows << "\n" << result.error().what();
}

std::string name_of(const Case& one) {
  return std::string(to_string(std::get<0>(one).fs)) + "_on_" + to_string(std::get<0>(one).host) +
         "_" + std::get<1>(one).name;
}

// All checks on two pairs; on the third, which differs in what a file system keeps of a file only,
// those that look at files.
std::vector<Case> all_cases() {
  std::vector<Case> cases;
  for (const auto& check : testkit::provider_checks()) {
    const std::string name = check.name;
    const bool of_files = name == "EveryFileIsFaithful" || name == "RevertingPutsEverythingBack" ||
                          name == "ExposuresAreReadOnlyAndHarmless";
    if (sanitized() && repeats_the_others(name)) continue;
    cases.emplace_back(Inside{FsKind::xfs, FsKind::ext4}, check);
    if (sanitized()) continue;
    cases.emplace_back(Inside{FsKind::btrfs, FsKind::xfs}, check);
    if (of_files) cases.emplace_back(Inside{FsKind::xfs, FsKind::btrfs}, check);
  }
  std::stable_sort(cases.begin(), cases.end(), [](const Case& a, const Case& b) {
    return std::get<0>(a).fs < std::get<0>(b).fs;  // file systems are made once a pair
  });
  return cases;
}

INSTANTIATE_TEST_SUITE_P(Image, ImageSuite, testing::ValuesIn(all_cases()),
                         [](const auto& one) { return name_of(one.param); });

// ---- what only this provider promises

class ImageProvider : public testing::Test {
 protected:
  bool make(FsKind host, FsKind inside, std::size_t volumes = 1) {
    std::string reason;
    images_ = ImagesUnderTest::make(host, inside, volumes, reason);
    if (images_) {
      provider_ = images_->make();
      return true;
    }
    reason_ = reason;
    return false;
  }
  CutRequest request(const Volume& volume) const {
    CutRequest request;
    request.set = set_;
    request.snapshot = SnapshotId::generate();
    request.volume = volume;
    return request;
  }
  Result<SnapshotInfo> snapshot(const Volume& volume) {
    auto made = writable_snapshot(volume);
    if (!made.ok()) return made;
    if (Status s = provider_->post_final(set_); !s.ok()) return s.error();
    return made;
  }
  // As writers find it in post_snapshot.
  Result<SnapshotInfo> writable_snapshot(const Volume& volume) {
    if (Status s = provider_->begin_prepare(request(volume)); !s.ok()) return s.error();
    if (auto e = provider_->end_prepare(set_); !e.ok()) return e.error();
    if (Status s = provider_->pre_commit(set_); !s.ok()) return s.error();
    if (auto c = provider_->commit(set_); !c.ok()) return c.error();
    if (Status s = provider_->post_commit(set_); !s.ok()) return s.error();
    auto made = provider_->pre_final(set_);
    if (!made.ok()) return made.error();
    return made.value().at(0);
  }

  std::string reason_;
  std::unique_ptr<ImagesUnderTest> images_;
  std::unique_ptr<Provider> provider_;
  const SetId set_ = SetId::generate();
};

TEST_F(ImageProvider, RefusesVolumesWithoutAnImageAndHostsThatCannotShare) {
  if (!make(FsKind::ext4, FsKind::ext4)) GTEST_SKIP() << reason_;
  Status no_sharing = provider_->supports(images_->volume(images_->fs().mount_point()), {});
  EXPECT_EQ(no_sharing.error().code(), Errc::volume_not_supported);
  EXPECT_THAT(no_sharing.error().what(), HasSubstr("share blocks"));
  Volume plain = images_->volume("/");
  plain.backing_image.clear();
  EXPECT_THAT(provider_->supports(plain, {}).error().what(), HasSubstr("image"));
}

TEST_F(ImageProvider, AnImageInsideAnImageCannotShareASet) {
  if (!make(FsKind::xfs, FsKind::xfs)) GTEST_SKIP() << reason_;
  LoopFsOptions options;
  options.image_bytes = std::uint64_t{64} << 20;
  options.image_directory = images_->fs().mount_point();
  auto nested = LoopFs::make(FsKind::ext4, reason_, options);
  if (!nested) GTEST_SKIP() << reason_;
  const Volume lower = images_->volume(images_->fs().mount_point());
  const Volume upper = images_->volume(nested->mount_point());
  EXPECT_EQ(check_images_not_nested(std::vector<Volume>{lower, upper}).error().code(),
            Errc::volume_not_supported);
  EXPECT_EQ(check_images_not_nested(
                std::vector<Volume>{images_->volume(images_->host().mount_point()), upper})
                .error()
                .code(),
            Errc::volume_not_supported);
  EXPECT_TRUE(check_images_not_nested(std::vector<Volume>{lower}).ok());
  Status first = provider_->begin_prepare(request(lower));
  Status second = provider_->begin_prepare(request(upper));
  auto estimate = provider_->end_prepare(set_);
  EXPECT_FALSE(first.ok() && second.ok() && estimate.ok());
  provider_->abort(set_);
}

TEST_F(ImageProvider, BtrfsInsideAnImageWorksWhereTheKernelMountsCopies) {
  if (!make(FsKind::xfs, FsKind::btrfs)) GTEST_SKIP() << reason_;
  const Volume volume = images_->volume(images_->fs().mount_point());
  Status takes = provider_->supports(volume, {});
  if (!takes.ok()) {
    EXPECT_THAT(takes.error().what(), HasSubstr("6.7"));
    return;
  }
  std::ofstream(images_->fs().mount_point() + "/a") << "one";
  auto made = snapshot(volume);
  ASSERT_TRUE(made.ok()) << made.error().what();
  std::ofstream(images_->fs().mount_point() + "/a") << "two";
  std::string text;
  std::ifstream(made.value().root + "/a") >> text;
  EXPECT_EQ(text, "one");
  EXPECT_TRUE(provider_->remove(made.value().snapshot).ok());
}

TEST_F(ImageProvider, ASnapshotThatLostItsMountIsMountedAgainSealed) {
  if (!make(FsKind::xfs, FsKind::ext4)) GTEST_SKIP() << reason_;
  std::ofstream(images_->fs().mount_point() + "/a") << "one";
  auto made = snapshot(images_->volume(images_->fs().mount_point()));
  ASSERT_TRUE(made.ok()) << made.error().what();
  ASSERT_EQ(run_program({"umount", made.value().root}), 0);  // as after a reboot
  EXPECT_FALSE(std::filesystem::exists(made.value().root + "/a"));
  provider_ = images_->make();
  ASSERT_EQ(provider_->query().value().size(), 1u);
  EXPECT_TRUE(std::filesystem::exists(made.value().root + "/a"));
  EXPECT_FALSE(std::ofstream(made.value().root + "/b").is_open());
  EXPECT_TRUE(provider_->remove(made.value().snapshot).ok());
}

TEST_F(ImageProvider, AnUnmountedVolumeIsRevertedBySwappingItsImage) {
  if (!make(FsKind::xfs, FsKind::ext4)) GTEST_SKIP() << reason_;
  std::ofstream(images_->fs().mount_point() + "/a") << "one";
  auto made = snapshot(images_->volume(images_->fs().mount_point()));
  ASSERT_TRUE(made.ok()) << made.error().what();
  std::ofstream(images_->fs().mount_point() + "/a") << "two";
  ASSERT_TRUE(images_->fs().unmount());
  Status reverted = provider_->revert(made.value().snapshot, {});
  ASSERT_TRUE(reverted.ok()) << reverted.error().what();
  ASSERT_TRUE(images_->fs().mount());
  std::string text;
  std::ifstream(images_->fs().mount_point() + "/a") >> text;
  EXPECT_EQ(text, "one");
  EXPECT_TRUE(provider_->remove(made.value().snapshot).ok());
}

// ---- while another mount namespace keeps a copy of every mount

class ImageInTwoNamespaces : public ImageProvider, public testing::WithParamInterface<FsKind> {
 protected:
  void SetUp() override {
    if (!make(FsKind::xfs, GetParam())) GTEST_SKIP() << reason_;
    const Volume volume = images_->volume(images_->fs().mount_point());
    if (Status s = provider_->supports(volume, {}); !s.ok()) GTEST_SKIP() << s.error().what();
  }
  void put(const std::string& directory, const std::string& text) const {
    std::ofstream(directory + "/a") << text;
  }
  std::string get(const std::string& directory) const {
    std::string text;
    std::ifstream(directory + "/a") >> text;
    return text;
  }
  Volume volume() const { return images_->volume(live()); }
  const std::string& live() const { return images_->fs().mount_point(); }
};

TEST_P(ImageInTwoNamespaces, ASnapshotIsSealedAndItsJournalIsClean) {
  put(live(), "one");
  auto made = writable_snapshot(volume());
  ASSERT_TRUE(made.ok()) << made.error().what();
  put(made.value().root, "recovered");
  const MountKeeper keeper;
  ASSERT_TRUE(keeper.started());
  Status sealed = provider_->post_final(set_);
  ASSERT_TRUE(sealed.ok()) << sealed.error().what();
  EXPECT_EQ(get(made.value().root), "recovered");
  EXPECT_FALSE(std::ofstream(made.value().root + "/b").is_open());
  EXPECT_TRUE(provider_->remove(made.value().snapshot).ok());
  EXPECT_EQ(provider_->query().value().size(), 0u);
}

TEST_P(ImageInTwoNamespaces, ASnapshotWithFilesOpenForWritingIsNotSealed) {
  auto made = writable_snapshot(volume());
  ASSERT_TRUE(made.ok()) << made.error().what();
  {
    const std::ofstream held(made.value().root + "/held");
    Status sealed = provider_->post_final(set_);
    ASSERT_FALSE(sealed.ok());
    EXPECT_EQ(sealed.error().code(), Errc::in_use);
    EXPECT_THAT(sealed.error().what(), HasSubstr("process " + std::to_string(::getpid())));
  }
  provider_->abort(set_);
  EXPECT_EQ(provider_->query().value().size(), 0u);
}

TEST_P(ImageInTwoNamespaces, ASnapshotThatIsReadThereIsNotMadeWritable) {
  put(live(), "one");
  auto made = snapshot(volume());
  ASSERT_TRUE(made.ok()) << made.error().what();
  {
    const MountKeeper keeper;
    ASSERT_TRUE(keeper.started());
    Status refused = provider_->make_writable(made.value().snapshot);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code(), Errc::in_use);
    EXPECT_THAT(refused.error().what(), HasSubstr(keeper.name()));
    EXPECT_EQ(get(made.value().root), "one");
  }
  Status writable = provider_->make_writable(made.value().snapshot);
  ASSERT_TRUE(writable.ok()) << writable.error().what();
  put(made.value().root, "two");
  EXPECT_EQ(get(made.value().root), "two");
  EXPECT_TRUE(provider_->remove(made.value().snapshot).ok());
}

TEST_P(ImageInTwoNamespaces, AVolumeThatIsMountedThereIsNotReverted) {
  put(live(), "one");
  auto made = snapshot(volume());
  ASSERT_TRUE(made.ok()) << made.error().what();
  put(live(), "two");
  {
    const MountKeeper keeper;
    ASSERT_TRUE(keeper.started());
    Status refused = provider_->revert(made.value().snapshot, {});
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code(), Errc::in_use);
    EXPECT_THAT(refused.error().what(), HasSubstr(keeper.name()));
    EXPECT_EQ(get(live()), "two");
  }
  Status reverted = provider_->revert(made.value().snapshot, {});
  ASSERT_TRUE(reverted.ok()) << reverted.error().what();
  EXPECT_EQ(get(live()), "one");
  EXPECT_TRUE(provider_->remove(made.value().snapshot).ok());
}

INSTANTIATE_TEST_SUITE_P(Image, ImageInTwoNamespaces,
                         testing::Values(FsKind::ext4, FsKind::xfs, FsKind::btrfs),
                         [](const auto& one) { return std::string(to_string(one.param)); });

TEST_F(ImageProvider, ForeignFreezeIsRefusedAndLeftAlone) {
  if (!make(FsKind::xfs, FsKind::ext4)) GTEST_SKIP() << reason_;
  const Volume volume = images_->volume(images_->fs().mount_point());
  ASSERT_TRUE(provider_->begin_prepare(request(volume)).ok());
  ASSERT_TRUE(provider_->end_prepare(set_).ok());
  ASSERT_TRUE(provider_->pre_commit(set_).ok());
  ASSERT_EQ(run_program({"fsfreeze", "-f", volume.mount_point}), 0);
  auto cut = provider_->commit(set_);
  provider_->abort(set_);
  EXPECT_EQ(run_program({"fsfreeze", "-u", volume.mount_point}), 0)
      << "somebody else's freeze was thawed";
  ASSERT_FALSE(cut.ok());
  EXPECT_EQ(cut.error().code(), Errc::in_use);
}

}  // namespace
}  // namespace stillframe::tests
