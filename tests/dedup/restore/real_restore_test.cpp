// Files of a real volume, restored from a copy of it to another one.
#include <filesystem>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <stillframe/restore/ddpbackup.h>
#include <stillframe/restore/selective_restore.hpp>

#include "framework/io/file.hpp"
#include "tests/dedup/volume/volume_fixture.hpp"
#include "tests/support/loop_fs.hpp"
#include "writers/dedup/volume/layout.hpp"
#include "writers/dedup/volume/posix_lower_file.hpp"

namespace stillframe::dedup {
namespace {

using stillframe::tests::FsKind;
using stillframe::tests::LoopFs;
using tests::Blob;

class RealRestore : public ::testing::TestWithParam<FsKind> {
 protected:
  void SetUp() override {
    std::string reason;
    fs_ = LoopFs::make(GetParam(), reason);
    if (!fs_) GTEST_SKIP() << reason;
    backup_ = fs_->mount_point() + "/backup";
    root_ = fs_->mount_point() + "/volume";
    for (const auto& folder : {backup_ + "/" + kVolumeFolder + "/store", root_ + "/sub"}) {
      std::filesystem::create_directories(folder);
    }
    const UuidBytes id = generate_uuid();
    const BytePath own = backup_ + "/" + kVolumeFolder;
    ASSERT_TRUE(tests::OpenVolume::create(*files_, own, id).ok());
    auto volume = tests::OpenVolume::open(*files_, own, id);
    ASSERT_TRUE(volume.ok()) << volume.error().what();
    std::mt19937_64 random(3);
    content_ = tests::random_bytes(random, 3'000'000);
    std::fill_n(content_.begin() + 500'000, 1'000'000, std::byte{0});
    // Deduplicated where it is to be restored: what is left there is what a restore would put
    // there.
    auto handle = open_file(root_ + path_, O_RDWR | O_CREAT, 0640);
    auto lower = posix_lower_file(std::move(handle).value(), root_ + path_);
    auto file = DedupFile::open(volume.value().parts(), std::move(lower).value());
    ASSERT_TRUE(file.value()->write(0, content_).ok());
    const Status done = tests::optimize(volume.value(), *file.value());
    ASSERT_TRUE(done.ok()) << done.error().what();
    ASSERT_TRUE(write_file_durably(root_ + "/plain", "plain").ok());
    const timespec times[2] = {{1'000'000, 5}, {2'000'000, 7}};
    ASSERT_EQ(::utimensat(AT_FDCWD, (root_ + path_).c_str(), times, 0), 0);
  }

  std::vector<RestoredFile> restore(const std::vector<BytePath>& paths) {
    auto done = restore_files(root_, paths, *backup_in_folder(backup_));
    EXPECT_TRUE(done.ok());
    return done.ok() ? done.value() : std::vector<RestoredFile>(paths.size());
  }

  const BytePath path_ = "/sub/f\xc3\xbcr \xff";
  std::unique_ptr<Files> files_ = posix_files();
  std::unique_ptr<LoopFs> fs_;
  BytePath backup_, root_;
  Blob content_;
};

TEST_P(RealRestore, AFileIsAnOrdinaryOneAgainWithItsTimes) {
  struct stat before {
  }, after{};
  ASSERT_EQ(::stat((root_ + path_).c_str(), &before), 0);
  EXPECT_LT(before.st_blocks, 1000);
  const auto done = restore({path_, "/plain", "/gone"});
  EXPECT_EQ(done[0].as, RestoredAs::restored) << restore_code_text(done[0].code);
  EXPECT_EQ(done[1].as, RestoredAs::not_deduplicated);
  EXPECT_EQ(done[2].code, DDP_E_NOT_FOUND);
  ASSERT_EQ(::stat((root_ + path_).c_str(), &after), 0);
  EXPECT_EQ(after.st_mtim.tv_sec, 2'000'000);
  EXPECT_EQ(after.st_mtim.tv_nsec, before.st_mtim.tv_nsec);
  EXPECT_EQ(after.st_atim.tv_sec, 1'000'000);
  EXPECT_EQ(after.st_mode, before.st_mode);
  EXPECT_EQ(after.st_ino, before.st_ino);
  EXPECT_LT(after.st_blocks * 512, 2'500'000);  // the zeros are a hole
  EXPECT_LT(::getxattr((root_ + path_).c_str(), kStubAttribute, nullptr, 0), 0);
  const std::string found = read_file(root_ + path_, 10'000'000).value();
  ASSERT_EQ(found.size(), content_.size());
  EXPECT_EQ(std::memcmp(found.data(), content_.data(), found.size()), 0);
  EXPECT_EQ(restore({path_})[0].as, RestoredAs::not_deduplicated);
}

TEST_P(RealRestore, AMarkThatIsDamagedIsInvalid) {
  ASSERT_EQ(::setxattr((root_ + path_).c_str(), kStubAttribute, "damaged", 7, 0), 0);
  EXPECT_EQ(restore({path_})[0].code, DDP_E_INVALID_DATA);
}

TEST_P(RealRestore, LinksAreNotFollowed) {
  ASSERT_EQ(::symlink((root_ + path_).c_str(), (root_ + "/link").c_str()), 0);
  ASSERT_EQ(::symlink((root_ + "/sub").c_str(), (root_ + "/to").c_str()), 0);
  EXPECT_EQ(restore({"/link"})[0].code, S_FALSE);
  EXPECT_LT(restore({"/to" + path_.substr(4)})[0].code, 0);
}

TEST_P(RealRestore, AVolumeWhoseDataIsDisabledTakesNothing) {
  std::filesystem::create_directories(root_ + "/" + kVolumeFolder);
  ASSERT_TRUE(write_file_durably(root_ + "/" + kVolumeFolder + "/" + kDisabledFileName, "").ok());
  EXPECT_EQ(restore({path_})[0].code, DDP_E_VOLUME_DEDUP_DISABLED);
}

TEST_P(RealRestore, AReadOnlyVolumeIsUnsupported) {
  ASSERT_TRUE(fs_->unmount());
  ASSERT_TRUE(fs_->mount("ro"));
  EXPECT_EQ(restore({path_})[0].code, DDP_E_VOLUME_UNSUPPORTED);
}

INSTANTIATE_TEST_SUITE_P(FileSystems, RealRestore,
                         ::testing::Values(FsKind::ext4, FsKind::xfs, FsKind::btrfs),
                         [](const auto& kind) {
                           return std::string(stillframe::tests::to_string(kind.param));
                         });

}  // namespace
}  // namespace stillframe::dedup
