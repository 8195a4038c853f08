#include "framework/coordinator/journal/journal.hpp"

#include <fstream>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include "framework/coordinator/journal/schema.hpp"
#include "tests/support/loop_fs.hpp"
#include "tests/support/scale.hpp"

namespace stillframe::coordinator {
namespace {

class JournalTest : public ::testing::Test {
 protected:
  std::unique_ptr<Journal> open() {
    auto journal = Journal::open(file_);
    EXPECT_TRUE(journal.ok()) << (journal.ok() ? "" : journal.error().what());
    return journal.ok() ? std::move(journal).value() : nullptr;
  }
  Error refusal() {
    auto journal = Journal::open(file_);
    EXPECT_FALSE(journal.ok());
    return journal.ok() ? Error(Errc::internal, "opened") : journal.error();
  }
  void sql(const std::string& text) {
    sqlite3* db = nullptr;
    ASSERT_EQ(sqlite3_open(file_.c_str(), &db), SQLITE_OK);
    ASSERT_EQ(sqlite3_exec(db, text.c_str(), nullptr, nullptr, nullptr), SQLITE_OK);
    sqlite3_close(db);
  }

  tests::TemporaryDirectory directory_{"journal"};
  std::string file_ = directory_.path() + "/journal.sqlite";
};

JournalledSnapshot snapshot(const SetId& set, bool auto_release = true) {
  JournalledSnapshot s;
  s.info.snapshot = SnapshotId::generate();
  s.info.set = set;
  s.info.provider = ProviderId::generate();
  s.info.provider_name = "btrfs";
  s.info.volume.id = "btrfs:one:5";
  s.info.volume.mount_point = std::string("/srv/\xff\n") + "odd";
  s.info.volume.st_dev = ~std::uint64_t{0};
  s.info.root = "/srv/.snap";
  s.info.created = WallTime(std::chrono::seconds(1'700'000'000));
  s.session = SessionId::generate();
  s.auto_release = auto_release;
  return s;
}

JournalledBackup backup() {
  JournalledBackup b;
  b.receipt.backup = BackupId::generate();
  b.receipt.session = SessionId::generate();
  b.receipt.set = SetId::generate();
  b.receipt.manifest_sha256 = std::string(64, 'a');
  b.receipt.published = WallTime(std::chrono::seconds(1'700'000'000));
  b.chain_owner = "nightly@here";
  b.outcome = "published";
  JournalledComponent c;
  c.writer_class = WriterClassId::generate();
  c.instance_name = "orders-1";
  c.name = {"Stores/EU", "Orders"};
  c.stamp = "lsn:42";
  c.label = Consistency::application_consistent;
  b.components.push_back(c);
  return b;
}

TEST_F(JournalTest, SnapshotsAreTheSameAfterReopening) {
  const SetId set = SetId::generate();
  const auto kept = snapshot(set, false), released = snapshot(set, true);
  ASSERT_TRUE(open()->record_snapshots({kept, released}).ok());

  auto found = open()->snapshots();
  ASSERT_TRUE(found.ok());
  EXPECT_THAT(found.value().size(), 2u);
  for (const auto& s : found.value()) EXPECT_TRUE(s == kept || s == released);
}

TEST_F(JournalTest, ForgettingASetLeavesOtherSets) {
  auto journal = open();
  const SetId gone = SetId::generate(), stays = SetId::generate();
  ASSERT_TRUE(journal->record_snapshots({snapshot(gone), snapshot(gone), snapshot(stays)}).ok());
  ASSERT_TRUE(journal->forget_set(gone).ok());
  ASSERT_EQ(journal->snapshots().value().size(), 1u);
  EXPECT_EQ(journal->snapshots().value().front().info.set, stays);
}

TEST_F(JournalTest, ReceiptAndChainSurvive) {
  auto b = backup();
  ASSERT_TRUE(open()->record_receipt(b).ok());
  {
    auto journal = open();
    ASSERT_TRUE(journal->component_completed(b.receipt.backup, b.components[0]).ok());
    ASSERT_TRUE(journal->record_outcome(b.receipt.backup, "completed").ok());
  }
  b.components[0].completed = true;
  b.outcome = "completed";
  auto found = open()->backup(b.receipt.backup);
  ASSERT_TRUE(found.ok()) << found.error().what();
  EXPECT_EQ(found.value(), b);
}

TEST_F(JournalTest, TheSameReceiptTwiceIsOneAndAnotherIsRefused) {
  auto journal = open();
  auto b = backup();
  ASSERT_TRUE(journal->record_receipt(b).ok());
  EXPECT_TRUE(journal->record_receipt(b).ok());
  b.receipt.manifest_sha256 = std::string(64, 'b');
  EXPECT_EQ(journal->record_receipt(b).error().code(), Errc::already_exists);
}

TEST_F(JournalTest, EvidenceIsReplacedByLaterEvidence) {
  auto journal = open();
  Evidence evidence;
  evidence.set = SetId::generate();
  evidence.label = Consistency::crash_consistent;
  ASSERT_TRUE(journal->record_evidence(evidence).ok());
  evidence.outcome = "completed";
  ASSERT_TRUE(journal->record_evidence(evidence).ok());
  EXPECT_EQ(journal->evidence(evidence.set).value(), evidence);
  EXPECT_EQ(journal->evidence(SetId::generate()).error().code(), Errc::not_found);
}

TEST_F(JournalTest, RestoresKeepTheirComponentAndState) {
  JournalledRestore restore;
  restore.session = SessionId::generate();
  restore.component.writer_class = WriterClassId::generate();
  restore.component.instance_name = "orders-1";
  restore.component.name = {"Stores", "Orders"};
  restore.component.restore.emplace().metadata = "opaque";
  restore.state = JournalledRestore::State::post_restore_owed;
  restore.since = WallTime(std::chrono::seconds(5));
  ASSERT_TRUE(open()->record_restore(restore).ok());
  auto journal = open();
  ASSERT_EQ(journal->restores().value().size(), 1u);
  EXPECT_EQ(journal->restores().value().front(), restore);
  ASSERT_TRUE(journal->forget_restore(restore.session, restore.component).ok());
  EXPECT_TRUE(journal->restores().value().empty());
}

TEST_F(JournalTest, BytesThatAreNoJournalAreRefusedWithTheWayOut) {
  std::ofstream(file_) << "this is a text file, long enough to be taken for a page of something";
  const Error error = refusal();
  EXPECT_EQ(error.code(), Errc::corrupt);
  EXPECT_NE(error.what().find("move the file aside"), std::string::npos) << error.what();
}

TEST_F(JournalTest, DamageInsideAPageIsRefused) {
  {
    auto journal = open();
    std::vector<JournalledSnapshot> many(200, snapshot(SetId::generate()));
    for (auto& s : many) s.info.snapshot = SnapshotId::generate();
    ASSERT_TRUE(journal->record_snapshots(many).ok());
  }
  const int fd = ::open(file_.c_str(), O_RDWR | O_CLOEXEC);
  const std::string junk(6000, '\x5a');
  ASSERT_EQ(::pwrite(fd, junk.data(), junk.size(), 8192), static_cast<ssize_t>(junk.size()));
  ::close(fd);
  EXPECT_EQ(refusal().code(), Errc::corrupt);
}

TEST_F(JournalTest, AFileOfALaterProgramIsRefusedAndLeftAlone) {
  (void)open();
  sql("PRAGMA user_version = 7");
  const Error error = refusal();
  EXPECT_EQ(error.code(), Errc::future_version);
  EXPECT_NE(error.what().find("version 7"), std::string::npos) << error.what();
  sql("PRAGMA user_version = " + std::to_string(kJournalVersion));
  EXPECT_NE(open(), nullptr);
}

TEST_F(JournalTest, SomebodyElsesDatabaseIsRefused) {
  sql("CREATE TABLE songs(title TEXT)");
  EXPECT_EQ(refusal().code(), Errc::corrupt);
}

TEST_F(JournalTest, ASecondOpenerIsToldWhoIsInTheWay) {
  auto first = open();
  ASSERT_TRUE(first->record_snapshots({snapshot(SetId::generate())}).ok());
  EXPECT_EQ(refusal().code(), Errc::in_progress);
}

TEST_F(JournalTest, ARowThatLiesIsCorruptNotEmpty) {
  ASSERT_TRUE(open()->record_snapshots({snapshot(SetId::generate())}).ok());
  sql("UPDATE snapshots SET info = '{\"snapshot\":7}'");
  EXPECT_EQ(open()->snapshots().error().code(), Errc::corrupt);
}

// A child writes numbered receipts and says which returned; whenever it is killed, every receipt it
// spoke of is there, and the file opens.
TEST_F(JournalTest, WhatWasAnsweredIsThereAfterAKillAtAnyMoment) {
  std::vector<JournalledBackup> said;
  const auto rounds = tests::scaled(12);
  for (std::uint64_t round = 0; round < rounds; ++round) {
    std::vector<JournalledBackup> backups;
    for (int i = 0; i < 64; ++i) backups.push_back(backup());
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      auto journal = Journal::open(file_);
      if (!journal.ok()) ::_exit(1);
      for (const auto& b : backups) {
        if (!journal.value()->record_receipt(b).ok()) ::_exit(1);
        if (::write(ends[1], "x", 1) != 1) ::_exit(1);
      }
      for (;;) ::pause();
    }
    ::close(ends[1]);
    char byte = 0;
    std::size_t count = 0;
    // The kill lands at a different write each round, wherever in it the child then is.
    while (count < 1 + 5 * round % 60 && ::read(ends[0], &byte, 1) == 1) ++count;
    ::kill(child, SIGKILL);
    while (::read(ends[0], &byte, 1) == 1) ++count;
    ::close(ends[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status));
    said.insert(said.end(), backups.begin(), backups.begin() + static_cast<long>(count));

    auto journal = open();
    ASSERT_NE(journal, nullptr);
    for (const auto& b : said) {
      auto found = journal->backup(b.receipt.backup);
      ASSERT_TRUE(found.ok()) << found.error().what();
      ASSERT_EQ(found.value(), b);
    }
  }
}

}  // namespace
}  // namespace stillframe::coordinator
