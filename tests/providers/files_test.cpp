// What the providers that work file by file promise beyond the suite.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "framework/io/copy_metadata.hpp"
#include "framework/io/file.hpp"
#include "framework/providers/common/file_scan.hpp"
#include "framework/testkit/provider_suite/rich_tree.hpp"
#include "tests/providers/under_test.hpp"

namespace stillframe::tests {
namespace {

using testing::ElementsAre;
using testkit::get_file;
using testkit::put_file;

std::vector<BytePath> scanned(const BytePath& mount_point, const std::vector<FileSet>& files,
                              const std::vector<ExcludedFiles>& exclude = {},
                              const BytePath& storage = {}) {
  auto root = open_directory(mount_point);
  auto found = scan_files(root.value().get(), {mount_point, files, exclude, storage, 0, nullptr});
  EXPECT_TRUE(found.ok()) << found.error().what();
  std::vector<BytePath> paths;
  if (found.ok()) {
    for (const auto& [path, status] : found.value()) paths.push_back(path);
  }
  return paths;
}

FileSet set_of(const BytePath& path, const BytePath& pattern, bool recursive) {
  FileSet set;
  set.path = path;
  set.pattern = pattern;
  set.recursive = recursive;
  return set;
}

class ScanFiles : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* directory : {"/db/logs", "/db/empty", "/.stillframe/x", "/other"}) {
      ASSERT_TRUE(make_directories(here_.path() + directory, 0755).ok());
    }
    for (const char* file : {"/db/a.dat", "/db/b.log", "/db/logs/1.log", "/db/logs/2.tmp",
                             "/.stillframe/x/old", "/other/o"}) {
      ASSERT_TRUE(put_file(here_.path() + file, "x").ok());
    }
  }
  TemporaryDirectory here_;
};

TEST_F(ScanFiles, PatternsAndRecursion) {
  const BytePath& at = here_.path();
  EXPECT_THAT(scanned(at, {set_of(at + "/db", "*.log", false)}), ElementsAre("", "db", "db/b.log"));
  EXPECT_THAT(scanned(at, {set_of(at + "/db", "*.log", true)}),
              ElementsAre("", "db", "db/b.log", "db/empty", "db/logs", "db/logs/1.log"));
  EXPECT_THAT(scanned(at, {set_of(at + "/none", "*", true)}), ElementsAre(""));
}

TEST_F(ScanFiles, ExcludedFilesBeatFileSets) {
  const BytePath& at = here_.path();
  ExcludedFiles rule;
  rule.path = at + "/db";
  rule.pattern = "*.log";
  EXPECT_THAT(
      scanned(at, {set_of(at + "/db", "*", true)}, {rule}),
      ElementsAre("", "db", "db/a.dat", "db/empty", "db/logs", "db/logs/1.log", "db/logs/2.tmp"));
  rule.recursive = true;
  EXPECT_THAT(scanned(at, {set_of(at + "/db", "*", true)}, {rule}),
              ElementsAre("", "db", "db/a.dat", "db/empty", "db/logs", "db/logs/2.tmp"));
}

TEST_F(ScanFiles, SnapshotsAreNeverPartOfAFileSet) {
  const BytePath& at = here_.path();
  EXPECT_THAT(scanned(at, {set_of(at, "*", true)}, {}, at + "/db"),
              ElementsAre("", "other", "other/o"));
  EXPECT_THAT(scanned(at, {set_of(at + "/.stillframe/x", "*", true)}), ElementsAre(""));
  EXPECT_THAT(scanned(at, {}, {}, at + "/db"), ElementsAre("", "other", "other/o"));
}

TEST_F(ScanFiles, PlacesOffTheVolumeAndLinksAreRefused) {
  const BytePath& at = here_.path();
  auto root = open_directory(at);
  ASSERT_EQ(symlink("/etc", (at + "/link").c_str()), 0);
  for (const BytePath& path : {BytePath("/etc"), at + "/link", at + "/db/../../etc"}) {
    const std::vector<FileSet> files = {set_of(path, "*", true)};
    EXPECT_FALSE(scan_files(root.value().get(), {at, files, {}, {}, 0, nullptr}).ok()) << path;
  }
}

