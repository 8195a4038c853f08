// Deduplicated files on real file systems: random changes beside a model, with the file system's
// own ways of rounding and forgetting.
#include <algorithm>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "framework/base/path.hpp"
#include "framework/io/file.hpp"
#include "tests/dedup/volume/volume_fixture.hpp"
#include "tests/support/loop_fs.hpp"
#include "tests/support/scale.hpp"
#include "writers/dedup/volume/posix_lower_file.hpp"

namespace stillframe::dedup {
namespace {

using stillframe::tests::FsKind;
using stillframe::tests::LoopFs;
using stillframe::tests::scaled;
using tests::Blob;
using tests::OpenVolume;

class RealFiles : public ::testing::TestWithParam<FsKind> {
 protected:
  void SetUp() override {
    std::string reason;
    fs_ = LoopFs::make(GetParam(), reason);
    if (!fs_) GTEST_SKIP() << reason;
    folder_ = fs_->mount_point() + "/.store";
    files_ = posix_files();
    ASSERT_TRUE(files_->make_directory(folder_ + "/store").ok());
    const Status made = OpenVolume::create(*files_, folder_, id_);
    ASSERT_TRUE(made.ok()) << made.error().what();
    open_volume();
  }

  void open_volume() {
    volume_.reset();
    auto volume = OpenVolume::open(*files_, folder_, id_);
    ASSERT_TRUE(volume.ok()) << volume.error().what();
    volume_.emplace(std::move(volume).value());
  }

  std::unique_ptr<DedupFile> open(const std::string& name) {
    const BytePath path = join_path(fs_->mount_point(), name);
    auto handle = open_file(path, O_RDWR | O_CREAT, 0644);
    EXPECT_TRUE(handle.ok()) << handle.error().what();
    auto lower = posix_lower_file(std::move(handle).value(), path);
    EXPECT_TRUE(lower.ok()) << lower.error().what();
    auto file = DedupFile::open(volume_->parts(), std::move(lower).value());
    EXPECT_TRUE(file.ok()) << file.error().what();
    return std::move(file).value();
  }

  std::uint64_t blocks_of(const std::string& name) {
    struct stat about {};
    EXPECT_EQ(::stat(join_path(fs_->mount_point(), name).c_str(), &about), 0);
    return static_cast<std::uint64_t>(about.st_blocks) * 512;
  }

