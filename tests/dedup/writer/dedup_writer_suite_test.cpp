// The writer of a deduplicated volume in sessions of every kind. Every program that has such a
// writer runs this.
#include <gmock/gmock.h>

#include <stillframe/testkit/simulation.hpp>

#include "tests/dedup/writer/writer_factory.hpp"
#include "tests/dedup/writer/writer_volume.hpp"

namespace stillframe::dedup {
namespace {

namespace fs = std::filesystem;
using stillframe::tests::FsKind;
using testing::HasSubstr;
using testkit::Outcome;
using testkit::Simulation;

class DedupSuite : public testing::Test {
 protected:
  void SetUp() override {
    std::string reason;
    volume_ = tests::WriterVolume::make(FsKind::btrfs, reason);
    if (!volume_) GTEST_SKIP() << reason;
    make();
  }
  void make() {
    writer_.reset();
    auto made = tests::make_dedup_writer(volume_->config().dump());
    ASSERT_TRUE(made.ok()) << made.error().what();
    writer_ = std::move(made).value();
  }
  static RestoreView whole(const std::string& store = "") {
    RestoreView restore;
    BackupComponent& head = restore.components.emplace_back();
    head.name = volume_component();
    if (!store.empty()) head.metadata = nlohmann::json{{"store", store}}.dump();
    head.restore.emplace().selected = true;
    return restore;
  }
  // Sends the files of the volume to `folder`.
  RestoreView files_to(const std::string& folder) {
    RestoreView restore = whole();
    restore.components[0].restore->subcomponents = {files_component()};
    restore.components[0].restore->new_targets = {
        {volume_->places().incoming, "*", true, folder, {}}};
    return restore;
  }
  CallContext call() const {
    CallContext context;
    context.session = session_;
    return context;
  }

  const SessionId session_ = SessionId::generate();
  std::unique_ptr<tests::WriterVolume> volume_;
  std::unique_ptr<Writer> writer_;
};

TEST_F(DedupSuite, ABackupOfAVolumeAtRestIsConsistent) {
  for (const BackupType type : {BackupType::full, BackupType::copy}) {
    Simulation simulation(7);
    simulation.add_writer(*writer_).add_company(2);
    const Outcome outcome = simulation.run_backup(type);
    EXPECT_EQ(outcome.violation, "") << outcome.trace;
    EXPECT_TRUE(outcome.completed) << outcome.trace;
    EXPECT_EQ(outcome.writers[0].components[0].label, Consistency::application_consistent);
    volume_->expect_whole();
  }
}

TEST_F(DedupSuite, NothingIsHeldOrMountedWhateverHappensToOthers) {
  for (const char* phase : {"preparing", "preparing_snapshot", "provider_preparing", "freezing",
                            "committing", "thawing", "post_snapshot", "ready"}) {
    for (const char* what : {"requestor_vanishes", "coordinator_dies", "requestor_aborts"}) {
      SCOPED_TRACE(std::string(what) + " at " + phase);
      Simulation simulation(11);
      simulation.add_writer(*writer_).add_company(1);
      ASSERT_TRUE(simulation.fault(what, phase).ok());
      const Outcome outcome = simulation.run_backup(BackupType::full);
      EXPECT_EQ(outcome.violation, "") << outcome.trace;
      EXPECT_FALSE(outcome.completed);
      // In life the SDK ends a session whose coordinator is gone; here the process does.
      if (what == std::string("coordinator_dies")) make();
      EXPECT_FALSE(is_mount_point(volume_->places().mount).value());
      EXPECT_TRUE(VolumeOnDevice::open(volume_->device()).ok());
    }
  }
}

TEST_F(DedupSuite, SessionsTakeTurns) {
  Simulation simulation(5);
  simulation.add_writer(*writer_).add_company(1);
  for (int i = 0; i < 3; ++i) simulation.add_session({});
  const auto run = simulation.run();
  EXPECT_EQ(run.violation, "") << run.trace;
  EXPECT_TRUE(run.sessions[0].completed) << run.trace;
  volume_->expect_whole();
}

// The simulation brings no files.
TEST_F(DedupSuite, ARestoreThatBringsNothingLeavesTheVolumeAsItWas) {
  Simulation simulation(9);
  simulation.add_writer(*writer_);
  const Outcome outcome = simulation.run_restore();
  EXPECT_EQ(outcome.violation, "") << outcome.trace;
  EXPECT_EQ(outcome.phase, "ended");
  volume_->expect_whole();
  volume_->below([&](const std::string& root) {
    EXPECT_EQ(tests::text_of(root + "/plain"), "plain");
    for (const auto& entry : fs::directory_iterator(root + "/" + kVolumeFolder)) {
      EXPECT_FALSE(entry.path().filename().string().starts_with("replaced-")) << entry.path();
    }
  });
}

TEST_F(DedupSuite, TheComponentsAreOneSetWithoutFilesThatOnlyAnEngineNeeds) {
  const auto metadata = writer_->identify(call());
  ASSERT_TRUE(metadata.ok()) << metadata.error().what();
  std::vector<std::string> names;
  for (const Component& component : metadata.value().components) {
    names.push_back(component.name.full());
    EXPECT_EQ(component.selectable_for_backup, component.files.empty());
    EXPECT_TRUE(component.selectable_for_restore && component.not_system_state);
  }
  EXPECT_THAT(names,
              testing::ElementsAre("Volume", "Volume/Store", "Volume/Settings", "Volume/Files"));
  EXPECT_FALSE(metadata.value().exclude.empty());
}

TEST_F(DedupSuite, AFileSystemThatIsNotDeduplicatedIsRefused) {
  volume_->below([](const std::string& root) { fs::remove_all(root + "/" + kVolumeFolder); });
  BackupView backup;
  const Status refused = writer_->prepare_backup(call(), backup);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), Errc::not_found);
  EXPECT_FALSE(is_mount_point(volume_->places().mount).value());
}

