// Whole backups through the client, the methods, the machine, in-process writers and a provider.
#include "tests/coordinator/support/fixture.hpp"

namespace stillframe {
namespace {

using namespace tests;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class BackupSessionTest : public CoordinatorFixture {};

TEST_F(BackupSessionTest, ASnapshotBackupRunsFromGatherToTheEnd) {
  auto& writer = add_writer({"orders", make_volume("one")});
  auto& provider = add_provider();
  start();
  Client requestor = client();
  auto session = prepared(requestor);
  ASSERT_TRUE(session.ok()) << error_of(session);

  auto set = session.value().create_snapshots();
  ASSERT_TRUE(set.ok()) << error_of(set);
  ASSERT_EQ(set.value().snapshots.size(), 1u);
  EXPECT_EQ(set.value().evidence.label, Consistency::application_consistent)
      << set.value().evidence.reason;
  EXPECT_EQ(provider.snapshots_on_disk(), 1u);

  auto document = session.value().document();
  ASSERT_TRUE(document.ok()) << error_of(document);
  EXPECT_EQ(document.value().set, set.value().set);
  auto completed =
      session.value().complete(receipt_for(document.value()), all_succeeded(document.value()));
  ASSERT_TRUE(completed.ok()) << error_of(completed);
  auto evidence = session.value().end();
  ASSERT_TRUE(evidence.ok()) << error_of(evidence);
  EXPECT_EQ(evidence.value().outcome, "completed");

  EXPECT_THAT(writer.verbs(),
              ElementsAre("identify", "prepare_backup", "prepare_snapshot", "freeze", "thaw",
                          "post_snapshot", "backup_complete", "shutdown"));
  EXPECT_EQ(provider.snapshots_on_disk(), 0u);
  ASSERT_EQ(writer.completed().size(), 1u);
  EXPECT_TRUE(writer.completed().front().succeeded);
}

}  // namespace
}  // namespace stillframe
