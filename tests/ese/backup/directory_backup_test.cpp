// Backups into a folder, and what is restored from it.
#include "writers/ese/backup/directory_backup.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <map>
#include <random>

#include <gtest/gtest.h>

#include "framework/base/path.hpp"
#include "tests/ese/support/backup_world.hpp"
#include "tests/io/support/limited_files.hpp"
#include "tests/support/scale.hpp"
#include "writers/ese/backup/directory_restore.hpp"
#include "writers/ese/format/ese_error.hpp"

namespace stillframe::ese {
namespace {

using stillframe::tests::CrashingFiles;
using tests::BackupWorld;
using tests::bytes_of_file;
using tests::flip_byte;

constexpr std::uint32_t kSourcePage = 4096;
const BytePath kFolder = "/b";
const std::vector<BytePath> kPlaces{"/r/one.edb", "/r/two.edb"};

class DirectoryBackupTest : public testing::Test {
 protected:
  void SetUp() override {
    world_.start();
    work();
  }

  CrashingFiles& files() { return world_.files(); }
  void work() {
    for (int i = 0; i < 2; ++i) {
      world_.work(12);
      ASSERT_TRUE(world_.instance().log().roll().ok());
      ASSERT_TRUE(world_.instance().flush().ok());
    }
  }
  Status back_up(const DirectoryBackup& how) { return back_up_to_directory(world_.backup(), how); }
  void expect_backed_up(const DirectoryBackup& how) {
    const Status done = back_up(how);
    ASSERT_TRUE(done.ok()) << done.error().what();
  }
  static DirectoryBackup full() { return {.directory = kFolder}; }
  static DirectoryBackup incremental() {
    return {.directory = kFolder, .contents = BackupContents::logs_only};
  }
  static DirectoryBackup atomic(DirectoryBackup how) {
    how.atomic = true;
    return how;
  }

  // The instance that restores keeps its logs elsewhere, so nothing is rolled forward.
  InstanceOptions elsewhere() {
    InstanceOptions options = world_.options();
    options.logs = "/rlog" + std::to_string(++restores_);
    return options;
  }
  void expect_restores(const BackupWorld::State& state) {
    const InstanceOptions options = elsewhere();
    for (const BytePath& place : kPlaces) {
      if (files().exists(place)) {
        ASSERT_TRUE(files().remove(place).ok());
      }
    }
    const auto restored = restore_from_directory(files(), options, {kFolder, "/r"});
    ASSERT_TRUE(restored.ok()) << restored.error().what();
    world_.expect_state(state, kPlaces, options.logs);
  }
  std::map<BytePath, std::vector<std::byte>> contents(const BytePath& folder) {
    std::map<BytePath, std::vector<std::byte>> all;
    for (const BytePath& part : {folder, folder + "/temp", folder + "/new", folder + "/old"}) {
      const auto names = files().list(part);
      EXPECT_TRUE(names.ok());
      for (const BytePath& name : names.value()) {
        const BytePath path = join_path(part, name);
        all[path] = bytes_of_file(files(), path);
      }
    }
    return all;
  }
  std::size_t logs() { return tests::finished_logs(files(), "/log").size(); }

