// Chains of backups of a deduplicated volume: increments have of the store only what is new, and a
// restore of one is the volume as it was then.
#include <map>

#include <gmock/gmock.h>

#include "requestor/restore/restore_run.hpp"
#include "requestor/store/backup_set.hpp"
#include "tests/dedup/writer/engine_process.hpp"
#include "tests/requestor/embedded_fixture.hpp"
#include "writers/dedup/writer/dedup_writer.hpp"

namespace stillframe::dedup {
namespace {

namespace fs = std::filesystem;
using stillframe::tests::FsKind;
using stillframe::tests::QuietObserver;
using testing::HasSubstr;
using tests::text_of;

constexpr std::size_t kContainerful = 10'000'000;  // enough to be closed before a snapshot

class DedupIncrement : public stillframe::tests::EmbeddedFixture {
 protected:
  void SetUp() override {
    std::string reason;
    if (!fs::exists("/dev/fuse")) GTEST_SKIP() << "no /dev/fuse";
    volume_ = tests::WriterVolume::make(FsKind::btrfs, reason);
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
    engine_->start();
    tests::put_text(*engine_ / "large", tests::random_text(kContainerful, 11));
    do_job("optimize");
  }
  void TearDown() override {
    coordinator.reset();
    engine_.reset();
  }

  void do_job(const char* job) {
    const auto done = engine_->ask(Json{{"do", job}, {"full", true}});
    ASSERT_TRUE(done.ok()) << job << ": " << done.error().what();
  }
  std::string backed_up(BackupType type) {
    auto report = backup(type);
    EXPECT_TRUE(report.ok()) << report.error().what();
    if (!report.ok()) return "";
    EXPECT_TRUE(report.value().finish.ok()) << report.value().finish.error().what();
    return report.value().path;
  }
  Status restored(requestor::RestoreRequest request, const std::string& set) {
    request.set = set;
    request.pending = base + "/pending";
    QuietObserver observer;
    Client requestor = client();
    const auto outcome = requestor::run_restore(requestor, request, observer);
    return outcome.ok() ? outcome.value().finish : Status(outcome.error());
  }
  std::map<std::string, std::uint64_t> containers_in(const std::string& set) const {
    std::map<std::string, std::uint64_t> found;
    const std::string folder =
        set + "/data" + volume_->places().own + "/" + kStoreFolder + "/containers";
    if (!fs::exists(folder)) return found;
    for (const auto& entry : fs::directory_iterator(folder)) {
      found[entry.path().filename()] = entry.file_size();
    }
    return found;
  }
  std::map<std::string, std::string> files_of_users() const {
    std::map<std::string, std::string> files;
    const std::string root = *engine_ / "";
    for (const auto& entry : fs::recursive_directory_iterator(root)) {
      if (entry.is_regular_file()) {
        files[entry.path().lexically_relative(root)] = text_of(entry.path());
      }
    }
    return files;
  }
  void expect_restored(const std::string& set, const std::map<std::string, std::string>& files) {
    engine_->stop();
    const Status done = restored({}, set);
    ASSERT_TRUE(done.ok()) << done.error().what();
    engine_->start();
    EXPECT_TRUE(files_of_users() == files);
    const auto scrubbed = engine_->ask(Json{{"do", "scrub"}, {"full", true}});
    ASSERT_TRUE(scrubbed.ok()) << scrubbed.error().what();
    EXPECT_EQ(scrubbed.value()["damaged_files"], 0);
  }

  std::unique_ptr<tests::WriterVolume> volume_;
  std::unique_ptr<Provider> snapshots_;
  std::optional<DedupWriter> writer_;
  std::optional<tests::EngineProcess> engine_;
};

TEST_F(DedupIncrement, AChainHasEachContainerOnceAndIsTheVolumeAtEachOfItsEnds) {
  if (IsSkipped()) return;
  const std::string full = backed_up(BackupType::full);
  const auto first_files = files_of_users();
  const auto in_full = containers_in(full);
  ASSERT_GE(in_full.size(), 2u);

  // Times stay as they are where a job or a rename makes other files of them.
  fs::rename(*engine_ / "sub", *engine_ / "renamed");
  fs::remove(*engine_ / "two");
  tests::put_text(*engine_ / "new", tests::random_text(kContainerful, 12));
  std::fstream(*engine_ / "one", std::ios::in | std::ios::out).seekp(1000) << "changed";
  do_job("optimize");
  const std::string first = backed_up(BackupType::incremental);
  const auto second_files = files_of_users();
  std::uint64_t fresh = 0;
  for (const auto& [name, bytes] : containers_in(first)) {
    if (!in_full.contains(name)) fresh += bytes;
  }
  EXPECT_GE(fresh, kContainerful);

  fs::remove(*engine_ / "large");
  do_job("gc");
  tests::put_text(*engine_ / "plain", "now longer");
  const std::string second = backed_up(BackupType::incremental);
  const auto third_files = files_of_users();
  const std::string differential = backed_up(BackupType::differential);

  expect_restored(second, third_files);
  expect_restored(first, second_files);
  expect_restored(full, first_files);
  expect_restored(differential, third_files);
}

TEST_F(DedupIncrement, ChosenFilesGetTheirContentFromAllSetsOfTheChain) {
  if (IsSkipped()) return;
  ASSERT_NE(backed_up(BackupType::full), "");
  const std::string fresh = tests::random_text(kContainerful, 12);
  tests::put_text(*engine_ / "new", fresh);
  do_job("optimize");
  const std::string increment = backed_up(BackupType::incremental);
  requestor::RestoreRequest request;
  request.files = {"large", "new"};
  request.into = base + "/rescue";
  const Status done = restored(request, increment);
  ASSERT_TRUE(done.ok()) << done.error().what();
  EXPECT_TRUE(text_of(request.into + "/new") == fresh);
  EXPECT_TRUE(text_of(request.into + "/large") == text_of(*engine_ / "large"));
}

TEST_F(DedupIncrement, AnIncrementWithoutAFullBackupIsRefused) {
  if (IsSkipped()) return;
  const auto refused = backup(BackupType::incremental);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), Errc::chain_broken);
}

}  // namespace
}  // namespace stillframe::dedup
