// Whole backups and restores against a real coordinator, with a writer in the same process.
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "requestor/restore/orphan.hpp"
#include "requestor/restore/restore_run.hpp"
#include "tests/requestor/embedded_fixture.hpp"

namespace stillframe::requestor {
namespace {

using stillframe::tests::QuietObserver;
using stillframe::tests::read_file;
using stillframe::tests::write_file;
using ::testing::HasSubstr;

class FolderWriter final : public Writer {
 public:
  explicit FolderWriter(std::string folder) : folder_(std::move(folder)) {}
  RestoreMethod method = RestoreMethod::restore_if_can_replace;
  std::vector<AlternateMapping> mappings;
  std::vector<ExcludedFiles> exclude;
  BytePath pattern = "*";
  std::function<void(BackupView&)> after_snapshot;
  std::vector<RestoreView> restored;

  WriterIdentity identity() const override {
    WriterIdentity who;
    who.class_id = WriterClassId::parse("0c1d2e3f-1111-4222-8333-444455556666").value();
    who.name = "Folder";
    who.instance_name = "folder";
    who.capabilities.add(Capability::restore_events);
    return who;
  }
  Result<WriterMetadata> identify(const CallContext&) override {
    FileSet files;
    files.path = folder_;
    files.pattern = pattern;
    files.recursive = true;
    Component component;
    component.name = {"", "files"};
    component.files = {files};
    WriterMetadata metadata;
    metadata.components = {component};
    metadata.restore.method = method;
    metadata.schema.bits |= BackupSchema::kNewTarget | BackupSchema::kIncremental;
    metadata.alternate_mappings = mappings;
    metadata.exclude = exclude;
    return metadata;
  }
  Status freeze(const CallContext&) override { return Ok{}; }
  Result<HoldStatement> thaw(const CallContext&) override {
    HoldStatement statement;
    statement.unbroken = true;
    return statement;
  }
  Status post_snapshot(const CallContext&, const SnapshotSetView&, BackupView& backup) override {
    if (after_snapshot) after_snapshot(backup);
    return Ok{};
  }
  Status pre_restore(const CallContext&, RestoreView&) override { return Ok{}; }
  Status post_restore(const CallContext&, const RestoreView& restore) override {
    restored.push_back(restore);
    return Ok{};
  }

 private:
  const std::string folder_;
};

struct BackupRestoreTest : stillframe::tests::EmbeddedFixture {
  const std::string folder = base + "/app";
  FolderWriter writer{folder};

