// Backups of a deduplicated volume through a real coordinator, with its engine and jobs at work,
// and back: as a whole and in parts.
#include <atomic>
#include <map>
#include <thread>

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include <stillframe/restore/selective_restore.hpp>

#include "requestor/restore/restore_run.hpp"
#include "tests/dedup/writer/engine_process.hpp"
#include "tests/requestor/embedded_fixture.hpp"
#include "writers/dedup/volume/stub.hpp"
#include "writers/dedup/writer/dedup_verifier.hpp"
#include "writers/dedup/writer/dedup_writer.hpp"
#include "writers/dedup/writer/files_from_backup.hpp"

namespace stillframe::dedup {
namespace {

namespace fs = std::filesystem;
using stillframe::tests::FsKind;
using stillframe::tests::QuietObserver;
using testing::HasSubstr;
using tests::text_of;

class DedupBackup : public stillframe::tests::EmbeddedFixture {
 protected:
  void set_up(FsKind kind) {
    std::string reason;
    if (!fs::exists("/dev/fuse")) GTEST_SKIP() << "no /dev/fuse";
    volume_ = tests::WriterVolume::make(kind, reason);
    if (!volume_) GTEST_SKIP() << reason;
    start_coordinator();
    ProviderEnvironment environment;
    environment.state_directory = base + "/state";
    environment.runtime_directory = base + "/run";
    snapshots_ = make_btrfs_provider(environment);
    ASSERT_TRUE(coordinator->add_provider(*snapshots_).ok());
    writer_.emplace(volume_->described());
    ASSERT_TRUE(coordinator->add_writer(*writer_).ok());
    engine_.emplace(*volume_);
  }
  void TearDown() override {
    coordinator.reset();
    engine_.reset();
  }

  Result<std::string> backed_up() {
    requestor::BackupRequest request;
    request.store = store;
    request.options.type = BackupType::full;
    request.verifiers = {&verifier_};
    QuietObserver observer;
    Client requestor = client();
    auto report = requestor::run_backup(requestor, request, observer);
    if (!report.ok()) return report.error();
    if (!report.value().finish.ok()) return report.value().finish.error();
    return std::string(report.value().path);
  }
  std::string expect_backed_up() {
    const auto set = backed_up();
    EXPECT_TRUE(set.ok()) << set.error().what();
    EXPECT_FALSE(is_mount_point(volume_->places().mount).value());
    return set.ok() ? set.value() : "";
  }
  Status restored(requestor::RestoreRequest request) {
    request.pending = base + "/pending";
    QuietObserver observer;
    Client requestor = client();
    const auto outcome = requestor::run_restore(requestor, request, observer);
    return outcome.ok() ? outcome.value().finish : Status(outcome.error());
  }
  static requestor::RestoreRequest whole(const std::string& set) {
    requestor::RestoreRequest request;
    request.set = set;
    return request;
  }
  // The files alone, to another place.
  requestor::RestoreRequest files_of(const std::string& set, const std::string& to) const {
    requestor::RestoreRequest request;
    request.set = set;
    request.subcomponents.emplace_back("Volume", files_component());
    request.moves = {{volume_->places().incoming, to}};
    return request;
  }
  void expect_first_files() {
    EXPECT_EQ(text_of(*engine_ / "one"), volume_->one);
    EXPECT_EQ(text_of(*engine_ / "two"), volume_->one);
    EXPECT_EQ(text_of(*engine_ / "sub/three"), volume_->three);
    EXPECT_EQ(text_of(*engine_ / "plain"), "plain");
  }
  static std::string volume_in(const std::string& set, const VolumePlaces& places) {
    return set + "/data" + places.mount;
  }

