#include "framework/model/restore_plan.hpp"

#include <set>

#include <gmock/gmock.h>

#include "tests/model/sample_writers.hpp"

namespace stillframe {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class FakePlace : public RestoreTargetProbe {
 public:
  Result<bool> exists(const BytePath& path) override {
    if (broken) return Error(Errc::io, "cannot look at '" + path + "'");
    return there.contains(path) || held.contains(path);
  }
  Result<bool> can_replace(const BytePath& path) override { return !held.contains(path); }

  std::set<BytePath> there, held;
  bool broken = false;
};

class RestorePlanTest : public testing::Test {
 protected:
  RestorePlanTest() {
    writer_ = tests::shop_writer();
    writer_.restore.method = RestoreMethod::restore_if_can_replace;
    writer_.components[0].files = {tests::file_set("/srv/shop", "*.db", true)};
    component_.name = {"", "Orders"};
    component_.restore.emplace();
    files_ = {stored("/srv/shop/a.db"), stored("/srv/shop/eu/b.db")};
  }

  static StoredFile stored(BytePath path, std::uint64_t size = 100) {
    StoredFile file;
    file.path = std::move(path);
    file.size = size;
    return file;
  }
  ComponentRestore& restore() { return *component_.restore; }
  void map_everything() {
    writer_.alternate_mappings = {{"/srv/shop", "*.db", true, "/mnt/alt", {}}};
  }
  Result<RestorePlan> plan() {
    return plan_restore(writer_, component_, files_, environment_, place_);
  }
  static std::vector<std::string> destinations(const Result<RestorePlan>& plan) {
    if (!plan.ok()) return {"error: " + plan.error().what()};
    std::vector<std::string> out;
    for (const auto& step : plan.value().steps) out.push_back(step.destination);
    return out;
  }
  void expect_refused(Errc code, const std::string& says) {
    auto refused = plan();
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code(), code) << refused.error().what();
    EXPECT_THAT(refused.error().what(), HasSubstr(says));
  }

  WriterMetadata writer_;
  BackupComponent component_;
  std::vector<StoredFile> files_;
  Environment environment_;
  FakePlace place_;
};

// ---- the eight methods

TEST_F(RestorePlanTest, IfNotThereRestoresAllOrNone) {
  writer_.restore.method = RestoreMethod::restore_if_not_there;
  EXPECT_THAT(destinations(plan()), ElementsAre("/srv/shop/a.db", "/srv/shop/eu/b.db"));
  place_.there = {"/srv/shop/eu/b.db"};
  expect_refused(Errc::already_exists, "'/srv/shop/eu/b.db' is there already");
}

TEST_F(RestorePlanTest, IfNotThereFallsBackToAMappingThatIsFree) {
  writer_.restore.method = RestoreMethod::restore_if_not_there;
  map_everything();
  place_.there = {"/srv/shop/a.db"};
  auto result = plan();
  EXPECT_THAT(destinations(result), ElementsAre("/mnt/alt/a.db", "/mnt/alt/eu/b.db"));
  EXPECT_EQ(result.value().mappings_used, writer_.alternate_mappings);
  place_.there.insert("/mnt/alt/eu/b.db");
  expect_refused(Errc::already_exists, "at the alternate location; nothing was restored");
}

TEST_F(RestorePlanTest, IfCanReplaceOverwritesWhatNobodyHolds) {
  place_.there = {"/srv/shop/a.db"};
  auto result = plan();
  EXPECT_THAT(destinations(result), ElementsAre("/srv/shop/a.db", "/srv/shop/eu/b.db"));
  EXPECT_THAT(result.value().mappings_used, IsEmpty());
  place_.held = {"/srv/shop/a.db"};
  expect_refused(Errc::in_use,
                 "'/srv/shop/a.db' cannot be replaced, and '/srv/shop/a.db' has no "
                 "alternate location");
  map_everything();
  EXPECT_THAT(destinations(plan()), ElementsAre("/mnt/alt/a.db", "/mnt/alt/eu/b.db"));
}

