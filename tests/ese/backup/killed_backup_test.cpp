// Backups and restores that are killed at any step, and restores on a disk that is full at any
// write. Either the files of a backup are whole, or the instance is as if nothing had been begun.
#include <functional>
#include <iostream>
#include <limits>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "framework/base/path.hpp"
#include "tests/ese/support/backup_world.hpp"
#include "tests/io/support/limited_files.hpp"
#include "tests/support/scale.hpp"
#include "writers/ese/backup/directory_backup.hpp"
#include "writers/ese/backup/directory_restore.hpp"
#include "writers/ese/backup/snapshot_session.hpp"
#include "writers/ese/format/ese_error.hpp"

namespace stillframe::ese {
namespace {

using stillframe::tests::CrashingFiles;
using stillframe::tests::scaled;
using tests::BackupPlan;
using tests::BackupSet;
using tests::BackupWorld;

constexpr std::uint32_t kKilledPage = 4096;
constexpr std::size_t kKilledSector = 512;
const BytePath kTaken = "/b";
const std::vector<BytePath> kBack{"/r/one.edb", "/r/two.edb"};

// What a backup leaves behind in an instance.
struct Remembered {
  BackupInfo full, copy, incremental;
  std::vector<BytePath> logs;
};

class KilledBackupTest : public testing::Test {
 protected:
  // One that is taken, and whether what it stored is all there and restores.
  struct Kind {
    std::function<Status(Instance&, FreezableFiles&)> take;
    std::function<bool(Files&)> whole;
  };

  void SetUp() override {
    world_.start();
    work();
  }
  void work() {
    for (int i = 0; i < 2; ++i) {
      world_.work(12);
      ASSERT_TRUE(world_.instance().log().roll().ok());
      ASSERT_TRUE(world_.instance().flush().ok());
    }
  }

  Remembered remembered(Files& files) {
    const DatabaseHeader header = tests::header_of(files, BackupWorld::paths()[0]);
    Remembered now{header.full_previous, header.copy_previous, header.incremental_previous, {}};
    for (const auto& [generation, path] : tests::finished_logs(files, "/log")) {
      now.logs.push_back(path);
    }
    return now;
  }
  static bool same_stamps(const Remembered& a, const Remembered& b) {
    return a.full == b.full && a.copy == b.copy && a.incremental == b.incremental;
  }

  // A run of the instance with this backup; `begun` when all but the backup is done.
  Status run(CrashingFiles& files, const Kind& kind, const std::function<void()>& begun) {
    FreezableFiles freezable(files);
    auto instance = Instance::start(freezable, world_.options());
    if (!instance.ok()) return instance.error();
    for (const BytePath& path : BackupWorld::paths()) {
      auto attached = instance.value()->attach_database(path);
      if (!attached.ok()) return attached.error();
    }
    begun();
    return kind.take(*instance.value(), freezable);
  }

  void expect_as_before_or_whole(CrashingFiles& found, const Kind& kind, const Remembered& before) {
    const bool whole = kind.whole(found);
    const Remembered now = remembered(found);
    for (const BytePath& log : before.logs) EXPECT_TRUE(whole || found.exists(log)) << log;
    EXPECT_TRUE(whole || same_stamps(now, before)) << "the header knows of a backup that is not";
    {
      const auto instance = tests::started(found, world_.options());
      ASSERT_NE(instance, nullptr);
      for (const BytePath& path : BackupWorld::paths()) {
        ASSERT_TRUE(instance->attach_database(path).ok());
      }
      for (const auto& model : world_.state_for(BackupWorld::paths())) {
        model->join(*instance);
        model->expect_committed(*instance);
      }
      ASSERT_TRUE(instance->stop().ok());
    }
    EXPECT_TRUE(whole || same_stamps(remembered(found), before)) << "redo stamped the header";
    whole_ += whole ? 1 : 0;
  }

  void kill_at(std::uint64_t operation, const Kind& kind, const Remembered& before) {
    SCOPED_TRACE("killed at operation " + std::to_string(operation));
    const auto files = world_.files().after_crash(none_, kKilledSector);
    (void)run(*files, kind, [&] { files->stop_at(operation); });
    const auto found = files->after_crash(random_, kKilledSector);
    expect_as_before_or_whole(*found, kind, before);
  }

