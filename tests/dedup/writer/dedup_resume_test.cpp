// A restore of a whole volume whose writer and requestor were killed: `stillframe restore resume`
// and `abandon` find it, and the writer ends it.
#include <filesystem>
#include <fstream>
#include <string>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <stillframe/writer_host.hpp>

#include "requestor/restore/file_restorer.hpp"
#include "requestor/restore/orphan.hpp"
#include "tests/dedup/writer/engine_process.hpp"
#include "tests/requestor/embedded_fixture.hpp"
#include "writers/dedup/volume/layout.hpp"
#include "writers/dedup/writer/dedup_writer.hpp"
#include "writers/dedup/writer/mounted_place.hpp"

namespace stillframe::dedup {
namespace {

namespace fs = std::filesystem;
using stillframe::tests::FsKind;
using stillframe::tests::QuietObserver;
using tests::text_of;

constexpr int kKilled = 42;
constexpr int kNever = 1'000'000;

class DedupResume : public stillframe::tests::EmbeddedFixture {
 protected:
  void SetUp() override {
    std::string reason;
    if (!fs::exists("/dev/fuse")) GTEST_SKIP() << "no /dev/fuse";
    volume_ = tests::WriterVolume::make(FsKind::btrfs, reason);
    if (!volume_) GTEST_SKIP() << reason;
    described_ = volume_->described();
    engine_.emplace(*volume_);
    back_up();
    engine_->start();
    tests::put_text(*engine_ / "later", "after the backup");
    fs::remove(*engine_ / "one");
    engine_->stop();
  }

  void back_up() {
    start_coordinator();
    DedupWriter writer(described_);
    ASSERT_TRUE(coordinator->add_writer(writer).ok());
    requestor::BackupRequest request;
    request.store = store;
    request.options.type = BackupType::full;
    QuietObserver observer;
    Client requestor = client();
    const auto report = requestor::run_backup(requestor, request, observer);
    ASSERT_TRUE(report.ok()) << report.error().what();
    set_ = report.value().path;
    coordinator.reset();  // with its threads: this process forks
  }

  // What a writer and a requestor do until the copy's change of this number, where both are killed;
  // at the latest when all is copied.
  void restore_until(int step_to_die_at) const {
    const SessionId session = SessionId::generate();
    auto begun = VolumeReplacement::begin(described_, session, "");
    ASSERT_TRUE(begun.ok()) << begun.error().what();
    ASSERT_TRUE(begun.value()->make_room({}).ok());
    const auto source = requestor::ChainSource::open(set_);
    ASSERT_TRUE(source.ok());
    const auto writers = source.value().newest().writers();
    const auto document = source.value().newest().document();
    const auto files = source.value().files_of(0);
    requestor::PlacementRequest wanted;
    wanted.metadata = &writers.value().front();
    for (const Component& member : wanted.metadata->components) wanted.members.push_back(&member);
    wanted.component = &document.value().components.front();
    wanted.files = &files;
    const auto placement = requestor::place_files(wanted);
    ASSERT_TRUE(placement.ok()) << placement.error().what();
    auto journal = requestor::make_journal(session, set_, 0, placement.value());
    ASSERT_TRUE(journal.ok());
    journal.value().staged = true;
    const VolumePlaces places = volume_->places();
    ASSERT_TRUE(requestor::write_journal(places.own, journal.value()).ok());
    requestor::FileRestorer restorer(journal.value(), files);
    int step = 0;
    restorer.on_step([&](std::string_view) {
      if (step++ == step_to_die_at) ::_exit(kKilled);
    });
    const auto done = restorer.run([](std::uint64_t) { return true; });
    ASSERT_TRUE(done.ok()) << done.error().what();
    ASSERT_TRUE(begun.value()->files_came(Ok{}).ok());
  }
  // Whether it was killed before all was copied.
  bool killed_at(int step) const {
    const pid_t child = ::fork();
    if (child == 0) {
      restore_until(step);
      ::_exit(HasFailure() ? 1 : 0);
    }
    int status = 0;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status));
    EXPECT_TRUE(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == kKilled);
    return WEXITSTATUS(status) == kKilled;
  }
  // As after a boot.
  void lose_mounts() const {
    const std::string place = volume_->places().mount;
    if (!is_mount_point(place).value()) return;
    ASSERT_TRUE(unmount(place).ok());
  }

