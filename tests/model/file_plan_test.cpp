#include "framework/model/file_plan.hpp"

#include <gmock/gmock.h>

#include "tests/model/fake_tree.hpp"
#include "tests/model/sample_writers.hpp"

namespace stillframe {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using tests::file_set;

WallTime wall_seconds(int seconds) {
  return WallTime(std::chrono::seconds(seconds));
}

class FilePlanTest : public testing::Test {
 protected:
  FilePlanTest() {
    writer_.identity.name = "Shop";
    writer_.components = {tests::component("", "Orders", true, false)};
    entry_.name = {"", "Orders"};
  }

  std::vector<FileSet>& files() { return writer_.components[0].files; }

  Result<FilePlan> plan() {
    std::vector<FilePlanComponent> components{{&entry_, {}}};
    for (std::size_t i = 0; i < writer_.components.size(); ++i) {
      components[0].members.push_back(i);
    }
    return plan_files(writer_, components, options_, tree_);
  }

  static std::vector<std::string> restore_paths(const Result<FilePlan>& plan) {
    std::vector<std::string> out;
    if (!plan.ok()) return {"error: " + plan.error().what()};
    for (const auto& file : plan.value().files) out.push_back(file.restore_path);
    return out;
  }
  static std::vector<std::string> sources(const Result<FilePlan>& plan) {
    std::vector<std::string> out;
    if (!plan.ok()) return {"error: " + plan.error().what()};
    for (const auto& file : plan.value().files) out.push_back(file.source);
    return out;
  }
  static std::vector<std::string> directories(const Result<FilePlan>& plan) {
    std::vector<std::string> out;
    for (const auto& directory : plan.value().directories) out.push_back(directory.restore_path);
    return out;
  }
  void expect_refused(Errc code, const std::string& says) {
    auto refused = plan();
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code(), code) << refused.error().what();
    EXPECT_THAT(refused.error().what(), HasSubstr(says));
  }

  WriterMetadata writer_;
  BackupComponent entry_;
  FilePlanOptions options_;
  tests::FakeTree tree_;
};

TEST_F(FilePlanTest, AFlatFileSetTakesMatchingFilesOfItsDirectoryOnly) {
  tree_.file("/srv/a.db", 10).file("/srv/b.db", 20).file("/srv/c.txt").file("/srv/sub/d.db");
  files() = {file_set("/srv", "?.db")};
  auto result = plan();
  EXPECT_THAT(restore_paths(result), ElementsAre("/srv/a.db", "/srv/b.db"));
  EXPECT_EQ(result.value().bytes, 30u);
  EXPECT_TRUE(result.value().files[0].from_snapshot);
  EXPECT_THAT(directories(result), IsEmpty());
}

TEST_F(FilePlanTest, ARecursiveFileSetTakesTheWholeTreeAndItsEmptyDirectories) {
  tree_.file("/srv/a.db").file("/srv/x/y/z.db").file("/srv/x/n.txt").directory("/srv/empty/er");
  files() = {file_set("/srv", "*.db", true)};
  auto result = plan();
  EXPECT_THAT(restore_paths(result), ElementsAre("/srv/a.db", "/srv/x/y/z.db"));
  EXPECT_THAT(directories(result),
              ElementsAre("/srv", "/srv/empty", "/srv/empty/er", "/srv/x", "/srv/x/y"));
}

TEST_F(FilePlanTest, LinksAreTakenAsLinksAndNotFollowed) {
  tree_.file("/srv/link.db", 99, {}, EntryType::symlink)
      .file("/srv/socket.db", 0, {}, EntryType::other);
  files() = {file_set("/srv", "*.db", true)};
  auto result = plan();
  ASSERT_THAT(restore_paths(result), ElementsAre("/srv/link.db", "/srv/socket.db"));
  EXPECT_EQ(result.value().files[0].type, EntryType::symlink);
  EXPECT_EQ(result.value().files[1].type, EntryType::other);
  EXPECT_EQ(result.value().bytes, 0u);
}

TEST_F(FilePlanTest, AFileThatIsNamedMustBeThereAndAWildcardMayMatchNothing) {
  tree_.directory("/srv");
  files() = {file_set("/srv", "*")};
  EXPECT_THAT(restore_paths(plan()), IsEmpty());
  files() = {file_set("/srv", "orders.db")};
  expect_refused(Errc::not_found, "file set '/srv/orders.db' of component 'Orders'");
  files() = {file_set("/gone", "orders.db")};
  expect_refused(Errc::not_found, "the file is not there");
  files() = {file_set("/srv", "orders.db", true)};
  expect_refused(Errc::not_found, "the file is not there");
  tree_.file("/srv/deep/orders.db");
  EXPECT_THAT(restore_paths(plan()), ElementsAre("/srv/deep/orders.db"));
}