TEST_F(RestorePlanTest, AComponentIsNeverSplitBetweenItsPlaceAndAMapping) {
  writer_.alternate_mappings = {{"/srv/shop", "a.*", false, "/mnt/alt", {}}};
  place_.held = {"/srv/shop/a.db"};
  expect_refused(Errc::in_use, "'/srv/shop/eu/b.db' has no alternate location");
}

TEST_F(RestorePlanTest, StopRestoreStartSaysWhichService) {
  writer_.restore.method = RestoreMethod::stop_restore_start;
  writer_.restore.service = "shop.service";
  place_.held = {"/srv/shop/a.db"};
  auto result = plan();
  EXPECT_THAT(destinations(result), ElementsAre("/srv/shop/a.db", "/srv/shop/eu/b.db"));
  EXPECT_TRUE(result.value().stop_before_copy && result.value().start_after_copy);
  EXPECT_FALSE(result.value().restart_after_post_restore);
  EXPECT_EQ(result.value().service, "shop.service");
}

TEST_F(RestorePlanTest, RestoreStopStartRestartsAfterPostRestore) {
  writer_.restore.method = RestoreMethod::restore_stop_start;
  writer_.restore.service = "shop.service";
  auto result = plan();
  ASSERT_TRUE(result.ok());
  EXPECT_FALSE(result.value().stop_before_copy || result.value().start_after_copy);
  EXPECT_TRUE(result.value().restart_after_post_restore);
}

TEST_F(RestorePlanTest, AlternateLocationAlwaysNeedsAMapping) {
  writer_.restore.method = RestoreMethod::restore_to_alternate_location;
  expect_refused(Errc::not_found, "'/srv/shop/a.db' is mapped to none");
  map_everything();
  EXPECT_THAT(destinations(plan()), ElementsAre("/mnt/alt/a.db", "/mnt/alt/eu/b.db"));
}

TEST_F(RestorePlanTest, AtRebootStagesEverything) {
  writer_.restore.method = RestoreMethod::restore_at_reboot;
  auto result = plan();
  ASSERT_TRUE(result.ok());
  for (const auto& step : result.value().steps) {
    EXPECT_EQ(step.action, RestoreAction::stage_for_reboot);
  }
  EXPECT_TRUE(result.value().reboot_required);
}

TEST_F(RestorePlanTest, AtRebootIfCannotReplaceStagesAllOrNothing) {
  writer_.restore.method = RestoreMethod::restore_at_reboot_if_cannot_replace;
  EXPECT_EQ(plan().value().steps[0].action, RestoreAction::write);
  EXPECT_FALSE(plan().value().reboot_required);
  place_.held = {"/srv/shop/eu/b.db"};
  auto result = plan();
  EXPECT_EQ(result.value().steps[0].action, RestoreAction::stage_for_reboot);
  EXPECT_TRUE(result.value().reboot_required);
  // The restore target cannot change an at-reboot method.
  map_everything();
  restore().target = RestoreTarget::alternate;
  EXPECT_THAT(destinations(plan()), ElementsAre("/srv/shop/a.db", "/srv/shop/eu/b.db"));
}

TEST_F(RestorePlanTest, ACustomProcedureIsNotGuessed) {
  writer_.restore.method = RestoreMethod::custom;
  writer_.restore.user_procedure = "run shopctl import";
  expect_refused(Errc::not_supported, "run shopctl import");
  writer_.schema.bits |= BackupSchema::kNewTarget;
  restore().new_targets = {{"/srv/shop", "*.db", true, "/new", {}}};
  EXPECT_THAT(destinations(plan()), ElementsAre("/new/a.db", "/new/eu/b.db"));
}

// ---- restore targets

TEST_F(RestorePlanTest, TheWritersAlternateTargetNeedsEveryFileMapped) {
  restore().target = RestoreTarget::alternate;
  expect_refused(Errc::not_found, "its writer chose the alternate location");
  map_everything();
  EXPECT_THAT(destinations(plan()), ElementsAre("/mnt/alt/a.db", "/mnt/alt/eu/b.db"));
}

