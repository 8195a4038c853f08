// The writer's backups through a real coordinator, with snapshots of a real folder, and back.
#include <filesystem>
#include <fstream>

#include "tests/ese/writer/ese_backup_fixture.hpp"

namespace stillframe::ese {
namespace {

namespace fs = std::filesystem;

using EseWriterBackupTest = tests::EseWriterBackupTest;

TEST_F(EseWriterBackupTest, AFullBackupBringsBackWhatWasCommitted) {
  const std::string set = backed_up(BackupType::full);
  ASSERT_FALSE(set.empty());
  rows_.add_rows(50);  // after the backup: gone with the restore
  expect_restored(set);
  rows_.expect_rows(80);
  rows_.add_rows(10);
  rows_.expect_rows(90);
  bool aside = false;
  for (const auto& entry : fs::directory_iterator(rows_.logs())) {
    aside = aside || entry.path().filename().string().starts_with("replaced-");
  }
  EXPECT_TRUE(aside) << "newer logs are nobody's to delete";
}

TEST_F(EseWriterBackupTest, IncrementalBackupsGoOnFromTheFullOne) {
  ASSERT_FALSE(backed_up(BackupType::full).empty());
  std::string last;
  for (int i = 0; i < 2; ++i) {
    rows_.add_rows(70);
    last = backed_up(BackupType::incremental);
    ASSERT_FALSE(last.empty());
  }
  rows_.add_rows(5);
  expect_restored(last);
  rows_.expect_rows(80 + 2 * 70);
}

// Each has all since the full one; the first of them is not needed for the second.
TEST_F(EseWriterBackupTest, ADifferentialBackupIsRestoredWithTheFullOneAlone) {
  ASSERT_FALSE(backed_up(BackupType::full).empty());
  std::string first, last;
  for (std::string* set : {&first, &last}) {
    rows_.add_rows(70);
    *set = backed_up(BackupType::differential);
    ASSERT_FALSE(set->empty());
  }
  fs::remove_all(first);
  rows_.add_rows(5);
  expect_restored(last);
  rows_.expect_rows(80 + 2 * 70);
}

// An increment cuts the logs that a differential backup would have to have.
TEST_F(EseWriterBackupTest, ADifferentialBackupAfterAnIncrementIsRefused) {
  ASSERT_FALSE(backed_up(BackupType::full).empty());
  rows_.add_rows(20);
  ASSERT_FALSE(backed_up(BackupType::incremental).empty());
  const auto refused = backup(BackupType::differential);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), Errc::chain_broken) << refused.error().what();
}

// Two stores: a full backup into one cuts the logs that increments in the other would need.
TEST_F(EseWriterBackupTest, AnIncrementOfAnythingButTheNewestBackupIsRefused) {
  ASSERT_FALSE(backed_up(BackupType::full).empty());
  rows_.add_rows(20);
  requestor::BackupRequest other;
  other.store = base + "/other";
  other.options.type = BackupType::full;
  stillframe::tests::QuietObserver observer;
  {
    Client requestor = client();
    const auto report = requestor::run_backup(requestor, other, observer);
    ASSERT_TRUE(report.ok()) << report.error().what();
    ASSERT_TRUE(report.value().finish.ok()) << report.value().finish.error().what();
  }
  requestor::BackupRequest request;
  request.store = store;
  request.options.type = BackupType::incremental;
  Client requestor = client();
  const auto report = requestor::run_backup(requestor, request, observer);
  ASSERT_FALSE(report.ok() && report.value().finish.ok());
  const Error refused = report.ok() ? report.value().finish.error() : report.error();
  EXPECT_NE(refused.what().find("not the one that this increment builds on"), std::string::npos)
      << refused.what();
}