  void SetUp() override {
    write_file(folder + "/a", "content of a");
    write_file(folder + "/deep/b", "content of b");
    start_coordinator();
    ASSERT_TRUE(coordinator->add_writer(writer).ok());
  }
  std::string full_backup() {
    auto report = backup(BackupType::full);
    EXPECT_TRUE(report.ok()) << report.error().what();
    if (!report.ok()) return "";
    EXPECT_TRUE(report.value().finish.ok()) << report.value().finish.error().what();
    return report.value().path;
  }
  Result<RestoreOutcome> restore(const std::string& set,
                                 const std::function<void(RestoreRequest&)>& change = {}) {
    RestoreRequest request;
    request.set = set;
    if (change) change(request);
    QuietObserver observer;
    Client requestor = client();
    return run_restore(requestor, request, observer);
  }
};

TEST_F(BackupRestoreTest, ComesBackAfterLossAndChange) {
  const std::string set = full_backup();
  ASSERT_FALSE(set.empty());
  write_file(folder + "/a", "changed");
  std::filesystem::remove_all(folder + "/deep");
  const auto outcome = restore(set);
  ASSERT_TRUE(outcome.ok()) << outcome.error().what();
  ASSERT_TRUE(outcome.value().finish.ok()) << outcome.value().finish.error().what();
  EXPECT_EQ(read_file(folder + "/a"), "content of a");
  EXPECT_EQ(read_file(folder + "/deep/b"), "content of b");
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    EXPECT_THAT(entry.path().filename().string(), ::testing::Not(HasSubstr("stillframe")));
  }
  ASSERT_EQ(writer.restored.size(), 1u);
}

TEST_F(BackupRestoreTest, OddNamesHolesLinksAndAttributesComeBack) {
  const std::string odd = folder + "/\xff\xfe\n name";
  write_file(odd, "odd");
  ASSERT_EQ(link(odd.c_str(), (folder + "/second name").c_str()), 0);
  ASSERT_EQ(symlink("deep/b", (folder + "/link").c_str()), 0);
  ASSERT_EQ(mkdir((folder + "/empty").c_str(), 0751), 0);
  ASSERT_EQ(truncate((folder + "/a").c_str(), 8 << 20), 0);
  ASSERT_EQ(chmod((folder + "/deep/b").c_str(), 0604), 0);
  const bool xattrs = setxattr(odd.c_str(), "user.colour", "blue", 4, 0) == 0;
  const std::string set = full_backup();
  ASSERT_FALSE(set.empty());
  std::filesystem::remove_all(folder);
  const auto outcome = restore(set);
  ASSERT_TRUE(outcome.ok()) << outcome.error().what();
  ASSERT_TRUE(outcome.value().finish.ok()) << outcome.value().finish.error().what();

  EXPECT_EQ(read_file(odd), "odd");
  struct stat one {
  }, two{}, info{};
  ASSERT_EQ(stat(odd.c_str(), &one), 0);
  ASSERT_EQ(stat((folder + "/second name").c_str(), &two), 0);
  EXPECT_EQ(one.st_ino, two.st_ino);
  EXPECT_EQ(std::filesystem::read_symlink(folder + "/link"), "deep/b");
  ASSERT_EQ(stat((folder + "/empty").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0751u);
  ASSERT_EQ(stat((folder + "/a").c_str(), &info), 0);
  EXPECT_EQ(info.st_size, 8 << 20);
  EXPECT_LT(info.st_blocks * 512, 1 << 20);
  ASSERT_EQ(stat((folder + "/deep/b").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0604u);
  char value[8] = {};
  const ssize_t length = getxattr(odd.c_str(), "user.colour", value, sizeof value);
  EXPECT_EQ(length, xattrs ? 4 : -1);
}

TEST_F(BackupRestoreTest, SetVerifiesAndRecordsHowItEnded) {
  const auto set = BackupSet::open(full_backup());
  ASSERT_TRUE(set.ok()) << set.error().what();
  const auto verified = set.value().verify({});
  ASSERT_TRUE(verified.ok());
  EXPECT_TRUE(verified.value().problems.empty());
  const auto outcome = set.value().outcome();
  ASSERT_TRUE(outcome.ok()) << outcome.error().what();
  EXPECT_EQ(outcome.value().outcome, "completed");
  const auto document = set.value().document();
  ASSERT_TRUE(document.ok());
  ASSERT_EQ(document.value().components.size(), 1u);
  EXPECT_TRUE(document.value().components[0].succeeded);
}

TEST_F(BackupRestoreTest, MissingLiteralFileFailsItsComponentAndPublishesNothing) {
  writer.pattern = "not-there";
  const auto report = backup(BackupType::full);
  ASSERT_FALSE(report.ok());
  EXPECT_THAT(report.error().what(), HasSubstr("not-there"));
  const auto sets = list_sets(store);
  EXPECT_TRUE(!sets.ok() || sets.value().empty());
}

TEST_F(BackupRestoreTest, ExcludedFilesAreNotInTheSet) {
  ExcludedFiles scratch;
  scratch.path = folder;
  scratch.pattern = "*.tmp";
  scratch.recursive = true;
  writer.exclude = {scratch};
  write_file(folder + "/deep/x.tmp", "scratch");
  const auto set = BackupSet::open(full_backup());
  ASSERT_TRUE(set.ok());
  for (const auto& file : set.value().manifest().files) {
    EXPECT_THAT(file.path, ::testing::Not(HasSubstr(".tmp")));
  }
}

TEST_F(BackupRestoreTest, PartialFilesBringBackTheirRangesOnly) {
  const std::string set_full = full_backup();
  writer.after_snapshot = [&](BackupView& view) {
    PartialFile partial;
    partial.path = folder;
    partial.name = "a";
    partial.ranges = {{0, 7}};
    view.components[0].partial_files = {partial};
  };
  const auto report = backup(BackupType::full);
  ASSERT_TRUE(report.ok()) << report.error().what();
  write_file(folder + "/a", "?????????????????");
  const auto outcome = restore(report.value().path);
  ASSERT_TRUE(outcome.ok()) << outcome.error().what();
  ASSERT_TRUE(outcome.value().finish.ok()) << outcome.value().finish.error().what();
  EXPECT_EQ(read_file(folder + "/a"), "content??????????");
}

TEST_F(BackupRestoreTest, MapsToAnotherFolderWhenAsked) {
  const std::string set = full_backup();
  const auto outcome = restore(set, [&](RestoreRequest& request) {
    request.moves = {{folder, base + "/elsewhere"}};
  });
  ASSERT_TRUE(outcome.ok()) << outcome.error().what();
  ASSERT_TRUE(outcome.value().finish.ok()) << outcome.value().finish.error().what();
  EXPECT_EQ(read_file(base + "/elsewhere/deep/b"), "content of b");
}

TEST_F(BackupRestoreTest, RestoreIfNotThereGoesToTheMappingWhenSomethingIsThere) {
  writer.method = RestoreMethod::restore_if_not_there;
  writer.mappings = {{folder, "*", true, base + "/mapped", {}}};
  const std::string set = full_backup();
  const auto outcome = restore(set);
  ASSERT_TRUE(outcome.ok()) << outcome.error().what();
  ASSERT_TRUE(outcome.value().finish.ok()) << outcome.value().finish.error().what();
  EXPECT_EQ(read_file(base + "/mapped/a"), "content of a");
  ASSERT_EQ(writer.restored.size(), 1u);
  EXPECT_EQ(writer.restored[0].components[0].restore->mappings_used.size(), 1u);
}

TEST_F(BackupRestoreTest, SymlinkPutInPlaceOfAFolderIsNotFollowed) {
  const std::string set = full_backup();
  std::filesystem::remove_all(folder + "/deep");
  std::filesystem::create_directories(base + "/outside");
  std::filesystem::create_symlink(base + "/outside", folder + "/deep");
  const auto outcome = restore(set);
  ASSERT_TRUE(outcome.ok()) << outcome.error().what();
  EXPECT_TRUE(outcome.value().finish.ok()) << outcome.value().finish.error().what();
  EXPECT_TRUE(std::filesystem::is_empty(base + "/outside"));
  EXPECT_FALSE(std::filesystem::is_symlink(folder + "/deep"));
  EXPECT_EQ(read_file(folder + "/deep/b"), "content of b");
}

TEST_F(BackupRestoreTest, DamagedSetPutsTheOldFilesBack) {
  const std::string set = full_backup();
  write_file(set + "/data" + folder + "/deep/b", "CONTENT of b");
  write_file(folder + "/a", "precious");
  const auto outcome = restore(set);
  ASSERT_TRUE(outcome.ok()) << outcome.error().what();
  ASSERT_FALSE(outcome.value().finish.ok());
  EXPECT_EQ(outcome.value().finish.error().code(), Errc::corrupt);
  EXPECT_EQ(read_file(folder + "/a"), "precious");
  EXPECT_EQ(read_file(folder + "/deep/b"), "content of b");
}

TEST_F(BackupRestoreTest, SimulationChangesNothingAndSaysWhatItWouldDo) {
  const std::string set = full_backup();
  write_file(folder + "/a", "changed");
  const auto outcome = restore(set, [](RestoreRequest& request) { request.simulate = true; });
  ASSERT_TRUE(outcome.ok()) << outcome.error().what();
  ASSERT_EQ(outcome.value().plan.size(), 1u);
  EXPECT_GE(outcome.value().plan[0].files.size(), 2u);
  EXPECT_EQ(read_file(folder + "/a"), "changed");
  EXPECT_TRUE(writer.restored.empty());
}

TEST_F(BackupRestoreTest, ExtractionNeedsNoWriterAndReplacesNothing) {
  const std::string set = full_backup();
  coordinator.reset();
  QuietObserver observer;
  const auto extracted = extract_set(set, base + "/out", observer);
  ASSERT_TRUE(extracted.ok()) << extracted.error().what();
  EXPECT_EQ(read_file(base + "/out" + folder + "/a"), "content of a");
  EXPECT_EQ(extract_set(set, base + "/out", observer).error().code(), Errc::already_exists);
}

TEST_F(BackupRestoreTest, IncrementalWithoutABaseIsRefused) {
  const auto report = backup(BackupType::incremental);
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.error().code(), Errc::chain_broken);
}

TEST_F(BackupRestoreTest, StopRequestCancelsAndLeavesNothing) {
  std::stop_source stop;
  stop.request_stop();
  BackupRequest request;
  request.store = store;
  QuietObserver observer;
  Client requestor = client();
  const auto report = run_backup(requestor, request, observer, stop.get_token());
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.error().code(), Errc::cancelled);
  const auto sets = list_sets(store);
  EXPECT_TRUE(!sets.ok() || sets.value().empty());
}

}  // namespace
}  // namespace stillframe::requestor
