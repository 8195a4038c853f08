// Backups of an encrypted volume through a real coordinator: what a restore needs, what it says
// when it has not got that, and chains in which the key file was changed.
#include <gmock/gmock.h>

#include "requestor/restore/restore_run.hpp"
#include "tests/dedup/writer/engine_process.hpp"
#include "tests/requestor/embedded_fixture.hpp"
#include "writers/dedup/engine/volume_making.hpp"
#include "writers/dedup/writer/dedup_files_writer.hpp"
#include "writers/dedup/writer/dedup_verifier.hpp"

namespace stillframe::dedup {
namespace {

namespace fs = std::filesystem;
using stillframe::tests::FsKind;
using stillframe::tests::QuietObserver;
using testing::HasSubstr;
using tests::text_of;

class DedupEncryptedBackup : public stillframe::tests::EmbeddedFixture {
 protected:
  void SetUp() override {
    std::string reason;
    if (!fs::exists("/dev/fuse")) GTEST_SKIP() << "no /dev/fuse";
    volume_ = tests::WriterVolume::make(FsKind::btrfs, reason, true);
    if (!volume_) GTEST_SKIP() << reason;
    ProviderEnvironment environment;
    environment.state_directory = base + "/state";
    environment.runtime_directory = base + "/run";
    snapshots_ = make_btrfs_provider(environment);
    described_ = volume_->described();
    engine_.emplace(*volume_);
  }
  void TearDown() override {
    coordinator.reset();
    engine_.reset();
  }
  void start() {
    start_coordinator();
    ASSERT_TRUE(coordinator->add_provider(*snapshots_).ok());
    writer_ = make_dedup_writer(described_);
    ASSERT_TRUE(coordinator->add_writer(*writer_).ok());
  }
  bool skipped() {
    if (!IsSkipped()) start();
    return IsSkipped();
  }

  Result<std::string> backed_up(BackupType type = BackupType::full) {
    requestor::BackupRequest request;
    request.store = store;
    request.options.type = type;
    request.verifiers = {&verifier_};
    QuietObserver observer;
    Client requestor = client();
    auto report = requestor::run_backup(requestor, request, observer);
    if (!report.ok()) return report.error();
    if (!report.value().finish.ok()) return report.value().finish.error();
    return std::string(report.value().path);
  }
  std::string expect_backed_up(BackupType type = BackupType::full) {
    const auto set = backed_up(type);
    EXPECT_TRUE(set.ok()) << set.error().what();
    return set.ok() ? set.value() : "";
  }
  Status restored(requestor::RestoreRequest request, const std::string& set) {
    request.set = set;
    request.pending = base + "/pending";
    QuietObserver observer;
    Client requestor = client();
    const auto outcome = requestor::run_restore(requestor, request, observer);
    return outcome.ok() ? outcome.value().finish : Status(outcome.error());
  }
  static requestor::RestoreRequest with_key(const std::string& path) {
    requestor::RestoreRequest request;
    request.writer_options = "\"Key File\"=\"" + path + "\"";
    return request;
  }
  requestor::RestoreRequest chosen(const std::vector<std::string>& files) const {
    requestor::RestoreRequest request;
    for (const std::string& file : files) request.files.push_back(file);
    request.into = base + "/rescue";
    return request;
  }
  // The engine is stopped before, and again after.
  void expect_whole_in_use() {
    engine_->start();
    EXPECT_EQ(text_of(*engine_ / "one"), volume_->one);
    EXPECT_EQ(text_of(*engine_ / "two"), volume_->one);
    EXPECT_EQ(text_of(*engine_ / "sub/three"), volume_->three);
    const auto scrubbed = engine_->ask(Json{{"do", "scrub"}, {"full", true}});
    ASSERT_TRUE(scrubbed.ok()) << scrubbed.error().what();
    EXPECT_EQ(scrubbed.value()["damaged_files"], 0);
    engine_->stop();
  }
  std::string put_other_key_file() const {
    const std::string other = volume_->fs().scratch() + "/other";
    tests::WriterVolume::put_key_file(other, 'b');
    return other;
  }