TEST_F(FilePlanTest, ADirectoryThatIsNotThereIsNoted) {
  files() = {file_set("/gone", "*", true)};
  auto result = plan();
  ASSERT_TRUE(result.ok());
  ASSERT_EQ(result.value().notes.size(), 1u);
  EXPECT_THAT(result.value().notes[0], HasSubstr("no directory '/gone'"));
}

TEST_F(FilePlanTest, AReadErrorIsNotTakenForAnEmptyDirectory) {
  tree_.file("/srv/a/x.db").file("/srv/b.db");
  tree_.fail_at("/srv/a");
  files() = {file_set("/srv", "*", true)};
  expect_refused(Errc::io, "cannot read '/srv/a'");
}

TEST_F(FilePlanTest, VariablesOfTheWriterAreExpanded) {
  tree_.file("/var/lib/shop/data/a.db").file("/var/lib/$odd/b.db");
  files() = {file_set("${STATE}/$SHOP/data", "*.db"), file_set("/var/lib/$$odd", "*.db")};
  options_.environment = {{"STATE", "/var/lib"}, {"SHOP", "shop"}};
  EXPECT_THAT(restore_paths(plan()), ElementsAre("/var/lib/shop/data/a.db", "/var/lib/$odd/b.db"));
  options_.environment.erase("SHOP");
  expect_refused(Errc::not_found, "variable SHOP is not set");
  for (const char* path : {"relative/$STATE", "/a/../b", "", "$SHOP"}) {
    options_.environment = {{"STATE", "/var/lib"}, {"SHOP", "no/slash"}};
    files() = {file_set(path, "*")};
    expect_refused(Errc::invalid_argument, "path '");
  }
}

TEST_F(FilePlanTest, ExcludedFilesAreLeftOutOfEveryComponent) {
  tree_.file("/srv/a.db").file("/srv/a.tmp").file("/srv/x/b.tmp").file("/srv/cache/c.db");
  files() = {file_set("/srv", "*", true)};
  writer_.exclude = {{"/srv", "*.tmp", false, {}}, {"/srv/cache", "*", true, {}}};
  auto result = plan();
  EXPECT_THAT(restore_paths(result), ElementsAre("/srv/a.db", "/srv/x/b.tmp"));
  EXPECT_THAT(directories(result), ElementsAre("/srv", "/srv/x"));
  writer_.exclude[0].recursive = true;
  EXPECT_THAT(restore_paths(plan()), ElementsAre("/srv/a.db"));
}

TEST_F(FilePlanTest, ANamedFileThatIsExcludedIsNotMissing) {
  tree_.file("/srv/a.db").file("/srv/cache/x.db");
  files() = {file_set("/srv", "a.db"), file_set("/srv/cache", "x.db")};
  writer_.exclude = {{"/srv", "a.*", false, {}}, {"/srv/cache", "*", true, {}}};
  EXPECT_THAT(restore_paths(plan()), IsEmpty());
}

TEST_F(FilePlanTest, TheAlternatePathWinsAndTheFileStillBelongsAtItsOwnPlace) {
  tree_.file("/srv/a.db", 1).file("/srv/b.db", 2).file("/spit/a.db", 30).file("/spit/x/n.db", 40);
  files() = {file_set("/srv", "*.db", true)};
  files()[0].alternate_path = "/spit";
  auto result = plan();
  EXPECT_THAT(sources(result), ElementsAre("/spit/a.db", "/spit/x/n.db", "/srv/b.db"));
  EXPECT_THAT(restore_paths(result), ElementsAre("/srv/a.db", "/srv/x/n.db", "/srv/b.db"));
  EXPECT_EQ(result.value().bytes, 72u);
  // A file that is only a copy satisfies a literal name.
  files()[0].pattern = "n.db";
  EXPECT_THAT(restore_paths(plan()), ElementsAre("/srv/x/n.db"));
}

TEST_F(FilePlanTest, ExcludesLookAtTheNormalPathNotTheAlternateOne) {
  tree_.file("/spit/a.db").file("/spit/b.db");
  files() = {file_set("/srv", "*.db")};
  files()[0].alternate_path = "/spit";
  writer_.exclude = {{"/spit", "a.db", false, {}}, {"/srv", "b.db", false, {}}};
  EXPECT_THAT(sources(plan()), ElementsAre("/spit/a.db"));
}

TEST_F(FilePlanTest, AFileClaimedTwiceIsAnErrorThatNamesBothClaims) {
  tree_.file("/srv/a.db");
  files() = {file_set("/srv", "*.db")};
  writer_.components.push_back(
      tests::component("Orders", "Parts", false, false, {file_set("/", "a.*", true)}));
  expect_refused(Errc::already_exists,
                 "'/srv/a.db' is claimed twice: by file set '/srv/*.db' of "
                 "component 'Orders' and by file set '/a.*' of component "
                 "'Orders/Parts'");
}

