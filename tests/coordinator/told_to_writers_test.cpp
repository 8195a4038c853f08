// What a requestor says reaches its writers, what they answer comes back, and each side knows which
// session it is in.
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <thread>

#include "tests/coordinator/support/fixture.hpp"
#include "tests/coordinator/support/gate.hpp"

namespace stillframe {
namespace {

using namespace tests;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Keeps what it was told.
class Listener final : public Writer {
 public:
  Listener(std::string name, BytePath directory)
      : name_(std::move(name)), directory_(std::move(directory)) {}

  WriterIdentity identity() const override {
    WriterIdentity who;
    who.class_id = WriterClassId::parse("3d1f7f0e-6f5c-4c0f-9d1b-1f4f0c7d9a31").value();
    who.name = name_;
    who.instance_name = name_ + "-1";
    who.capabilities.add(Capability::restore_events);
    return who;
  }
  Result<WriterMetadata> identify(const CallContext& call) override {
    note("identify", call);
    WriterMetadata metadata;
    metadata.schema.bits = ~0u & 0xf77f;
    for (const char* component : {"data", "more"}) {
      FileSet files;
      files.path = directory_ + "/" + component;
      files.pattern = "*";
      Component& added = metadata.components.emplace_back();
      added.type = ComponentType::database;
      added.name.name = component;
      added.files = {files};
      added.files[0].is_log = true;  // so that a log backup is one
    }
    return metadata;
  }
  Status prepare_backup(const CallContext& call, BackupView& backup) override {
    note("prepare_backup", call);
    const std::lock_guard lock(mutex_);
    prepared = backup;
    return Ok{};
  }
  Status prepare_snapshot(const CallContext& call, const SnapshotSetView& set) override {
    note("prepare_snapshot", call);
    const std::lock_guard lock(mutex_);
    for_rollback = set.for_rollback;
    return Ok{};
  }
  Status freeze(const CallContext& call) override {
    note("freeze", call);
    return Ok{};
  }
  Result<HoldStatement> thaw(const CallContext& call) override {
    note("thaw", call);
    HoldStatement statement;
    statement.unbroken = true;
    return statement;
  }
  Status post_snapshot(const CallContext& call, const SnapshotSetView& set,
                       BackupView& backup) override {
    note("post_snapshot", call);
    for (BackupComponent& component : backup.components) {
      component.stamp = "stamp of " + component.name.name;
      component.metadata = "kept for " + component.name.name;
    }
    for (const VolumeInSet& volume : set.volumes) {
      std::ofstream(volume.snapshot_root + "/recovered") << name_;
    }
    return Ok{};
  }
  Status backup_complete(const CallContext& call, const BackupView& backup,
                         const Receipt&) override {
    note("backup_complete", call);
    const std::lock_guard lock(mutex_);
    completed = backup;
    return Ok{};
  }
  void shutdown(const CallContext& call, const SetId& set) override {
    note("shutdown", call);
    const std::lock_guard lock(mutex_);
    shut_down.push_back(set);
    changed_.notify_all();
  }
  Status pre_restore(const CallContext& call, RestoreView& restore) override {
    note("pre_restore", call);
    const std::lock_guard lock(mutex_);
    asked_to_restore = restore;
    for (BackupComponent& component : restore.components) component.restore->metadata = "on tape 7";
    return Ok{};
  }
  Status post_restore(const CallContext& call, const RestoreView& restore) override {
    note("post_restore", call);
    const std::lock_guard lock(mutex_);
    restored = restore;
    return Ok{};
  }

  bool wait_shut_down(std::size_t times) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(20),
                             [&] { return shut_down.size() >= times; });
  }
  std::vector<SessionId> sessions() const {
    const std::lock_guard lock(mutex_);
    return sessions_;
  }
  std::vector<std::string> verbs() const {
    const std::lock_guard lock(mutex_);
    return verbs_;
  }

  BackupView prepared, completed;
  RestoreView asked_to_restore, restored;
  bool for_rollback = false;
  std::vector<SetId> shut_down;

 private:
  void note(const std::string& verb, const CallContext& call) {
    const std::lock_guard lock(mutex_);
    verbs_.push_back(verb);
    sessions_.push_back(call.session);
  }
  const std::string name_;
  const BytePath directory_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> verbs_;
  std::vector<SessionId> sessions_;
};

class ToldToWriters : public CoordinatorFixture {
 protected:
  void begin() {
    std::filesystem::create_directories(listener_.directory + "/data");
    add_provider();
    start();
    ASSERT_TRUE(coordinator_->add_writer(listener_.writer).ok());
  }
  struct Placed {
    explicit Placed(std::string where) : directory(std::move(where)) {}
    std::string directory;
    Listener writer{"listener", directory};
  };
  Placed listener_{make_volume("one")};
};

