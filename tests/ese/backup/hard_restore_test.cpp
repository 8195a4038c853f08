// What a restore refuses, each with its own error and nothing changed; and what it does when it is
// interrupted.
#include "writers/ese/backup/hard_restore.hpp"

#include <functional>
#include <iostream>
#include <map>
#include <random>

#include <gtest/gtest.h>

#include "framework/base/path.hpp"
#include "tests/ese/support/backup_world.hpp"
#include "tests/support/scale.hpp"
#include "writers/ese/format/backup_trailer.hpp"
#include "writers/ese/format/ese_error.hpp"
#include "writers/ese/format/log_names.hpp"
#include "writers/ese/recovery/log_files.hpp"
#include "writers/ese/recovery/recovery_journal.hpp"

namespace stillframe::ese {
namespace {

using stillframe::tests::CrashingFiles;
using tests::BackupSet;
using tests::BackupWorld;
using tests::bytes_of_file;
using tests::copy_file;
using tests::flip_byte;
using tests::place_set;
using tests::PlacedSet;

constexpr std::uint32_t kDatabasePage = 4096;
const BytePath kPlace = "/r", kSet = "/r/set", kLog = "/r/log", kPlacedOne = "/r/one.edb";

// A backup with several logs, and logs that go on from it.
class HardRestoreTest : public testing::Test {
 protected:
  void SetUp() override {
    world_.start();
    world_.work(40);
    ASSERT_TRUE(world_.instance().flush().ok());
    const auto set = tests::take_backup(world_.backup(), files(), "/set",
                                        {.truncate = false, .before_logs = [this] {
                                           for (int i = 0; i < 2; ++i) {
                                             world_.work(10);
                                             ASSERT_TRUE(world_.instance().log().roll().ok());
                                           }
                                         }});
    ASSERT_TRUE(set.ok()) << set.error().what();
    set_ = set.value();
    at_backup_ = world_.state_for({kPlacedOne, "/r/two.edb"});
    for (int i = 0; i < 2; ++i) {
      world_.work(10);
      ASSERT_TRUE(world_.instance().log().roll().ok());
    }
    world_.work(10);
    at_end_ = world_.state_for({kPlacedOne, "/r/two.edb"});
    world_.leave();
    placed_ = place_set(files(), set_, kPlace);
    ASSERT_GE(count(set_.low, set_.high), 3);
  }

  CrashingFiles& files() { return world_.files(); }
  HardRestore& restore() { return placed_.restore; }
  static int count(Generation low, Generation high) {
    return static_cast<int>(high) - static_cast<int>(low) + 1;
  }
  // The log of the set that is so many behind its first one.
  Generation generation(int behind) const {
    return Generation{static_cast<std::int32_t>(set_.low) + behind};
  }
  static BytePath log_in(const BytePath& directory, Generation generation) {
    return join_path(directory, archived_log_name("edb", generation, LogExtensions::log_chk));
  }
  BytePath log(int behind) const { return log_in(kSet, generation(behind)); }
  void bring(Generation generation) {
    copy_file(files(), log_in("/log", generation), log_in(kLog, generation));
  }
  Generation behind_set(int by) const {
    return Generation{static_cast<std::int32_t>(set_.high) + by};
  }

  std::map<BytePath, std::vector<std::byte>> everything() {
    std::map<BytePath, std::vector<std::byte>> all;
    for (const BytePath& directory : {kPlace, kSet, kLog}) {
      const auto names = files().list(directory);
      EXPECT_TRUE(names.ok());
      for (const BytePath& name : names.value()) {
        const BytePath path = join_path(directory, name);
        all[path] = bytes_of_file(files(), path);
      }
    }
    return all;
  }
  // With this error, and not a byte changed.
  void expect_refused(EseErr err) {
    const auto before = everything();
    const auto restored = restore_databases(files(), restore());
    ASSERT_FALSE(restored.ok()) << "it was restored";
    EXPECT_TRUE(is(restored.error(), err)) << restored.error().what();
    EXPECT_TRUE(everything() == before) << "something was changed";
  }
  void expect_restored(const BackupWorld::State& state) {
    const auto restored = restore_databases(files(), restore());
    ASSERT_TRUE(restored.ok()) << restored.error().what();
    world_.expect_state(state, placed_.databases, restore().logs);
  }