TEST_F(EseWriterBackupTest, ARestoreToOtherPlacesLeavesTheInstanceAlone) {
  ASSERT_FALSE(backed_up(BackupType::full).empty());
  rows_.add_rows(30);
  const std::string set = backed_up(BackupType::incremental);
  rows_.add_rows(20);
  const auto instance = rows_.hosted().get();
  const std::string copy = base + "/copy";
  expect_restored(set, {{base + "/app", copy}});
  expect_copy(copy, 110);
  EXPECT_FALSE(fs::exists(copy + "/logs/restore.env"));
  EXPECT_EQ(rows_.hosted().get(), instance) << "it was never closed";
  rows_.add_rows(1);

  const Status again = restored(set, {{base + "/app", copy}});
  ASSERT_FALSE(again.ok());
  EXPECT_EQ(again.error().code(), Errc::already_exists) << again.error().what();
  rows_.expect_rows(131);
}

TEST_F(EseWriterBackupTest, LogsAndDatabasesMoveTogetherOrNotAtAll) {
  const std::string set = backed_up(BackupType::full);
  ASSERT_FALSE(set.empty());
  const Status refused = restored(set, {{rows_.logs(), base + "/copy"}});
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().what().find("one.edb' would stay"), std::string::npos)
      << refused.error().what();
  EXPECT_NE(rows_.hosted().get(), nullptr);
  EXPECT_FALSE(fs::exists(base + "/copy"));
}

TEST_F(EseWriterBackupTest, OneDatabaseOfSeveralIsHadInAnotherPlace) {
  const std::string set = backed_up(BackupType::full);
  ASSERT_FALSE(set.empty());
  const std::string copy = base + "/copy";
  for (const auto& [members, why] : std::vector<std::pair<std::vector<std::string>, std::string>>{
           {{"one.edb"}, "choose 'Instance/Logs' too"}, {{"Logs", "one.edb"}, ""}}) {
    const Status done = restored(set, {{base + "/app", copy}}, false, members);
    EXPECT_EQ(done.ok(), why.empty()) << (done.ok() ? "" : done.error().what());
    if (!done.ok()) {
      EXPECT_NE(done.error().what().find(why), std::string::npos) << done.error().what();
    }
  }
  const auto tables = tool::esectl({"tables", "--json", copy + "/one.edb"}).json();
  EXPECT_EQ(tables["tables"][0]["rows"], 80) << tables;
  EXPECT_FALSE(fs::exists(copy + "/two.edb"));

  rows_.expect_rows(80);
}

// The other one keeps what came later, and its logs.
TEST_F(EseWriterBackupTest, OneDatabaseIsRestoredToItsPlaceBesideOneThatStays) {
  const std::string set = backed_up(BackupType::full);
  ASSERT_FALSE(set.empty());
  rows_.add_rows(50);
  const Status without_place = restored(set, {}, false, {"Logs", "one.edb"});
  ASSERT_FALSE(without_place.ok());
  EXPECT_EQ(without_place.error().code(), Errc::not_supported);
  EXPECT_NE(without_place.error().what().find(rows_.logs()), std::string::npos);
  rows_.expect_rows(130);

  const Status done = restored(set, {{rows_.logs(), base + "/staged"}}, false, {"Logs", "one.edb"});
  ASSERT_TRUE(done.ok()) << done.error().what();
  EXPECT_FALSE(fs::exists(rows_.logs() + "/restore.env"));
  rows_.expect_rows_each(80, 130);
  // What is committed from here on survives a crash, in both.
  rows_.add_rows(10);
  rows_.crash();
  rows_.expect_rows_each(90, 140);
  // It knows of no backup.
  const auto increment = backup(BackupType::incremental);
  EXPECT_FALSE(increment.ok() && increment.value().finish.ok());
  EXPECT_FALSE(backed_up(BackupType::full).empty());
}

// The application cannot start any more, and has no orderly end behind it.
TEST_F(EseWriterBackupTest, ALostDatabaseIsRestoredBesideOneThatHasToBeRecovered) {
  const std::string full = backed_up(BackupType::full);
  rows_.add_rows(30);
  const std::string increment = backed_up(BackupType::incremental);
  ASSERT_FALSE(full.empty() || increment.empty());
  rows_.add_rows(50);
  rows_.hosted().let_go();
  ASSERT_TRUE(fs::remove(rows_.database(0)));
  {
    std::ofstream damaged(rows_.database(0), std::ios::binary);
    damaged << "no database any more";
  }
  ASSERT_FALSE(rows_.hosted().open().ok());
  const Status done =
      restored(increment, {{rows_.logs(), base + "/staged"}}, false, {"Logs", "one.edb"});
  ASSERT_TRUE(done.ok()) << done.error().what();
  rows_.expect_rows_each(110, 160);
}

