// Snapshots of real volumes while four threads write: a btrfs subvolume's, and reflinks of all
// files on XFS. A full one and those of logs that go on from it are recovered in a new place.
#include <atomic>
#include <latch>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "framework/base/path.hpp"
#include "tests/ese/support/backup_sets.hpp"
#include "tests/ese/support/instance_model.hpp"
#include "tests/support/loop_fs.hpp"
#include "writers/ese/backup/snapshot_session.hpp"

namespace stillframe::ese {
namespace {

using stillframe::tests::FsKind;
using stillframe::tests::LoopFs;
using stillframe::tests::run_program;
using tests::InstanceModel;

constexpr std::uint32_t kVolumePage = 8192;
constexpr std::size_t kVolumeThreads = 4, kIncrements = 3;

class VolumeSnapshotTest : public testing::TestWithParam<FsKind> {
 protected:
  void SetUp() override {
    std::string reason;
    volume_ = LoopFs::make(GetParam(), reason);
    if (volume_ == nullptr) GTEST_SKIP() << reason;
    source_ = volume_->mount_point() + "/source";
    if (btrfs()) {
      make({"btrfs", "subvolume", "create", source_});
    } else {
      make({"mkdir", source_});
    }
    make({"mkdir", source_ + "/db", source_ + "/log"});
    options_ = tests::small_instance(kVolumePage);
    options_.logs = source_ + "/log";
    for (const char* name : {"/db/one.edb", "/db/two.edb"}) paths_.push_back(source_ + name);
    start();
  }
  void TearDown() override {
    for (auto& model : models_) model->crash();
    instance_.reset();
  }

  bool btrfs() const { return GetParam() == FsKind::btrfs; }
  static void make(const std::vector<std::string>& command) {
    std::string output;
    ASSERT_EQ(run_program(command, &output), 0) << output;
  }

  void start() {
    instance_ = tests::started(freezable_, options_);
    ASSERT_NE(instance_, nullptr);
    for (std::size_t i = 0; i < kVolumeThreads; ++i) {
      models_.push_back(std::make_unique<InstanceModel>(
          std::vector<BytePath>{paths_[i % paths_.size()]}, "rows" + std::to_string(i), 40 + i));
      if (i >= paths_.size()) models_.back()->join(*instance_);
      if (i < paths_.size()) {
        ASSERT_TRUE(models_.back()->open(*instance_).ok());
      }
    }
  }

  void load_beside(const std::function<void()>& meanwhile) {
    constexpr std::uint64_t kLeast = 20;
    std::atomic<bool> over{false};
    std::latch warm(kVolumeThreads);
    std::vector<std::thread> threads;
    for (auto& model : models_) {
      threads.emplace_back([&, worker = model.get()] {
        Status done = worker->work(*instance_, kLeast);
        warm.count_down();
        while (done.ok() && !over) done = worker->work(*instance_, 1);
        EXPECT_TRUE(done.ok()) << done.error().what();
      });
    }
    warm.wait();
    meanwhile();
    over = true;
    for (std::thread& thread : threads) thread.join();
  }

  void snapshot_to(const BytePath& place) {
    if (btrfs()) {
      make({"btrfs", "subvolume", "snapshot", source_, place});
    } else {
      make({"cp", "-a", "--reflink=always", source_, place});
    }
  }

  void take(const BytePath& place, bool logs_only) {
    SnapshotSession session({.logs_only = logs_only, .continue_after_thaw = true});
    ASSERT_TRUE(session.add(*instance_, freezable_).ok());
    for (auto& model : models_) model->begin_moment();
    const Status frozen = session.freeze(std::chrono::minutes(10));
    for (auto& model : models_) model->end_moment();
    ASSERT_TRUE(frozen.ok()) << frozen.error().what();
    snapshot_to(place);
    ASSERT_TRUE(session.thaw().ok());
    ASSERT_TRUE(session.truncate_log(true).ok());
    ASSERT_TRUE(session.end().ok());
  }

  // The databases of the first snapshot with the logs of all.
  void expect_recovers(const std::vector<BytePath>& snapshots) {
    const BytePath place = volume_->mount_point() + "/recovered";
    make({"cp", "-a", "--reflink=auto", snapshots.front(), place});
    for (std::size_t i = 1; i < snapshots.size(); ++i) {
      make({"rm", place + "/log/edb.log"});
      make({"cp", "-a", snapshots[i] + "/log/.", place + "/log"});
    }
    if (snapshots.size() > 1) {  // a checkpoint of logs alone is newer than the databases
      make({"cp", "-a", snapshots.front() + "/log/edb.chk", place + "/log/edb.chk"});
    }
    InstanceOptions options = options_;
    options.logs = place + "/log";
    options.databases = {};
    options.databases.named_only = true;
    std::vector<BytePath> now;
    for (const BytePath& path : paths_) {
      now.push_back(place + "/db/" + last_component(path));
      options.databases.by_path[path] = now.back();
    }
    const auto recovered = tests::started(*files_, options);
    ASSERT_NE(recovered, nullptr);
    for (const BytePath& path : now) ASSERT_TRUE(recovered->attach_database(path).ok());
    for (std::size_t i = 0; i < models_.size(); ++i) {
      const auto then = models_[i]->at_moment({now[i % now.size()]});
      then->join(*recovered);
      then->expect_committed(*recovered);
    }
    ASSERT_TRUE(recovered->stop().ok());
    for (const BytePath& path : now) tests::expect_sound(*files_, path);
    make({"rm", "-rf", place});
  }

  std::unique_ptr<LoopFs> volume_;
  BytePath source_;
  std::unique_ptr<Files> files_ = posix_files();
  FreezableFiles freezable_{*files_};
  InstanceOptions options_;
  std::vector<BytePath> paths_;
  std::vector<std::unique_ptr<InstanceModel>> models_;  // even ones on the first database
  std::unique_ptr<Instance> instance_;
};

std::string name_of_volume(const testing::TestParamInfo<FsKind>& info) {
  return stillframe::tests::to_string(info.param);
}
INSTANTIATE_TEST_SUITE_P(Volumes, VolumeSnapshotTest, testing::Values(FsKind::btrfs, FsKind::xfs),
                         name_of_volume);

TEST_P(VolumeSnapshotTest, EverySnapshotUnderLoadRecoversWithThoseOfItsLogs) {
  std::vector<BytePath> snapshots;
  for (std::size_t i = 0; i <= kIncrements && !HasFailure(); ++i) {
    SCOPED_TRACE("snapshot " + std::to_string(i));
    snapshots.push_back(volume_->mount_point() + "/snapshot" + std::to_string(i));
    load_beside([&] { take(snapshots.back(), i > 0); });
    if (!HasFailure()) expect_recovers(snapshots);
  }
}

}  // namespace
}  // namespace stillframe::ese