  std::unique_ptr<tests::WriterVolume> volume_;
  BackedUpVolume described_;
  std::unique_ptr<Provider> snapshots_;
  std::unique_ptr<Writer> writer_;
  DedupVerifier verifier_;
  std::optional<tests::EngineProcess> engine_;
};

// As on another machine, where there is neither the volume nor its key file.
TEST_F(DedupEncryptedBackup, AnotherMachineNeedsTheKeyFileAndSaysSoBeforeItTouchesAnything) {
  if (skipped()) return;
  const std::string set = expect_backed_up();
  ASSERT_FALSE(set.empty());
  const std::string moved = volume_->fs().scratch() + "/moved", other = put_other_key_file();
  fs::rename(volume_->key_file(), moved);
  ASSERT_EQ(stillframe::tests::run_program({"mkfs.btrfs", "-q", "-f", volume_->device()}), 0);

  const Status missing = restored({}, set);
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().code(), Errc::not_found) << missing.error().what();
  EXPECT_THAT(missing.error().what(), HasSubstr(volume_->key_file()));
  EXPECT_THAT(missing.error().what(), HasSubstr("\"Key File\"=\"PATH\""));
  const Status wrong = restored(with_key(other), set);
  ASSERT_FALSE(wrong.ok());
  EXPECT_EQ(wrong.error().code(), Errc::access_denied) << wrong.error().what();
  EXPECT_THAT(wrong.error().what(), HasSubstr("is not that of the backup"));
  EXPECT_EQ(restored(with_key("moved"), set).error().code(), Errc::invalid_argument);
  volume_->below([](const std::string& root) { EXPECT_TRUE(fs::is_empty(root)); });

  const Status done = restored(with_key(moved), set);
  ASSERT_TRUE(done.ok()) << done.error().what();
  expect_whole_in_use();
}

TEST_F(DedupEncryptedBackup, NeitherTheKeyNorAnyContentIsInTheBackup) {
  if (skipped()) return;
  const std::string set = expect_backed_up();
  ASSERT_FALSE(set.empty());
  const std::string digits(64, 'a'), bytes(32, '\xaa');
  std::uint64_t files = 0;
  for (const auto& entry : fs::recursive_directory_iterator(set)) {
    if (!entry.is_regular_file()) continue;
    ++files;
    const std::string text = text_of(entry.path());
    EXPECT_EQ(text.find(digits), std::string::npos) << entry.path();
    EXPECT_EQ(text.find(bytes), std::string::npos) << entry.path();
    for (std::size_t at = 0; at + 16 <= volume_->three.size(); at += 10'000) {
      ASSERT_EQ(text.find(volume_->three.substr(at, 16)), std::string::npos) << entry.path();
    }
  }
  EXPECT_GT(files, 5u);
}

TEST_F(DedupEncryptedBackup, ChosenFilesGetTheirContentWithTheKeyFile) {
  if (skipped()) return;
  const std::string set = expect_backed_up();
  ASSERT_FALSE(set.empty());
  requestor::RestoreRequest request = chosen({"sub"});
  const Status done = restored(request, set);  // where the settings say that the key file is
  ASSERT_TRUE(done.ok()) << done.error().what();
  EXPECT_TRUE(text_of(request.into + "/sub/three") == volume_->three);
  fs::remove_all(request.into);

  const std::string moved = volume_->fs().scratch() + "/moved";
  fs::rename(volume_->key_file(), moved);
  const Status missing = restored(request, set);
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().code(), Errc::not_found) << missing.error().what();
  EXPECT_THAT(missing.error().what(), HasSubstr("Key File"));
  EXPECT_FALSE(fs::exists(request.into + "/sub/three"));
  request.writer_options = with_key(moved).writer_options;
  const Status with = restored(request, set);
  ASSERT_TRUE(with.ok()) << with.error().what();
  EXPECT_TRUE(text_of(request.into + "/sub/three") == volume_->three);
}