TEST_F(FilePlanTest, MasksDecideWhatTakesPartAndWhatMayBeReadLive) {
  tree_.file("/srv/a.db").file("/log/1.log");
  files() = {file_set("/srv", "*"), file_set("/log", "*")};
  files()[0].mask.bits = TypeMask::kFullRequired | TypeMask::kFullSnapshot;
  files()[1].mask.bits = TypeMask::kFullRequired | TypeMask::kIncrementalRequired;
  auto full = plan();
  EXPECT_THAT(restore_paths(full), ElementsAre("/srv/a.db", "/log/1.log"));
  EXPECT_TRUE(full.value().files[0].from_snapshot);
  EXPECT_FALSE(full.value().files[1].from_snapshot);
  options_.type = BackupType::incremental;
  EXPECT_THAT(restore_paths(plan()), ElementsAre("/log/1.log"));
}

// ---- partial and differenced entries

TEST_F(FilePlanTest, APartialEntryTakesThePlaceOfItsFile) {
  tree_.file("/srv/a.db", 1000).file("/srv/b.db", 5);
  files() = {file_set("/srv", "*.db")};
  entry_.partial_files = {{"/srv", "a.db", {{0, 100}, {900, 100}}, "", "m", {}}};
  auto result = plan();
  ASSERT_THAT(restore_paths(result), ElementsAre("/srv/a.db", "/srv/b.db"));
  EXPECT_TRUE(result.value().files[0].partial);
  EXPECT_EQ(result.value().files[0].ranges.size(), 2u);
  EXPECT_FALSE(result.value().files[1].partial);
  EXPECT_EQ(result.value().bytes, 205u);
}

TEST_F(FilePlanTest, APartialEntryMayNameAFileNoSetClaimsAndBeatsTheMask) {
  tree_.file("/srv/a.db", 10).file("/other/new.db", 10);
  files() = {file_set("/srv", "a.db")};
  files()[0].mask.bits = 0;
  entry_.partial_files = {{"/srv", "a.db", {{0, 1}}, "", "", {}},
                          {"/other", "new.db", {{9, 1}}, "", "", {}}};
  EXPECT_THAT(restore_paths(plan()), ElementsAre("/srv/a.db", "/other/new.db"));
}

TEST_F(FilePlanTest, ARangesFileComesBeforeTheFileItDescribes) {
  tree_.file("/srv/a.db", 10).file("/srv/b.db", 10).file("/srv/a.ranges", 24);
  files() = {file_set("/srv", "*")};
  entry_.partial_files = {{"/srv", "a.db", {}, "/srv/a.ranges", "", {}},
                          {"/srv", "b.db", {}, "/srv/a.ranges", "", {}}};
  auto result = plan();
  ASSERT_THAT(restore_paths(result), ElementsAre("/srv/a.ranges", "/srv/a.db", "/srv/b.db"));
  EXPECT_FALSE(result.value().files[0].partial);
  EXPECT_EQ(result.value().files[1].ranges_file, "/srv/a.ranges");
}

TEST_F(FilePlanTest, APartialEntryThatCannotBeTrueIsRefused) {
  tree_.file("/srv/a.db", 10);
  entry_.partial_files = {{"/srv", "gone.db", {{0, 1}}, "", "", {}}};
  expect_refused(Errc::not_found, "partial file '/srv/gone.db'");
  entry_.partial_files = {{"/srv", "a.db", {{8, 3}}, "", "", {}}};
  expect_refused(Errc::invalid_argument, "range 8:3 ends beyond its 10 bytes");
  entry_.partial_files = {{"/srv", "a.db", {{0, 5}, {4, 2}}, "", "", {}}};
  expect_refused(Errc::invalid_argument, "overlap");
  entry_.partial_files = {{"/srv", "a.db", {{0, 5}}, "", "", {}},
                          {"/srv", "a.db", {{6, 1}}, "", "", {}}};
  expect_refused(Errc::already_exists, "claimed twice");
  entry_.partial_files = {{"/srv", "a.db", {}, "/srv/gone.ranges", "", {}}};
  expect_refused(Errc::not_found, "ranges file '/srv/gone.ranges'");
}

