// One of two databases is lost while transactions are open in both. Whichever comes back first, the
// log says then that all is rolled back, and what is open in the other one is undone later.
#include <vector>

#include <gtest/gtest.h>

#include "tests/ese/support/backup_world.hpp"
#include "writers/ese/format/record_transaction.hpp"

namespace stillframe::ese {
namespace {

using tests::BackupWorld;
using tests::PlacedSet;

constexpr std::uint32_t kPartialPage = 4096;
const BytePath kLost = "/db/one.edb", kOther = "/db/two.edb", kElsewhere = "/new/one.edb",
               kLogFolder = "/log";

class PartialRestoreTest : public testing::TestWithParam<std::uint64_t> {
 protected:
  void SetUp() override {
    world_.start();
    world_.work(20);
    const auto set = tests::take_backup(world_.backup(), files(), "/set");
    ASSERT_TRUE(set.ok()) << set.error().what();
    set_ = set.value();
    world_.load_beside(30, [] {});
    world_.leave();
  }
  tests::CrashingFiles& files() { return world_.files(); }

  void restore_lost(const BytePath& to = kLost) {
    PlacedSet placed = place_set(files(), set_, "/r");
    tests::copy_file(files(), placed.databases[0], to);
    placed.restore.databases = {{kLost, to}};
    placed.restore.logs = placed.restore.checkpoint = kLogFolder;
    const auto restored = restore_databases(files(), placed.restore);
    ASSERT_TRUE(restored.ok()) << restored.error().what();
  }
  void expect_at_end(const std::vector<BytePath>& places) {
    world_.expect_state(world_.state_for(places), places, world_.options());
  }

  BackupWorld world_{kPartialPage, GetParam()};
  tests::BackupSet set_;
};
INSTANTIATE_TEST_SUITE_P(Seeds, PartialRestoreTest, testing::Range<std::uint64_t>(1, 7));

TEST_P(PartialRestoreTest, TheOtherDatabaseIsRecoveredAfterIt) {
  restore_lost();
  expect_at_end({kLost, kOther});
}

TEST_P(PartialRestoreTest, ItIsRolledForwardThroughARecoveryWithoutIt) {
  ASSERT_TRUE(files().remove(kLost).ok());
  expect_at_end({"", kOther});
  restore_lost();
  expect_at_end({kLost, kOther});
}

// What the restore adds to the log does not fit on the last generation, and the next one does not
// know of the other database.
TEST_P(PartialRestoreTest, TheOtherDatabaseIsRecoveredThoughTheRestoreBeganALog) {
  world_.start();
  const auto segments_left = [&] {
    return world_.instance().log().header().fields.file_segments -
           world_.instance().log().end().isec;
  };
  const std::vector<std::byte> text(100, std::byte{'.'});
  const auto note = encode_record(NoteRecord{}, {Bytes(text)});
  for (int i = 0; i < 100'000 && segments_left() > 2; ++i) {
    ASSERT_TRUE(world_.instance().log().append(note).ok());
  }
  ASSERT_LE(segments_left(), 2);
  const Generation last = world_.instance().log().end().generation;
  world_.leave();
  restore_lost();
  const auto logs = tests::finished_logs(files(), kLogFolder);
  ASSERT_FALSE(logs.empty());
  EXPECT_EQ(logs.rbegin()->first, last) << "it began the next one";
  expect_at_end({kLost, kOther});
}

// The instance's own logs are gone, and those that began after the restore have numbers that the
// other database needs too.
TEST_P(PartialRestoreTest, LogsOfAnotherPastAreNotReplayedIntoTheOther) {
  const BytePath aside = "/aside/two.edb";
  tests::copy_file(files(), kOther, aside);
  ASSERT_TRUE(files().remove(kOther).ok());
  const auto names = files().list(kLogFolder);
  ASSERT_TRUE(names.ok());
  for (const BytePath& name : names.value())
    ASSERT_TRUE(files().remove(kLogFolder + "/" + name).ok());
  restore_lost();
  const Generation needed = tests::header_of(files(), aside).gen_max_committed;
  {
    const auto instance = tests::started(files(), world_.options());
    ASSERT_NE(instance, nullptr);
    const std::vector<std::byte> text(100, std::byte{'.'});
    const auto note = encode_record(NoteRecord{}, {Bytes(text)});
    for (int i = 0; i < 100'000 && instance->log().end().generation <= needed; ++i)
      ASSERT_TRUE(instance->log().append(note).ok());
    ASSERT_GT(instance->log().end().generation, needed);
    ASSERT_TRUE(instance->log().make_all_durable().ok());
  }
  tests::copy_file(files(), aside, kOther);
  const DatabaseHeader before = tests::header_of(files(), kOther);
  const auto instance = tests::started(files(), world_.options());
  ASSERT_NE(instance, nullptr);
  const auto refused = instance->attach_database(kOther);
  ASSERT_FALSE(refused.ok());
  EXPECT_TRUE(is(refused.error(), EseErr::database_dirty_shutdown)) << refused.error().what();
  EXPECT_EQ(tests::header_of(files(), kOther), before);
}

// ---- To another place, by the log of the instance. A start without a map then recovers what is
// where the log says, and leaves alone what was restored.

TEST_P(PartialRestoreTest, BothAreRecoveredWhereTheyWereAfterOneWasRestoredElsewhere) {
  restore_lost(kElsewhere);
  expect_at_end({kLost, kOther});
}

TEST_P(PartialRestoreTest, TheOneElsewhereIsAttachedBesideTheOther) {
  restore_lost(kElsewhere);
  expect_at_end({kElsewhere, kOther});
}

TEST_P(PartialRestoreTest, ALostOneIsRestoredElsewhere) {
  ASSERT_TRUE(files().remove(kLost).ok());
  restore_lost(kElsewhere);
  expect_at_end({kElsewhere, kOther});
}

TEST_P(PartialRestoreTest, ALostOneIsRestoredElsewhereAfterAStartWithoutIt) {
  ASSERT_TRUE(files().remove(kLost).ok());
  expect_at_end({"", kOther});
  restore_lost(kElsewhere);
  expect_at_end({kElsewhere, kOther});
}

TEST_P(PartialRestoreTest, ACrashAfterOneWasRestoredElsewhereIsRecovered) {
  restore_lost(kElsewhere);
  world_.start();
  world_.load_beside(30, [] {});
  world_.leave();
  expect_at_end({kLost, kOther});
}

}  // namespace
}  // namespace stillframe::ese