// Each set is restored with the key file of its day.
TEST_F(DedupEncryptedBackup, AChainInWhichTheKeyFileWasChangedIsRestoredAtBothEnds) {
  if (skipped()) return;
  const std::string full = expect_backed_up(), other = put_other_key_file();
  ASSERT_FALSE(full.empty());
  const Status changed = VolumeOnDevice::change_key(volume_->device(), other);
  ASSERT_TRUE(changed.ok()) << changed.error().what();
  const std::string fresh = tests::random_text(600'000, 12);
  engine_->start();
  tests::put_text(*engine_ / "new", fresh);
  ASSERT_TRUE(engine_->ask(Json{{"do", "optimize"}}).ok());
  const std::string increment = expect_backed_up(BackupType::incremental);
  ASSERT_FALSE(increment.empty());
  engine_->stop();
  // It has the store's key anew, and not the container that did not change.
  const std::string in_set = increment + "/data" + volume_->places().own + "/" + kStoreFolder;
  EXPECT_TRUE(fs::exists(in_set + "/" + chunkstore::kStoreKeyFileName));

  requestor::RestoreRequest request = chosen({"new", "one"});
  const Status some = restored(request, increment);
  ASSERT_TRUE(some.ok()) << some.error().what();
  EXPECT_TRUE(text_of(request.into + "/new") == fresh);
  EXPECT_TRUE(text_of(request.into + "/one") == volume_->one);

  EXPECT_EQ(restored(with_key(volume_->key_file()), increment).error().code(), Errc::access_denied);
  const Status last = restored({}, increment);
  ASSERT_TRUE(last.ok()) << last.error().what();
  expect_whole_in_use();
  EXPECT_EQ(restored(with_key(other), full).error().code(), Errc::access_denied);
  const Status first = restored({}, full);
  ASSERT_TRUE(first.ok()) << first.error().what();
  expect_whole_in_use();
}

TEST_F(DedupEncryptedBackup, FilesAsTheirUsersSeeThemNeedTheKeyFileForTheBackupAlone) {
  if (IsSkipped()) return;
  described_.model = BackupModel::unoptimized;
  const std::string moved = volume_->fs().scratch() + "/moved";
  fs::rename(volume_->key_file(), moved);
  described_.key_file = moved;
  start();
  const std::string set = expect_backed_up();
  ASSERT_FALSE(set.empty());
  requestor::RestoreRequest request;
  const std::string from = VolumePlaces::of(described_).files, to = base + "/ordinary";
  request.moves = {{from, to}};
  fs::remove(moved);
  const Status done = restored(request, set);
  ASSERT_TRUE(done.ok()) << done.error().what();
  EXPECT_TRUE(text_of(to + "/one") == volume_->one);
  EXPECT_TRUE(text_of(to + "/sub/three") == volume_->three);

  const auto without = backed_up();
  ASSERT_FALSE(without.ok());
  EXPECT_THAT(without.error().what(), HasSubstr(moved));
}

TEST_F(DedupEncryptedBackup, ABackupThatIsNotEncryptedTakesNoKeyFile) {
  if (IsSkipped()) return;
  std::string reason;
  volume_ = tests::WriterVolume::make(FsKind::btrfs, reason);
  ASSERT_TRUE(volume_) << reason;
  engine_.emplace(*volume_);
  described_ = volume_->described();
  described_.key_file = put_other_key_file();  // of all volumes of this machine, say
  start();
  const std::string set = expect_backed_up();
  ASSERT_FALSE(set.empty());
  EXPECT_EQ(restored(with_key(described_.key_file), set).error().code(), Errc::wrong_state);
  const Status done = restored({}, set);
  ASSERT_TRUE(done.ok()) << done.error().what();
  expect_whole_in_use();
}

}  // namespace
}  // namespace stillframe::dedup