  void change_log_header(const BytePath& path, const std::function<void(LogHeader&)>& change) {
    auto file = files().open(path, FileAccess::write);
    ASSERT_TRUE(file.ok());
    std::vector<std::byte> bytes(LogHeader::kFileBytes);
    ASSERT_TRUE(file.value()->read(0, bytes).ok());
    auto header = decode_log_header(bytes, path);
    ASSERT_TRUE(header.ok());
    change(header.value().fields);
    const auto encoded = encode_log_header(header.value());
    ASSERT_TRUE(encoded.ok());
    ASSERT_TRUE(file.value()->write(0, encoded.value()).ok());
  }
  void change_header(const BytePath& path, const std::function<void(DatabaseHeader&)>& change) {
    DatabaseHeader header = tests::header_of(files(), path);
    change(header);
    auto file = files().open(path, FileAccess::write);
    DatabaseStore store(std::move(file).value(), kDatabasePage);
    ASSERT_TRUE(store.write_header(header).ok());
  }
  void change_trailer(const BytePath& path, const std::function<void(MutableBytes)>& change) {
    auto file = files().open(path, FileAccess::write);
    std::vector<std::byte> page(kDatabasePage);
    const std::uint64_t at = file.value()->size().value() - kDatabasePage;
    ASSERT_TRUE(file.value()->read(at, page).ok());
    change(page);
    ASSERT_TRUE(file.value()->write(at, page).ok());
  }

