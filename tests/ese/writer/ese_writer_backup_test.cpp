// The writer's backups through a real coordinator, with snapshots of a real folder, and back.
#include "requestor/restore/restore_run.hpp"
#include "tests/ese/writer/hosted_rows.hpp"
#include "tests/requestor/embedded_fixture.hpp"
#include "writers/ese/writer/ese_verifier.hpp"
#include "writers/ese/writer/ese_writer.hpp"

namespace stillframe::ese {
namespace {

namespace fs = std::filesystem;

class EseWriterBackupTest : public stillframe::tests::EmbeddedFixture {
 protected:
  void SetUp() override {
    rows_.create();
    rows_.add_rows(80);
    start_coordinator();
    ASSERT_TRUE(coordinator->add_writer(writer_).ok());
  }

  std::string backed_up(BackupType type) {
    requestor::BackupRequest request;
    request.store = store;
    request.options.type = type;
    request.verifiers = {&verifier_};
    stillframe::tests::QuietObserver observer;
    Client requestor = client();
    auto report = requestor::run_backup(requestor, request, observer);
    EXPECT_TRUE(report.ok()) << report.error().what();
    if (!report.ok()) return "";
    EXPECT_TRUE(report.value().finish.ok()) << report.value().finish.error().what();
    return report.value().path;
  }
  void expect_restored(const std::string& set) {
    requestor::RestoreRequest request;
    request.set = set;
    request.pending = base + "/pending";
    stillframe::tests::QuietObserver observer;
    Client requestor = client();
    const auto outcome = requestor::run_restore(requestor, request, observer);
    ASSERT_TRUE(outcome.ok()) << outcome.error().what();
    ASSERT_TRUE(outcome.value().finish.ok()) << outcome.value().finish.error().what();
  }

  tests::HostedRows rows_{base + "/app"};
  EseWriter writer_{rows_.hosted(), "rows"};
  EseVerifier verifier_;
};

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