  std::unique_ptr<tests::WriterVolume> volume_;
  std::unique_ptr<Provider> snapshots_;
  std::optional<DedupWriter> writer_;
  DedupVerifier verifier_;
  std::optional<tests::EngineProcess> engine_;
};

// Optimizes, collects and is written to for as long as it lives.
class JobsAtWork {
 public:
  explicit JobsAtWork(tests::EngineProcess& engine) : engine_(engine) {
    jobs_ = std::thread([this] {
      while (!over_) {
        for (const char* job : {"optimize", "gc"}) {
          const auto done = engine_.ask(Json{{"do", job}, {"full", true}});
          EXPECT_TRUE(done.ok()) << job << ": " << done.error().what();
          ++jobs;
        }
      }
    });
    users_ = std::thread([this] {
      for (unsigned i = 0; !over_; ++i) {
        const std::string name = engine_ / ("churn" + std::to_string(i % 5));
        tests::put_text(name, tests::random_text(200'000, i % 7));
        if (i % 3 == 0) fs::remove(name);
      }
    });
  }
  ~JobsAtWork() {
    over_ = true;
    users_.join();
    jobs_.join();
  }

  std::atomic<int> jobs{0};

 private:
  tests::EngineProcess& engine_;
  std::atomic<bool> over_{false};
  std::thread jobs_, users_;
};

TEST_F(DedupBackup, ASnapshotDuringJobsIsRestoredWhole) {
  set_up(FsKind::btrfs);
  if (IsSkipped()) return;
  engine_->start();
  std::string set;
  {
    JobsAtWork work(*engine_);
    while (work.jobs < 2) std::this_thread::yield();
    set = expect_backed_up();
  }
  ASSERT_FALSE(set.empty());
  tests::put_text(*engine_ / "later", "after the backup");
  fs::remove(*engine_ / "one");
  EXPECT_EQ(restored(whole(set)).error().code(), Errc::in_use) << "it is mounted";
  engine_->stop();
  const Status done = restored(whole(set));
  ASSERT_TRUE(done.ok()) << done.error().what();
  engine_->start();
  expect_first_files();
  EXPECT_FALSE(fs::exists(*engine_ / "later"));
  const auto scrubbed = engine_->ask(Json{{"do", "scrub"}, {"full", true}});
  ASSERT_TRUE(scrubbed.ok()) << scrubbed.error().what();
  EXPECT_EQ(scrubbed.value()["damaged_files"], 0);
  engine_->stop();
  volume_->below([](const std::string& root) {
    bool kept = false;
    for (const auto& entry : fs::directory_iterator(root + "/" + kVolumeFolder)) {
      const bool aside = entry.path().filename().string().starts_with("replaced-");
      kept = kept || (aside && text_of(entry.path() / "later") == "after the backup");
    }
    EXPECT_TRUE(kept) << "what was there is nobody's to delete";
  });
}

TEST_F(DedupBackup, FilesOfASnapshotDuringJobsAreRestoredElsewhere) {
  set_up(FsKind::btrfs);
  if (IsSkipped()) return;
  engine_->start();
  std::string set;
  {
    JobsAtWork work(*engine_);
    while (work.jobs < 2) std::this_thread::yield();
    set = expect_backed_up();
  }
  ASSERT_FALSE(set.empty());
  const std::string to = volume_->fs().scratch() + "/rescue";
  auto request = files_of(set, to);
  EXPECT_EQ(restored(request).error().code(), Errc::not_supported);
  request.writer_options = "\"Backup\"=\"" + set + "\"";
  const Status done = restored(request);
  ASSERT_TRUE(done.ok()) << done.error().what();
  EXPECT_EQ(text_of(to + "/one"), volume_->one);
  EXPECT_EQ(text_of(to + "/two"), volume_->one);
  EXPECT_EQ(text_of(to + "/sub/three"), volume_->three);
  EXPECT_EQ(text_of(to + "/plain"), "plain");
  EXPECT_LT(::getxattr((to + "/one").c_str(), kStubAttribute, nullptr, 0), 0);
  expect_first_files();  // the volume goes on
}

// As any program does it that calls RestoreFiles() itself.
TEST_F(DedupBackup, FilesThatAreLeftMarkedReadNoMoreOfTheBackupThanTheyNeed) {
  set_up(FsKind::btrfs);
  if (IsSkipped()) return;
  engine_->start();
  const std::string set = expect_backed_up();
  ASSERT_FALSE(set.empty());
  const std::string to = volume_->fs().scratch() + "/rescue";
  auto request = files_of(set, to);
  request.writer_options = "\"Leave Marked\"=\"yes\"";
  const Status done = restored(request);
  ASSERT_TRUE(done.ok()) << done.error().what();
  EXPECT_NE(text_of(to + "/sub/three"), volume_->three) << "it has no content yet";
  fs::remove(to + "/one");  // not wanted
  fs::remove(to + "/two");
  const auto backup = backup_in_folder(volume_in(set, volume_->places()));
  const auto filled = fill_from_backup(to, "", *backup);
  ASSERT_TRUE(filled.ok()) << filled.error().what();
  EXPECT_EQ(filled.value().files, 1u);
  EXPECT_EQ(text_of(to + "/sub/three"), volume_->three);
  const double amplification = static_cast<double>(filled.value().reads.container_bytes) /
                               static_cast<double>(filled.value().bytes);
  std::printf("%llu bytes restored, %llu read of containers: amplification %.3f\n",
              static_cast<unsigned long long>(filled.value().bytes),
              static_cast<unsigned long long>(filled.value().reads.container_bytes), amplification);
  EXPECT_LT(amplification, 1.7);  // frames hold parts of other files, too
}

TEST_F(DedupBackup, ANewFileSystemTakesAVolumeThatIsLost) {
  set_up(FsKind::btrfs);
  if (IsSkipped()) return;
  const std::string set = expect_backed_up();
  ASSERT_FALSE(set.empty());
  ASSERT_EQ(stillframe::tests::run_program({"mkfs.btrfs", "-q", "-f", volume_->device()}), 0);
  const Status done = restored(whole(set));
  ASSERT_TRUE(done.ok()) << done.error().what();
  engine_->start();
  expect_first_files();
}

TEST_F(DedupBackup, AVolumeInUseIsNotCopiedFileByFile) {
  set_up(FsKind::ext4);
  if (IsSkipped()) return;
  engine_->start();
  const auto refused = backed_up();
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.error().what(), HasSubstr("unmount it for the backup"));
  expect_first_files();
  engine_->stop();
  const std::string set = expect_backed_up();
  ASSERT_FALSE(set.empty());
  const Status done = restored(whole(set));
  ASSERT_TRUE(done.ok()) << done.error().what();
  engine_->start();
  expect_first_files();
}

// Nothing of the session depends on the engine, and it comes back while the session goes on.
TEST_F(DedupBackup, AnEngineThatDiesInTheHoldIsNoFailure) {
  set_up(FsKind::btrfs);
  if (IsSkipped()) return;
  engine_->start();
  CallContext call;
  call.session = SessionId::generate();
  BackupView backup;
  const Status prepared = writer_->prepare_backup(call, backup);
  ASSERT_TRUE(prepared.ok()) << prepared.error().what();
  SnapshotSetView set;
  set.volumes.push_back({volume_->places().mount, SnapshotId::generate(), ""});
  ASSERT_TRUE(writer_->prepare_snapshot(call, set).ok());
  engine_->kill();
  EXPECT_TRUE(writer_->freeze(call).ok());
  EXPECT_TRUE(writer_->thaw(call).value().unbroken);
  engine_->start();
  expect_first_files();
  writer_->shutdown(call, {});
  EXPECT_FALSE(writer_->thaw(call).value().unbroken) << "nothing is held";
}

TEST_F(DedupBackup, WhatUsersWroteIsInTheSnapshotWithoutTheirSyncingIt) {
  set_up(FsKind::btrfs);
  if (IsSkipped()) return;
  engine_->start();
  std::fstream open(*engine_ / "one", std::ios::in | std::ios::out | std::ios::binary);
  open.seekp(1000);
  open << "changed" << std::flush;
  const std::string set = expect_backed_up();
  ASSERT_FALSE(set.empty());
  open.close();
  const std::string to = volume_->fs().scratch() + "/rescue";
  auto request = files_of(set, to);
  request.writer_options = "\"Backup\"=\"" + set + "\"";
  const Status done = restored(request);
  ASSERT_TRUE(done.ok()) << done.error().what();
  EXPECT_EQ(text_of(to + "/one").substr(1000, 7), "changed");
}

}  // namespace
}  // namespace stillframe::dedup
