#include "framework/model/snapshot_exclusion.hpp"

#include <gmock/gmock.h>

#include "tests/model/fake_tree.hpp"
#include "tests/model/sample_writers.hpp"

namespace stillframe {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(SnapshotExclusion, TakesOutTheFilesThatAWritersListNames) {
  tests::FakeTree tree;
  tree.file("/srv/shop/a.db").file("/srv/shop/cache/1").file("/srv/shop/cache/deep/2");
  tree.file("/srv/shop/cache/link", 1, {}, EntryType::symlink).file("/srv/shop/x.tmp");
  auto plan = plan_snapshot_exclusion({{"/srv/shop/cache", "*", true, {}},
                                       {"/srv/shop", "*.tmp", false, {}},
                                       {"/srv/shop", "*.tmp", true, {}},
                                       {"/srv/gone", "*", true, {}}},
                                      tree);
  ASSERT_TRUE(plan.ok()) << plan.error().what();
  EXPECT_THAT(plan.value().files, ElementsAre("/srv/shop/cache/1", "/srv/shop/cache/deep/2",
                                              "/srv/shop/cache/link", "/srv/shop/x.tmp"));
  EXPECT_THAT(plan.value().notes, IsEmpty());
}

TEST(SnapshotExclusion, TheMachinesListLeavesAloneWhatAComponentClaims) {
  tests::FakeTree tree;
  tree.file("/srv/shop/a.db").file("/srv/shop/a.tmp").file("/srv/x/b.db");
  const WriterMetadata shop = tests::shop_writer();
  const std::vector<const WriterMetadata*> writers{&shop};
  auto plan = plan_snapshot_exclusion({{"/srv", "*", true, {}}}, writers, tree);
  ASSERT_TRUE(plan.ok());
  EXPECT_THAT(plan.value().files, ElementsAre("/srv/shop/a.tmp", "/srv/x/b.db"));
}

TEST(SnapshotExclusion, APlaceThatCannotBeReadIsNotedAndLeftAlone) {
  tests::FakeTree tree;
  tree.file("/srv/a/1").file("/srv/b/2");
  tree.fail_at("/srv/a");
  auto plan = plan_snapshot_exclusion({{"/srv", "*", true, {}}}, tree);
  ASSERT_TRUE(plan.ok());
  EXPECT_THAT(plan.value().files, ElementsAre("/srv/b/2"));
  ASSERT_EQ(plan.value().notes.size(), 1u);
  EXPECT_THAT(plan.value().notes[0], HasSubstr("'/srv/a' stays as it is: cannot read"));
}

}  // namespace
}  // namespace stillframe
