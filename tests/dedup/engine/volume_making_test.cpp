// A volume is made, or made anew, and the machine stops at every operation.
#include "writers/dedup/engine/volume_making.hpp"

#include <cstdlib>
#include <filesystem>

#include <gtest/gtest.h>

#include "framework/chunkstore/store.hpp"
#include "framework/io/file.hpp"
#include "tests/io/support/crashing_files.hpp"
#include "writers/dedup/volume/file_table.hpp"
#include "writers/dedup/volume/layout.hpp"

namespace stillframe::dedup {
namespace {

using chunkstore::ChunkProfile;
using stillframe::tests::CrashingFiles;

const BytePath kOwnFolder = "/volume/.stillframe-dedup";
const BytePath kSettings = kOwnFolder + "/" + kSettingsFileName;
constexpr std::size_t kSettingsSector = 512;
constexpr int kWaysToCrash = 6;

VolumeSettings settings_with(std::uint64_t bytes_min) {
  VolumeSettings settings;
  settings.policy.bytes_min = bytes_min;
  return settings;
}

// Settings, store and table, as a process that opens the volume needs them.
UuidBytes expect_whole(Files& files, std::uint64_t bytes_min, ChunkProfile profile) {
  const auto settings = read_settings(files, kSettings);
  EXPECT_TRUE(settings.ok()) << settings.error().what();
  if (!settings.ok()) return {};
  EXPECT_EQ(settings.value().policy.bytes_min, bytes_min);
  const auto store = chunkstore::Store::open(files, kOwnFolder + "/" + kStoreFolder);
  EXPECT_TRUE(store.ok()) << store.error().what();
  EXPECT_TRUE(store.ok() && store.value()->profile() == profile);
  const auto table = FileTable::open(files, kOwnFolder, settings.value().store);
  EXPECT_TRUE(table.ok()) << table.error().what();
  return settings.value().store;
}

TEST(MakingAVolume, AStopAtAnyOperationLeavesOneThatTheNextTryFinishes) {
  std::mt19937_64 random(3);
  for (std::uint64_t stop = 1; stop < 200; ++stop) {
    SCOPED_TRACE("stop at operation " + std::to_string(stop));
    CrashingFiles files;
    ASSERT_TRUE(files.make_directory(kOwnFolder).ok());
    const VolumeSettings wanted = settings_with(11);
    files.stop_at(stop);
    const Status made = make_volume(files, kOwnFolder, wanted, ChunkProfile::kib16);
    for (int way = 0; way < kWaysToCrash; ++way) {
      auto left = files.after_crash(random, kSettingsSector);
      if (made.ok()) {
        ASSERT_TRUE(left->exists(kSettings)) << "it was durable";
      }
      if (left->exists(kSettings)) {
        EXPECT_EQ(expect_whole(*left, 11, ChunkProfile::kib16), wanted.store);
      }
      // Again, stopped at some operation, and then for good. What was said the first time is known
      // only if it came as far as that.
      left->stop_at(1 + random() % 40);
      (void)make_volume(*left, kOwnFolder, settings_with(11), ChunkProfile::kib16);
      left = left->after_crash(random, kSettingsSector);
      const Status again = make_volume(*left, kOwnFolder, settings_with(12), ChunkProfile::kib16);
      ASSERT_TRUE(again.ok()) << again.error().what();
      (void)expect_whole(*left, 12, ChunkProfile::kib16);
      if (HasFailure()) return;
    }
    if (made.ok() && !files.stopped()) return;
  }
  FAIL() << "it never ends";
}

TEST(MakingAVolume, AStopWhileSettingsChangeLeavesThoseOfBeforeOrTheNewOnes) {
  std::mt19937_64 random(4);
  for (std::uint64_t stop = 1; stop < 200; ++stop) {
    SCOPED_TRACE("stop at operation " + std::to_string(stop));
    CrashingFiles files;
    ASSERT_TRUE(files.make_directory(kOwnFolder).ok());
    const VolumeSettings first = settings_with(11);
    ASSERT_TRUE(make_volume(files, kOwnFolder, first, ChunkProfile::kib32).ok());
    {
      const auto disabled = files.create(kOwnFolder + "/" + kDisabledFileName);
      ASSERT_TRUE(disabled.ok() && disabled.value()->sync().ok());
      ASSERT_TRUE(files.sync_directory(kOwnFolder).ok());
    }
    files.stop_at(stop);
    const Status made = make_volume(files, kOwnFolder, settings_with(12), {});
    for (int way = 0; way < kWaysToCrash; ++way) {
      const auto left = files.after_crash(random, kSettingsSector);
      const auto settings = read_settings(*left, kSettings);
      ASSERT_TRUE(settings.ok()) << settings.error().what();
      const std::uint64_t bytes_min = settings.value().policy.bytes_min;
      EXPECT_TRUE(bytes_min == 12 || (bytes_min == 11 && !made.ok())) << bytes_min;
      EXPECT_EQ(expect_whole(*left, bytes_min, ChunkProfile::kib32), first.store);
      // It is enabled again last.
      const bool disabled = left->exists(kOwnFolder + "/" + kDisabledFileName);
      EXPECT_TRUE(!disabled || !made.ok());
      EXPECT_TRUE(disabled || bytes_min == 12);
      if (HasFailure()) return;
    }
    if (made.ok() && !files.stopped()) return;
  }
  FAIL() << "it never ends";
}

TEST(MakingAVolume, OneThatWasInterruptedKeepsItsChunkSize) {
  CrashingFiles files;
  ASSERT_TRUE(files.make_directory(kOwnFolder).ok());
  ASSERT_TRUE(make_volume(files, kOwnFolder, settings_with(1), ChunkProfile::kib16).ok());
  ASSERT_TRUE(files.rename(kSettings, kSettings + ".unfinished").ok());
  EXPECT_EQ(make_volume(files, kOwnFolder, {}, ChunkProfile::kib64).error().code(),
            Errc::wrong_state);
  ASSERT_TRUE(make_volume(files, kOwnFolder, {}, {}).ok());
  (void)expect_whole(files, 1, ChunkProfile::kib16);
}

TEST(MakingAVolume, TheFilesOfOneThatLostItsSettingsAreNotTakenForANewOnes) {
  CrashingFiles files;
  ASSERT_TRUE(files.make_directory(kOwnFolder).ok());
  ASSERT_TRUE(make_volume(files, kOwnFolder, {}, {}).ok());
  ASSERT_TRUE(files.remove(kSettings).ok());
  EXPECT_EQ(make_volume(files, kOwnFolder, {}, {}).error().code(), Errc::already_exists);
}

// ---- encrypted ones

class KeyFiles {
 public:
  KeyFiles() {
    EXPECT_NE(::mkdtemp(folder_.data()), nullptr);
    for (const char* name : {"/one", "/two"}) {
      EXPECT_TRUE(write_file_durably(folder_ + name, std::string(32, name[1])).ok());
    }
  }
  ~KeyFiles() { std::filesystem::remove_all(folder_); }
  BytePath one() const { return folder_ + "/one"; }
  BytePath two() const { return folder_ + "/two"; }

