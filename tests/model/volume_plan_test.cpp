#include "framework/model/volume_plan.hpp"

#include <set>

#include <gmock/gmock.h>

#include "tests/model/fake_tree.hpp"
#include "tests/model/sample_writers.hpp"

namespace stillframe {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class VolumePlanTest : public testing::Test {
 protected:
  VolumePlanTest() { options_.volumes = {"/srv"}; }

  Result<FilePlan> plan() {
    return plan_volumes(
        writers_, [this](const BytePath& path) { return planned_.contains(path); }, options_,
        tree_);
  }
  std::vector<std::string> files() {
    auto result = plan();
    if (!result.ok()) return {"error: " + result.error().what()};
    std::vector<std::string> out;
    for (const PlannedFile& file : result.value().files) out.push_back(file.restore_path);
    return out;
  }
  std::vector<std::string> directories() {
    auto result = plan();
    if (!result.ok()) return {"error: " + result.error().what()};
    std::vector<std::string> out;
    for (const auto& directory : result.value().directories) {
      out.push_back(directory.restore_path);
    }
    return out;
  }

  WriterMetadata shop_ = tests::shop_writer();
  std::vector<const WriterMetadata*> writers_{&shop_};
  std::set<BytePath> planned_;
  VolumePlanOptions options_;
  tests::FakeTree tree_;
};

TEST_F(VolumePlanTest, TakesEverythingOnTheVolumesThatNoComponentPlanned) {
  tree_.file("/srv/shop/a.db", 5).file("/srv/other/b", 7).directory("/srv/empty").file("/etc/c");
  tree_.file("/srv/link", 99, {}, EntryType::symlink);
  planned_.insert("/srv/shop/a.db");
  auto result = plan();
  ASSERT_TRUE(result.ok()) << result.error().what();
  EXPECT_THAT(files(), ElementsAre("/srv/link", "/srv/other/b"));
  EXPECT_THAT(directories(), ElementsAre("/srv", "/srv/empty", "/srv/other", "/srv/shop"));
  EXPECT_EQ(result.value().bytes, 7u);
  for (const PlannedFile& file : result.value().files) {
    EXPECT_EQ(file.component, kNoComponent);
    EXPECT_TRUE(file.from_snapshot);
  }
}

TEST_F(VolumePlanTest, MachineListsPruneWhatNoComponentClaims) {
  tree_.file("/srv/shop/a.db").file("/srv/shop/a.tmp").file("/srv/tmp/x.tmp");
  options_.machine_exclude = {{"/srv", "*", true, {}}};
  // Claimed, though this backup did not select it.
  EXPECT_THAT(files(), ElementsAre("/srv/shop/a.db"));
  writers_.clear();
  EXPECT_THAT(files(), IsEmpty());
}

TEST_F(VolumePlanTest, ExcludeListsOfWritersCountForEveryFile) {
  tree_.file("/srv/shop/a.db").file("/srv/shop/b.db").file("/srv/x/b.db");
  shop_.exclude = {{"/srv/shop", "b.db", false, {}}};
  EXPECT_THAT(files(), ElementsAre("/srv/shop/a.db", "/srv/x/b.db"));
}

TEST_F(VolumePlanTest, EveryVolumeIsWalkedOnceAndOthersAreNotedAndNotEntered) {
  tree_.file("/srv/a").file("/srv/in/b").file("/srv/out/c").file("/srv/store/d");
  options_.volumes = {"/srv/", "/srv/in"};
  options_.other_mounts = {"/srv/out"};
  options_.never = {"/srv/store"};
  auto result = plan();
  ASSERT_TRUE(result.ok());
  EXPECT_THAT(files(), ElementsAre("/srv/a", "/srv/in/b"));
  EXPECT_THAT(directories(), ElementsAre("/srv", "/srv/out", "/srv/in"));
  ASSERT_EQ(result.value().notes.size(), 1u);
  EXPECT_THAT(result.value().notes[0], HasSubstr("'/srv/out' is not in the set"));
}

TEST_F(VolumePlanTest, ADirectoryThatCannotBeReadIsAnError) {
  tree_.file("/srv/a/b");
  tree_.fail_at("/srv/a");
  auto result = plan();
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code(), Errc::io);
  EXPECT_THAT(result.error().what(), HasSubstr("volume '/srv'"));
}

TEST_F(VolumePlanTest, PathsTooLongForADocumentAreRefused) {
  BytePath deep = "/srv";
  for (int i = 0; i < 20; ++i) deep += "/" + BytePath(250, 'd');
  tree_.file(deep + "/a");
  EXPECT_EQ(plan().error().code(), Errc::limit_reached);
}

}  // namespace
}  // namespace stillframe
