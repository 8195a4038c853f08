// What only btrfs has: subvolumes in subvolumes, bind mounts of their directories, a default.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "framework/io/file.hpp"
#include "framework/io/volumes.hpp"
#include "framework/testkit/provider_suite/describe_tree.hpp"
#include "framework/testkit/provider_suite/rich_tree.hpp"
#include "tests/providers/under_test.hpp"

namespace stillframe::tests {
namespace {

using testkit::describe_tree;
using testkit::differences;
using testkit::get_file;
using testkit::put_file;

class Btrfs : public testing::Test {
 protected:
  void SetUp() override {
    std::string reason;
    under_test_ = BuiltinUnderTest::make({Kind::btrfs, FsKind::btrfs, true}, 1, reason);
    if (!under_test_) GTEST_SKIP() << reason;
    provider_ = under_test_->make();
    mount_ = under_test_->fs().mount_point();
  }
  void subvolume(const BytePath& path) {
    std::string printed;
    ASSERT_EQ(run_program({"btrfs", "-q", "subvolume", "create", path}, &printed), 0) << printed;
  }
  CutRequest request(const BytePath& path, bool recursive) {
    CutRequest request;
    request.set = SetId::generate();
    request.snapshot = SnapshotId::generate();
    request.volume = VolumeDirectory::read().value().locate(path).value().volume;
    request.attributes.persistent = true;
    FileSet files;
    files.path = path;
    files.pattern = "*";
    files.recursive = recursive;
    request.files.push_back(files);
    return request;
  }
  Result<SnapshotInfo> make(const CutRequest& wanted) {
    Status begun = provider_->begin_prepare(wanted);
    if (!begun.ok()) return begun.error();
    if (auto r = provider_->end_prepare(wanted.set); !r.ok()) return r.error();
    if (Status s = provider_->pre_commit(wanted.set); !s.ok()) return s.error();
    if (auto r = provider_->commit(wanted.set); !r.ok()) return r.error();
    if (Status s = provider_->post_commit(wanted.set); !s.ok()) return s.error();
    auto made = provider_->pre_final(wanted.set);
    if (!made.ok()) return made.error();
    if (Status s = provider_->post_final(wanted.set); !s.ok()) return s.error();
    return made.value().at(0);
  }

