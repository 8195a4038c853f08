#include <gtest/gtest.h>

#include <stillframe/writer.hpp>

namespace stillframe {
namespace {

SnapshotSetView two_volumes() {
  SnapshotSetView set;
  set.volumes = {{"/srv", SnapshotId::generate(), "/run/snap/1"},
                 {"/srv/logs", SnapshotId::generate(), "/run/snap/2"}};
  return set;
}

TEST(SnapshotSetView, APathBelongsToTheVolumeMountedNearestAboveIt) {
  const SnapshotSetView set = two_volumes();
  EXPECT_EQ(set.in_snapshot("/srv/orders/a.db").value(), "/run/snap/1/orders/a.db");
  EXPECT_EQ(set.in_snapshot("/srv/logs/1.log").value(), "/run/snap/2/1.log");
  EXPECT_EQ(set.in_snapshot("/srv/logs").value(), "/run/snap/2");
  EXPECT_EQ(set.in_snapshot("/srv/logserver").value(), "/run/snap/1/logserver");
  EXPECT_TRUE(set.covers("/srv/logs/deep/er"));
}

TEST(SnapshotSetView, APathElsewhereIsNotCovered) {
  const SnapshotSetView set = two_volumes();
  EXPECT_FALSE(set.covers("/var/a"));
  auto place = set.in_snapshot("/var/a");
  ASSERT_FALSE(place.ok());
  EXPECT_EQ(place.error().code(), Errc::not_found);
}

TEST(SnapshotSetView, TheRootVolumeCoversEverythingElse) {
  SnapshotSetView set = two_volumes();
  set.volumes.push_back({"/", SnapshotId::generate(), "/run/snap/0"});
  EXPECT_EQ(set.in_snapshot("/etc/passwd").value(), "/run/snap/0/etc/passwd");
  EXPECT_EQ(set.in_snapshot("/srv/x").value(), "/run/snap/1/x");
}

TEST(SnapshotSetView, BeforePostSnapshotThereIsNowhereToGo) {
  SnapshotSetView set = two_volumes();
  set.volumes[0].snapshot_root.clear();
  EXPECT_TRUE(set.covers("/srv/x"));
  auto place = set.in_snapshot("/srv/x");
  ASSERT_FALSE(place.ok());
  EXPECT_EQ(place.error().code(), Errc::wrong_state);
}

}  // namespace
}  // namespace stillframe