  const UuidBytes id_ = generate_uuid();
  std::unique_ptr<LoopFs> fs_;
  std::unique_ptr<Files> files_;
  BytePath folder_;
  std::optional<OpenVolume> volume_;
};

INSTANTIATE_TEST_SUITE_P(On, RealFiles, ::testing::Values(FsKind::ext4, FsKind::xfs, FsKind::btrfs),
                         [](const auto& about) {
                           return stillframe::tests::to_string(about.param);
                         });

TEST_P(RealFiles, OptimizingGivesSpaceBackAndChangesNothingElse) {
  std::mt19937_64 random(1);
  const Blob bytes = tests::random_bytes(random, 3'000'000);
  auto file = open("a");
  ASSERT_TRUE(file->write(0, bytes).ok());
  ASSERT_TRUE(file->sync().ok());
  const std::uint64_t before = blocks_of("a");
  const Status optimized = tests::optimize(*volume_, *file);
  ASSERT_TRUE(optimized.ok()) << optimized.error().what();
  ASSERT_EQ(::syncfs(open_file(folder_, O_RDONLY, 0).value().get()), 0);
  EXPECT_LT(blocks_of("a"), before / 10);
  EXPECT_EQ(tests::contents(*file).value(), bytes);
  struct stat about {};
  ASSERT_EQ(::stat(join_path(fs_->mount_point(), "a").c_str(), &about), 0);
  EXPECT_EQ(about.st_size, 3'000'000);

  file.reset();
  open_volume();
  file = open("a");
  EXPECT_TRUE(file->deduplicated());
  EXPECT_EQ(tests::contents(*file).value(), bytes);
  ASSERT_TRUE(file->restore().ok());
  file.reset();
  file = open("a");
  EXPECT_FALSE(file->deduplicated());
  EXPECT_EQ(tests::contents(*file).value(), bytes);
  EXPECT_TRUE(volume_->table->files().empty());
}

TEST_P(RealFiles, AFileThatIsWrittenToMeanwhileStaysAsItIs) {
  auto file = open("a");
  ASSERT_TRUE(file->write(0, Blob(100'000, std::byte{1})).ok());
  Optimizer optimizer(volume_->parts());
  ASSERT_TRUE(optimizer.add(*file).ok());
  ASSERT_TRUE(file->write(5, Blob(1, std::byte{2})).ok());
  const auto done = optimizer.commit();
  ASSERT_TRUE(done.ok()) << done.error().what();
  EXPECT_EQ(done.value().at(0).status.error().code(), Errc::in_use);
  EXPECT_FALSE(file->deduplicated());
  EXPECT_EQ(tests::contents(*file).value()[5], std::byte{2});
}

TEST_P(RealFiles, AMarkOfAnotherVolumeIsRefused) {
  auto file = open("a");
  ASSERT_TRUE(file->write(0, Blob(100'000, std::byte{1})).ok());
  ASSERT_TRUE(tests::optimize(*volume_, *file).ok());
  const Blob before = tests::contents(*file).value();
  const BytePath path = join_path(fs_->mount_point(), "a");
  auto stray = posix_lower_file(open_file(path, O_RDWR, 0).value(), path);
  VolumeParts other = volume_->parts();
  other.store_id = generate_uuid();
  const auto refused = DedupFile::open(other, std::move(stray).value());
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), Errc::corrupt);

  ASSERT_EQ(::truncate(path.c_str(), 50'000), 0);  // below the view
  auto shorter = posix_lower_file(open_file(path, O_RDWR, 0).value(), path);
  const auto cut = DedupFile::open(volume_->parts(), std::move(shorter).value());
  ASSERT_FALSE(cut.ok());
  EXPECT_NE(cut.error().what().find("shorter"), std::string::npos) << cut.error().what();
}

// Bytes through the store, the file itself and holes, with every file system's blocks between.
TEST_P(RealFiles, RandomChangesReadAsWritten) {
  constexpr std::uint64_t kBytesMax = 300'000;
  std::mt19937_64 random(7);
  Blob model;
  auto file = open("a");
  const auto steps = scaled(1000);
  for (std::uint64_t step = 0; step < steps; ++step) {
    SCOPED_TRACE("step " + std::to_string(step));
    switch (random() % 10) {
      case 0:
        model.resize(random() % kBytesMax);
        ASSERT_TRUE(file->resize(model.size()).ok());
        break;
      case 1:
        if (!model.empty()) {
          const std::size_t offset = random() % model.size();
          const std::size_t bytes = random() % (model.size() - offset + 1);
          std::fill_n(model.begin() + static_cast<std::ptrdiff_t>(offset), bytes, std::byte{0});
          ASSERT_TRUE(file->punch(offset, bytes).ok());
        }
        break;
      case 2:
        if (random() % 4 == 0) {
          ASSERT_TRUE(tests::optimize(*volume_, *file).ok());
        }
        break;
      case 3:
        if (random() % 20 == 0) {
          ASSERT_TRUE(file->restore().ok());
        }
        break;
      case 4:
        if (random() % 4 == 0) {
          ASSERT_TRUE(file->sync().ok());
          file.reset();
          file = open("a");
        }
        break;
      default: {
        const std::size_t offset = random() % (kBytesMax / 2);
        const std::size_t longest = random() % 8 == 0 ? 60'000 : 600;
        const Blob bytes = tests::random_bytes(random, 1 + random() % longest);
        if (model.size() < offset + bytes.size()) model.resize(offset + bytes.size());
        std::copy(bytes.begin(), bytes.end(), model.begin() + static_cast<std::ptrdiff_t>(offset));
        ASSERT_TRUE(file->write(offset, bytes).ok());
      }
    }
    ASSERT_EQ(file->bytes(), model.size());
    if (step % 16 != 0 && step + 1 != steps) continue;
    ASSERT_TRUE(tests::contents(*file).value() == model);
  }
}

}  // namespace
}  // namespace stillframe::dedup