  std::unique_ptr<BuiltinUnderTest> under_test_;
  std::unique_ptr<Provider> provider_;
  BytePath mount_;
};

TEST_F(Btrfs, NestedSubvolumesThatAreWantedAreInTheSnapshotAndReadOnlyToo) {
  subvolume(mount_ + "/a");
  ASSERT_TRUE(make_directories(mount_ + "/a/dir", 0755).ok());
  subvolume(mount_ + "/a/dir/deep");
  ASSERT_TRUE(put_file(mount_ + "/a/file", "in a").ok());
  ASSERT_TRUE(put_file(mount_ + "/a/dir/deep/file", "in deep").ok());
  auto before = describe_tree(mount_ + "/a");
  auto made = make(request(mount_, true));
  ASSERT_TRUE(made.ok()) << made.error().what();
  ASSERT_TRUE(put_file(mount_ + "/a/dir/deep/file", "changed").ok());
  auto after = describe_tree(made.value().root + "/a");
  ASSERT_TRUE(before.ok() && after.ok());
  EXPECT_EQ(differences(before.value(), after.value()), "");
  EXPECT_FALSE(put_file(made.value().root + "/a/dir/deep/new", "x").ok());
  EXPECT_FALSE(put_file(made.value().root + "/a/new", "x").ok());
  ASSERT_TRUE(provider_->make_writable(made.value().snapshot).ok());
  EXPECT_TRUE(put_file(made.value().root + "/a/dir/deep/new", "x").ok());
  ASSERT_TRUE(provider_->remove(made.value().snapshot).ok());
  EXPECT_EQ(under_test_->leftovers(), "");
}

TEST_F(Btrfs, EachSubvolumeIsAPartOfTheCutWithAnInstantOfItsOwn) {
  subvolume(mount_ + "/a");
  subvolume(mount_ + "/a/deep");
  subvolume(mount_ + "/unwanted");
  auto wanted = request(mount_, true);
  wanted.files[0].path = mount_ + "/a";
  ASSERT_TRUE(provider_->begin_prepare(wanted).ok());
  ASSERT_TRUE(provider_->end_prepare(wanted.set).ok());
  ASSERT_TRUE(provider_->pre_commit(wanted.set).ok());
  auto cuts = provider_->commit(wanted.set);
  ASSERT_TRUE(cuts.ok()) << cuts.error().what();
  provider_->abort(wanted.set);
  const CutRecord& cut = cuts.value().at(0);
  ASSERT_EQ(cut.parts.size(), 3u);
  EXPECT_EQ(cut.parts[0].path, mount_);
  EXPECT_EQ(cut.parts[1].path, mount_ + "/a");
  EXPECT_EQ(cut.parts[2].path, mount_ + "/a/deep");
  BootTime last = cut.begun;
  for (const CutPart& part : cut.parts) {
    EXPECT_LE(last, part.begun);
    EXPECT_LE(part.begun, part.ended);
    last = part.ended;
  }
  EXPECT_LE(last, cut.ended);
}

TEST_F(Btrfs, AVolumeOfOneSubvolumeIsCutAsAWhole) {
  const auto wanted = request(mount_, true);
  ASSERT_TRUE(provider_->begin_prepare(wanted).ok());
  ASSERT_TRUE(provider_->end_prepare(wanted.set).ok());
  ASSERT_TRUE(provider_->pre_commit(wanted.set).ok());
  auto cuts = provider_->commit(wanted.set);
  ASSERT_TRUE(cuts.ok()) << cuts.error().what();
  provider_->abort(wanted.set);
  EXPECT_TRUE(cuts.value().at(0).parts.empty());
}

TEST_F(Btrfs, NestedSubvolumesThatNoFileSetNamesAreNotCut) {
  subvolume(mount_ + "/unwanted");
  ASSERT_TRUE(make_directories(mount_ + "/wanted", 0755).ok());
  ASSERT_TRUE(put_file(mount_ + "/unwanted/file", "x").ok());
  auto made = make(request(mount_ + "/wanted", true));
  ASSERT_TRUE(made.ok()) << made.error().what();
  EXPECT_FALSE(exists(made.value().root + "/unwanted/file"));
}

TEST_F(Btrfs, ANestedSubvolumeCanBeTheVolumeItself) {
  subvolume(mount_ + "/nested");
  ASSERT_TRUE(put_file(mount_ + "/nested/file", "old").ok());
  auto made = make(request(mount_ + "/nested", true));
  ASSERT_TRUE(made.ok()) << made.error().what();
  EXPECT_EQ(get_file(made.value().root + "/file").value(), "old");
  ASSERT_TRUE(put_file(mount_ + "/nested/file", "new").ok());
  Status reverted = provider_->revert(made.value().snapshot, {});
  ASSERT_TRUE(reverted.ok()) << reverted.error().what();
  EXPECT_EQ(get_file(mount_ + "/nested/file").value(), "old");
  ASSERT_TRUE(put_file(mount_ + "/nested/file", "new").ok());
  reverted = provider_->revert(made.value().snapshot, {});
  EXPECT_TRUE(reverted.ok()) << "a second time: " << reverted.error().what();
  EXPECT_EQ(get_file(mount_ + "/nested/file").value(), "old");
  EXPECT_TRUE(provider_->remove(made.value().snapshot).ok());
}

TEST_F(Btrfs, ADirectoryThatIsBoundElsewhereIsCutWhole) {
  ASSERT_TRUE(make_directories(mount_ + "/dir", 0755).ok());
  ASSERT_TRUE(put_file(mount_ + "/dir/file", "bound").ok());
  const BytePath bound = under_test_->scratch() + "/bound";
  ASSERT_TRUE(make_directories(bound).ok());
  ASSERT_EQ(run_program({"mount", "--bind", mount_ + "/dir", bound}), 0);
  ASSERT_TRUE(under_test_->fs().unmount());
  auto wanted = request(bound, true);
  EXPECT_EQ(wanted.volume.mount_root, "/@data/dir");
  auto made = make(wanted);
  ASSERT_TRUE(made.ok()) << made.error().what();
  EXPECT_EQ(get_file(made.value().root + "/file").value(), "bound");
  ASSERT_TRUE(put_file(bound + "/file", "new").ok());
  Status reverted = provider_->revert(made.value().snapshot, {});
  ASSERT_TRUE(reverted.ok()) << reverted.error().what();
  EXPECT_EQ(get_file(bound + "/file").value(), "bound");
  ASSERT_TRUE(provider_->remove(made.value().snapshot).ok());
}

TEST_F(Btrfs, RevertKeepsMountsOptionsTheDefaultAndTheOldState) {
  const BytePath second = under_test_->scratch() + "/second";
  ASSERT_TRUE(make_directories(second).ok());
  ASSERT_EQ(run_program(
                {"mount", "-o", "subvol=@data,nosuid,noatime", under_test_->fs().device(), second}),
            0);
  ASSERT_EQ(run_program({"btrfs", "subvolume", "set-default", mount_}), 0);
  ASSERT_TRUE(put_file(mount_ + "/file", "old").ok());
  subvolume(mount_ + "/nested");
  ASSERT_TRUE(put_file(mount_ + "/nested/file", "old nested").ok());
  auto first = make(request(mount_, true));
  ASSERT_TRUE(first.ok()) << first.error().what();
  ASSERT_TRUE(put_file(mount_ + "/file", "new").ok());
  auto later = make(request(mount_, true));
  ASSERT_TRUE(later.ok()) << later.error().what();

  Status reverted = provider_->revert(first.value().snapshot, {});
  ASSERT_TRUE(reverted.ok()) << reverted.error().what();
  EXPECT_EQ(get_file(mount_ + "/file").value(), "old");
  EXPECT_EQ(get_file(second + "/file").value(), "old");
  EXPECT_EQ(get_file(mount_ + "/nested/file").value(), "old nested");
  EXPECT_TRUE(put_file(mount_ + "/nested/file", "writable").ok());
  for (const auto& mount : mounted_now()) {
    if (mount.mount_point != second) continue;
    EXPECT_NE(mount.options.find("nosuid"), std::string::npos) << mount.options;
    EXPECT_NE(mount.options.find("noatime"), std::string::npos) << mount.options;
  }
  // The later snapshot has come along.
  auto all = provider_->query();
  ASSERT_TRUE(all.ok());
  ASSERT_EQ(all.value().size(), 2u);
  for (const auto& info : all.value()) {
    const bool is_first = info.snapshot == first.value().snapshot;
    EXPECT_EQ(get_file(info.root + "/file").value(), is_first ? "old" : "new");
    EXPECT_EQ(info.volume.id, VolumeDirectory::read().value().locate(mount_).value().volume.id);
  }
  std::string by_default, aside;
  run_program({"btrfs", "subvolume", "get-default", mount_}, &by_default);
  EXPECT_NE(by_default.find("path @data\n"), std::string::npos) << by_default;
  run_program({"btrfs", "subvolume", "list", mount_}, &aside);
  EXPECT_NE(aside.find("@data.before-revert-"), std::string::npos) << aside;
}

TEST_F(Btrfs, AMountBelowTheVolumeForbidsARevertAndNothingChanges) {
  ASSERT_TRUE(put_file(mount_ + "/file", "old").ok());
  auto made = make(request(mount_, true));
  ASSERT_TRUE(made.ok()) << made.error().what();
  ASSERT_TRUE(put_file(mount_ + "/file", "new").ok());
  const BytePath below = mount_ + "/below";
  ASSERT_TRUE(make_directories(below).ok());
  ASSERT_EQ(run_program({"mount", "-t", "tmpfs", "none", below}), 0);
  Status refused = provider_->revert(made.value().snapshot, {});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), Errc::in_use);
  EXPECT_NE(refused.error().what().find(below), std::string::npos) << refused.error().what();
  EXPECT_EQ(get_file(mount_ + "/file").value(), "new");
  ASSERT_EQ(run_program({"umount", below}), 0);
  EXPECT_TRUE(provider_->revert(made.value().snapshot, {}).ok());
  EXPECT_EQ(get_file(mount_ + "/file").value(), "old");
}