  // At every step; sanitizers take some, and the first and last ones: before, and where it becomes
  // a backup.
  void kill_everywhere(const Kind& kind) {
    world_.leave();
    const Remembered before = remembered(world_.files());
    std::uint64_t operations = 0;
    {
      const auto files = world_.files().after_crash(none_, kKilledSector);
      std::uint64_t first = 0;
      const Status done = run(*files, kind, [&] { first = files->operations(); });
      ASSERT_TRUE(done.ok()) << done.error().what();
      operations = files->operations() - first;
      EXPECT_FALSE(same_stamps(remembered(*files), before)) << "it remembers nothing";
    }
    whole_ = 0;
    std::uint64_t kills = 0;
    const std::uint64_t last = 12, some = scaled(100);
    for (std::uint64_t at = 1; at <= operations && !HasFailure(); ++at) {
      const bool within = at > 1 && at + last <= operations;
      if (within && random_() % operations >= some) continue;
      kill_at(at, kind, before);
      ++kills;
    }
    std::cout << operations << " operations, " << kills << " kills, " << whole_
              << " left a whole backup\n";
    EXPECT_GT(whole_, 0U);
    EXPECT_LT(whole_, kills);
  }

  // Everything in the folder, whatever a caller would have noted.
  static BackupSet set_in_folder() {
    constexpr auto kAny = std::numeric_limits<std::int32_t>::max();
    return {kTaken, {}, Generation::none, Generation{kAny}};
  }
  bool restores_as_set(Files& files) {
    for (const char* name : {"one.edb", "two.edb"}) {
      if (!files.exists(join_path(kTaken, name))) return false;
    }
    tests::PlacedSet placed = place_set(files, set_in_folder(), "/r");
    placed.restore.low = placed.restore.high = Generation::none;
    return restore_databases(files, placed.restore).ok();
  }
  Generation restores_as_folder(Files& files) {
    InstanceOptions options = world_.options();
    options.logs = "/rlog";
    DirectoryRestore how;
    how.directory = kTaken;
    how.destination = "/r";
    const auto restored = restore_from_directory(files, options, how);
    return restored.ok() ? restored.value().high : Generation::none;
  }

