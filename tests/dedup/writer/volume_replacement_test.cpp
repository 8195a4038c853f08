// A volume whose replacement is killed at every step: nobody takes the half of one for a volume,
// and the next replacement brings everything.
#include "writers/dedup/writer/volume_replacement.hpp"

#include <filesystem>
#include <set>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/dedup/writer/writer_volume.hpp"
#include "writers/dedup/engine/volume_making.hpp"

namespace stillframe::dedup {
namespace {

namespace fs = std::filesystem;
using stillframe::tests::FsKind;

constexpr int kKilled = 42;

class VolumeReplacementTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string reason;
    volume_ = tests::WriterVolume::make(FsKind::ext4, reason, encrypted());
    if (!volume_) GTEST_SKIP() << reason;
    described_ = volume_->described();
    volume_->below([&](const std::string& root) {
      copy(root + "/.", saved() + "/tree");
      fs::rename(saved() + "/tree/" + kVolumeFolder, saved() + "/own");
    });
    make_newer();
  }

  virtual bool encrypted() const { return false; }
  std::string saved() const { return volume_->fs().scratch() + "/saved"; }
  static void copy(const std::string& from, const std::string& to) {
    fs::create_directories(to);
    ASSERT_EQ(stillframe::tests::run_program({"cp", "-a", from, to}), 0);
  }
  // From after the backup.
  void make_newer() {
    volume_->below([](const std::string& root) {
      tests::put_text(root + "/later", "later");
      fs::remove(root + "/two");
    });
  }

  // What a requestor does.
  void bring_all(VolumeReplacement& replacement) {
    ASSERT_TRUE(replacement.make_room({}).ok());
    const VolumePlaces places = volume_->places();
    for (const char* name : {kStoreFolder, kTableFileName, kSettingsFileName, kHistoryFileName}) {
      ASSERT_EQ(stillframe::tests::run_program({"cp", "-a", saved() + "/own/" + name, places.own}),
                0);
    }
    copy(saved() + "/tree/.", places.incoming);
    ASSERT_TRUE(replacement.files_came(Ok{}).ok());
  }
  // What a writer and a requestor do, up to the step with this number; false: there is none.
  void replace(int step_to_die_at) {
    auto begun = VolumeReplacement::begin(described_, SessionId::generate(), "", key_file_);
    ASSERT_TRUE(begun.ok()) << begun.error().what();
    VolumeReplacement& replacement = *begun.value();
    int step = 0;
    replacement.on_step([&](std::string_view) {
      if (step++ == step_to_die_at) ::_exit(kKilled);
    });
    bring_all(replacement);
    const Status placed = replacement.put_in_place();
    ASSERT_TRUE(placed.ok()) << placed.error().what();
    ASSERT_TRUE(replacement.end().ok());
  }
  // In a process of its own; whether it was killed.
  bool killed_at(int step) {
    const pid_t child = ::fork();
    if (child == 0) {
      replace(step);
      ::_exit(HasFailure() ? 1 : 0);
    }
    int status = 0;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status));
    EXPECT_TRUE(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == kKilled);
    return WEXITSTATUS(status) == kKilled;
  }

  void kill_at_each_step();

  std::set<std::string> files() {
    std::set<std::string> names;
    volume_->below([&](const std::string& root) {
      for (const auto& entry : fs::directory_iterator(root)) {
        names.insert(entry.path().filename());
      }
    });
    names.erase("lost+found");
    return names;
  }

  std::unique_ptr<tests::WriterVolume> volume_;
  BackedUpVolume described_;
  BytePath key_file_;  // in place of where the settings say
};

const std::set<std::string> kNewer{kVolumeFolder, "one", "sub", "plain", "later"};
const std::set<std::string> kRestored{kVolumeFolder, "one", "two", "sub", "plain"};

void VolumeReplacementTest::kill_at_each_step() {
  int steps = 0;
  while (killed_at(steps)) {
    SCOPED_TRACE("step " + std::to_string(steps));
    {
      // What the process had mounted stays behind it.
      const auto open = VolumeOnDevice::open(volume_->device());
      if (!open.ok()) {
        EXPECT_EQ(open.error().code(), Errc::interlocked) << open.error().what();
      } else {
        EXPECT_EQ(steps, 0) << "nothing was changed yet";
      }
    }
    if (steps++ % 3 != 0) continue;  // the next one finds what several left
    replace(-1);
    volume_->expect_whole();
    EXPECT_EQ(files(), kRestored);
    make_newer();
    EXPECT_EQ(files(), kNewer);
  }
  EXPECT_GE(steps, 12);
  volume_->expect_whole();
  EXPECT_EQ(files(), kRestored);
}

TEST_F(VolumeReplacementTest, KilledAtAnyStepIsNeitherVolumeAndTheNextOneIsWhole) {
  kill_at_each_step();
}