TEST_F(Btrfs, WithForceProcessesKeepTheOldState) {
  ASSERT_TRUE(put_file(mount_ + "/file", "old").ok());
  auto made = make(request(mount_, true));
  ASSERT_TRUE(made.ok()) << made.error().what();
  ASSERT_TRUE(put_file(mount_ + "/file", "new").ok());
  auto held = open_file(mount_ + "/file", O_RDONLY);
  ASSERT_EQ(provider_->revert(made.value().snapshot, {}).error().code(), Errc::in_use);
  RevertOptions force;
  force.force = true;
  Status reverted = provider_->revert(made.value().snapshot, force);
  ASSERT_TRUE(reverted.ok()) << reverted.error().what();
  EXPECT_EQ(get_file(mount_ + "/file").value(), "old");
  EXPECT_EQ(read_all(held.value().get(), 100, "held").value(), "new");
}

// The top level has no name that another subvolume could take.
class BtrfsTopLevel : public Btrfs {
 protected:
  void SetUp() override {
    Btrfs::SetUp();
    if (!under_test_) return;
    ASSERT_TRUE(under_test_->fs().unmount());
    ASSERT_TRUE(under_test_->fs().mount("subvolid=5"));
    subvolume(mount_ + "/cut");
    subvolume(mount_ + "/cut/deep");
    subvolume(mount_ + "/left");
    for (const char* name : {"/file", "/cut/file", "/cut/deep/file", "/left/file"}) {
      ASSERT_TRUE(put_file(mount_ + name, "old").ok());
    }
    // File sets that reach into "cut" and not into "left" or "@data".
    auto wanted = request(mount_, true);
    wanted.files[0].path = mount_ + "/cut";
    ASSERT_EQ(wanted.volume.subvolume_id, 5u);
    auto made = make(wanted);
    ASSERT_TRUE(made.ok()) << made.error().what();
    snapshot_ = made.value().snapshot;
    for (const char* name : {"/file", "/cut/file", "/cut/deep/file", "/left/file"}) {
      ASSERT_TRUE(put_file(mount_ + name, "new").ok());
    }
  }
  std::string read(const char* name) {
    auto text = get_file(mount_ + name);
    return text.ok() ? text.value() : text.error().what();
  }
  SnapshotId snapshot_;
};

