// Directories of snapshots while others clean up beside them.
#include "framework/providers/common/snapshot_store.hpp"

#include <atomic>
#include <thread>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "framework/base/path.hpp"
#include "framework/io/file.hpp"
#include "tests/support/loop_fs.hpp"
#include "tests/support/scale.hpp"

namespace stillframe::tests {
namespace {

constexpr std::uint64_t kRounds = 100;

class SnapshotStore : public testing::Test {
 protected:
  BytePath store() const { return directory_.path() + "/.stillframe"; }
  SnapshotRecord record(const SetId& set, const SnapshotId& snapshot, SnapshotState state) const {
    SnapshotRecord record;
    record.info.set = record.request.set = set;
    record.info.snapshot = record.request.snapshot = snapshot;
    record.info.provider_name = "test";
    record.info.state = state;
    record.view = "tree";
    return record;
  }
  TemporaryDirectory directory_;
};

// Whoever removes the last snapshot of a set takes the set's directory away, and the store's, while
// another maker is about to put a snapshot into it.
TEST_F(SnapshotStore, ASetsFolderThatACleanerTakesAwayIsMadeAgain) {
  const SetId set = SetId::generate();
  std::atomic<std::uint64_t> made{0};
  const auto make_and_remove = [&] {
    for (std::uint64_t round = 0; round < scaled(kRounds); ++round) {
      auto directory = SnapshotDirectory::create(store(), set, SnapshotId::generate());
      ASSERT_TRUE(directory.ok()) << directory.error().what();
      ++made;
      Status removed = directory.value().remove(store());
      ASSERT_TRUE(removed.ok()) << removed.error().what();
    }
  };
  std::thread one(make_and_remove), two(make_and_remove), three(make_and_remove);
  one.join();
  two.join();
  three.join();
  EXPECT_EQ(made, 3 * scaled(kRounds));
  EXPECT_FALSE(exists(store()));
}

// A query that looks for leftovers takes a directory whose maker has not locked it yet for one.
TEST_F(SnapshotStore, AMakerBesideACleanerGetsItsDirectoryAndKeepsIt) {
  std::atomic<bool> stop{false};
  std::thread cleaner([&] {
    while (!stop) {
      for (const StoredSnapshot& left : look_through(store(), "test").abandoned) {
        auto lock = lock_snapshot(left.directory, LockWait::none);
        if (lock.ok()) (void)remove_snapshot_directory(left.store, left.directory);
      }
    }
  });
  for (std::uint64_t round = 0; round < scaled(kRounds); ++round) {
    const SetId set = SetId::generate();
    const SnapshotId snapshot = SnapshotId::generate();
    auto directory = SnapshotDirectory::create(store(), set, snapshot);
    ASSERT_TRUE(directory.ok()) << directory.error().what();
    Status written = directory.value().write(record(set, snapshot, SnapshotState::preparing));
    EXPECT_TRUE(written.ok()) << written.error().what();
    EXPECT_TRUE(exists(directory.value().entry("record.json"))) << "cleaned away under its maker";
    Status removed = directory.value().remove(store());
    EXPECT_TRUE(removed.ok()) << removed.error().what();
  }
  stop = true;
  cleaner.join();
}

TEST_F(SnapshotStore, TheLockOfASnapshotThatIsGoneIsNotFoundAndMakesNothing) {
  const SetId set = SetId::generate();
  auto directory = SnapshotDirectory::create(store(), set, SnapshotId::generate());
  ASSERT_TRUE(directory.ok());
  const BytePath path = directory.value().path();
  EXPECT_EQ(lock_snapshot(path, LockWait::none).error().code(), Errc::in_progress);
  ASSERT_TRUE(directory.value().remove(store()).ok());
  EXPECT_EQ(lock_snapshot(path).error().code(), Errc::not_found);
  EXPECT_FALSE(exists(path));
}

// A kill between the last renaming and the end of a removal.
TEST_F(SnapshotStore, AHalfRemovedDirectoryIsTakenAwayByTheNextLook) {
  const BytePath gone = join_path(join_path(store(), SetId::generate().to_string()),
                                  ".gone-" + SnapshotId::generate().to_string());
  ASSERT_TRUE(make_directories(gone).ok());
  ASSERT_TRUE(write_file_durably(join_path(gone, "owner"), "").ok());
  const StoreFindings found = look_through(store(), "test");
  EXPECT_TRUE(found.snapshots.empty() && found.abandoned.empty());
  EXPECT_FALSE(exists(gone));
}

// On a volume whose root is an ordinary user's, so may be what is found in a store there.
TEST_F(SnapshotStore, AStoreThatOthersCanChangeIsNone) {
  const SetId set = SetId::generate();
  const SnapshotId snapshot = SnapshotId::generate();
  auto made = SnapshotDirectory::create(store(), set, snapshot);
  ASSERT_TRUE(made.ok()) << made.error().what();
  ASSERT_TRUE(made.value().write(record(set, snapshot, SnapshotState::created)).ok());
  ASSERT_EQ(look_through(store(), "test").snapshots.size(), 1u);
  const auto refused = [&] {
    const StoreFindings found = look_through(store(), "test");
    return found.snapshots.empty() && found.abandoned.empty() && found.unreadable.size() == 1 &&
           !SnapshotDirectory::create(store(), set, SnapshotId::generate()).ok();
  };
  ASSERT_EQ(::chmod(store().c_str(), 0777), 0);
  EXPECT_TRUE(refused());
  ASSERT_EQ(::chmod(store().c_str(), 0700), 0);
  const BytePath moved = store() + ".real";
  ASSERT_EQ(::rename(store().c_str(), moved.c_str()), 0);
  ASSERT_EQ(::symlink(moved.c_str(), store().c_str()), 0);
  EXPECT_TRUE(refused());
  ASSERT_EQ(::unlink(store().c_str()), 0);
  ASSERT_EQ(::rename(moved.c_str(), store().c_str()), 0);
  if (::chown(store().c_str(), 65534, 65534) != 0) return;  // that takes root
  EXPECT_TRUE(refused());
}

}  // namespace
}  // namespace stillframe::tests