TEST_F(ScanFiles, MoreFilesThanTheLimitAreRefused) {
  auto root = open_directory(here_.path());
  auto found = scan_files(root.value().get(), {here_.path(), {}, {}, {}, 3, nullptr});
  EXPECT_EQ(found.error().code(), Errc::limit_reached);
}

class Files : public testing::Test {
 protected:
  bool make(const Pairing& setup, std::string& reason) {
    under_test_ = BuiltinUnderTest::make(setup, 1, reason);
    if (!under_test_) return false;
    data_ = under_test_->fs().mount_point() + "/data";
    (void)make_directories(data_, 0755);
    return true;
  }
  CutRequest request() {
    CutRequest request;
    request.set = SetId::generate();
    request.snapshot = SnapshotId::generate();
    request.volume = under_test_->volumes().at(0);
    request.files.push_back(set_of(data_, "*", true));
    return request;
  }
  std::unique_ptr<BuiltinUnderTest> under_test_;
  BytePath data_;
};

// The flag can be set on empty files only, and a clone between files that differ in it fails.
TEST_F(Files, ClonesKeepNoCopyOnWriteEvenWhenItChangesAfterThePreparation) {
  std::string reason;
  if (!make({Kind::reflink, FsKind::btrfs}, reason)) GTEST_SKIP() << reason;
  const auto create = [&](const char* name, bool nocow) {
    auto file = open_file(data_ + name, O_RDWR | O_CREAT | O_TRUNC, 0644);
    ASSERT_TRUE(file.ok());
    if (nocow) {
      ASSERT_TRUE(set_nocow(file.value().get(), name).ok());
    }
    ASSERT_TRUE(write_all(file.value().get(), std::string(200000, name[1]), name).ok());
  };
  create("/always", true);
  create("/never", false);
  ASSERT_TRUE(put_file(data_ + "/later", "").ok());
  auto provider = under_test_->make();
  const auto wanted = request();
  ASSERT_TRUE(provider->begin_prepare(wanted).ok());
  ASSERT_TRUE(provider->end_prepare(wanted.set).ok());
  {
    auto later = open_file(data_ + "/later", O_RDWR);
    ASSERT_TRUE(set_nocow(later.value().get(), "later").ok());
    ASSERT_TRUE(write_all(later.value().get(), std::string(100000, 'L'), "later").ok());
  }
  ASSERT_TRUE(provider->pre_commit(wanted.set).ok());
  auto cut = provider->commit(wanted.set);
  ASSERT_TRUE(cut.ok()) << cut.error().what();
  ASSERT_TRUE(provider->post_commit(wanted.set).ok());
  auto made = provider->pre_final(wanted.set);
  ASSERT_TRUE(made.ok()) << made.error().what();
  for (const auto& [name, nocow] :
       {std::pair{"/always", true}, {"/never", false}, {"/later", true}}) {
    const BytePath copy = made.value().at(0).root + "/data" + name;
    EXPECT_EQ(has_nocow(open_file(copy, O_RDONLY).value().get()), nocow) << name;
    EXPECT_EQ(get_file(copy).value(), get_file(data_ + name).value()) << name;
  }
  provider->abort(wanted.set);
}

TEST_F(Files, ReflinkRefusesAFileSystemThatCannotShareBlocks) {
  std::string reason;
  if (!make({Kind::copy, FsKind::ext4}, reason)) GTEST_SKIP() << reason;
  auto provider = make_reflink_provider(under_test_->environment());
  Status fits = provider->supports(under_test_->volumes().at(0), {});
  EXPECT_EQ(fits.error().code(), Errc::volume_not_supported);
  EXPECT_NE(fits.error().what().find("FICLONE"), std::string::npos) << fits.error().what();
}