TEST_F(EseWriterBackupTest, DatabasesThatAreNamedAreCopiedOrReplaced) {
  const std::string set = backed_up(BackupType::full);
  rows_.add_rows(20);
  const std::string folder = base + "/elsewhere";
  const Status refused = restored(set, {{base + "/app", folder}}, false, {"one.edb"});
  EXPECT_FALSE(refused.ok()) << "without logs";
  const Status done = restored(set, {{base + "/app", folder}}, false, {"Logs", "two.edb"});
  ASSERT_TRUE(done.ok()) << done.error().what();
  const Status again =
      restored(set, {{rows_.logs(), base + "/staged"}}, false, {"Logs", "one.edb", "two.edb"});
  ASSERT_TRUE(again.ok()) << again.error().what();
  rows_.expect_rows(80);
  EXPECT_FALSE(fs::exists(folder + "/one.edb"));
}

// Killed before its files were there, the instance does not run with half a database.
TEST_F(EseWriterBackupTest, AnInstanceDoesNotStartWhileADatabaseOfItIsReplaced) {
  const std::string set = backed_up(BackupType::full);
  CallContext call;
  call.session = SessionId::generate();
  RestoreView restore;
  BackupComponent component;
  component.name = log_stream_component();
  component.restore.emplace();
  component.restore->subcomponents = {logs_component(), component_of(rows_.database(0))};
  component.restore->new_targets.push_back(
      {rows_.logs(), log_pattern(rows_.hosted().places()), false, base + "/staged", {}});
  restore.components = {component};
  const Status begun = writer_.pre_restore(call, restore);
  ASSERT_TRUE(begun.ok()) << begun.error().what();
  ASSERT_TRUE(writer_.restore_register(call, {}, {}).ok());
  EXPECT_EQ(rows_.hosted().open().error().code(), Errc::interlocked);
  ASSERT_TRUE(writer_.restore_complete(call, component.name, Error(Errc::io, "no disk")).ok());
  EXPECT_FALSE(writer_.post_restore(call, restore).ok());
  writer_.restore_end(call);
  EXPECT_EQ(rows_.hosted().open().error().code(), Errc::interlocked);
}

// Recovered too early, what the first one brought would not go with the second one's logs.
TEST_F(EseWriterBackupTest, RecoveryWaitsForRestoresThatFollow) {
  const std::string full = backed_up(BackupType::full);
  rows_.add_rows(30);
  const std::string increment = backed_up(BackupType::incremental);
  rows_.add_rows(20);
  const Status first = restored(full, {}, true);
  ASSERT_TRUE(first.ok()) << first.error().what();
  EXPECT_EQ(rows_.hosted().get(), nullptr) << "not open yet";
  expect_restored(increment);
  rows_.expect_rows(110);
}

// A page that has gone bad on the disk fails the backup, and no log goes.
TEST_F(EseWriterBackupTest, ADamagedPageIsFoundWhileItIsCopied) {
  ASSERT_TRUE(rows_.hosted().get()->flush().ok());
  ASSERT_TRUE(rows_.hosted().get()->log().roll().ok());
  {
    std::fstream file(rows_.database(1), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(7 * 4096 + 300);
    file.write("damage", 6);
  }
  const std::size_t logs = rows_.finished_logs();
  requestor::BackupRequest request;
  request.store = store;
  request.verifiers = {&verifier_};
  stillframe::tests::QuietObserver observer;
  Client requestor = client();
  const auto report = requestor::run_backup(requestor, request, observer);
  const bool failed = !report.ok() || !report.value().finish.ok();
  EXPECT_TRUE(failed);
  EXPECT_GE(rows_.finished_logs(), logs);
}

}  // namespace
}  // namespace stillframe::ese
