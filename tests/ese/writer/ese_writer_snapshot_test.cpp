// What the writer does inside a snapshot before it is sealed.
#include <filesystem>

#include "tests/ese/writer/ese_backup_fixture.hpp"

namespace stillframe::ese {
namespace {

namespace fs = std::filesystem;

class EseWriterSnapshotTest : public tests::EseWriterBackupTest {
 protected:
  // A set of its own, with these attributes, that stays until `session` ends.
  Result<SnapshotSetResult> cut(BackupSession& session, const SnapshotAttributes& attributes) {
    if (auto gathered = session.gather(); !gathered.ok()) return gathered.error();
    if (Status s = session.select({{"", "*", {}, "", {}}}); !s.ok()) return s.error();
    if (auto prepared = session.prepare(); !prepared.ok()) return prepared.error();
    SnapshotOptions options;
    options.attributes = attributes;
    return session.create_snapshots(options);
  }
  static std::string in_snapshot(const SnapshotSetResult& set, const std::string& path) {
    for (const SnapshotInfo& snapshot : set.snapshots) {
      const std::string mount = snapshot.volume.mount_point;
      if (path.rfind(mount, 0) != 0) continue;
      return snapshot.root + "/" + path.substr(mount == "/" ? 1 : mount.size() + 1);
    }
    return "";
  }
  static std::string state_of(const std::string& database) {
    return tool::esectl({"verify", "--json", database}).json()["state"];
  }
};

TEST_F(EseWriterSnapshotTest, OneToRollBackToIsRecoveredBeforeItIsSealed) {
  Client requestor = client();
  auto session = requestor.begin_backup({});
  ASSERT_TRUE(session.ok()) << session.error().what();
  SnapshotAttributes attributes;
  attributes.for_rollback = true;
  auto set = cut(session.value(), attributes);
  ASSERT_TRUE(set.ok()) << set.error().what();
  rows_.add_rows(20);  // after the cut

  // As somebody who rolls back puts them in their places.
  const std::string back = base + "/back";
  fs::create_directories(back);
  for (const int which : {0, 1}) {
    const std::string there = in_snapshot(set.value(), rows_.database(which));
    EXPECT_EQ(state_of(there), "CleanShutdown");
    fs::copy(there, back);
  }
  expect_copy(back, 80);
  EXPECT_EQ(state_of(rows_.database(0)), "DirtyShutdown") << "the instance is at work";
  EXPECT_TRUE(session.value().end().ok());
  rows_.expect_rows(100);
}

// The logs of the snapshot go with its databases: who is back there goes on from them.
TEST_F(EseWriterSnapshotTest, AnInstanceGoesOnFromASnapshotThatItWasRolledBackTo) {
  Client requestor = client();
  auto session = requestor.begin_backup({});
  ASSERT_TRUE(session.ok()) << session.error().what();
  SnapshotAttributes attributes;
  attributes.for_rollback = true;
  auto set = cut(session.value(), attributes);
  ASSERT_TRUE(set.ok()) << set.error().what();
  rows_.add_rows(20);
  const std::string app = base + "/app", kept = base + "/kept";
  fs::copy(in_snapshot(set.value(), app), kept, fs::copy_options::recursive);
  EXPECT_TRUE(session.value().end().ok());  // the instance is in no backup any more
  ASSERT_TRUE(rows_.hosted().close().ok());
  fs::remove_all(app);
  fs::rename(kept, app);
  const Status opened = rows_.hosted().open();
  ASSERT_TRUE(opened.ok()) << opened.error().what();
  rows_.expect_rows(80);
  rows_.add_rows(5);
  rows_.expect_rows(85);
}

TEST_F(EseWriterSnapshotTest, WithoutThatWishItStaysAsItWasCut) {
  SnapshotAttributes backup, sealed;
  sealed.for_rollback = true;
  sealed.auto_recovery = false;
  for (const SnapshotAttributes& attributes : {backup, sealed}) {
    Client requestor = client();
    auto session = requestor.begin_backup({});
    ASSERT_TRUE(session.ok()) << session.error().what();
    auto set = cut(session.value(), attributes);
    ASSERT_TRUE(set.ok()) << set.error().what();
    EXPECT_EQ(state_of(in_snapshot(set.value(), rows_.database(0))), "DirtyShutdown");
    EXPECT_TRUE(session.value().end().ok());
  }
}

}  // namespace
}  // namespace stillframe::ese
