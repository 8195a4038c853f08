#include <csignal>

#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/requestor/store_fixture.hpp"

namespace stillframe::requestor {
namespace {

struct SetBuilderTest : tests::StoreFixture {};

TEST_F(SetBuilderTest, NothingIsVisibleBeforePublish) {
  auto builder = SetBuilder::begin(store, BackupId::generate());
  ASSERT_TRUE(builder.ok());
  BackupManifest manifest = manifest_for(BackupId::generate());
  ASSERT_TRUE(add_file(*builder.value(), manifest, "/srv/a", "x").ok());
  const auto sets = list_sets(store);
  ASSERT_TRUE(sets.ok());
  EXPECT_TRUE(sets.value().empty());
}

TEST_F(SetBuilderTest, AbandonedBuilderLeavesNothing) {
  {
    auto builder = SetBuilder::begin(store, BackupId::generate());
    ASSERT_TRUE(builder.ok());
    ASSERT_TRUE(builder.value()->create_data("/srv/deep/a").ok());
  }
  EXPECT_TRUE(names().empty());
}

TEST_F(SetBuilderTest, PublishedSetOpensAndItsReceiptFits) {
  const std::string folder = publish_example();
  const auto set = BackupSet::open(folder);
  ASSERT_TRUE(set.ok()) << set.error().what();
  EXPECT_EQ(set.value().receipt().manifest_sha256, sha256_hex(read(folder + "/manifest.json")));
  ASSERT_EQ(set.value().manifest().files.size(), 2u);
  EXPECT_EQ(set.value().manifest().files[0].path, "/srv/a") << "files are sorted";
  EXPECT_EQ(read(folder + "/data/srv/deep/b"), "content of b");
}

TEST_F(SetBuilderTest, OnePathIsStoredOnce) {
  auto builder = SetBuilder::begin(store, BackupId::generate());
  ASSERT_TRUE(builder.ok());
  ASSERT_TRUE(builder.value()->create_data("/srv/a").ok());
  EXPECT_EQ(builder.value()->create_data("/srv/a").error().code(), Errc::already_exists);
  ASSERT_TRUE(builder.value()->discard_data("/srv/a").ok());
  EXPECT_TRUE(builder.value()->create_data("/srv/a").ok());
}

TEST_F(SetBuilderTest, PathsThatLeaveTheDataTreeAreRefused) {
  auto builder = SetBuilder::begin(store, BackupId::generate());
  ASSERT_TRUE(builder.ok());
  for (const char* path : {"/../x", "x", "/a/../../x", "", "/a//b"}) {
    EXPECT_EQ(builder.value()->create_data(path).error().code(), Errc::invalid_argument) << path;
  }
}

TEST_F(SetBuilderTest, NamesOf255BytesAndPathsOf4095BytesAreStored) {
  std::string path;
  while (path.size() + 256 <= 4095) path += "/" + std::string(255, '\xfe');
  auto builder = SetBuilder::begin(store, BackupId::generate());
  ASSERT_TRUE(builder.ok());
  BackupManifest manifest = manifest_for(BackupId::generate());
  // What is added in front ("data") is short enough to fit the kernel's limit for this one.
  const std::string fits = path.substr(0, 4095 - 256);
  ASSERT_TRUE(add_file(*builder.value(), manifest, fits, "deep").ok());
  EXPECT_TRUE(builder.value()->publish(manifest).ok());
}

TEST_F(SetBuilderTest, HardLinksShareTheirData) {
  auto builder = SetBuilder::begin(store, BackupId::generate());
  ASSERT_TRUE(builder.ok());
  BackupManifest manifest = manifest_for(BackupId::generate());
  ASSERT_TRUE(add_file(*builder.value(), manifest, "/srv/a", "shared").ok());
  ASSERT_TRUE(builder.value()->link_data("/srv/a", "/var/other/b").ok());
  const std::string data = builder.value()->incoming_path() + "/data";
  EXPECT_EQ(std::filesystem::hard_link_count(data + "/srv/a"), 2u);
  EXPECT_EQ(read(data + "/var/other/b"), "shared");
}

TEST_F(SetBuilderTest, FolderOfALivingWriterIsNotSwept) {
  auto alive = SetBuilder::begin(store, BackupId::generate());
  ASSERT_TRUE(alive.ok());
  ASSERT_TRUE(alive.value()->create_data("/srv/a").ok());
  auto other = SetBuilder::begin(store, BackupId::generate());
  ASSERT_TRUE(other.ok());
  EXPECT_TRUE(std::filesystem::exists(alive.value()->incoming_path() + "/data/srv/a"));
}

TEST_F(SetBuilderTest, TwoSetsOfOneSecondStandSideBySide) {
  publish_example();
  publish_example();
  EXPECT_EQ(names().size(), 2u);
}

TEST_F(SetBuilderTest, SamePublishedNameIsNeverReplaced) {
  const auto backup = BackupId::generate();
  const std::string folder = publish_example(backup);
  auto again = SetBuilder::begin(store, backup);
  ASSERT_TRUE(again.ok());
  BackupManifest manifest = manifest_for(backup);
  ASSERT_TRUE(add_file(*again.value(), manifest, "/srv/a", "other").ok());
  EXPECT_EQ(again.value()->publish(manifest).error().code(), Errc::already_exists);
  EXPECT_EQ(read(folder + "/data/srv/a"), "content of a");
}

// A process that is killed right before a step leaves no set or a complete one; the next backup
// removes what it left and succeeds.
struct KilledAtTest : tests::StoreFixture, ::testing::WithParamInterface<int> {};

TEST_P(KilledAtTest, LeavesNoSetOrACompleteOne) {
  const auto fatal = static_cast<PublishStep>(GetParam());
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const auto backup = BackupId::generate();
    auto builder = SetBuilder::begin(store, backup, [&](PublishStep step) {
      if (step == fatal) raise(SIGKILL);
    });
    if (!builder.ok()) _exit(1);
    BackupManifest manifest = manifest_for(backup);
    const bool added = add_file(*builder.value(), manifest, "/srv/a", "content").ok();
    add_documents(*builder.value(), manifest);
    const bool published = builder.value()->publish(std::move(manifest)).ok();
    _exit(added && published ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << status;

  const bool renamed = fatal == PublishStep::sync_store || fatal == PublishStep::published;
  std::size_t complete = 0;
  if (std::filesystem::exists(store)) {
    const auto sets = list_sets(store);
    ASSERT_TRUE(sets.ok());
    complete = sets.value().size();
    for (const auto& listing : sets.value()) {
      const auto set = BackupSet::open(listing.path);
      ASSERT_TRUE(set.ok()) << set.error().what();
      const auto verified = set.value().verify({});
      ASSERT_TRUE(verified.ok());
      EXPECT_TRUE(verified.value().problems.empty());
    }
  }
  EXPECT_EQ(complete, renamed ? 1u : 0u);

  publish_example();
  for (const auto& name : names()) EXPECT_NE(name[0], '.') << name << " was not swept";
  EXPECT_EQ(names().size(), complete + 1);
}

INSTANTIATE_TEST_SUITE_P(EveryStep, KilledAtTest, ::testing::Range(0, kPublishSteps));

}  // namespace
}  // namespace stillframe::requestor