TEST_F(FilePlanTest, DifferencedFilesAreThoseModifiedAfterTheGivenTime) {
  tree_.file("/srv/old.db", 1, wall_seconds(100))
      .file("/srv/same.db", 1, wall_seconds(200))
      .file("/srv/new.db", 1, wall_seconds(201));
  files() = {file_set("/srv", "*.db")};
  entry_.differenced_files = {{"/srv", "*.db", false, wall_seconds(200), {}}};
  auto result = plan();
  ASSERT_THAT(restore_paths(result), ElementsAre("/srv/new.db"));
  EXPECT_EQ(result.value().files[0].since, wall_seconds(200));
  EXPECT_EQ(result.value().unchanged, 2u);
}

TEST_F(FilePlanTest, WithoutATimeTheRequestorsOwnRecordDecides) {
  tree_.file("/srv/old.db", 1, wall_seconds(100)).file("/srv/new.db", 1, wall_seconds(300));
  files() = {file_set("/srv", "*.db")};
  entry_.differenced_files = {{"/srv/", "*.db", false, {}, {}}};
  EXPECT_THAT(restore_paths(plan()), ElementsAre("/srv/new.db", "/srv/old.db"));
  options_.last_backup = wall_seconds(150);
  EXPECT_THAT(restore_paths(plan()), ElementsAre("/srv/new.db"));
}

// A file that what is built on has not, or has as another, is copied however old it says it is.
TEST_F(FilePlanTest, WhatIsBuiltOnMustHaveAFileThatIsNotCopied) {
  tree_.file("/srv/had.db", 1, wall_seconds(100))
      .file("/srv/renamed.db", 1, wall_seconds(100))
      .file("/srv/new.db", 1, wall_seconds(300));
  files() = {file_set("/srv", "*.db")};
  entry_.differenced_files = {{"/srv", "*.db", false, wall_seconds(200), {}}};
  options_.has_already = [](const BytePath& place, const TreeEntry& found) {
    return place != "/srv/renamed.db" && found.size == 1;
  };
  auto result = plan();
  EXPECT_THAT(restore_paths(result), ElementsAre("/srv/new.db", "/srv/renamed.db"));
  EXPECT_THAT(result.value().kept, ElementsAre("/srv/had.db"));
}

TEST_F(FilePlanTest, ADifferencedEntryBeatsTheMaskAndMayNameSomethingNew) {
  tree_.file("/srv/a.db", 1, wall_seconds(300)).file("/extra/x.doc", 1, wall_seconds(300));
  files() = {file_set("/srv", "*.db")};
  files()[0].mask.bits = 0;
  entry_.differenced_files = {{"/srv", "*.db", false, wall_seconds(1), {}},
                              {"/extra", "*.doc", false, wall_seconds(1), {}}};
  EXPECT_THAT(restore_paths(plan()), ElementsAre("/srv/a.db", "/extra/x.doc"));
  // Overlapping a file set without being equal to it is a second claim.
  files()[0].mask.bits = TypeMask::kDefault;
  entry_.differenced_files = {{"/srv", "a.*", false, wall_seconds(1), {}}};
  expect_refused(Errc::already_exists, "claimed twice");
}

TEST_F(FilePlanTest, ADifferencedFileThatIsUnchangedIsNotMissing) {
  tree_.file("/srv/a.db", 1, wall_seconds(100));
  files() = {file_set("/srv", "a.db")};
  entry_.differenced_files = {{"/srv", "a.db", false, wall_seconds(200), {}}};
  EXPECT_THAT(restore_paths(plan()), IsEmpty());
}

// ---- sizes

TEST_F(FilePlanTest, NamesThatAreNoUtf8AreFilesLikeOthers) {
  tree_.file("/srv/\xff\n.db");
  files() = {file_set("/srv", "\xff?.db")};
  EXPECT_THAT(restore_paths(plan()), ElementsAre("/srv/\xff\n.db"));
}

TEST_F(FilePlanTest, APathTooLongForADocumentIsRefused) {
  BytePath deep = "/srv";
  for (int i = 0; i < 20; ++i) deep += "/" + BytePath(250, 'd');
  tree_.file(deep + "/a.db");
  files() = {file_set("/srv", "*.db", true)};
  expect_refused(Errc::limit_reached, "longer than the limit of 4096 bytes");
}

TEST_F(FilePlanTest, ADeepTreeNeedsNoDeepStack) {
  BytePath deep = "/srv";
  for (int i = 0; i < 2000; ++i) deep += "/d";
  tree_.file(deep + "/a");
  files() = {file_set("/srv", "a", true)};
  EXPECT_THAT(restore_paths(plan()), ElementsAre(deep + "/a"));
}

TEST_F(FilePlanTest, WithoutAnEntryNothingIsPlanned) {
  std::vector<FilePlanComponent> components(1);
  EXPECT_FALSE(plan_files(writer_, components, options_, tree_).ok());
  EXPECT_TRUE(plan_files(writer_, {}, options_, tree_).ok());
}

}  // namespace
}  // namespace stillframe