TEST_F(RestorePlanTest, OriginalLocationBeatsAMethodThatSaysAlternate) {
  writer_.restore.method = RestoreMethod::restore_to_alternate_location;
  map_everything();
  restore().target = RestoreTarget::original_location;
  EXPECT_THAT(destinations(plan()), ElementsAre("/srv/shop/a.db", "/srv/shop/eu/b.db"));
}

TEST_F(RestorePlanTest, ANewTargetBeatsRestoreTargetAndMethod) {
  restore().new_targets = {{"/srv/shop", "*.db", true, "/new", {}}};
  expect_refused(Errc::not_supported, "does not cope with new targets");
  writer_.schema.bits |= BackupSchema::kNewTarget;
  map_everything();
  restore().target = RestoreTarget::alternate;
  EXPECT_THAT(destinations(plan()), ElementsAre("/new/a.db", "/new/eu/b.db"));
  restore().target = RestoreTarget::original;
  writer_.restore.method = RestoreMethod::restore_if_not_there;
  place_.there = {"/srv/shop/a.db"};
  EXPECT_THAT(destinations(plan()), ElementsAre("/new/a.db", "/new/eu/b.db"));
  // The method still says whether a file that is in the way may be replaced.
  place_.there = {"/new/a.db"};
  expect_refused(Errc::already_exists, "'/new/a.db' is there already");
}

TEST_F(RestorePlanTest, VariablesInTargetsAreExpanded) {
  writer_.schema.bits |= BackupSchema::kNewTarget;
  restore().new_targets = {{"${DATA}", "*.db", true, "${DATA}2", {}}};
  environment_ = {{"DATA", "/srv/shop"}};
  EXPECT_THAT(destinations(plan()), ElementsAre("/srv/shop2/a.db", "/srv/shop2/eu/b.db"));
  environment_.clear();
  expect_refused(Errc::not_found, "variable DATA is not set");
}

// ---- directed targets

TEST_F(RestorePlanTest, DirectedTargetsMoveRangesAndLeaveOtherFilesAlone) {
  restore().target = RestoreTarget::directed;
  restore().directed_targets = {
      {"/srv/shop", "a.db", {{0, 10}, {50, 20}}, "/srv/new", "c.db", {{100, 10}, {0, 20}}, {}}};
  auto result = plan();
  ASSERT_THAT(destinations(result), ElementsAre("/srv/new/c.db", "/srv/shop/eu/b.db"));
  EXPECT_EQ(result.value().steps[0].action, RestoreAction::write_ranges);
  EXPECT_EQ(result.value().steps[0].moves,
            (std::vector<RangeMove>{{{0, 10}, {100, 10}}, {{50, 20}, {0, 20}}}));
}

TEST_F(RestorePlanTest, ADirectedTargetWithoutRangesRenames) {
  restore().target = RestoreTarget::directed;
  restore().directed_targets = {{"/srv/shop", "a.db", {}, "/srv/shop", "renamed.db", {}, {}}};
  place_.held = {"/srv/shop/a.db"};  // it is not written there
  auto result = plan();
  ASSERT_THAT(destinations(result), ElementsAre("/srv/shop/renamed.db", "/srv/shop/eu/b.db"));
  EXPECT_EQ(result.value().steps[0].action, RestoreAction::write);
}

TEST_F(RestorePlanTest, DirectedTargetsBeatNewTargets) {
  writer_.schema.bits |= BackupSchema::kNewTarget;
  restore().new_targets = {{"/srv/shop", "*.db", true, "/new", {}}};
  restore().target = RestoreTarget::directed;
  restore().directed_targets = {{"/srv/shop", "a.db", {}, "/dir", "a.db", {}, {}}};
  EXPECT_THAT(destinations(plan()), ElementsAre("/dir/a.db", "/new/eu/b.db"));
}