TEST_F(VolumeReplacementTest, WhatWasReplacedIsAVolumeOfItsOwn) {
  replace(-1);
  volume_->below([](const std::string& root) {
    int kept = 0;
    for (const auto& entry : fs::directory_iterator(root + "/" + kVolumeFolder)) {
      if (!entry.path().filename().string().starts_with(kReplacedPrefix)) continue;
      ++kept;
      EXPECT_EQ(tests::text_of(entry.path() / "later"), "later");
      EXPECT_TRUE(fs::exists(entry.path() / kVolumeFolder / kStoreFolder));
    }
    EXPECT_EQ(kept, 1);
  });
}

TEST_F(VolumeReplacementTest, ARestoreThatFailsPutsBackWhatWasThere) {
  auto begun = VolumeReplacement::begin(described_, SessionId::generate(), "");
  ASSERT_TRUE(begun.ok()) << begun.error().what();
  ASSERT_TRUE(begun.value()->make_room({}).ok());
  ASSERT_TRUE(begun.value()->files_came(Error(Errc::no_space, "no room")).ok());
  EXPECT_EQ(begun.value()->put_in_place().error().code(), Errc::interlocked);
  ASSERT_TRUE(begun.value()->end().ok());
  EXPECT_EQ(files(), kNewer);
  EXPECT_EQ(volume_->ask({{"do", "scrub"}})["damaged_files"], 0);
}

// What came is no store.
TEST_F(VolumeReplacementTest, AStoreThatDoesNotOpenIsNotPutInPlace) {
  auto begun = VolumeReplacement::begin(described_, SessionId::generate(), "");
  ASSERT_TRUE(begun.ok()) << begun.error().what();
  ASSERT_TRUE(begun.value()->make_room({}).ok());
  tests::put_text(volume_->places().own + "/" + kSettingsFileName, "volume = 7\n");
  ASSERT_TRUE(begun.value()->files_came(Ok{}).ok());
  EXPECT_FALSE(begun.value()->put_in_place().ok());
  ASSERT_TRUE(begun.value()->end().ok());
  EXPECT_EQ(files(), kNewer);
}

// ---- encrypted ones

class EncryptedVolumeReplacement : public VolumeReplacementTest {
 protected:
  bool encrypted() const override { return true; }

  // The key file is no longer where the settings of the backup say.
  std::string move_key_file() {
    const std::string moved = volume_->fs().scratch() + "/moved";
    fs::rename(volume_->key_file(), moved);
    return moved;
  }
  BytePath key_file_of_settings() {
    BytePath named;
    volume_->below([&](const std::string& root) {
      const BytePath settings = root + "/" + kVolumeFolder + "/" + kSettingsFileName;
      named = read_settings(*posix_files(), settings).value().key_file;
    });
    return named;
  }
};

// With a key file that each restore is told of, and the settings only once it is there.
TEST_F(EncryptedVolumeReplacement, KilledAtAnyStepIsNeitherVolumeAndTheNextOneIsWhole) {
  key_file_ = move_key_file();
  replace(-1);
  make_newer();
  kill_at_each_step();
}

TEST_F(EncryptedVolumeReplacement, WithoutItsKeyFileWhatCameIsNotPutInPlace) {
  const std::string moved = move_key_file();
  auto begun = VolumeReplacement::begin(described_, SessionId::generate(), "");
  ASSERT_TRUE(begun.ok()) << begun.error().what();
  bring_all(*begun.value());
  const Status placed = begun.value()->put_in_place();
  ASSERT_FALSE(placed.ok());
  EXPECT_EQ(placed.error().code(), Errc::not_found) << placed.error().what();
  EXPECT_NE(placed.error().what().find(volume_->key_file()), std::string::npos);
  ASSERT_TRUE(begun.value()->end().ok());
  begun.value().reset();
  EXPECT_EQ(files(), kNewer);
}

TEST_F(EncryptedVolumeReplacement, OfOneWhoseKeyFileLiesElsewhereTheSettingsSayWhere) {
  key_file_ = move_key_file();
  replace(-1);
  EXPECT_EQ(key_file_of_settings(), key_file_);
  volume_->expect_whole();
}

// Without what was said for the restore, whose process is gone, it takes what the writer is told.
TEST_F(EncryptedVolumeReplacement, OneThatWasKilledIsFinishedWithTheKeyFileOfTheWriter) {
  const std::string moved = move_key_file();
  {
    auto begun = VolumeReplacement::begin(described_, SessionId::generate(), "", moved);
    ASSERT_TRUE(begun.ok()) << begun.error().what();
    bring_all(*begun.value());  // and nothing more: as one that is killed leaves it
  }
  {
    auto found = VolumeReplacement::find_unfinished(described_);
    ASSERT_TRUE(found.ok() && found.value());
    const auto refused = found.value()->carry_on();
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code(), Errc::not_found) << refused.error().what();
  }
  described_.key_file = moved;
  {
    auto found = VolumeReplacement::find_unfinished(described_);
    ASSERT_TRUE(found.ok() && found.value());
    const auto done = found.value()->carry_on();
    ASSERT_TRUE(done.ok()) << done.error().what();
    EXPECT_TRUE(done.value());
  }
  EXPECT_EQ(files(), kRestored);
  EXPECT_EQ(key_file_of_settings(), moved);
  volume_->expect_whole();
}

}  // namespace
}  // namespace stillframe::dedup
