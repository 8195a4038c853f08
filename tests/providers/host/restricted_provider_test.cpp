#include "framework/providers/host/restricted_provider.hpp"

#include <filesystem>
#include <memory>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "framework/io/volumes.hpp"
#include "tests/support/loop_fs.hpp"

namespace stillframe::tests {
namespace {

using testing::HasSubstr;

// Remembers what it was asked.
class Asked final : public Provider {
 public:
  ProviderInfo info() const override { return {}; }
  Status supports(const Volume& asked, const SnapshotAttributes&) override {
    volume = asked;
    return Ok{};
  }
  Status begin_prepare(const CutRequest& asked) override {
    request = asked;
    return Ok{};
  }
  Result<CutEstimate> end_prepare(const SetId&) override { return CutEstimate{}; }
  Status pre_commit(const SetId&) override { return Ok{}; }
  Result<std::vector<CutRecord>> commit(const SetId&) override { return std::vector<CutRecord>(); }
  Status post_commit(const SetId&) override { return Ok{}; }
  Result<std::vector<SnapshotInfo>> pre_final(const SetId&) override {
    return std::vector<SnapshotInfo>();
  }
  Status post_final(const SetId&) override { return Ok{}; }
  void abort(const SetId&) override {}
  Result<std::vector<SnapshotInfo>> query() override { return std::vector<SnapshotInfo>(); }
  Status remove(const SnapshotId&) override { return Ok{}; }
  Status expose(const SnapshotId&, const BytePath& place) override {
    exposed = place;
    return Ok{};
  }
  Status unexpose(const SnapshotId&) override { return Ok{}; }
  Status make_writable(const SnapshotId&) override { return Ok{}; }
  Status revert(const SnapshotId&, const RevertOptions&) override { return Ok{}; }

  Volume volume;
  CutRequest request;
  BytePath exposed;
};

class Restricted : public testing::Test {
 protected:
  Restricted() {
    std::filesystem::create_directory(allowed_);
    auto asked = std::make_unique<Asked>();
    asked_ = asked.get();
    provider_ = restrict_provider(std::move(asked), {{allowed_}, 1000});
  }

  TemporaryDirectory folder_;
  const BytePath allowed_ = folder_.path() + "/exposed";
  Asked* asked_ = nullptr;  // owned by provider_
  std::unique_ptr<Provider> provider_;
};

TEST_F(Restricted, ExposesBelowItsDirectoriesOnly) {
  const SnapshotId snapshot = SnapshotId::generate();
  const BytePath good = allowed_ + "/daily/1";
  ASSERT_TRUE(provider_->expose(snapshot, good).ok());
  EXPECT_EQ(asked_->exposed, good);
  std::filesystem::create_directory_symlink("/etc", allowed_ + "/link");
  for (const BytePath& bad :
       {BytePath("/etc"), BytePath(""), BytePath("relative"), allowed_, allowed_ + "/",
        allowed_ + "/../outside", allowed_ + "/a/../../outside", allowed_ + "//a",
        allowed_ + "side", allowed_ + "/link", allowed_ + "/link/a/b", allowed_ + "/a" + '\0'}) {
    Status refused = provider_->expose(snapshot, bad);
    ASSERT_FALSE(refused.ok()) << escape_path(bad);
    EXPECT_EQ(refused.error().code(), Errc::access_denied);
    EXPECT_THAT(refused.error().what(), HasSubstr("'" + allowed_ + "'"));
  }
  EXPECT_EQ(asked_->exposed, good) << "nothing else was asked for";
}

// A volume decides what is mounted, cloned and read: where it lies is found out, not believed.
TEST_F(Restricted, TakesNobodysWordForAVolume) {
  auto located = VolumeDirectory::read().value().locate(folder_.path());
  if (!located.ok()) GTEST_SKIP() << located.error().what();
  const Volume real = located.value().volume;
  Volume lie = real;
  lie.device = "/dev/mem";
  lie.backing_image = "/etc/shadow";
  lie.mount_root = "/../../etc";
  lie.fs_type = "xfs";
  lie.subvolume_id = 99;
  ASSERT_TRUE(provider_->supports(lie, {}).ok());
  EXPECT_EQ(asked_->volume, real);
  CutRequest request;
  request.volume = lie;
  request.bytes_limit = 1'000'000;
  ASSERT_TRUE(provider_->begin_prepare(request).ok());
  EXPECT_EQ(asked_->request.volume, real);
  EXPECT_EQ(asked_->request.bytes_limit, 1000u) << "its owner's limit stands";

  Volume inside = real;
  inside.mount_point = folder_.path();
  if (inside.mount_point == real.mount_point) inside.mount_point += "/exposed";
  EXPECT_EQ(provider_->supports(inside, {}).error().code(), Errc::wrong_state);
  Volume elsewhere = real;
  elsewhere.st_dev += 1;
  EXPECT_EQ(provider_->supports(elsewhere, {}).error().code(), Errc::wrong_state);
  Volume kernels = real;
  kernels.mount_point = "/proc";
  EXPECT_EQ(provider_->supports(kernels, {}).error().code(), Errc::volume_not_supported);
}

}  // namespace
}  // namespace stillframe::tests