  BackupWorld world_{kSourcePage, 5};
  int restores_ = 0;
};

testing::AssertionResult fails(const Status& status, EseErr err) {
  if (status.ok()) return testing::AssertionFailure() << "it was done";
  if (is(status.error(), err)) return testing::AssertionSuccess();
  return testing::AssertionFailure() << status.error().what();
}

// ---- What is stored is restored

TEST_F(DirectoryBackupTest, AFullBackupAndWhatIsAddedToItRestoreToTheLastOne) {
  const std::size_t logs_before = logs();
  expect_backed_up(full());
  EXPECT_LT(logs(), logs_before) << "what it has may go";
  EXPECT_TRUE(files().exists("/b/one.pat"));
  const auto first = world_.state_for(kPlaces);
  expect_restores(first);
  for (int i = 0; i < 2; ++i) {
    work();
    expect_backed_up(incremental());
    expect_restores(world_.state_for(kPlaces));
  }
  EXPECT_NE(tests::header_of(files(), "/db/one.edb").incremental_previous, BackupInfo{});
}

TEST_F(DirectoryBackupTest, TheInstancesOwnLogsBringBackWhatCameLater) {
  expect_backed_up(full());
  work();
  world_.work(10);
  const auto state = world_.state_for(BackupWorld::paths());
  world_.leave();
  for (const BytePath& path : BackupWorld::paths()) flip_byte(files(), path, 5 * kSourcePage);
  const auto restored = restore_from_directory(files(), world_.options(), {kFolder, ""});
  ASSERT_TRUE(restored.ok()) << restored.error().what();
  world_.expect_state(state, BackupWorld::paths(), "/log");
}

TEST_F(DirectoryBackupTest, ProgressBeginsRisesAndIsComplete) {
  const auto steps_of = [&](DirectoryBackup how) {
    std::vector<std::pair<ProgressStep, int>> steps;
    how.progress = [&](ProgressStep step, int percent) { steps.emplace_back(step, percent); };
    expect_backed_up(how);
    return steps;
  };
  const auto expect_rising = [](const std::vector<std::pair<ProgressStep, int>>& steps) {
    ASSERT_GE(steps.size(), 3U);
    EXPECT_EQ(steps.front(), std::pair(ProgressStep::begin, 0));
    EXPECT_EQ(steps.back(), std::pair(ProgressStep::complete, 100));
    for (std::size_t i = 1; i + 1 < steps.size(); ++i) {
      EXPECT_EQ(steps[i].first, ProgressStep::progress);
      EXPECT_GT(steps[i].second, steps[i - 1].second);
      EXPECT_LT(steps[i].second, 100);
    }
  };
  expect_rising(steps_of(full()));
  work();
  expect_rising(steps_of(incremental()));
  std::vector<std::pair<ProgressStep, int>> steps;
  const auto restored = restore_from_directory(
      files(), elsewhere(),
      {kFolder, "/r", [&](ProgressStep step, int percent) { steps.emplace_back(step, percent); }});
  ASSERT_TRUE(restored.ok()) << restored.error().what();
  expect_rising(steps);
}

// ---- Folders

TEST_F(DirectoryBackupTest, AFullBackupTakesAnEmptyFolder) {
  ASSERT_TRUE(files().create("/b/something").ok());
  EXPECT_TRUE(fails(back_up(full()), EseErr::backup_directory_not_empty));
  EXPECT_EQ(world_.backup().state(), BackupState::none);
}

TEST_F(DirectoryBackupTest, ASetIsPlainOrAtomic) {
  expect_backed_up(atomic(full()));
  work();
  EXPECT_TRUE(fails(back_up(incremental()), EseErr::backup_directory_not_empty));
}

TEST_F(DirectoryBackupTest, LogsAreOnlyAddedToASetThatTheyGoOnFrom) {
  expect_backed_up(full());
  const auto names = files().list(kFolder);
  for (const BytePath& name : names.value()) {
    ASSERT_TRUE(files().rename("/b/" + name, "/kept/" + name).ok());
  }
  work();
  EXPECT_TRUE(fails(back_up(incremental()), EseErr::invalid_log_sequence));
  EXPECT_TRUE(contents(kFolder).empty());
}

TEST_F(DirectoryBackupTest, AnAtomicSetReplacesTheOneBefore) {
  expect_backed_up(atomic(full()));
  const auto first = world_.state_for(kPlaces);
  EXPECT_TRUE(files().exists("/b/new/one.edb"));
  work();
  expect_backed_up(atomic(full()));
  EXPECT_TRUE(files().exists("/b/new/one.edb"));
  EXPECT_TRUE(files().list("/b/old").value().empty());
  EXPECT_TRUE(files().list("/b/temp").value().empty());
  expect_restores(world_.state_for(kPlaces));
  work();
  expect_backed_up(atomic(incremental()));
  EXPECT_TRUE(files().exists("/b/old/one.edb")) << "where logs are added to it";
  expect_restores(world_.state_for(kPlaces));
  work();
  expect_backed_up(atomic(full()));
  expect_restores(world_.state_for(kPlaces));
}

TEST_F(DirectoryBackupTest, WithoutAFolderOnlyLogsThatNobodyNeedsGo) {
  const std::size_t before = logs();
  expect_backed_up({});
  EXPECT_LT(logs(), before);
  for (const auto& [generation, path] : tests::finished_logs(files(), "/log")) {
    EXPECT_GE(generation, world_.instance().checkpoint().generation) << path;
  }
  EXPECT_EQ(tests::header_of(files(), "/db/one.edb").full_previous, BackupInfo{});
}

// On a disk, where folders exist or do not.
TEST(DirectoryBackupOnDisk, TheFolderHasToBeThereUnlessItMayBeMade) {
  std::string root = std::filesystem::temp_directory_path() / "backupXXXXXX";
  ASSERT_NE(::mkdtemp(root.data()), nullptr);
  const auto files = posix_files();
  for (const char* folder : {"/log", "/db"}) ASSERT_TRUE(files->make_directory(root + folder).ok());
  InstanceOptions options = tests::small_instance(kSourcePage);
  options.logs = root + "/log";
  {
    const auto instance = tests::started(*files, options);
    ASSERT_NE(instance, nullptr);
    ASSERT_TRUE(instance->create_database(root + "/db/one.edb").ok());
    StreamingBackup backup(*instance);
    DirectoryBackup how{.directory = root + "/sets/b", .atomic = true};
    EXPECT_TRUE(fails(back_up_to_directory(backup, how), EseErr::invalid_path));
    how.create_path = true;
    for (int i = 0; i < 3; ++i) {
      const Status done = back_up_to_directory(backup, how);
      ASSERT_TRUE(done.ok()) << done.error().what();
      EXPECT_TRUE(files->exists(how.directory + "/new/one.pat"));
      EXPECT_FALSE(files->exists(how.directory + "/temp"));
      EXPECT_FALSE(files->exists(how.directory + "/old"));
    }
    const auto restored = restore_from_directory(*files, options, {how.directory, root + "/none"});
    ASSERT_FALSE(restored.ok());
    EXPECT_TRUE(is(restored.error(), EseErr::invalid_path)) << restored.error().what();
  }
  std::filesystem::remove_all(root);
}

// ---- Failures

TEST_F(DirectoryBackupTest, OneBadPageFailsTheCallAndLeavesNothing) {
  expect_backed_up(atomic(full()));
  const auto state = world_.state_for(kPlaces);
  work();
  const std::size_t logs_before = logs();
  const DatabaseHeader header = tests::header_of(files(), "/db/two.edb");
  flip_byte(files(), "/db/two.edb", 6 * kSourcePage + 77);
  const auto set = contents(kFolder);
  StreamingBackupOptions quick;
  quick.retry_pause = std::chrono::milliseconds(0);
  StreamingBackup backup(world_.instance(), quick);
  const Status failed = back_up_to_directory(backup, atomic(full()));
  EXPECT_TRUE(fails(failed, EseErr::read_verify_failure));
  EXPECT_NE(failed.error().what().find("page 5 of '/db/two.edb'"), std::string::npos)
      << failed.error().what();
  EXPECT_EQ(contents(kFolder).size(), set.size()) << "the set is there, and nothing else";
  EXPECT_EQ(logs(), logs_before);
  EXPECT_EQ(tests::header_of(files(), "/db/two.edb").full_previous, header.full_previous);
  EXPECT_TRUE(
      fails(back_up_to_directory(backup, {.directory = "/other"}), EseErr::read_verify_failure));
  EXPECT_TRUE(contents("/other").empty());
  expect_restores(state);
}

TEST_F(DirectoryBackupTest, OneBadLogFailsTheCallAndLeavesNothing) {
  expect_backed_up(full());
  work();
  const auto before = contents(kFolder);
  const auto all = tests::finished_logs(files(), "/log");
  flip_byte(files(), all.rbegin()->second, 4096 + 60);
  EXPECT_TRUE(fails(back_up(incremental()), EseErr::log_read_verify_failure));
  EXPECT_TRUE(contents(kFolder) == before);
  for (const auto& [generation, path] : all) EXPECT_TRUE(files().exists(path));
}

TEST_F(DirectoryBackupTest, AFullDiskLeavesNothingWhereverItStrikes) {
  world_.leave();
  std::uint64_t failed = 0, by_number = 0;
  bool done = false;
  for (std::uint64_t room = 0; !done && !HasFailure(); room += 48 << 10) {
    std::mt19937_64 none(0);
    const auto disk = files().after_crash(none, 512);
    stillframe::tests::LimitedFiles limited(*disk, 0);
    limited.set_free(std::uint64_t{1} << 30);
    const auto instance = tests::started(limited, world_.options());
    ASSERT_NE(instance, nullptr);
    for (const BytePath& path : BackupWorld::paths()) {
      ASSERT_TRUE(instance->attach_database(path).ok());
    }
    ASSERT_TRUE(instance->log().roll().ok());
    limited.set_free(room);
    StreamingBackup backup(*instance);
    const Status status = back_up_to_directory(backup, full());
    done = status.ok();
    if (done) break;
    ++failed;
    EXPECT_EQ(status.error().code(), Errc::no_space) << status.error().what();
    by_number += is(status.error(), EseErr::disk_full) ? 1U : 0U;
    EXPECT_TRUE(disk->list(kFolder).value().empty()) << disk->list(kFolder).value().front();
    EXPECT_EQ(tests::header_of(*disk, "/db/one.edb").full_previous, BackupInfo{});
  }
  EXPECT_TRUE(done);
  EXPECT_GT(failed, 3U);
  EXPECT_GT(by_number, 0U) << "DiskFull";
}

// Whenever the machine stops, the folder has the set from before or the new one, whole.
TEST_F(DirectoryBackupTest, AnAtomicSetSurvivesAStopAtAnyMoment) {
  constexpr std::uint64_t kSeed = 23;
  std::mt19937_64 random(kSeed);
  expect_backed_up(atomic(full()));
  const Generation first = tests::header_of(files(), "/db/one.edb").full_previous.high;
  const auto before = world_.state_for(kPlaces);
  work();
  const auto after = world_.state_for(kPlaces);
  world_.leave();
  const auto run = [&](Files& files) -> Status {
    auto instance = Instance::start(files, world_.options());
    if (!instance.ok()) return instance.error();
    for (const BytePath& path : BackupWorld::paths()) {
      if (auto attached = instance.value()->attach_database(path); !attached.ok()) {
        return attached.error();
      }
    }
    StreamingBackup backup(*instance.value());
    return back_up_to_directory(backup, atomic(full()));
  };
  std::mt19937_64 none(0);
  std::uint64_t operations = 0;
  {
    const auto files = this->files().after_crash(none, 512);
    const Status done = run(*files);
    ASSERT_TRUE(done.ok()) << done.error().what();
    operations = files->operations();
  }
  std::uint64_t old_sets = 0, new_sets = 0;
  const std::uint64_t rounds = stillframe::tests::scaled(25);
  for (std::uint64_t round = 0; round < rounds && !HasFailure(); ++round) {
    const std::uint64_t at = 1 + random() % operations;
    SCOPED_TRACE("stopped at operation " + std::to_string(at));
    auto files = this->files().after_crash(none, 512);
    files->stop_at(at);
    (void)run(*files);
    files = files->after_crash(random, 512);
    InstanceOptions options = world_.options();
    options.logs = "/rlog";
    const auto restored = restore_from_directory(*files, options, {kFolder, "/r"});
    ASSERT_TRUE(restored.ok()) << restored.error().what();
    const bool is_new = restored.value().high != first;
    ++(is_new ? new_sets : old_sets);
    if (!is_new) {
      const DatabaseHeader header = tests::header_of(*files, "/db/one.edb");
      EXPECT_EQ(header.full_previous.high, first) << "it knows of another backup";
      EXPECT_LE(tests::finished_logs(*files, "/log").begin()->first, restored.value().high)
          << "logs are gone";
    }
    const auto instance = tests::started(*files, options);
    for (const BytePath& place : kPlaces) ASSERT_TRUE(instance->attach_database(place).ok());
    for (const auto& model : is_new ? after : before) {
      model->join(*instance);
      model->expect_committed(*instance);
    }
    ASSERT_TRUE(instance->stop().ok());
    for (const BytePath& place : kPlaces) tests::expect_sound(*files, place);
  }
  std::cout << "seed " << kSeed << ": " << operations << " operations, " << old_sets
            << " times the old set, " << new_sets << " times the new one\n";
}

// ---- What a restore refuses

TEST_F(DirectoryBackupTest, ARestoreNeedsLogsMarkersAndTheRightInstance) {
  const auto refused = [&](EseErr err, const InstanceOptions& options) {
    const auto restored = restore_from_directory(files(), options, {kFolder, "/r"});
    EXPECT_FALSE(restored.ok());
    if (!restored.ok()) {
      EXPECT_TRUE(is(restored.error(), err)) << restored.error().what();
    }
    EXPECT_TRUE(files().list("/r").value().empty());
  };
  refused(EseErr::file_not_found, elsewhere());
  expect_backed_up(full());
  InstanceOptions other = elsewhere();
  other.page_bytes = 8192;
  refused(EseErr::page_size_mismatch, other);
  {
    InstanceOptions foreign = elsewhere();
    foreign.random = [] { return 12345U; };
    const auto instance = tests::started(files(), foreign);
    refused(EseErr::invalid_log_sequence, foreign);
  }
  for (const char* name : {"/b/one.pat", "/b/two.pat"}) ASSERT_TRUE(files().remove(name).ok());
  refused(EseErr::patch_file_missing, elsewhere());
}

}  // namespace
}  // namespace stillframe::ese