  BackupWorld world_{kDatabasePage, 3};
  BackupSet set_;
  PlacedSet placed_;
  BackupWorld::State at_backup_, at_end_;
};

TEST_F(HardRestoreTest, WhatIsRestoredIsWhatTheBackupHad) {
  expect_restored(at_backup_);
}

TEST_F(HardRestoreTest, TheRangeCanBeThatOfTheFiles) {
  restore().low = restore().high = Generation::none;
  expect_restored(at_backup_);
}

TEST_F(HardRestoreTest, NewerLogsMayLieInTheFolderOfTheSet) {
  for (int by = 1; by <= 2; ++by) {
    copy_file(files(), log_in("/log", behind_set(by)), log_in(kSet, behind_set(by)));
  }
  copy_file(files(), "/log/edb.log", kSet + "/edb.log");
  restore().logs = restore().checkpoint = kSet;
  expect_restored(at_end_);
}

TEST_F(HardRestoreTest, BesideARunningInstanceItsLogsAreOnlyRead) {
  world_.start();
  const auto last = finish_log_for_restore(world_.instance());
  ASSERT_TRUE(last.ok()) << last.error().what();
  restore().running_logs = "/log";
  restore().running_last = last.value();
  world_.work(5);  // is in newer logs
  const auto before = bytes_of_file(files(), "/log/edb.log");
  expect_restored(at_end_);
  EXPECT_EQ(bytes_of_file(files(), "/log/edb.log"), before);
  placed_ = place_set(files(), set_, kPlace);
  restore().running_logs = "/log";
  restore().running_last = last.value();
  expect_refused(EseErr::existing_log_file_is_not_contiguous);
}

TEST_F(HardRestoreTest, NothingNamedIsNothingRestored) {
  restore().databases.clear();
  const auto before = everything();
  EXPECT_TRUE(restore_databases(files(), restore()).ok());
  EXPECT_TRUE(everything() == before);
}

// ---- Nobody else takes a copy

TEST_F(HardRestoreTest, ACopyIsNeitherAttachedNorRecoveredByAStart) {
  InstanceOptions options = world_.options();
  options.logs = "/other";
  {
    const auto instance = tests::started(files(), options);
    const auto attached = instance->attach_database(kPlacedOne);
    ASSERT_FALSE(attached.ok());
    EXPECT_TRUE(is(attached.error(), EseErr::soft_recovery_on_backup_database))
        << attached.error().what();
  }
  copy_file(files(), kPlacedOne, "/db/one.edb");
  const auto instance = Instance::start(files(), world_.options());
  ASSERT_FALSE(instance.ok());
  EXPECT_TRUE(is(instance.error(), EseErr::soft_recovery_on_backup_database))
      << instance.error().what();
}

// ---- Logs of the set

TEST_F(HardRestoreTest, AMissingLogOfTheSetIsNamed) {
  ASSERT_TRUE(files().remove(log(1)).ok());
  expect_refused(EseErr::missing_restore_log_files);
  ASSERT_TRUE(files().remove(log(0)).ok());
  expect_refused(EseErr::file_not_found);
}

TEST_F(HardRestoreTest, SwappedLogsAreNoticed) {
  ASSERT_TRUE(files().rename(log(0), "/swap").ok());
  ASSERT_TRUE(files().rename(log(1), log(0)).ok());
  ASSERT_TRUE(files().rename("/swap", log(1)).ok());
  expect_refused(EseErr::log_generation_mismatch);
}

TEST_F(HardRestoreTest, LogsOfOthersAreNoticed) {
  change_log_header(log(1), [](LogHeader& header) { ++header.log.random; });
  expect_refused(EseErr::given_log_file_has_bad_signature);
}

TEST_F(HardRestoreTest, LogsOfAnotherHistoryAreNoticed) {
  change_log_header(log(1), [](LogHeader& header) { ++header.created.day; });
  expect_refused(EseErr::given_log_file_is_not_contiguous);
}

TEST_F(HardRestoreTest, LogsOutsideTheRangeAreRefused) {
  restore().low = generation(1);
  expect_refused(EseErr::starting_restore_log_too_high);
  restore().low = set_.low;
  copy_file(files(), log_in("/log", behind_set(1)), log_in(kSet, behind_set(1)));
  expect_refused(EseErr::ending_restore_log_too_low);
  restore().low = behind_set(2);
  expect_refused(EseErr::invalid_parameter);
}

TEST_F(HardRestoreTest, DamageInALogOfTheSetIsToldFromATornOne) {
  const auto whole = bytes_of_file(files(), log(1));
  flip_byte(files(), log(1), 100);
  expect_refused(EseErr::log_corrupt_during_hard_restore);
  copy_file(files(), log_in("/set", generation(1)), log(1));
  flip_byte(files(), log(1), 4096 + 200);
  expect_refused(EseErr::log_corrupt_during_hard_restore);
  copy_file(files(), log_in("/set", generation(1)), log(1));
  // The very last segment is not used.
  flip_byte(files(), log(1), whole.size() - 2 * 4096 + 40);
  expect_refused(EseErr::log_torn_write_during_hard_restore);
}

// ---- Logs that go on from it

TEST_F(HardRestoreTest, AGapInNewerLogsIsRefused) {
  bring(behind_set(2));
  expect_refused(EseErr::missing_current_log_files);
  bring(behind_set(1));
  copy_file(files(), "/log/edb.log", kLog + "/edb.log");
  expect_restored(at_end_);
}

TEST_F(HardRestoreTest, NewerLogsOfOthersAreRefused) {
  bring(behind_set(1));
  change_log_header(log_in(kLog, behind_set(1)), [](LogHeader& header) { ++header.log.random; });
  expect_refused(EseErr::existing_log_file_has_bad_signature);
  bring(behind_set(1));
  change_log_header(log_in(kLog, behind_set(1)),
                    [](LogHeader& header) { ++header.created_previous.day; });
  expect_refused(EseErr::existing_log_file_is_not_contiguous);
  bring(behind_set(1));
  flip_byte(files(), log_in(kLog, behind_set(1)), 100);
  expect_refused(EseErr::log_corrupt_during_hard_recovery);
}

// Of the last one a torn end is no damage: the machine stopped there.
TEST_F(HardRestoreTest, ATornLogAmongNewerOnesIsToldFromADamagedOne) {
  bring(behind_set(1));
  bring(behind_set(2));
  const BytePath torn = log_in(kLog, behind_set(1));
  flip_byte(files(), torn, bytes_of_file(files(), torn).size() - 2 * 4096 + 40);
  expect_refused(EseErr::log_torn_write_during_hard_recovery);
}

TEST_F(HardRestoreTest, OlderLogsInTheWayAreRefused) {
  copy_file(files(), log_in("/log", generation(1)), log_in(kLog, generation(1)));
  expect_refused(EseErr::existing_log_file_is_not_contiguous);
}

// ---- Databases

TEST_F(HardRestoreTest, ADatabaseHasToBeThereWithAName) {
  ASSERT_TRUE(files().rename(kPlacedOne, "/r/elsewhere").ok());
  expect_refused(EseErr::file_not_found);
  restore().databases[0].file.clear();
  expect_refused(EseErr::database_invalid_name);
  restore().databases[0].file = restore().databases[1].file;
  expect_refused(EseErr::invalid_parameter);
}

TEST_F(HardRestoreTest, ADatabaseHasToBeOfThisBackup) {
  restore().databases[0].logged = "/db/three.edb";
  expect_refused(EseErr::attached_database_mismatch);
  restore().databases[0].logged = "/db/one.edb";
  restore().page_bytes = 8192;
  expect_refused(EseErr::page_size_mismatch);
  restore().page_bytes = kDatabasePage;
  change_header(kPlacedOne, [](DatabaseHeader& header) { ++header.sign_log.random; });
  expect_refused(EseErr::database_patch_file_mismatch);
}

TEST_F(HardRestoreTest, AHeaderThatCannotBeReadIsDamage) {
  flip_byte(files(), kPlacedOne, 200);
  flip_byte(files(), kPlacedOne, kDatabasePage + 200);
  expect_refused(EseErr::database_corrupted);
}

TEST_F(HardRestoreTest, AFileThatIsNoCopyIsRefusedAndSoIsOneThatWasRestored) {
  copy_file(files(), "/db/one.edb", "/r/one.edb");
  expect_refused(EseErr::restore_of_non_backup_database);
  placed_ = place_set(files(), set_, kPlace);
  expect_restored(at_backup_);
  expect_refused(EseErr::restore_of_non_backup_database);
}

TEST_F(HardRestoreTest, TheTrailerHasToBeThatOfTheHeader) {
  change_trailer(kPlacedOne, [](MutableBytes page) { page[60] ^= std::byte{1}; });
  expect_refused(EseErr::bad_patch_page);
  change_trailer(kPlacedOne, [](MutableBytes page) {
    page[60] ^= std::byte{1};
    BackupTrailer trailer = read_backup_trailer(page, "one").value();
    ++trailer.info.mark.ib;
    seal_backup_trailer(trailer, page);
  });
  expect_refused(EseErr::database_patch_file_mismatch);
  change_trailer(kPlacedOne,
                 [](MutableBytes page) { std::fill(page.begin(), page.end(), std::byte{0}); });
  expect_refused(EseErr::missing_patch_page);
}

TEST_F(HardRestoreTest, ADatabaseOfAnotherSequenceOfLogsIsRefused) {
  change_header(kPlacedOne, [](DatabaseHeader& header) { ++header.sign_log.random; });
  change_trailer(kPlacedOne, [](MutableBytes page) {
    BackupTrailer trailer = read_backup_trailer(page, "one").value();
    ++trailer.log.random;
    seal_backup_trailer(trailer, page);
  });
  expect_refused(EseErr::database_log_set_mismatch);
}

TEST_F(HardRestoreTest, TheLogsHaveToCoverWhatTheDatabaseSays) {
  ASSERT_TRUE(files().remove(log(0)).ok());
  restore().low = generation(1);
  expect_refused(EseErr::starting_restore_log_too_high);
  placed_ = place_set(files(), set_, kPlace);
  change_trailer(kPlacedOne, [this](MutableBytes page) {
    BackupTrailer trailer = read_backup_trailer(page, "one").value();
    trailer.info.high = behind_set(1);
    seal_backup_trailer(trailer, page);
  });
  expect_refused(EseErr::ending_restore_log_too_low);
}

// Who made the newest log known in the header has used the trailer.
TEST_F(HardRestoreTest, AHeaderThatKnowsItsNewestLogNeedsNoTrailer) {
  change_trailer(kPlacedOne,
                 [](MutableBytes page) { std::fill(page.begin(), page.end(), std::byte{0}); });
  change_header(kPlacedOne, [this](DatabaseHeader& header) {
    header.full_current.high = set_.high;
    header.gen_max_required = header.gen_max_committed = set_.high;
    header.time_gen_max_create = LogTime{};
  });
  expect_restored(at_backup_);
}

// ---- Interrupted

class InterruptedRestoreTest : public HardRestoreTest {
 protected:
  // Stops at an operation; what is found then is restored again, or refused by name and restored
  // from a new copy.
  bool interrupted_at(std::uint64_t operation, bool forward) {
    SCOPED_TRACE("stopped at operation " + std::to_string(operation));
    const auto fresh = files().after_crash(random_, 512);
    auto first = files().after_crash(random_, 512);
    first->stop_at(operation);
    const bool done = restore_databases(*first, restore()).ok();
    const auto found = first->after_crash(random_, random_() % 2 == 0 ? 512 : 4096);
    auto again = restore_databases(*found, restore());
    if (!again.ok()) {
      const bool restored_already = is(again.error(), EseErr::restore_of_non_backup_database);
      const bool asks_for_copy = is(again.error(), EseErr::database_dirty_shutdown);
      EXPECT_TRUE(restored_already || asks_for_copy) << again.error().what();
      ++refused_;
      for (const RestoredPath& each : restore().databases) {
        copy_from(*fresh, *found, each.file);
        if (found->exists(journal_path(each.file))) {
          EXPECT_TRUE(found->remove(journal_path(each.file)).ok());
        }
      }
      again = restore_databases(*found, restore());
    }
    EXPECT_TRUE(again.ok()) << again.error().what();
    if (again.ok()) expect_state_in(*found, forward ? at_end_ : at_backup_);
    return done;
  }

