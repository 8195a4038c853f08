// Backups that copy volumes whole, beside the components on them or without any writer.
#include <algorithm>

#include <gmock/gmock.h>
#include <unistd.h>

#include "tests/requestor/folder_writer.hpp"

namespace stillframe::requestor {
namespace {

using stillframe::tests::EmbeddedFixture;
using stillframe::tests::FolderWriter;
using stillframe::tests::FsKind;
using stillframe::tests::LoopFs;
using stillframe::tests::QuietObserver;
using stillframe::tests::read_file;
using stillframe::tests::write_file;
using ::testing::Contains;
using ::testing::IsEmpty;
using ::testing::Not;

struct WholeVolumeTest : EmbeddedFixture {
  std::unique_ptr<LoopFs> fs;
  std::unique_ptr<FolderWriter> writer;
  std::string root;

  void SetUp() override {
    std::string reason;
    fs = LoopFs::make(FsKind::ext4, reason);
    if (!fs) GTEST_SKIP() << reason;
    root = fs->mount_point();
    write_file(root + "/app/a.tmp", "a writer's");
    write_file(root + "/beside/b", "nobody's");
    write_file(root + "/beside/c.tmp", "a cache");
    std::filesystem::create_directories(root + "/empty");
    writer = std::make_unique<FolderWriter>(root + "/app");
    start_coordinator();
    ASSERT_TRUE(coordinator->add_writer(*writer).ok());
  }
  void TearDown() override { coordinator.reset(); }

  BackupRequest request(bool no_writers) const {
    BackupRequest request;
    request.store = root + "/store";       // on the volume itself: it must not swallow its own tail
    request.volumes = {root + "/beside"};  // any path on the volume stands for it
    request.no_writers = no_writers;
    request.exclude_lists = base + "/lists.d";
    return request;
  }
  Result<BackupReport> run(const BackupRequest& request) {
    QuietObserver observer;
    Client requestor = client();
    return run_backup(requestor, request, observer);
  }
  static std::vector<std::string> names(const BackupReport& report) {
    auto set = BackupSet::open(report.path);
    std::vector<std::string> names;
    if (!set.ok()) return names;
    for (const ManifestFile& file : set.value().manifest().files) names.push_back(file.path);
    return names;
  }
};

TEST_F(WholeVolumeTest, EverythingBesideTheComponentsIsCopiedOnceAndBelongsToNone) {
  write_file(base + "/lists.d/50-caches.list", root + "/**/*.tmp\n");
  if (::geteuid() != 0) GTEST_SKIP() << "lists of the machine belong to root, and this is not";
  const auto report = run(request(false));
  ASSERT_TRUE(report.ok()) << report.error().what();
  ASSERT_TRUE(report.value().finish.ok()) << report.value().finish.error().what();
  const auto copied = names(report.value());
  EXPECT_EQ(std::count(copied.begin(), copied.end(), root + "/app/a.tmp"), 1);
  EXPECT_THAT(copied, Contains(root + "/beside/b"));
  EXPECT_THAT(copied, Contains(root + "/empty"));
  EXPECT_THAT(copied, Not(Contains(root + "/beside/c.tmp")));
  for (const std::string& name : copied) EXPECT_NE(name.find(root + "/store"), 0u) << name;
  auto set = BackupSet::open(report.value().path);
  ASSERT_TRUE(set.ok());
  for (const ManifestFile& file : set.value().manifest().files)
    EXPECT_EQ(file.components.empty(), file.path.find(root + "/app") != 0) << file.path;

  const auto again = run(request(false));  // with a set in the store by now
  ASSERT_TRUE(again.ok()) << again.error().what();
  EXPECT_EQ(names(again.value()), copied);
}

TEST_F(WholeVolumeTest, WithoutWritersNobodyIsHeldAndTheFilesAreThere) {
  const auto report = run(request(true));
  ASSERT_TRUE(report.ok()) << report.error().what();
  EXPECT_TRUE(report.value().finish.ok()) << report.value().finish.error().what();
  EXPECT_THAT(report.value().components, IsEmpty());
  for (const PhaseTime& phase : report.value().evidence.timeline)
    EXPECT_NE(phase.phase, "freeze") << phase.who;
  EXPECT_THAT(names(report.value()), Contains(root + "/app/a.tmp"));

  QuietObserver observer;
  const auto extracted = extract_set(report.value().path, base + "/back", observer);
  ASSERT_TRUE(extracted.ok()) << extracted.error().what();
  EXPECT_EQ(read_file(base + "/back" + root + "/beside/b"), "nobody's");
}

TEST_F(WholeVolumeTest, NeitherWritersNorVolumesIsAMistake) {
  BackupRequest nothing = request(true);
  nothing.volumes.clear();
  const auto refused = run(nothing);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), Errc::invalid_argument);
}

TEST_F(WholeVolumeTest, AListWithAMistakePublishesNothing) {
  if (::geteuid() != 0) GTEST_SKIP() << "lists of the machine belong to root, and this is not";
  write_file(base + "/lists.d/50-caches.list", "no absolute path\n");
  const auto refused = run(request(false));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), Errc::invalid_argument);
  const auto sets = list_sets(root + "/store");
  EXPECT_TRUE(!sets.ok() || sets.value().empty());
}

}  // namespace
}  // namespace stillframe::requestor