 private:
  std::string folder_ = testing::TempDir() + "/key_files.XXXXXX";
};

VolumeSettings encrypted_settings(const BytePath& key_file) {
  VolumeSettings settings = settings_with(11);
  settings.key_file = key_file;
  return settings;
}

// The store opens with the key file that the settings name, and is encrypted.
void expect_encrypted(Files& files, const BytePath& key_file) {
  const auto settings = read_settings(files, kSettings);
  ASSERT_TRUE(settings.ok()) << settings.error().what();
  EXPECT_EQ(settings.value().key_file, key_file);
  const auto options = options_for_store(settings.value());
  ASSERT_TRUE(options.ok()) << options.error().what();
  const auto store =
      chunkstore::Store::open(files, kOwnFolder + "/" + kStoreFolder, options.value());
  ASSERT_TRUE(store.ok()) << store.error().what();
  EXPECT_TRUE(store.value()->is_encrypted());
}

TEST(MakingAnEncryptedVolume, AStopAtAnyOperationLeavesOneThatTheNextTryFinishes) {
  const KeyFiles keys;
  std::mt19937_64 random(5);
  for (std::uint64_t stop = 1; stop < 200; ++stop) {
    SCOPED_TRACE("stop at operation " + std::to_string(stop));
    CrashingFiles files;
    ASSERT_TRUE(files.make_directory(kOwnFolder).ok());
    files.stop_at(stop);
    const Status made =
        make_volume(files, kOwnFolder, encrypted_settings(keys.one()), ChunkProfile::kib16);
    for (int way = 0; way < kWaysToCrash; ++way) {
      auto left = files.after_crash(random, kSettingsSector);
      if (left->exists(kSettings)) expect_encrypted(*left, keys.one());
      EXPECT_TRUE(!made.ok() || left->exists(kSettings));
      const Status again =
          make_volume(*left, kOwnFolder, encrypted_settings(keys.one()), ChunkProfile::kib16);
      ASSERT_TRUE(again.ok()) << again.error().what();
      expect_encrypted(*left, keys.one());
      if (HasFailure()) return;
    }
    if (made.ok() && !files.stopped()) return;
  }
  FAIL() << "it never ends";
}

TEST(MakingAnEncryptedVolume, WhetherItIsEncryptedIsChosenOnce) {
  const KeyFiles keys;
  CrashingFiles files;
  ASSERT_TRUE(files.make_directory(kOwnFolder).ok());
  ASSERT_TRUE(make_volume(files, kOwnFolder, settings_with(1), {}).ok());
  EXPECT_EQ(make_volume(files, kOwnFolder, encrypted_settings(keys.one()), {}).error().code(),
            Errc::wrong_state);
  EXPECT_EQ(change_volume_key(files, kOwnFolder, keys.two()).error().code(), Errc::wrong_state);

  CrashingFiles others;
  ASSERT_TRUE(others.make_directory(kOwnFolder).ok());
  ASSERT_TRUE(make_volume(others, kOwnFolder, encrypted_settings(keys.one()), {}).ok());
  // With another policy and no word of a key it keeps its own.
  ASSERT_TRUE(make_volume(others, kOwnFolder, settings_with(12), {}).ok());
  expect_encrypted(others, keys.one());
  EXPECT_EQ(make_volume(others, kOwnFolder, encrypted_settings(keys.two()), {}).error().code(),
            Errc::access_denied);
  EXPECT_EQ(make_volume(others, kOwnFolder, encrypted_settings("/no/key"), {}).error().code(),
            Errc::not_found);
  expect_encrypted(others, keys.one());
}

TEST(MakingAnEncryptedVolume, ChangingItsKeyMayStopAnywhereAndIsFinishedByTheNextTry) {
  const KeyFiles keys;
  std::mt19937_64 random(6);
  CrashingFiles files;
  ASSERT_TRUE(files.make_directory(kOwnFolder).ok());
  ASSERT_TRUE(make_volume(files, kOwnFolder, encrypted_settings(keys.one()), {}).ok());
  for (std::uint64_t stop = 1; stop < 200; ++stop) {
    SCOPED_TRACE("stop at operation " + std::to_string(stop));
    auto copy = files.after_crash(random, kSettingsSector);
    copy->stop_at(stop);
    const Status changed = change_volume_key(*copy, kOwnFolder, keys.two());
    const bool ended = changed.ok() && !copy->stopped();
    copy = copy->after_crash(random, kSettingsSector);
    if (changed.ok()) expect_encrypted(*copy, keys.two());
    const Status again = change_volume_key(*copy, kOwnFolder, keys.two());
    ASSERT_TRUE(again.ok()) << again.error().what();
    expect_encrypted(*copy, keys.two());
    if (HasFailure() || ended) return;
  }
  FAIL() << "it never ends";
}

}  // namespace
}  // namespace stillframe::dedup