TEST_F(RestorePlanTest, DirectedTargetsThatContradictThemselvesAreRefused) {
  restore().target = RestoreTarget::directed;
  expect_refused(Errc::invalid_argument, "chose directed targets and gave none");
  const auto with = [&](DirectedTarget target) {
    restore().directed_targets = {std::move(target)};
  };
  with({"/srv/shop", "gone.db", {}, "/d", "x", {}, {}});
  expect_refused(Errc::not_found, "'/srv/shop/gone.db', which is not in the backup");
  with({"/srv/shop", "a.db", {{0, 1}}, "/d", "x", {}, {}});
  expect_refused(Errc::invalid_argument, "differ in number or length");
  with({"/srv/shop", "a.db", {{0, 1}}, "/d", "x", {{0, 2}}, {}});
  expect_refused(Errc::invalid_argument, "differ in number or length");
  with({"/srv/shop", "a.db", {{99, 2}}, "/d", "x", {{0, 2}}, {}});
  expect_refused(Errc::invalid_argument, "ends beyond the file");
  with({"/srv/shop", "a.db", {{0, 2}, {1, 2}}, "/d", "x", {{0, 2}, {2, 2}}, {}});
  expect_refused(Errc::invalid_argument, "overlap");
  restore().target = RestoreTarget::original;
  with({"/srv/shop", "a.db", {}, "/d", "x", {}, {}});
  expect_refused(Errc::invalid_argument, "without choosing them");
}

// ---- partial files, collisions, trust

TEST_F(RestorePlanTest, RangesGoIntoTheFileThatIsThere) {
  writer_.restore.method = RestoreMethod::restore_if_not_there;
  files_ = {stored("/srv/shop/a.db")};
  files_[0].partial = true;
  files_[0].ranges = {{5, 10}};
  place_.there = {"/srv/shop/a.db"};
  auto result = plan();
  ASSERT_TRUE(result.ok()) << result.error().what();
  EXPECT_EQ(result.value().steps[0].action, RestoreAction::write_ranges);
  EXPECT_EQ(result.value().steps[0].moves, (std::vector<RangeMove>{{{5, 10}, {5, 10}}}));
}

TEST_F(RestorePlanTest, AMovedRangesFileIsReported) {
  files_ = {stored("/srv/shop/r.db"), stored("/srv/shop/a.db")};
  files_[1].partial = true;
  files_[1].ranges_file = "/srv/shop/r.db";
  EXPECT_THAT(plan().value().moved_ranges_files, IsEmpty());
  writer_.schema.bits |= BackupSchema::kNewTarget;
  restore().new_targets = {{"/srv/shop", "*.db", true, "/new", {}}};
  EXPECT_THAT(plan().value().moved_ranges_files,
              ElementsAre(std::pair<BytePath, BytePath>("/srv/shop/r.db", "/new/r.db")));
}

TEST_F(RestorePlanTest, TwoFilesInOnePlaceAreRefused) {
  writer_.schema.bits |= BackupSchema::kNewTarget;
  files_ = {stored("/srv/shop/a.db"), stored("/srv/other/a.db")};
  restore().new_targets = {{"/srv/shop", "*", false, "/new", {}},
                           {"/srv/other", "*", false, "/new", {}}};
  expect_refused(Errc::invalid_argument, "would both be restored to '/new/a.db'");
}

TEST_F(RestorePlanTest, AStoredPathThatClimbsOutIsCorrupt) {
  for (const char* path : {"/srv/shop/../../etc/passwd", "srv/a", "", "/srv/./a"}) {
    files_ = {stored(path)};
    expect_refused(Errc::corrupt, "no plain absolute path");
  }
}

TEST_F(RestorePlanTest, APlaceThatCannotBeLookedAtIsNoFreePlace) {
  place_.broken = true;
  expect_refused(Errc::io, "cannot look at");
}

TEST_F(RestorePlanTest, AComponentWithoutRestoreFieldsFollowsTheMethod) {
  component_.restore.reset();
  EXPECT_THAT(destinations(plan()), ElementsAre("/srv/shop/a.db", "/srv/shop/eu/b.db"));
}

}  // namespace
}  // namespace stillframe
