// A volume whose replacement is killed at every step: nobody takes the half of one for a volume,
// and the next replacement brings everything.
#include "writers/dedup/writer/volume_replacement.hpp"

#include <filesystem>
#include <set>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/dedup/writer/writer_volume.hpp"

namespace stillframe::dedup {
namespace {

namespace fs = std::filesystem;
using stillframe::tests::FsKind;

constexpr int kKilled = 42;

class VolumeReplacementTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string reason;
    volume_ = tests::WriterVolume::make(FsKind::ext4, reason);
    if (!volume_) GTEST_SKIP() << reason;
    described_ = volume_->described();
    volume_->below([&](const std::string& root) {
      copy(root + "/.", saved() + "/tree");
      fs::rename(saved() + "/tree/" + kVolumeFolder, saved() + "/own");
    });
    make_newer();
  }

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

  // What a writer and a requestor do, up to the step with this number; false: there is none.
  void replace(int step_to_die_at) {
    auto begun = VolumeReplacement::begin(described_, SessionId::generate(), "");
    ASSERT_TRUE(begun.ok()) << begun.error().what();
    VolumeReplacement& replacement = *begun.value();
    int step = 0;
    replacement.on_step([&](std::string_view) {
      if (step++ == step_to_die_at) ::_exit(kKilled);
    });
    ASSERT_TRUE(replacement.make_room({}).ok());
    const VolumePlaces places = volume_->places();
    for (const char* name : {kStoreFolder, kTableFileName, kSettingsFileName, kHistoryFileName}) {
      ASSERT_EQ(stillframe::tests::run_program({"cp", "-a", saved() + "/own/" + name, places.own}),
                0);
    }
    copy(saved() + "/tree/.", places.incoming);
    ASSERT_TRUE(replacement.files_came(Ok{}).ok());
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
};

const std::set<std::string> kNewer{kVolumeFolder, "one", "sub", "plain", "later"};
const std::set<std::string> kRestored{kVolumeFolder, "one", "two", "sub", "plain"};

TEST_F(VolumeReplacementTest, KilledAtAnyStepIsNeitherVolumeAndTheNextOneIsWhole) {
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

}  // namespace
}  // namespace stillframe::dedup