TEST_F(BtrfsTopLevel, IsRevertedWithTheSubvolumesThatWereCutAndNoOthers) {
  ASSERT_TRUE(testkit::build_rich_tree(mount_ + "/left").ok());
  ASSERT_TRUE(put_file(mount_ + "/cut/extra", "x").ok());
  auto left = describe_tree(mount_ + "/left");
  Status reverted = provider_->revert(snapshot_, {});
  ASSERT_TRUE(reverted.ok()) << reverted.error().what();
  EXPECT_EQ(read("/file"), "old");
  EXPECT_EQ(read("/cut/file"), "old");
  EXPECT_EQ(read("/cut/deep/file"), "old");
  EXPECT_FALSE(exists(mount_ + "/cut/extra"));
  EXPECT_EQ(read("/left/file"), "new");
  auto after = describe_tree(mount_ + "/left");
  ASSERT_TRUE(left.ok() && after.ok());
  EXPECT_EQ(differences(left.value(), after.value()), "") << "a subvolume beside it was touched";
  EXPECT_TRUE(exists(mount_ + "/@data"));
}

TEST_F(BtrfsTopLevel, GetsADeletedSubvolumeBackAndKeepsALaterOne) {
  std::string printed;
  ASSERT_EQ(run_program({"btrfs", "-q", "subvolume", "delete", mount_ + "/cut/deep"}, &printed), 0)
      << printed;
  subvolume(mount_ + "/cut/later");
  ASSERT_TRUE(put_file(mount_ + "/cut/later/file", "later").ok());
  Status reverted = provider_->revert(snapshot_, {});
  ASSERT_TRUE(reverted.ok()) << reverted.error().what();
  EXPECT_EQ(read("/cut/deep/file"), "old");
  EXPECT_TRUE(put_file(mount_ + "/cut/deep/file", "writable").ok());
  EXPECT_EQ(read("/cut/later/file"), "later");
}

TEST_F(BtrfsTopLevel, WithAnOpenFileInASubvolumeIsInUseAndUnchanged) {
  auto held = open_file(mount_ + "/cut/deep/file", O_RDONLY);
  Status refused = provider_->revert(snapshot_, {});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), Errc::in_use);
  EXPECT_EQ(read("/file"), "new");
  EXPECT_EQ(read("/cut/deep/file"), "new");
}

}  // namespace
}  // namespace stillframe::tests