TEST_F(ToldToWriters, TypeModeFlagsOptionsAndBaseReachTheWriterThatIsSelected) {
  begin();
  Client requestor = client();
  BackupOptions options;
  options.type = BackupType::full;
  options.component_mode = false;
  options.bootable_system_state = true;
  options.partial_file_support = true;
  ComponentSelector data = select_all();
  data.component = "data";
  data.options = "\"compress\"=\"no\"";
  auto session = prepared(requestor, options, {data});
  ASSERT_TRUE(session.ok()) << error_of(session);
  const BackupView& told = listener_.writer.prepared;
  EXPECT_EQ(told.type, BackupType::full);
  EXPECT_FALSE(told.component_mode);
  EXPECT_TRUE(told.bootable_system_state);
  EXPECT_TRUE(told.partial_file_support);
  ASSERT_EQ(told.components.size(), 1u);
  EXPECT_EQ(told.components[0].name.name, "data");
  EXPECT_EQ(told.components[0].options, "\"compress\"=\"no\"");

  SnapshotOptions rollback;
  rollback.attributes.for_rollback = true;
  auto set = session.value().create_snapshots(rollback);
  ASSERT_TRUE(set.ok()) << error_of(set);
  EXPECT_TRUE(listener_.writer.for_rollback);
}

TEST_F(ToldToWriters, StampAndMetadataComeBackWithTheNextBackupAndAtRestore) {
  begin();
  Client requestor = client();
  BackupOptions options;
  options.type = BackupType::full;
  auto full = prepared(requestor, options);
  ASSERT_TRUE(full.ok()) << error_of(full);
  ASSERT_TRUE(full.value().create_snapshots().ok());
  const BackupDocument document = full.value().document().value();
  EXPECT_EQ(document.components.at(0).stamp, "stamp of data");
  auto results = all_succeeded(document);
  results[1].succeeded = false;
  ASSERT_TRUE(full.value().complete(receipt_for(document), results).ok());
  ASSERT_TRUE(full.value().end().ok());
  ASSERT_EQ(listener_.writer.completed.components.size(), 2u);
  EXPECT_TRUE(listener_.writer.completed.components[0].succeeded);
  EXPECT_FALSE(listener_.writer.completed.components[1].succeeded);

  options.type = BackupType::incremental;
  ComponentSelector data = select_all();
  data.component = "data";
  data.base = ChainBase{document.backup, document.components[0].stamp, ""};
  auto incremental = prepared(requestor, options, {data});
  ASSERT_TRUE(incremental.ok()) << error_of(incremental);
  ASSERT_TRUE(listener_.writer.prepared.components.at(0).base);
  EXPECT_EQ(listener_.writer.prepared.components[0].base->stamp, "stamp of data");
  EXPECT_EQ(listener_.writer.prepared.type, BackupType::incremental);

  auto restore = requestor.begin_restore(document, {});
  ASSERT_TRUE(restore.ok()) << error_of(restore);
  ASSERT_TRUE(restore.value().gather().ok());
  auto wanted = document.components;
  for (auto& component : wanted) {
    component.restore.emplace().selected = true;
    component.restore->additional_restores = true;
    component.restore->options = "\"verify\"=\"all\"";
    component.restore->authoritative = true;
    component.restore->restore_name = "copy";
    component.restore->roll_forward = RollForward::partial;
    component.restore->roll_forward_point = "lsn 9";
  }
  const Status selected = restore.value().select(wanted);
  ASSERT_TRUE(selected.ok()) << error_of(selected);
  ASSERT_TRUE(restore.value().pre_restore().ok());
  ASSERT_TRUE(restore.value().post_restore().ok());
  ASSERT_EQ(listener_.writer.asked_to_restore.components.size(), 2u);
  EXPECT_EQ(listener_.writer.asked_to_restore.components[0].metadata, "kept for data");
  const BackupComponent& after = listener_.writer.restored.components.at(0);
  EXPECT_EQ(after.metadata, "kept for data");
  EXPECT_EQ(after.restore->metadata, "on tape 7");
  EXPECT_TRUE(after.restore->additional_restores);
  EXPECT_EQ(after.restore->options, "\"verify\"=\"all\"");
  EXPECT_TRUE(after.restore->authoritative);
  EXPECT_EQ(after.restore->restore_name, "copy");
  EXPECT_EQ(after.restore->roll_forward, RollForward::partial);
  EXPECT_EQ(after.restore->roll_forward_point, "lsn 9");
}

