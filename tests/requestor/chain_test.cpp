// Incremental and differential chains through a real coordinator: which set an increment builds on,
// what it holds, and that a restore of its end is the state of its end.
#include "requestor/backup/chain.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>

#include "tests/requestor/folder_writer.hpp"

namespace stillframe::requestor {
namespace {

using stillframe::tests::read_file;
using stillframe::tests::write_file;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// The writer stamps each backup, knows the last one that was completed, and lets the requestor tell
// what changed.
struct ChainTest : stillframe::tests::FolderWriterTest {
  int made = 0;
  std::vector<std::string> base_stamps;  // of the increments, as the writer was told
  bool differences = true;

  void SetUp() override {
    FolderWriterTest::SetUp();
    writer.prepares = [this](BackupView& view) -> Status {
      for (BackupComponent& component : view.components) {
        if (component.base) base_stamps.push_back(component.base->stamp);
        component.stamp = "stamp " + std::to_string(++made);
        const bool builds =
            view.type == BackupType::incremental || view.type == BackupType::differential;
        if (!builds || !differences) continue;
        DifferencedFiles changed;
        changed.path = folder;
        changed.pattern = "*";
        changed.recursive = true;
        component.differenced_files = {changed};
      }
      return Ok{};
    };
    for (const char* name : {"/a", "/deep/b"}) age(name);
  }
  // As if it had been written long ago.
  void age(const std::string& name) {
    const timespec times[2] = {{1'000'000'000, 0}, {1'000'000'000, 0}};
    ASSERT_EQ(utimensat(AT_FDCWD, (folder + name).c_str(), times, 0), 0);
  }
  std::vector<std::string> files_in(const std::string& set) const {
    std::vector<std::string> names;
    const auto opened = BackupSet::open(set);
    if (!opened.ok()) return {opened.error().what()};
    for (const ManifestFile& file : opened.value().manifest().files) {
      if (file.kind != FileKind::directory) names.push_back(file.path.substr(folder.size()));
    }
    return names;
  }
};

TEST_F(ChainTest, IncrementHoldsWhatChangedSinceTheLastOneAndTheChainRestoresAll) {
  const std::string full = backup_set(BackupType::full);
  write_file(folder + "/a", "second a");
  age("/a");  // but it has another size than before
  const std::string first = backup_set(BackupType::incremental);
  EXPECT_THAT(files_in(first), ElementsAre("/a"));
  write_file(folder + "/new", "new");
  const std::string second = backup_set(BackupType::incremental);
  EXPECT_THAT(files_in(second), ElementsAre("/new"));
  EXPECT_THAT(base_stamps, ElementsAre("stamp 1", "stamp 2"));

  std::filesystem::remove_all(folder);
  restored(second);
  EXPECT_EQ(read_file(folder + "/a"), "second a");
  EXPECT_EQ(read_file(folder + "/deep/b"), "content of b");
  EXPECT_EQ(read_file(folder + "/new"), "new");
  std::filesystem::remove_all(folder);
  restored(first);
  EXPECT_FALSE(std::filesystem::exists(folder + "/new"));
  std::filesystem::remove_all(folder);
  restored(full);
  EXPECT_EQ(read_file(folder + "/a"), "content of a");
}

// By its time it is as old as the full backup.
TEST_F(ChainTest, WhatWasRenamedIsInTheIncrementAndWhatWasRemovedDoesNotComeBack) {
  namespace fs = std::filesystem;
  backup_set(BackupType::full);
  fs::rename(folder + "/a", folder + "/c");
  fs::remove_all(folder + "/deep");
  const std::string first = backup_set(BackupType::incremental);
  EXPECT_THAT(files_in(first), ElementsAre("/c"));
  const std::string second = backup_set(BackupType::incremental);
  EXPECT_THAT(files_in(second), ElementsAre());
  for (const std::string& set : {first, second}) {
    fs::remove_all(folder);
    restored(set);
    EXPECT_EQ(read_file(folder + "/c"), "content of a");
    EXPECT_FALSE(fs::exists(folder + "/a"));
    EXPECT_FALSE(fs::exists(folder + "/deep"));
  }
}

TEST_F(ChainTest, DifferentialBuildsOnTheFullBackupWhateverCameBetween) {
  backup_set(BackupType::full);
  write_file(folder + "/a", "second a");
  backup_set(BackupType::incremental);
  write_file(folder + "/new", "new");
  const std::string differential = backup_set(BackupType::differential);
  EXPECT_THAT(base_stamps, ElementsAre("stamp 1", "stamp 1"));
  EXPECT_THAT(files_in(differential), ElementsAre("/a", "/new"));
  std::filesystem::remove_all(folder);
  restored(differential);
  EXPECT_EQ(read_file(folder + "/a"), "second a");
  EXPECT_EQ(read_file(folder + "/deep/b"), "content of b");
}

// A file written while the base was being copied is newer than its snapshot, and older than the
// moment the base was published.
TEST_F(ChainTest, FileWrittenWhileTheBaseWasCopiedIsInTheIncrement) {
  writer.after_snapshot = [this](BackupView&) {
    write_file(folder + "/deep/b", "written meanwhile");
  };
  const std::string full = backup_set(BackupType::full);
  writer.after_snapshot = {};
  const std::string increment = backup_set(BackupType::incremental);
  EXPECT_THAT(files_in(increment), ElementsAre("/deep/b"));
  std::filesystem::remove_all(folder);
  restored(increment);
  EXPECT_EQ(read_file(folder + "/deep/b"), "written meanwhile");
}

TEST_F(ChainTest, WriterSaysSinceWhenItself) {
  backup_set(BackupType::full);
  writer.after_snapshot = [](BackupView& view) {
    view.components[0].differenced_files[0].since = WallTime(std::chrono::seconds(999'999'999));
  };
  EXPECT_THAT(files_in(backup_set(BackupType::incremental)), ElementsAre("/a", "/deep/b"));
}

TEST_F(ChainTest, PartialFilesAreLaidOverTheBase) {
  backup_set(BackupType::full);
  write_file(folder + "/a", "CONTENT of a");
  writer.after_snapshot = [this](BackupView& view) {
    PartialFile partial;
    partial.path = folder;
    partial.name = "a";
    partial.ranges = {{0, 4}, {10, 2}};
    view.components[0].partial_files = {partial};
  };
  const std::string increment = backup_set(BackupType::incremental);
  std::filesystem::remove_all(folder);
  restored(increment);
  EXPECT_EQ(read_file(folder + "/a"), "CONTent of a") << "only the ranges are of the increment";
}

TEST_F(ChainTest, RangesMayComeInAFile) {
  backup_set(BackupType::full);
  write_file(folder + "/a", "CONTENT of a");
  std::string ranges(24, '\0');  // one range: offset 0, length 7
  ranges[0] = 1;
  ranges[16] = 7;
  write_file(folder + "/ranges", ranges);
  writer.after_snapshot = [this](BackupView& view) {
    PartialFile partial;
    partial.path = folder;
    partial.name = "a";
    partial.ranges_file = folder + "/ranges";
    view.components[0].partial_files = {partial};
  };
  const std::string increment = backup_set(BackupType::incremental);
  EXPECT_THAT(files_in(increment), ElementsAre("/a", "/ranges"));
  std::filesystem::remove_all(folder);
  restored(increment);
  EXPECT_EQ(read_file(folder + "/a"), "CONTENT of a");
}

TEST_F(ChainTest, RangesFileThatIsNoneFailsItsComponent) {
  write_file(folder + "/ranges", "short");
  writer.after_snapshot = [this](BackupView& view) {
    PartialFile partial;
    partial.path = folder;
    partial.name = "a";
    partial.ranges_file = folder + "/ranges";
    view.components[0].partial_files = {partial};
  };
  const auto report = backup(BackupType::full);
  ASSERT_FALSE(report.ok());
  EXPECT_THAT(report.error().what(), HasSubstr("ranges"));
}

// It says nothing of what is gone.
TEST_F(ChainTest, AComponentThatFailedInAnIncrementKeepsWhatEarlierSetsHave) {
  const auto component = [this](const char* name, const std::string& below) {
    Component one;
    one.name = {"", name};
    FileSet files = writer.all_files();
    files.path += below;
    one.files = {files};
    return one;
  };
  writer.components = {component("deep", "/deep"), component("other", "/other")};
  write_file(folder + "/other/c", "content of c");
  writer.prepares = [stamps = writer.prepares](BackupView& view) -> Status {
    if (Status stamped = stamps(view); !stamped.ok()) return stamped;
    for (BackupComponent& each : view.components) {
      for (DifferencedFiles& files : each.differenced_files) files.path += "/" + each.name.name;
    }
    return Ok{};
  };
  backup_set(BackupType::full);
  write_file(folder + "/other/ranges", "short");
  writer.after_snapshot = [this](BackupView& view) {
    ASSERT_EQ(view.components.size(), 2U);
    PartialFile partial;
    partial.path = folder + "/deep";
    partial.name = "b";
    partial.ranges_file = folder + "/other/ranges";
    view.components[0].partial_files = {partial};
  };
  const auto report = backup(BackupType::incremental);
  ASSERT_TRUE(report.ok()) << report.error().what();
  ASSERT_FALSE(report.value().finish.ok());
  const auto extracted = extract_set(report.value().path, base + "/out", observer);
  ASSERT_TRUE(extracted.ok()) << extracted.error().what();
  EXPECT_EQ(read_file(base + "/out" + folder + "/deep/b"), "content of b");
  EXPECT_EQ(read_file(base + "/out" + folder + "/other/c"), "content of c");
}

TEST_F(ChainTest, RangesWithoutTheirFileAreRefusedAtRestore) {
  writer.after_snapshot = [this](BackupView& view) {
    PartialFile partial;
    partial.path = folder;
    partial.name = "a";
    partial.ranges = {{0, 7}};
    view.components[0].partial_files = {partial};
  };
  const std::string set = backup_set(BackupType::full);
  std::filesystem::remove(folder + "/a");
  const Error error = refused(set);
  EXPECT_EQ(error.code(), Errc::not_found);
  EXPECT_FALSE(std::filesystem::exists(folder + "/a"));
}

TEST_F(ChainTest, WithoutABaseItIsRefused) {
  const auto report = backup(BackupType::incremental);
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.error().code(), Errc::chain_broken);
  EXPECT_THAT(report.error().what(), HasSubstr("full backup"));
}

TEST_F(ChainTest, CopyIsNoBase) {
  backup_set(BackupType::copy);
  EXPECT_EQ(backup(BackupType::incremental).error().code(), Errc::chain_broken);
}

TEST_F(ChainTest, SomebodyElsesChainIsNoBase) {
  backup_set(BackupType::full);
  BackupRequest request;
  request.store = store;
  request.options.type = BackupType::incremental;
  request.options.chain_owner = "another-product@host";
  Client requestor = client();
  const auto report = run_backup(requestor, request, observer);
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.error().code(), Errc::chain_broken);
}

TEST_F(ChainTest, MissingLinkIsNamedAtRestore) {
  const std::string full = backup_set(BackupType::full);
  write_file(folder + "/a", "second a");
  const std::string increment = backup_set(BackupType::incremental);
  std::filesystem::rename(full, base + "/away");
  const auto outcome = restore(increment);
  ASSERT_FALSE(outcome.ok());
  EXPECT_EQ(outcome.error().code(), Errc::chain_broken);
  EXPECT_EQ(read_file(folder + "/a"), "second a");
}

TEST_F(ChainTest, WriterWithoutIncrementsIsTakenWhole) {
  writer.schema = BackupSchema::kCopy;
  differences = false;
  backup_set(BackupType::full);
  EXPECT_THAT(files_in(backup_set(BackupType::incremental)), ElementsAre("/a", "/deep/b"));
}

}  // namespace
}  // namespace stillframe::requestor
