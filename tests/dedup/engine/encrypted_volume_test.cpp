// A volume whose store is encrypted, on a device: jobs, status, its key file changed.
#include <filesystem>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "framework/io/file.hpp"
#include "tests/support/loop_fs.hpp"
#include "writers/dedup/engine/volume_session.hpp"
#include "writers/dedup/volume/layout.hpp"

namespace stillframe::dedup {
namespace {

using stillframe::tests::FsKind;
using stillframe::tests::LoopFs;

constexpr int kFilesOfEncrypted = 3;

class EncryptedVolume : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string reason;
    fs_ = LoopFs::make(FsKind::ext4, reason);
    if (!fs_) GTEST_SKIP() << reason;
    for (int i = 0; i < kFilesOfEncrypted; ++i) {
      std::ofstream(file(i)) << content(i);
    }
    ASSERT_TRUE(fs_->unmount());
    for (const BytePath& key : {key_, other_}) {
      ASSERT_TRUE(write_file_durably(key, std::string(32, key.back())).ok());
    }
    VolumeSettings settings;
    settings.policy.age_min = std::chrono::seconds(0);
    settings.key_file = key_;
    const Status enabled = VolumeOnDevice::enable(fs_->device(), settings, {});
    ASSERT_TRUE(enabled.ok()) << enabled.error().what();
  }
  BytePath file(int i) const { return fs_->mount_point() + "/file" + std::to_string(i); }
  static std::string content(int i) {
    return std::string(300'000, static_cast<char>('a' + i)) + std::to_string(i);
  }

  // Opens the volume for each, as a tool does that finds nobody who has it open.
  Json answer(const Json& question, const BytePath& key_file = {}) {
    const auto volume = VolumeOnDevice::open(fs_->device(), key_file);
    EXPECT_TRUE(volume.ok()) << volume.error().what();
    if (!volume.ok()) return Json();
    UnmountedFiles files(volume.value()->root(), volume.value()->parts());
    VolumeSession session(*volume.value(), files, "", nullptr);
    const auto got = session.answer(question, {});
    EXPECT_TRUE(got.ok()) << question << ": " << got.error().what();
    return got.ok() ? got.value() : Json();
  }

  const stillframe::tests::TemporaryDirectory keys_;
  const BytePath key_ = keys_.path() + "/k", other_ = keys_.path() + "/o";
  std::unique_ptr<LoopFs> fs_;
};

TEST_F(EncryptedVolume, DoesAllJobsAndGivesItsFilesBack) {
  EXPECT_EQ(answer({{"do", "optimize"}})["optimized_files"], kFilesOfEncrypted);
  EXPECT_EQ(answer({{"do", "gc"}, {"full", true}})["full"], 1);
  const Json scrubbed = answer({{"do", "scrub"}, {"full", true}});
  EXPECT_EQ(scrubbed["damaged_files"], 0);
  EXPECT_EQ(scrubbed["damaged_containers"], 0);
  const Json status = answer({{"do", "status"}});
  EXPECT_EQ(status["encrypted"], true);
  EXPECT_EQ(status["key_file"], key_);
  EXPECT_EQ(status["optimized_files_count"], kFilesOfEncrypted);
  EXPECT_GT(answer({{"do", "inspect"}})["sealed"]["data_chunk_count"], 0);
  EXPECT_EQ(answer({{"do", "unoptimize"}})["restored_files"], kFilesOfEncrypted);
  ASSERT_TRUE(fs_->mount());
  for (int i = 0; i < kFilesOfEncrypted; ++i) {
    std::stringstream found;
    found << std::ifstream(file(i)).rdbuf();
    EXPECT_TRUE(found.str() == content(i)) << i;
  }
}

TEST_F(EncryptedVolume, OpensWithItsKeyFileAlone) {
  EXPECT_EQ(VolumeOnDevice::open(fs_->device(), other_).error().code(), Errc::access_denied);
  ASSERT_TRUE(remove_file(key_).ok());
  EXPECT_EQ(VolumeOnDevice::open(fs_->device()).error().code(), Errc::not_found);
  // One that lies elsewhere today.
  const BytePath moved = keys_.path() + "/moved";
  ASSERT_TRUE(write_file_durably(moved, std::string(32, 'k')).ok());
  EXPECT_EQ(answer({{"do", "status"}}, moved)["encrypted"], true);
}

TEST_F(EncryptedVolume, TakesAnotherKeyFile) {
  answer({{"do", "optimize"}});
  const Status changed = VolumeOnDevice::change_key(fs_->device(), other_);
  ASSERT_TRUE(changed.ok()) << changed.error().what();
  EXPECT_EQ(VolumeOnDevice::open(fs_->device(), key_).error().code(), Errc::access_denied);
  EXPECT_EQ(answer({{"do", "status"}})["key_file"], other_);
  EXPECT_EQ(answer({{"do", "scrub"}, {"full", true}})["damaged_files"], 0);
}

}  // namespace
}  // namespace stillframe::dedup