  static void copy_from(Files& from, Files& to, const BytePath& path) {
    const auto bytes = bytes_of_file(from, path);
    if (to.exists(path)) {
      ASSERT_TRUE(to.remove(path).ok());
    }
    const auto file = to.create(path);
    ASSERT_TRUE(file.ok());
    ASSERT_TRUE(file.value()->write(0, bytes).ok());
  }

  void expect_state_in(Files& files, const BackupWorld::State& state) {
    InstanceOptions options = world_.options();
    options.logs = restore().logs;
    const auto instance = tests::started(files, options);
    ASSERT_NE(instance, nullptr);
    for (const BytePath& path : placed_.databases) {
      const auto attached = instance->attach_database(path);
      ASSERT_TRUE(attached.ok()) << attached.error().what();
    }
    for (const auto& model : state) {
      model->join(*instance);
      model->expect_committed(*instance);
    }
    ASSERT_TRUE(instance->stop().ok());
    for (const BytePath& path : placed_.databases) tests::expect_sound(files, path);
  }

  void interrupt_everywhere(bool forward) {
    const std::uint64_t rounds = stillframe::tests::scaled(12);
    std::uint64_t operations = 0;
    {
      const auto files = this->files().after_crash(random_, 512);
      const std::uint64_t before = files->operations();
      ASSERT_TRUE(restore_databases(*files, restore()).ok());
      operations = files->operations() - before;
    }
    for (std::uint64_t round = 0; round < rounds && !HasFailure(); ++round) {
      interrupted_at(1 + random_() % operations, forward);
    }
    // The last ones are where results are written over copies.
    for (std::uint64_t back = 0; back < rounds && !HasFailure(); ++back) {
      if (back < operations) interrupted_at(operations - back, forward);
    }
    std::cout << "seed " << kSeed << ": " << operations << " operations, " << refused_
              << " restores asked for a new copy\n";
  }

  static constexpr std::uint64_t kSeed = 11;
  std::mt19937_64 random_{kSeed};
  std::uint64_t refused_ = 0;
};

TEST_F(InterruptedRestoreTest, IsBegunAgainOrRefusedByName) {
  interrupt_everywhere(false);
}

TEST_F(InterruptedRestoreTest, IsBegunAgainWithNewerLogsToo) {
  for (int by = 1; by <= 2; ++by) bring(behind_set(by));
  copy_file(files(), "/log/edb.log", kLog + "/edb.log");
  interrupt_everywhere(true);
}

}  // namespace
}  // namespace stillframe::ese