TEST_F(ToldToWriters, RequestorAndWriterSeeOneSessionIdAndItsEndNamesTheSet) {
  begin();
  Client requestor = client();
  auto session = prepared(requestor);
  ASSERT_TRUE(session.ok()) << error_of(session);
  auto set = session.value().create_snapshots();
  ASSERT_TRUE(set.ok()) << error_of(set);
  ASSERT_TRUE(session.value().end().ok());
  ASSERT_TRUE(listener_.writer.wait_shut_down(1));
  EXPECT_THAT(listener_.writer.sessions(), Each(session.value().id()));
  EXPECT_THAT(listener_.writer.shut_down, ElementsAre(set.value().set));
  EXPECT_EQ(set.value().evidence.session, session.value().id());

  // Also when its requestor goes away, and without a set.
  {
    auto abandoned = prepared(requestor);
    ASSERT_TRUE(abandoned.ok()) << error_of(abandoned);
  }
  ASSERT_TRUE(listener_.writer.wait_shut_down(2));
  EXPECT_TRUE(listener_.writer.shut_down[1].is_nil());
}

TEST_F(ToldToWriters, AWriterThatIsLeftOutHearsNothing) {
  begin();
  auto& other = add_writer({"other", make_volume("two")});
  Client requestor = client();
  for (const std::string& left_out :
       {std::string("listener"), listener_.writer.identity().class_id.to_string()}) {
    BackupOptions options;
    options.exclude_writers = {left_out};
    auto session = prepared(requestor, options);
    ASSERT_TRUE(session.ok()) << error_of(session);
    auto writers = session.value().status();
    ASSERT_TRUE(writers.ok());
    ASSERT_EQ(writers.value().size(), 1u) << left_out;
    EXPECT_EQ(writers.value()[0].identity.name, "other");
    ASSERT_TRUE(session.value().end().ok());
  }
  EXPECT_THAT(listener_.writer.verbs(), IsEmpty());
  EXPECT_EQ(other.count("prepare_backup"), 2u);
}

// Whoever asks is told, and the hold does not notice.
TEST_F(ToldToWriters, IdentifyMayComeInsideSomebodyElsesHold) {
  begin();
  Client requestor = client(), other = client("other");
  std::size_t listed = 0;
  auto held = requestor.hold({}, {select_all()}, [&](Deadline) {
    auto writers = other.writers();
    listed = writers.ok() && writers.value().at(0).metadata ? writers.value().size() : 0;
    return 0;
  });
  ASSERT_TRUE(held.ok()) << error_of(held);
  EXPECT_EQ(listed, 1u);
  EXPECT_EQ(held.value().evidence.label, Consistency::application_consistent)
      << held.value().evidence.reason;
  EXPECT_THAT(listener_.writer.verbs(),
              ElementsAre("identify", "prepare_backup", "prepare_snapshot", "freeze", "identify",
                          "thaw", "shutdown"));
}

TEST_F(ToldToWriters, ASetWithoutWritersIsCrashConsistentAndNobodyIsAsked) {
  begin();
  Client requestor = client();
  auto session = requestor.begin_backup({});
  ASSERT_TRUE(session.ok());
  ASSERT_TRUE(session.value().gather().ok());
  ASSERT_TRUE(session.value().prepare().ok());
  SnapshotOptions options;
  options.extra_volumes = {listener_.directory};
  auto set = session.value().create_snapshots(options);
  ASSERT_TRUE(set.ok()) << error_of(set);
  ASSERT_EQ(set.value().snapshots.size(), 1u);
  EXPECT_EQ(set.value().snapshots[0].volume.mount_point, listener_.directory);
  EXPECT_EQ(set.value().evidence.label, Consistency::crash_consistent);
  ASSERT_TRUE(session.value().end().ok());
  EXPECT_THAT(listener_.writer.verbs(), ElementsAre("identify"));
}

