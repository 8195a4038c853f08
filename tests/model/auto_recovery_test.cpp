#include "framework/model/auto_recovery.hpp"

#include <gtest/gtest.h>

#include "tests/model/sample_writers.hpp"

namespace stillframe {
namespace {

class AutoRecoveryTest : public testing::Test {
 protected:
  bool writable(const std::string& component, bool for_rollback = false) {
    ComponentSelector selector;
    selector.component = component;
    auto selection = select_components(writers_, std::vector{selector});
    EXPECT_TRUE(selection.ok());
    return needs_writable_snapshots(writers_, selection.value(), for_rollback);
  }
  WriterMetadata library_ = tests::library_writer(), shop_ = tests::shop_writer();
  std::vector<const WriterMetadata*> writers_{&library_, &shop_};
};

TEST_F(AutoRecoveryTest, NobodyAsksForItUnlessAComponentSaysSo) {
  EXPECT_FALSE(writable("*"));
  EXPECT_FALSE(writable("*", true));
}

TEST_F(AutoRecoveryTest, AComponentThatIsSelectedOrImplicitAsks) {
  library_.components[3].backup_recovery = true;  // Shelves/Fiction
  EXPECT_TRUE(writable("Shelves"));
  EXPECT_FALSE(writable("Queue"));
  library_.components[1].backup_recovery = true;
  EXPECT_TRUE(writable("Queue"));
  EXPECT_FALSE(writable("Orders"));
}

TEST_F(AutoRecoveryTest, RollbackRecoveryCountsOnlyInSnapshotsToRollBackTo) {
  shop_.components[0].rollback_recovery = true;
  EXPECT_FALSE(writable("Orders", false));
  EXPECT_TRUE(writable("Orders", true));
}

TEST_F(AutoRecoveryTest, FilesToTakeOutOfTheSnapshotCountToo) {
  shop_.exclude_from_snapshot = {{"/srv/shop", "*.tmp", false, {}}};
  EXPECT_TRUE(writable("Orders"));
  EXPECT_FALSE(writable("Queue"));
}

}  // namespace
}  // namespace stillframe