  BackupWorld world_{kKilledPage, 9};
  std::mt19937_64 random_{31}, none_{0};
  std::uint64_t whole_ = 0;
};

TEST_F(KilledBackupTest, AStreamedOneLeavesTheInstanceAsItWasUntilItsFilesAreStored) {
  kill_everywhere({[](Instance& instance, FreezableFiles& files) -> Status {
                     StreamingBackup backup(instance);
                     const auto set = tests::take_backup(backup, files, kTaken);
                     return set.ok() ? Status(Ok{}) : Status(set.error());
                   },
                   [this](Files& files) { return restores_as_set(files); }});
}

TEST_F(KilledBackupTest, OneIntoAFolderLeavesTheInstanceAsItWasUntilTheSetIsWhole) {
  kill_everywhere({[](Instance& instance, FreezableFiles&) {
                     StreamingBackup backup(instance);
                     DirectoryBackup how{.directory = kTaken};
                     return back_up_to_directory(backup, how);
                   },
                   [this](Files& files) { return restores_as_folder(files) > Generation::none; }});
}

TEST_F(KilledBackupTest, AnIncrementalOneLeavesTheSetAsItWasUntilAllItsLogsAreThere) {
  DirectoryBackup full{.directory = kTaken};
  ASSERT_TRUE(back_up_to_directory(world_.backup(), full).ok());
  const Generation high = tests::finished_logs(world_.files(), kTaken).rbegin()->first;
  work();
  kill_everywhere({[](Instance& instance, FreezableFiles&) {
                     StreamingBackup backup(instance);
                     DirectoryBackup how{.directory = kTaken};
                     how.contents = BackupContents::logs_only;
                     return back_up_to_directory(backup, how);
                   },
                   [this, high](Files& files) {
                     const Generation now = restores_as_folder(files);
                     EXPECT_GE(now, high) << "the set from before does not restore";
                     return now > high;
                   }});
}

TEST_F(KilledBackupTest, ASnapshotIsRememberedOnlyAfterItsThaw) {
  bool thawed = false;
  kill_everywhere({[&thawed](Instance& instance, FreezableFiles& files) {
                     thawed = false;
                     SnapshotSession session({.continue_after_thaw = true});
                     Status done = session.add(instance, files);
                     if (done.ok()) done = session.freeze(std::chrono::minutes(10));
                     if (done.ok()) done = session.thaw();
                     thawed = done.ok();
                     if (done.ok()) done = session.truncate_log(true);
                     return done.ok() ? session.end() : done;
                   },
                   [&thawed](Files&) { return thawed; }});
}

// ---- Restores

class KilledRestoreTest : public KilledBackupTest {
 protected:
  void SetUp() override {
    KilledBackupTest::SetUp();
    DirectoryBackup full{.directory = kTaken};
    ASSERT_TRUE(back_up_to_directory(world_.backup(), full).ok());
    work();
    world_.leave();
  }
  // Where the databases are, which lack nothing: whenever it is over they hold the same as before.
  Status restore(Files& files) {
    DirectoryRestore how;
    how.directory = kTaken;
    const auto restored = restore_from_directory(files, world_.options(), how);
    return restored.ok() ? Status(Ok{}) : Status(restored.error());
  }
  // False when the start or one of the databases is refused, since this is a copy of a backup.
  bool starts(Files& files) {
    const auto instance = Instance::start(files, world_.options());
    const auto refused = [](const Error& error) {
      EXPECT_TRUE(is(error, EseErr::soft_recovery_on_backup_database) ||
                  is(error, EseErr::database_dirty_shutdown))
          << error.what();
      return false;
    };
    if (!instance.ok()) return refused(instance.error());
    for (const BytePath& path : BackupWorld::paths()) {
      const auto attached = instance.value()->attach_database(path);
      if (!attached.ok()) return refused(attached.error());
    }
    for (const auto& model : world_.state_for(BackupWorld::paths())) {
      model->join(*instance.value());
      model->expect_committed(*instance.value());
    }
    EXPECT_TRUE(instance.value()->stop().ok());
    return true;
  }
};

TEST_F(KilledRestoreTest, TheTargetDoesNotStartWithACopyThatWasNotRecovered) {
  std::uint64_t operations = 0;
  {
    const auto files = world_.files().after_crash(none_, kKilledSector);
    ASSERT_TRUE(restore(*files).ok());
    operations = files->operations();
  }
  std::uint64_t started = 0, refused = 0;
  for (std::uint64_t at = 1; at <= operations && !HasFailure(); ++at) {
    if (random_() % operations >= scaled(100)) continue;
    SCOPED_TRACE("killed at operation " + std::to_string(at));
    const auto files = world_.files().after_crash(none_, kKilledSector);
    files->stop_at(at);
    (void)restore(*files);
    const auto found = files->after_crash(random_, kKilledSector);
    const auto again = found->after_crash(none_, kKilledSector);
    ++(starts(*found) ? started : refused);
    const Status done = restore(*again);
    ASSERT_TRUE(done.ok()) << done.error().what();
    EXPECT_TRUE(starts(*again));
  }
  std::cout << operations << " operations: " << refused << " times it did not start, " << started
            << " times with what it had or all that was restored\n";
  if (scaled(100) >= operations) {  // of a few it may be none
    EXPECT_GT(refused, 0U);
  }
}

TEST_F(KilledRestoreTest, OnAFullDiskItFailsAndIsBegunAgain) {
  std::uint64_t failed = 0;
  bool done = false;
  for (std::uint64_t room = 0; !done && !HasFailure(); room += 24 << 10) {
    const auto disk = world_.files().after_crash(none_, kKilledSector);
    stillframe::tests::LimitedFiles limited(*disk, 0);
    limited.set_free(room);
    const Status status = restore(limited);
    done = status.ok();
    if (done) break;
    ++failed;
    EXPECT_EQ(status.error().code(), Errc::no_space) << status.error().what();
    (void)starts(*disk->after_crash(none_, kKilledSector));
    const Status again = restore(*disk);
    ASSERT_TRUE(again.ok()) << again.error().what();
    EXPECT_TRUE(starts(*disk));
  }
  EXPECT_TRUE(done);
  EXPECT_GT(failed, 3U);
}

}  // namespace
}  // namespace stillframe::ese
