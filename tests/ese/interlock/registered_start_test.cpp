#include "tests/ese/interlock/registered_restore.hpp"
#include "writers/ese/format/ese_error.hpp"

namespace stillframe::ese {
namespace {

using tests::BackupWorld;

class RegisteredStartTest : public tests::RegisteredRestore {
 protected:
  void expect_barred(const std::string& way_out) {
    const Status started = start(files());
    ASSERT_FALSE(started.ok());
    EXPECT_TRUE(is(started.error(), EseErr::restore_in_progress)) << started.error().what();
    EXPECT_NE(started.error().what().find(way_out), std::string::npos) << started.error().what();
  }
};

TEST_F(RegisteredStartTest, RefusesFromTheRegistrationToItsCompletion) {
  ASSERT_TRUE(register_restore(files(), record(BackupWorld::paths())).ok());
  expect_barred("esectl restore resume /log");
  copy_databases(BackupWorld::paths());
  expect_barred("esectl restore abandon /log");
  ASSERT_TRUE(complete_restore(files(), "/log", RestoreId{7}, 0).ok());
  const Status started = start(files());
  EXPECT_TRUE(started.ok()) << started.error().what();
  EXPECT_EQ(state(files()), "none");
}

TEST_F(RegisteredStartTest, RecoversToWhereTheDatabasesWere) {
  stage(BackupWorld::paths());
  ASSERT_TRUE(start(files()).ok());
  world_.expect_state(at_backup_, BackupWorld::paths(), "/log");
}

TEST_F(RegisteredStartTest, RecoversToWhereTheMapSays) {
  stage(kElsewhere);
  ASSERT_TRUE(start(files()).ok());
  world_.expect_state(elsewhere_, kElsewhere, "/log");
}

TEST_F(RegisteredStartTest, AFailedRestoreSticksUntilItIsResumedOrReplaced) {
  ASSERT_TRUE(register_restore(files(), record(BackupWorld::paths())).ok());
  copy_databases(BackupWorld::paths());
  ASSERT_TRUE(complete_restore(files(), "/log", RestoreId{7}, 0xC7FF0002).ok());
  expect_barred("0xC7FF0002");
  expect_barred("0xC7FF0002");
  stage(BackupWorld::paths());
  ASSERT_TRUE(start(files()).ok());
  EXPECT_EQ(state(files()), "none");
}

// Databases that are copies are recovered with the record or not at all.
TEST_F(RegisteredStartTest, WithoutItsRecordACopyIsNotAttached) {
  stage(BackupWorld::paths());
  ASSERT_TRUE(abandon_restore(files(), "/log").ok());
  const auto started = Instance::start(files(), options(nullptr));
  ASSERT_TRUE(started.ok()) << started.error().what();
  EXPECT_FALSE(started.value()->attach_database(BackupWorld::paths()[0]).ok());
}

TEST_F(RegisteredStartTest, ARefusedRecoveryLeavesTheRecordAndTheNextStartTriesAgain) {
  stage(BackupWorld::paths());
  ASSERT_TRUE(files().rename("/db/one.edb", "/db/away").ok());
  for (int i = 0; i < 2; ++i) {
    const Status started = start(files());
    ASSERT_FALSE(started.ok());
    EXPECT_TRUE(is(started.error(), EseErr::file_not_found)) << started.error().what();
    EXPECT_EQ(state(files()), "copied");
  }
  ASSERT_TRUE(files().rename("/db/away", "/db/one.edb").ok());
  EXPECT_TRUE(start(files()).ok());
}

// Whoever has one of the databases is found before any of them changes.
TEST_F(RegisteredStartTest, AllDatabasesAreClaimedBeforeOneIsRecovered) {
  stage(kElsewhere);
  std::vector<BytePath> asked;
  RegisteredStart gate([&](const BytePath& database) -> Status {
    asked.push_back(database);
    if (database == kElsewhere[0]) return Ok{};
    return Error(Errc::in_use, "somebody has it");
  });
  const std::uint64_t before = files().operations();
  const auto refused = Instance::start(files(), options(&gate));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), Errc::in_use);
  EXPECT_EQ(asked, kElsewhere);
  EXPECT_EQ(files().operations(), before) << "a file was changed";
  EXPECT_EQ(state(files()), "copied");
  EXPECT_TRUE(start(files()).ok());
}

TEST_F(RegisteredStartTest, ARecordThatCannotBeReadBarsTheStart) {
  stage(BackupWorld::paths());
  tests::flip_byte(files(), "/log/restore.env", 60);
  expect_barred("cannot be read");
}

TEST_F(RegisteredStartTest, AnInstanceWithoutAGateRefusesToo) {
  ASSERT_TRUE(register_restore(files(), record(BackupWorld::paths())).ok());
  const auto started = Instance::start(files(), options(nullptr));
  ASSERT_FALSE(started.ok());
  EXPECT_TRUE(is(started.error(), EseErr::restore_in_progress)) << started.error().what();
}

TEST_F(RegisteredStartTest, LogsOfAnotherNameAreNotThoseOfTheRestore) {
  stage(BackupWorld::paths());
  RegisteredStart gate;
  InstanceOptions other = options(&gate);
  other.base = "xyz";
  const auto started = Instance::start(files(), other);
  ASSERT_FALSE(started.ok());
  EXPECT_TRUE(is(started.error(), EseErr::restore_in_progress)) << started.error().what();
}

}  // namespace
}  // namespace stillframe::ese