TEST_F(DedupSuite, WhatBreaksAStoreIsRefused) {
  RestoreView part = whole();
  part.components[0].restore->subcomponents = {store_component()};
  EXPECT_EQ(writer_->pre_restore(call(), part).error().code(), Errc::not_supported);
  writer_->restore_end(call());

  RestoreView other = whole(uuid_to_string(generate_uuid()));
  const Status refused = writer_->pre_restore(call(), other);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), Errc::wrong_state);
  EXPECT_THAT(refused.error().what(), HasSubstr("of another"));
  writer_->restore_end(call());

  RestoreView stays = files_to("/nowhere");
  stays.components[0].restore->subcomponents.push_back(store_component());
  EXPECT_EQ(writer_->pre_restore(call(), stays).error().code(), Errc::not_supported);
  writer_->restore_end(call());
  volume_->expect_whole();
}

TEST_F(DedupSuite, FilesGoElsewhereOnlyWithACopyOfTheirStore) {
  RestoreView restore = files_to("/elsewhere");
  const Status refused = writer_->pre_restore(call(), restore);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), Errc::not_supported);
  EXPECT_THAT(refused.error().what(), HasSubstr("\"Backup\""));
  restore.components[0].restore->options = "\"Leave Marked\"=\"yes\"";
  EXPECT_TRUE(writer_->pre_restore(call(), restore).ok());
  EXPECT_FALSE(is_mount_point(volume_->places().mount).value()) << "the volume goes on";
  writer_->restore_end(call());
}