TEST_F(Files, CopyRefusesWhatDoesNotFitBeforeTheHold) {
  std::string reason;
  if (!make({Kind::copy, FsKind::xfs}, reason)) GTEST_SKIP() << reason;
  ASSERT_TRUE(put_file(data_ + "/big", std::string(20 << 20, 'b')).ok());
  under_test_->environment().copy_bytes_max = std::uint64_t{10} << 20;
  auto provider = under_test_->make();
  auto wanted = request();
  ASSERT_TRUE(provider->begin_prepare(wanted).ok());
  auto refused = provider->end_prepare(wanted.set);
  EXPECT_EQ(refused.error().code(), Errc::limit_reached) << refused.error().what();
  provider->abort(wanted.set);
  // More than the storage has.
  const BytePath storage = under_test_->environment().state_directory;
  ASSERT_TRUE(make_directories(storage).ok());
  ASSERT_EQ(run_program({"fallocate", "-l", "250M", storage + "/fill"}), 0);
  ASSERT_EQ(run_program({"fallocate", "-l", "300M", data_ + "/huge"}), 0);
  wanted = request();
  wanted.bytes_limit = std::uint64_t{100} << 30;
  auto provider_again = under_test_->make();
  ASSERT_TRUE(provider_again->begin_prepare(wanted).ok());
  refused = provider_again->end_prepare(wanted.set);
  EXPECT_EQ(refused.error().code(), Errc::no_space) << refused.error().what();
  provider_again->abort(wanted.set);
  ASSERT_TRUE(remove_file(storage + "/fill").ok());
  EXPECT_EQ(under_test_->leftovers(), "");
}

TEST_F(Files, AHoldThatWouldLastTooLongIsRefused) {
  std::string reason;
  if (!make({Kind::reflink, FsKind::xfs}, reason)) GTEST_SKIP() << reason;
  for (int i = 0; i < 50; ++i) {
    ASSERT_TRUE(put_file(data_ + "/" + std::to_string(i), "x").ok());
  }
  under_test_->environment().commit_max = std::chrono::milliseconds(2);
  auto provider = under_test_->make();
  const auto wanted = request();
  ASSERT_TRUE(provider->begin_prepare(wanted).ok());
  auto refused = provider->end_prepare(wanted.set);
  EXPECT_EQ(refused.error().code(), Errc::limit_reached) << refused.error().what();
  provider->abort(wanted.set);
}

// Files of the volume that no file set names survive a revert, in directories that vanish from it
// too.
TEST_F(Files, RevertLeavesAloneWhatTheSnapshotDoesNotCover) {
  std::string reason;
  if (!make({Kind::reflink, FsKind::xfs}, reason)) GTEST_SKIP() << reason;
  ASSERT_TRUE(put_file(data_ + "/file.dat", "old").ok());
  auto wanted = request();
  wanted.files[0].pattern = "*.dat";
  auto provider = under_test_->make();
  ASSERT_TRUE(provider->begin_prepare(wanted).ok());
  ASSERT_TRUE(provider->end_prepare(wanted.set).ok());
  ASSERT_TRUE(provider->pre_commit(wanted.set).ok());
  ASSERT_TRUE(provider->commit(wanted.set).ok());
  ASSERT_TRUE(provider->post_commit(wanted.set).ok());
  ASSERT_TRUE(provider->pre_final(wanted.set).ok());
  ASSERT_TRUE(provider->post_final(wanted.set).ok());
  ASSERT_TRUE(make_directories(data_ + "/later", 0755).ok());
  ASSERT_TRUE(put_file(data_ + "/later/extra.dat", "extra").ok());
  ASSERT_TRUE(put_file(data_ + "/later/keep.txt", "keep").ok());
  ASSERT_TRUE(put_file(data_ + "/file.dat", "new").ok());
  Status reverted = provider->revert(wanted.snapshot, {});
  ASSERT_TRUE(reverted.ok()) << reverted.error().what();
  EXPECT_EQ(get_file(data_ + "/file.dat").value(), "old");
  EXPECT_FALSE(exists(data_ + "/later/extra.dat"));
  EXPECT_EQ(get_file(data_ + "/later/keep.txt").value(), "keep");
}

}  // namespace
}  // namespace stillframe::tests
