// A deduplicated volume on a loop device, for tests of its writer.
#pragma once

#include <filesystem>
#include <fstream>
#include <memory>
#include <random>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "framework/io/file.hpp"
#include "framework/io/mounts.hpp"
#include "tests/support/loop_fs.hpp"
#include "writers/dedup/engine/volume_session.hpp"
#include "writers/dedup/volume/layout.hpp"
#include "writers/dedup/writer/backed_up_volume.hpp"

namespace stillframe::dedup::tests {

inline std::string random_text(std::size_t bytes, unsigned seed) {
  std::mt19937_64 random(seed);
  std::string text(bytes, '\0');
  for (char& c : text) c = static_cast<char>(random());
  return text;
}

inline std::string text_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

inline void put_text(const std::string& path, const std::string& text) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
}

class WriterVolume {
 public:
  // Enabled, with `one`, `two` (the same bytes), `sub/three` and the small `plain`. Null when this
  // machine cannot; `reason` then says what is missing.
  static std::unique_ptr<WriterVolume> make(stillframe::tests::FsKind kind, std::string& reason,
                                            bool encrypted = false) {
    std::unique_ptr<WriterVolume> made(new WriterVolume);
    made->encrypted_ = encrypted;
    made->fs_ = stillframe::tests::LoopFs::make(kind, reason);
    if (!made->fs_) return nullptr;
    made->write_first_files();
    return made;
  }

  nlohmann::json config() const {
    return {{"name", "data"}, {"device", fs_->device()}, {"run", run()}};
  }
  BackedUpVolume described() const { return parse_backed_up_volume(config().dump()).value(); }
  VolumePlaces places() const { return VolumePlaces::of(described()); }
  std::string run() const { return fs_->scratch() + "/run"; }
  const std::string& device() const { return fs_->device(); }
  stillframe::tests::LoopFs& fs() { return *fs_; }

  // Of an encrypted one; others, which are no volume's, are made with put_key_file().
  std::string key_file() const { return fs_->scratch() + "/key"; }
  static void put_key_file(const std::string& path, char digit) {
    ASSERT_TRUE(write_file_durably(path, std::string(64, digit)).ok());
  }

  void enable() {
    VolumeSettings settings;
    settings.policy.age_min = std::chrono::seconds(0);
    if (encrypted_) {
      put_key_file(key_file(), 'a');
      settings.key_file = key_file();
    }
    const Status enabled =
        VolumeOnDevice::enable(device(), settings, chunkstore::ChunkProfile::kib64);
    ASSERT_TRUE(enabled.ok()) << enabled.error().what();
  }

  // Asks of a volume that nobody has open.
  Json ask(const Json& question) {
    const auto volume = VolumeOnDevice::open(device());
    EXPECT_TRUE(volume.ok()) << volume.error().what();
    if (!volume.ok()) return {};
    UnmountedFiles files(volume.value()->root(), volume.value()->parts());
    VolumeSession session(*volume.value(), files, "");
    const auto answer = session.answer(question, {});
    EXPECT_TRUE(answer.ok()) << answer.error().what();
    return answer.ok() ? answer.value() : Json();
  }

  // The files below, by whatever is done with the volume mounted for a moment as it is.
  template <class Work>
  void below(Work work) {
    ASSERT_TRUE(fs_->mount());
    work(fs_->mount_point());
    ASSERT_TRUE(fs_->unmount());
  }

  // Nobody has it mounted, and its files are what they were.
  void expect_whole() {
    EXPECT_FALSE(is_mount_point(places().mount).value());
    EXPECT_EQ(ask({{"do", "scrub"}, {"full", true}})["damaged_files"], 0);
    EXPECT_EQ(ask({{"do", "status"}})["optimized_files_count"], 3);
  }

  const std::string one = random_text(700'000, 1), three = random_text(300'000, 3);

 private:
  WriterVolume() = default;

  void write_first_files() {
    const std::string& root = fs_->mount_point();
    put_text(root + "/one", one);
    put_text(root + "/two", one);
    put_text(root + "/sub/three", three);
    put_text(root + "/plain", "plain");
    ASSERT_TRUE(fs_->unmount());
    enable();
    ASSERT_EQ(ask({{"do", "optimize"}})["optimized_files"], 3);
  }

  std::unique_ptr<stillframe::tests::LoopFs> fs_;
  bool encrypted_ = false;
};

}  // namespace stillframe::dedup::tests