TEST_F(DedupSuite, AVolumeThatIsOpenIsNotReplaced) {
  RestoreView restore = whole();
  {
    const auto open = VolumeOnDevice::open(volume_->device());
    ASSERT_TRUE(open.ok());
    EXPECT_EQ(writer_->pre_restore(call(), restore).error().code(), Errc::in_progress);
    writer_->restore_end(call());
  }
  const Status begun = writer_->pre_restore(call(), restore);
  ASSERT_TRUE(begun.ok()) << begun.error().what();
  EXPECT_EQ(VolumeOnDevice::open(volume_->device()).error().code(), Errc::in_progress);
  CallContext other;
  other.session = SessionId::generate();
  BackupView view;
  EXPECT_EQ(writer_->prepare_backup(other, view).error().code(), Errc::writer_retryable);
  EXPECT_EQ(writer_->pre_restore(other, restore).error().code(), Errc::in_progress);
  writer_->restore_end(other);
  writer_->restore_end(call());
  volume_->expect_whole();
}

// A host that dies after it made room: no engine takes what is there for the volume, and another
// restore may begin.
TEST_F(DedupSuite, ARestoreThatWasCutShortKeepsEnginesOut) {
  RestoreView restore = whole();
  ASSERT_TRUE(writer_->pre_restore(call(), restore).ok());
  ASSERT_TRUE(writer_->restore_register(call(), {}, {}).ok());
  const BytePath own = volume_->places().own;
  EXPECT_FALSE(fs::exists(own + "/" + kSettingsFileName));
  EXPECT_TRUE(fs::exists(own + "/replaced-" + session_.to_string() + "/" + kVolumeFolder + "/" +
                         kSettingsFileName));
  const std::string record = tests::text_of(own + "/" + kRestoreRecordName);
  ASSERT_FALSE(record.empty());
  writer_->restore_end(call());  // what was there is back
  volume_->expect_whole();
  volume_->below([&](const std::string& root) {
    tests::put_text(root + "/" + kVolumeFolder + "/" + kRestoreRecordName, record);
  });
  EXPECT_EQ(VolumeOnDevice::open(volume_->device()).error().code(), Errc::interlocked);
  BackupView view;
  EXPECT_EQ(writer_->prepare_backup(call(), view).error().code(), Errc::interlocked);
  ASSERT_TRUE(writer_->pre_restore(call(), restore).ok());
  ASSERT_TRUE(writer_->restore_register(call(), {}, {}).ok());
  writer_->restore_end(call());
  volume_->expect_whole();
}

TEST(DedupSuiteConfig, WhatIsWrongIsRefusedByItsMember) {
  const nlohmann::json good{{"name", "data"}, {"device", "/dev/null"}};
  EXPECT_TRUE(tests::make_dedup_writer(good.dump()).ok());
  const auto refused = [&](const std::string& member, const nlohmann::json& value) {
    nlohmann::json wrong = good;
    wrong[member] = value;
    if (value.is_null()) wrong.erase(member);
    const auto made = tests::make_dedup_writer(wrong.dump());
    return made.ok() ? std::string() : made.error().what();
  };
  for (const char* member : {"name", "device"}) {
    EXPECT_THAT(refused(member, nullptr), HasSubstr("'" + std::string(member) + "'"));
    EXPECT_THAT(refused(member, 7), HasSubstr("'" + std::string(member) + "'"));
  }
  for (const char* name : {"", "a/b", "..", "."}) EXPECT_NE(refused("name", name), "") << name;
  EXPECT_THAT(refused("device", "sdb1"), HasSubstr("no path from /"));
  EXPECT_THAT(refused("run", "run"), HasSubstr("no path from /"));
  EXPECT_THAT(refused("model", "both"), HasSubstr("'model'"));
  EXPECT_THAT(refused("model", 1), HasSubstr("'model'"));
  EXPECT_EQ(refused("model", "unoptimized"), "");
  EXPECT_THAT(refused("place", "/a"), HasSubstr("no option 'place'"));
  EXPECT_FALSE(tests::make_dedup_writer("{").ok());
  EXPECT_FALSE(tests::make_dedup_writer("[]").ok());
}

}  // namespace
}  // namespace stillframe::dedup