TEST_F(ToldToWriters, WithoutComponentModeEveryWriterTakesPartWithEverything) {
  begin();
  auto& other = add_writer({"other", make_volume("two")});
  Client requestor = client();
  BackupOptions options;
  options.component_mode = false;
  auto session = requestor.begin_backup(options);
  ASSERT_TRUE(session.ok());
  ASSERT_TRUE(session.value().gather().ok());
  auto ready = session.value().prepare();
  ASSERT_TRUE(ready.ok()) << error_of(ready);
  auto set = session.value().create_snapshots();
  ASSERT_TRUE(set.ok()) << error_of(set);
  EXPECT_EQ(set.value().snapshots.size(), 2u);
  EXPECT_EQ(set.value().evidence.components.size(), 3u);
  EXPECT_EQ(set.value().evidence.label, Consistency::application_consistent);
  EXPECT_FALSE(listener_.writer.prepared.component_mode);
  EXPECT_EQ(listener_.writer.prepared.components.size(), 2u);
  EXPECT_EQ(other.count("freeze"), 1u);
  for (const CutRequest& request : providers_[0]->requests()) {
    ASSERT_EQ(request.files.size(), 1u) << "the volume whole, not the file sets";
    EXPECT_EQ(request.files[0].path, request.volume.mount_point);
    EXPECT_EQ(request.files[0].pattern, "*");
    EXPECT_TRUE(request.files[0].recursive);
  }
}

TEST_F(ToldToWriters, StatusIsOfTheSessionThatAsks) {
  begin();
  Client requestor = client();
  auto session = requestor.begin_backup({});
  ASSERT_TRUE(session.ok());
  const auto state = [&] { return session.value().status().value().at(0).state; };
  ASSERT_TRUE(session.value().gather().ok());
  EXPECT_EQ(state(), WriterState::stable);
  ASSERT_TRUE(session.value().select({select_all()}).ok());
  ASSERT_TRUE(session.value().prepare().ok());
  ASSERT_TRUE(session.value().create_snapshots().ok());
  EXPECT_EQ(state(), WriterState::waiting_for_backup_complete);
  // Another session of the same writer does not see that.
  auto second = requestor.begin_backup({});
  ASSERT_TRUE(second.ok());
  ASSERT_TRUE(second.value().gather().ok());
  EXPECT_EQ(second.value().status().value().at(0).state, WriterState::stable);
  const auto document = session.value().document().value();
  ASSERT_TRUE(session.value().complete(receipt_for(document), all_succeeded(document)).ok());
  EXPECT_EQ(state(), WriterState::stable);
}

TEST_F(ToldToWriters, ASessionServesOneBackup) {
  begin();
  Client requestor = client();
  auto session = prepared(requestor);
  ASSERT_TRUE(session.ok()) << error_of(session);
  ASSERT_TRUE(session.value().create_snapshots().ok());
  auto twice = session.value().create_snapshots();
  ASSERT_FALSE(twice.ok());
  EXPECT_EQ(twice.error().code(), Errc::wrong_state);
  ASSERT_TRUE(session.value().end().ok());
  EXPECT_FALSE(session.value().gather().ok());
  EXPECT_FALSE(session.value().prepare().ok());
}

TEST_F(ToldToWriters, TheProviderThatTheRequestorNamesCuts) {
  FakeProviderOptions loved;
  loved.name = "loved";
  loved.preference = 99;
  FakeProvider& preferred = add_provider(loved);
  begin();  // adds "fake"
  Client requestor = client();
  auto session = prepared(requestor);
  ASSERT_TRUE(session.ok()) << error_of(session);
  SnapshotOptions options;
  options.provider = "fake";
  auto set = session.value().create_snapshots(options);
  ASSERT_TRUE(set.ok()) << error_of(set);
  EXPECT_EQ(set.value().snapshots.at(0).provider_name, "fake");
  EXPECT_THAT(preferred.requests(), IsEmpty());

  auto second = prepared(requestor);
  ASSERT_TRUE(second.ok());
  options.provider = FakeProvider::id_of("loved").to_string();
  auto by_id = second.value().create_snapshots(options);
  ASSERT_TRUE(by_id.ok()) << error_of(by_id);
  EXPECT_EQ(by_id.value().snapshots.at(0).provider_name, "loved");

  auto third = prepared(requestor);
  ASSERT_TRUE(third.ok());
  options.provider = "nobody";
  auto unknown = third.value().create_snapshots(options);
  ASSERT_FALSE(unknown.ok());
  EXPECT_THAT(unknown.error().what(), HasSubstr("nobody"));
}

TEST_F(ToldToWriters, PostSnapshotMayWriteIntoTheSnapshot) {
  begin();
  Client requestor = client();
  auto session = prepared(requestor);
  ASSERT_TRUE(session.ok()) << error_of(session);
  auto set = session.value().create_snapshots();
  ASSERT_TRUE(set.ok()) << error_of(set);
  EXPECT_TRUE(std::filesystem::exists(set.value().snapshots.at(0).root + "/recovered"));
  EXPECT_FALSE(std::filesystem::exists(listener_.directory + "/recovered"));
}

}  // namespace
}  // namespace stillframe