  void expect_restored() {
    EXPECT_FALSE(is_mount_point(volume_->places().mount).value());
    volume_->expect_whole();
    engine_->start();
    EXPECT_EQ(text_of(*engine_ / "one"), volume_->one);
    EXPECT_EQ(text_of(*engine_ / "sub/three"), volume_->three);
    EXPECT_FALSE(fs::exists(*engine_ / "later"));
    engine_->stop();
  }

  std::unique_ptr<tests::WriterVolume> volume_;
  BackedUpVolume described_;
  std::optional<tests::EngineProcess> engine_;
  std::string set_;
};

TEST_F(DedupResume, AKilledRestoreIsResumedFromWhereverItWas) {
  if (IsSkipped()) return;
  int resumed = 0;
  for (int step = 0; killed_at(step); step += 3) {
    SCOPED_TRACE("step " + std::to_string(step));
    if (step % 2 == 0) lose_mounts();
    QuietObserver observer;
    DedupWriter writer(described_);
    const auto done = requestor::resume_restore(volume_->places().own, observer);
    ASSERT_TRUE(done.ok()) << done.error().what();
    ASSERT_TRUE(writer.identify({}).ok());
    expect_restored();
    ++resumed;
  }
  EXPECT_GE(resumed, 3);
}

TEST_F(DedupResume, AVolumeWhoseFilesAllCameIsPutInPlaceWhenItsWriterStarts) {
  if (IsSkipped()) return;
  ASSERT_FALSE(killed_at(kNever));
  lose_mounts();
  DedupWriter writer(described_);
  expect_restored();
}

// Whoever is refused hears why, and what to do.
TEST_F(DedupResume, WhatCameDamagedIsNamedAndNotPutInPlace) {
  if (IsSkipped()) return;
  ASSERT_FALSE(killed_at(kNever));
  lose_mounts();
  {
    auto mounted = MountedPlace::make(described_.device, volume_->places().mount);
    ASSERT_TRUE(mounted.ok()) << mounted.error().what();
    std::ofstream(volume_->places().own + "/" + kSettingsFileName) << "no settings";
  }
  DedupWriter writer(described_);
  CallContext call;
  BackupView backup;
  const Error refused = writer.prepare_backup(call, backup).error();
  EXPECT_EQ(refused.code(), Errc::interlocked);
  EXPECT_NE(std::string(refused.what()).find(kSettingsFileName), std::string::npos)
      << refused.what();
  EXPECT_NE(std::string(refused.what()).find("abandon"), std::string::npos) << refused.what();
}

TEST_F(DedupResume, AnAbandonedRestorePutsBackWhatWasThere) {
  if (IsSkipped()) return;
  for (const int step : {0, 4, 9}) {
    ASSERT_TRUE(killed_at(step));
    lose_mounts();
    DedupWriter writer(described_);
    CallContext call;
    BackupView backup;
    EXPECT_EQ(writer.prepare_backup(call, backup).error().code(), Errc::interlocked);
    const auto done = requestor::abandon_restore(volume_->places().own, false);
    ASSERT_TRUE(done.ok()) << done.error().what();
    ASSERT_TRUE(writer.identify(call).ok());
    EXPECT_EQ(volume_->ask({{"do", "scrub"}, {"full", true}})["damaged_files"], 0);
    engine_->start();
    EXPECT_EQ(text_of(*engine_ / "later"), "after the backup");
    EXPECT_FALSE(fs::exists(*engine_ / "one"));
    EXPECT_EQ(text_of(*engine_ / "two"), volume_->one);
    engine_->stop();
  }
}

}  // namespace
}  // namespace stillframe::dedup
