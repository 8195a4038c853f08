#include "framework/io/volumes.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "framework/io/file.hpp"
#include "tests/support/loop_fs.hpp"

namespace stillframe {
namespace {

using tests::FsKind;
using tests::LoopFs;
using tests::run_program;

LocatedPath locate(const BytePath& path, DiscoveryOptions options = {}) {
  auto directory = VolumeDirectory::read(std::move(options));
  EXPECT_TRUE(directory.ok());
  auto located = directory.value().locate(path);
  EXPECT_TRUE(located.ok()) << located.error().what();
  return located.ok() ? located.value() : LocatedPath{};
}

Errc refusal(const BytePath& path, DiscoveryOptions options = {}) {
  auto located = VolumeDirectory::read(std::move(options)).value().locate(path);
  return located.ok() ? Errc::internal : located.error().code();
}

class Volumes : public testing::TestWithParam<FsKind> {
 protected:
  void SetUp() override {
    std::string reason;
    fs_ = LoopFs::make(GetParam(), reason);
    if (!fs_) GTEST_SKIP() << reason;
    ASSERT_TRUE(make_directories(mount() + "/data/inner").ok());
    ASSERT_TRUE(write_file_durably(mount() + "/data/file", "x").ok());
  }
  const BytePath& mount() const { return fs_->mount_point(); }
  BytePath place(const char* name) {
    const BytePath made = fs_->scratch() + "/" + name;
    (void)make_directories(made);
    return made;
  }
  std::unique_ptr<LoopFs> fs_;
};

TEST_P(Volumes, AFileIsFoundOnItsFileSystem) {
  const auto found = locate(mount() + "/data/file");
  const Volume& volume = found.volume;
  EXPECT_EQ(volume.mount_point, mount());
  EXPECT_EQ(volume.mount_root, "/");
  EXPECT_EQ(volume.device, fs_->device());
  EXPECT_EQ(volume.fs_type, to_string(GetParam()));
  EXPECT_EQ(volume.backing_image, fs_->image());
  EXPECT_FALSE(volume.read_only);
  EXPECT_EQ(found.path, mount() + "/data/file");
  std::string uuid;
  ASSERT_EQ(run_program({"blkid", "-p", "-s", "UUID", "-o", "value", fs_->device()}, &uuid), 0);
  EXPECT_EQ(volume.fs_uuid + "\n", uuid);
  const std::string id = std::string(to_string(GetParam())) + ":" + volume.fs_uuid;
  EXPECT_EQ(volume.id, GetParam() == FsKind::btrfs ? id + ":5" : id);
}

TEST_P(Volumes, SymbolicLinksAreResolved) {
  const BytePath link = fs_->scratch() + "/link";
  ASSERT_EQ(symlink((mount() + "/data").c_str(), link.c_str()), 0);
  const auto found = locate(link + "/file");
  EXPECT_EQ(found.path, mount() + "/data/file");
  EXPECT_EQ(found.volume, locate(mount()).volume);
}

TEST_P(Volumes, ABindMountIsTheVolumeItShows) {
  const BytePath bound = place("bound");
  ASSERT_EQ(run_program({"mount", "--bind", mount() + "/data", bound}), 0);
  const auto found = locate(bound + "/file");
  EXPECT_EQ(found.volume, locate(mount() + "/data/file").volume);
  EXPECT_EQ(found.path, mount() + "/data/file");
}

TEST_P(Volumes, WithoutTheWholeMountThePartThatIsBoundHasToDo) {
  const BytePath bound = place("bound");
  ASSERT_EQ(run_program({"mount", "--bind", mount() + "/data", bound}), 0);
  ASSERT_TRUE(fs_->unmount());
  const auto found = locate(bound + "/file");
  EXPECT_EQ(found.volume.mount_point, bound);
  EXPECT_EQ(found.volume.mount_root, "/data");
  EXPECT_EQ(found.path, bound + "/file");
}

TEST_P(Volumes, AFileSystemMountedOverAnotherHidesIt) {
  ASSERT_EQ(run_program({"mount", "-t", "tmpfs", "over", mount()}), 0);
  ASSERT_TRUE(write_file_durably(mount() + "/seen", "x").ok());
  EXPECT_EQ(locate(mount() + "/seen").volume.fs_type, "tmpfs");
  for (const auto& volume : VolumeDirectory::read().value().volumes()) {
    EXPECT_NE(volume.device, fs_->device()) << "the hidden one has no name to be reached by";
  }
}

TEST_P(Volumes, NamesWithSpacesAndNewlines) {
  const BytePath odd = place("odd name\n\\tab\t");
  ASSERT_EQ(run_program({"mount", "--bind", mount() + "/data", odd}), 0);
  ASSERT_TRUE(fs_->unmount());
  EXPECT_EQ(locate(odd + "/file").volume.mount_point, odd);
}

TEST_P(Volumes, SeveralMountsOfOneFileSystemGiveOneVolume) {
  const BytePath again = fs_->scratch() + "/a";
  ASSERT_TRUE(make_directories(again).ok());
  ASSERT_EQ(run_program({"mount", fs_->device(), again}), 0);
  EXPECT_EQ(locate(again + "/data/file").volume, locate(mount() + "/data/file").volume);
  int count = 0;
  for (const auto& volume : VolumeDirectory::read().value().volumes()) {
    count += volume.device == fs_->device() ? 1 : 0;
  }
  EXPECT_EQ(count, 1);
}

TEST_P(Volumes, AReadOnlyMountSaysSo) {
  ASSERT_TRUE(fs_->unmount());
  ASSERT_TRUE(fs_->mount("ro"));
  EXPECT_TRUE(locate(mount() + "/data/file").volume.read_only);
}

TEST_P(Volumes, SnapshotsAreNoVolumes) {
  ASSERT_TRUE(make_directories(mount() + "/.stillframe/set/snapshot").ok());
  EXPECT_EQ(refusal(mount() + "/.stillframe/set"), Errc::invalid_argument);
  const BytePath view = place("view");
  ASSERT_EQ(run_program({"mount", "--bind", mount() + "/.stillframe/set", view}), 0);
  EXPECT_EQ(refusal(view + "/snapshot"), Errc::invalid_argument);
  const BytePath data = place("data");
  ASSERT_EQ(run_program({"mount", "--bind", mount() + "/data", data}), 0);
  EXPECT_EQ(refusal(data, {{data}, nullptr}), Errc::invalid_argument);
}

INSTANTIATE_TEST_SUITE_P(Kinds, Volumes, testing::Values(FsKind::btrfs, FsKind::xfs, FsKind::ext4),
                         [](const auto& tested) { return to_string(tested.param); });

class Subvolumes : public testing::Test {
 protected:
  void SetUp() override {
    std::string reason;
    fs_ = LoopFs::make(FsKind::btrfs, reason);
    if (!fs_) GTEST_SKIP() << reason;
    for (const char* name : {"/@a", "/@a/nested", "/@b"}) {
      ASSERT_EQ(run_program({"btrfs", "-q", "subvolume", "create", fs_->mount_point() + name}), 0);
    }
    ASSERT_TRUE(make_directories(fs_->mount_point() + "/@a/dir").ok());
  }
  std::unique_ptr<LoopFs> fs_;
};

TEST_F(Subvolumes, EachIsAVolumeOfItsOwn) {
  const auto top = locate(fs_->mount_point()), a = locate(fs_->mount_point() + "/@a/dir"),
             nested = locate(fs_->mount_point() + "/@a/nested");
  EXPECT_EQ(top.volume.subvolume_id, 5u);
  EXPECT_NE(a.volume.id, top.volume.id);
  EXPECT_NE(nested.volume.id, a.volume.id);
  EXPECT_EQ(a.volume.mount_point, fs_->mount_point() + "/@a");
  EXPECT_EQ(a.volume.mount_root, "/@a");
  EXPECT_EQ(nested.volume.mount_root, "/@a/nested");
  EXPECT_EQ(a.volume.fs_uuid, top.volume.fs_uuid);
  EXPECT_NE(a.volume.st_dev, top.volume.st_dev);
}

TEST_F(Subvolumes, AMountOfTheSubvolumeIsPreferredToAWayThroughItsParent) {
  const BytePath own = fs_->scratch() + "/own";
  ASSERT_TRUE(make_directories(own).ok());
  ASSERT_EQ(run_program({"mount", "-o", "subvol=@a", fs_->device(), own}), 0);
  const auto found = locate(fs_->mount_point() + "/@a/dir");
  EXPECT_EQ(found.volume.mount_point, own);
  EXPECT_EQ(found.path, own + "/dir");
  EXPECT_EQ(locate(own + "/dir"), found);
  EXPECT_EQ(locate(own + "/nested").volume.id, locate(fs_->mount_point() + "/@a/nested").volume.id);
}

TEST(VolumesOfTheMachine, KernelFileSystemsAreRefusedByType) {
  EXPECT_EQ(refusal("/proc/self"), Errc::volume_not_supported);
  EXPECT_EQ(refusal("/sys"), Errc::volume_not_supported);
  EXPECT_EQ(refusal("/no/such/path"), Errc::not_found);
}

// A view says what lies beneath it; one that names itself ends with an answer instead of a loop.
class LiesBeneath final : public LowerFileSystems {
 public:
  BytePath lower_path(const MountEntry&, const BytePath&) override { return "/"; }
};

TEST(VolumesOfTheMachine, OnlyViewsAreAskedForWhatLiesBeneath) {
  LiesBeneath lower;
  tests::TemporaryDirectory here;
  EXPECT_EQ(locate(here.path(), {{}, &lower}).volume, locate(here.path()).volume);
}

}  // namespace
}  // namespace stillframe
