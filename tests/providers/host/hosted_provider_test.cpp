#include "framework/providers/host/hosted_provider.hpp"

#include <csignal>
#include <fstream>
#include <memory>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "framework/io/volumes.hpp"
#include "framework/providers/host/make_provider.hpp"
#include "tests/support/loop_fs.hpp"

namespace stillframe::tests {
namespace {

using testing::HasSubstr;

TEST(MakeProvider, KnowsItsNames) {
  for (const std::string& name : builtin_provider_names()) {
    auto made = make_provider(name, {});
    ASSERT_TRUE(made.ok()) << made.error().what();
    EXPECT_EQ(made.value()->info().name, name);
  }
  auto unknown = make_provider("zfs", {});
  EXPECT_EQ(unknown.error().code(), Errc::not_found);
  EXPECT_THAT(unknown.error().what(), HasSubstr("btrfs"));
  EXPECT_EQ(make_provider("command:/no/such/file", {}).error().code(), Errc::not_found);
}

// The real host program with a real provider, on a real file system.
TEST(HostedProvider, CutsAnImageFromAnotherProcess) {
  std::string reason;
  auto host = LoopFs::make(FsKind::xfs, reason);
  if (!host) GTEST_SKIP() << reason;
  LoopFsOptions inside;
  inside.image_bytes = std::uint64_t{64} << 20;
  inside.image_directory = host->mount_point();
  auto fs = LoopFs::make(FsKind::ext4, reason, inside);
  if (!fs) GTEST_SKIP() << reason;
  ProviderEnvironment environment;
  environment.state_directory = host->scratch() + "/state";
  environment.runtime_directory = host->scratch() + "/run";
  environment.host = "here";
  auto started = start_hosted_provider("image", environment);
  ASSERT_TRUE(started.ok()) << started.error().what();
  Provider& provider = *started.value();
  EXPECT_TRUE(provider.info().freezes_file_system);

  CutRequest request;
  request.set = SetId::generate();
  request.snapshot = SnapshotId::generate();
  request.volume = VolumeDirectory::read().value().locate(fs->mount_point()).value().volume;
  std::ofstream(fs->mount_point() + "/a") << "one";
  Status begun = provider.begin_prepare(request);
  ASSERT_TRUE(begun.ok()) << begun.error().what();
  auto estimate = provider.end_prepare(request.set);
  ASSERT_TRUE(estimate.ok()) << estimate.error().what();
  ASSERT_TRUE(provider.pre_commit(request.set).ok());
  auto cuts = provider.commit(request.set);
  ASSERT_TRUE(cuts.ok()) << cuts.error().what();
  EXPECT_LT(cuts.value()[0].begun, cuts.value()[0].ended);
  std::ofstream(fs->mount_point() + "/a") << "two";
  ASSERT_TRUE(provider.post_commit(request.set).ok());
  auto made = provider.pre_final(request.set);
  ASSERT_TRUE(made.ok()) << made.error().what();
  ASSERT_TRUE(provider.post_final(request.set).ok());
  std::string text;
  std::ifstream(made.value()[0].root + "/a") >> text;
  EXPECT_EQ(text, "one");

  // Another process finds it, after this one is killed.
  ::kill(started.value()->pid(), SIGKILL);
  while (started.value()->pid() != 0) ::usleep(1000);
  ASSERT_EQ(provider.query().value().size(), 1u);
  EXPECT_EQ(provider.query().value()[0].host, "here");
  EXPECT_TRUE(provider.remove(request.snapshot).ok());
}

TEST(HostedProvider, AnUnknownProviderDoesNotStart) {
  auto started = start_hosted_provider("zfs", {});
  ASSERT_FALSE(started.ok());
  EXPECT_THAT(started.error().what(), HasSubstr("no provider 'zfs'"));
}

}  // namespace
}  // namespace stillframe::tests
