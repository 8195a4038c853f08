// The unoptimized model through a real coordinator: files as their users see them, of one instant,
// restored to an ordinary folder.
#include <gmock/gmock.h>
#include <sys/xattr.h>

#include "requestor/restore/restore_run.hpp"
#include "tests/dedup/writer/engine_process.hpp"
#include "tests/requestor/embedded_fixture.hpp"
#include "writers/dedup/volume/stub.hpp"
#include "writers/dedup/writer/dedup_files_writer.hpp"

namespace stillframe::dedup {
namespace {

namespace fs = std::filesystem;
using stillframe::tests::FsKind;
using stillframe::tests::QuietObserver;
using testing::HasSubstr;
using tests::text_of;

class DedupFilesBackup : public stillframe::tests::EmbeddedFixture {
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
    BackedUpVolume described = volume_->described();
    described.model = BackupModel::unoptimized;
    places_ = VolumePlaces::of(described);
    writer_ = make_dedup_writer(std::move(described));
    ASSERT_TRUE(coordinator->add_writer(*writer_).ok());
    engine_.emplace(*volume_);
  }
  void TearDown() override {
    coordinator.reset();
    engine_.reset();
  }

  std::string expect_backed_up() {
    auto report = backup(BackupType::full);
    EXPECT_TRUE(report.ok()) << report.error().what();
    if (!report.ok()) return "";
    EXPECT_TRUE(report.value().finish.ok()) << report.value().finish.error().what();
    EXPECT_EQ(report.value().components[0].label, Consistency::application_consistent)
        << report.value().components[0].reason;
    EXPECT_FALSE(is_mount_point(places_.files).value());
    EXPECT_FALSE(is_mount_point(places_.mount).value());
    return report.value().path;
  }
  Status restored(const std::string& set, const std::string& to) {
    requestor::RestoreRequest request;
    request.set = set;
    if (!to.empty()) request.moves = {{places_.files, to}};
    request.pending = base + "/pending";
    QuietObserver observer;
    Client requestor = client();
    const auto outcome = requestor::run_restore(requestor, request, observer);
    return outcome.ok() ? outcome.value().finish : Status(outcome.error());
  }
  void expect_first_files_in(const std::string& folder) const {
    EXPECT_EQ(text_of(folder + "/one"), volume_->one);
    EXPECT_EQ(text_of(folder + "/two"), volume_->one);
    EXPECT_EQ(text_of(folder + "/sub/three"), volume_->three);
    EXPECT_EQ(text_of(folder + "/plain"), "plain");
    EXPECT_FALSE(fs::exists(folder + "/" + kVolumeFolder));
    EXPECT_LT(::getxattr((folder + "/one").c_str(), kStubAttribute, nullptr, 0), 0);
  }

  std::unique_ptr<tests::WriterVolume> volume_;
  VolumePlaces places_;
  std::unique_ptr<Provider> snapshots_;
  std::unique_ptr<Writer> writer_;
  std::optional<tests::EngineProcess> engine_;
};

TEST_F(DedupFilesBackup, FilesOfAVolumeInUseAreOrdinaryOnesInTheBackupAndAfterwards) {
  set_up(FsKind::btrfs);
  if (IsSkipped()) return;
  engine_->start();
  const std::string set = expect_backed_up();
  ASSERT_FALSE(set.empty());
  expect_first_files_in(set + "/data" + places_.files);
  EXPECT_FALSE(fs::exists(set + "/data" + places_.mount));
  const std::string to = base + "/ordinary";
  const Status done = restored(set, to);
  ASSERT_TRUE(done.ok()) << done.error().what();
  expect_first_files_in(to);
  const Status in_place = restored(set, "");
  ASSERT_FALSE(in_place.ok());
  EXPECT_THAT(in_place.error().what(), HasSubstr("--map"));
  tests::put_text(*engine_ / "more", "it goes on");
}

// A provider that copies files copies those that are declared, which is not the store.
TEST_F(DedupFilesBackup, AVolumeThatIsNotCutAsAWholeIsRefused) {
  set_up(FsKind::ext4);
  if (IsSkipped()) return;
  const auto refused = backup(BackupType::full);
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.error().what(), HasSubstr("is no deduplicated volume"));
}

TEST_F(DedupFilesBackup, OneSessionShowsItsFilesAtATime) {
  set_up(FsKind::btrfs);
  if (IsSkipped()) return;
  CallContext first, second;
  first.session = SessionId::generate();
  second.session = SessionId::generate();
  BackupView backup;
  ASSERT_TRUE(writer_->prepare_backup(first, backup).ok());
  EXPECT_EQ(writer_->prepare_backup(second, backup).error().code(), Errc::writer_retryable);
  writer_->abort(second);
  writer_->shutdown(second, {});
  EXPECT_TRUE(is_mount_point(places_.mount).value()) << "of the first";
  writer_->shutdown(first, {});
  EXPECT_FALSE(is_mount_point(places_.mount).value());
}

}  // namespace
}  // namespace stillframe::dedup
