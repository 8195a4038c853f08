// Restores through the client, with writers that stay, go, and come back.
#include <future>
#include <thread>

#include "tests/coordinator/support/fixture.hpp"

namespace stillframe {
namespace {

using namespace std::chrono_literals;

using namespace tests;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class RestoreSessionTest : public CoordinatorFixture {
 protected:
  ScriptedWriterOptions restorable() {
    ScriptedWriterOptions options;
    options.directory = make_volume("one");
    options.capability_bits = static_cast<std::uint32_t>(Capability::snapshot) |
                              static_cast<std::uint32_t>(Capability::restore_events) |
                              static_cast<std::uint32_t>(Capability::staged_restore);
    return options;
  }

  // What a backup of the writer would have stored.
  static BackupDocument stored(const ScriptedWriter& writer) {
    BackupDocument document;
    document.session = SessionId::generate();
    document.backup = BackupId::generate();
    BackupComponent& component = document.components.emplace_back();
    component.writer_class = writer.identity().class_id;
    component.writer_instance = WriterInstanceId::generate();  // of a run long over
    component.instance_name = writer.identity().instance_name;
    component.type = ComponentType::database;
    component.name.name = "data";
    component.succeeded = true;
    return document;
  }

  static std::vector<BackupComponent> wanted(const BackupDocument& document) {
    std::vector<BackupComponent> components = document.components;
    for (auto& component : components) component.restore.emplace().selected = true;
    return components;
  }

  std::unique_ptr<WriterHost> connect(ScriptedWriter& writer) {
    WriterHostOptions options;
    options.socket_dir = options_.socket_dir;
    auto host = WriterHost::start(writer, options);
    EXPECT_TRUE(host.ok()) << error_of(host);
    EXPECT_TRUE(host.value()->wait_registered(std::chrono::seconds(20)).ok());
    return std::move(host).value();
  }

  // Everything up to a copy that went well.
  static void copy_well(RestoreSession& session, const BackupDocument& document) {
    auto writers = session.gather();
    ASSERT_TRUE(writers.ok()) << error_of(writers);
    const Status selected = session.select(wanted(document));
    ASSERT_TRUE(selected.ok()) << error_of(selected);
    auto components = session.pre_restore();
    ASSERT_TRUE(components.ok()) << error_of(components);
    EXPECT_EQ(components.value().at(0).restore->metadata, "taken offline");
    const WriterInstanceId instance = writers.value().at(0).instance;
    const ComponentName name = document.components[0].name;
    RestoreAuthority authority;
    authority.token = "secret";
    const Status allowed = session.prepare(instance, authority);
    ASSERT_TRUE(allowed.ok()) << error_of(allowed);
    auto places = session.locations(instance, name);
    ASSERT_TRUE(places.ok()) << error_of(places);
    RestoreRegistration registration;
    registration.component = name;
    const Status registered = session.register_restore(instance, registration);
    ASSERT_TRUE(registered.ok()) << error_of(registered);
    EXPECT_TRUE(session.set_file_status(instance, name, FileRestoreStatus::all).ok());
    const Status completed = session.complete(instance, name, Ok{});
    ASSERT_TRUE(completed.ok()) << error_of(completed);
  }
};

TEST_F(RestoreSessionTest, AStagedRestoreRunsInOrderAndReportsWhatWasRestored) {
  auto& writer = add_writer(restorable());
  start();
  Client requestor = client();
  const BackupDocument document = stored(writer);
  auto session = requestor.begin_restore(document, {});
  ASSERT_TRUE(session.ok()) << error_of(session);
  copy_well(session.value(), document);
  auto told = session.value().post_restore();
  ASSERT_TRUE(told.ok()) << error_of(told);
  auto report = session.value().end();
  ASSERT_TRUE(report.ok()) << error_of(report);
  EXPECT_EQ(report.value().outcome, "restored");
  ASSERT_EQ(report.value().components.size(), 1u);
  EXPECT_EQ(report.value().components[0].status, FileRestoreStatus::all);
  for (const auto& entry : report.value().timeline) EXPECT_EQ(entry.result, "ok") << entry.phase;
  EXPECT_THAT(writer.verbs(),
              ElementsAre("identify", "pre_restore", "restore_prepare", "restore_locations",
                          "restore_register", "restore_complete", "post_restore", "restore_end"));
}

TEST_F(RestoreSessionTest, AWriterThatIsNotThereIsListedAsGone) {
  add_writer(restorable());
  ScriptedWriterOptions absent_options = restorable();
  absent_options.name = "absent";
  const ScriptedWriter absent(absent_options);
  start();
  Client requestor = client();
  const BackupDocument document = stored(absent);
  auto session = requestor.begin_restore(document, {});
  ASSERT_TRUE(session.ok()) << error_of(session);
  auto writers = session.value().gather();
  ASSERT_TRUE(writers.ok()) << error_of(writers);
  ASSERT_EQ(writers.value().size(), 1u);
  ASSERT_TRUE(writers.value()[0].failure);
  EXPECT_EQ(writers.value()[0].failure->code, static_cast<int>(Errc::writer_gone));
  EXPECT_EQ(session.value().select(wanted(document)).error().code(), Errc::writer_gone);
}

TEST_F(RestoreSessionTest, ARegistrationNeedsAuthorityFirst) {
  auto& writer = add_writer(restorable());
  start();
  Client requestor = client();
  const BackupDocument document = stored(writer);
  auto session = requestor.begin_restore(document, {});
  ASSERT_TRUE(session.ok());
  auto writers = session.value().gather();
  ASSERT_TRUE(writers.ok() && session.value().select(wanted(document)).ok());
  ASSERT_TRUE(session.value().pre_restore().ok());
  RestoreRegistration registration;
  registration.component = document.components[0].name;
  const Status refused =
      session.value().register_restore(writers.value().at(0).instance, registration);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), Errc::wrong_state);
  EXPECT_EQ(writer.count("restore_register"), 0u);
}

TEST_F(RestoreSessionTest, PostRestoreIsNotGivenWhileATargetIsInterlocked) {
  auto& writer = add_writer(restorable());
  start();
  Client requestor = client();
  const BackupDocument document = stored(writer);
  auto session = requestor.begin_restore(document, {});
  ASSERT_TRUE(session.ok());
  auto writers = session.value().gather();
  ASSERT_TRUE(writers.ok() && session.value().select(wanted(document)).ok());
  ASSERT_TRUE(session.value().pre_restore().ok());
  const WriterInstanceId instance = writers.value().at(0).instance;
  ASSERT_TRUE(session.value().prepare(instance, {}).ok());
  RestoreRegistration registration;
  registration.component = document.components[0].name;
  ASSERT_TRUE(session.value().register_restore(instance, registration).ok());
  auto early = session.value().post_restore();
  ASSERT_FALSE(early.ok());
  EXPECT_EQ(early.error().code(), Errc::interlocked);
  EXPECT_EQ(writer.count("post_restore"), 0u);
}

TEST_F(RestoreSessionTest, AVetoOfPreRestoreEndsTheRestoreBeforeAnythingIsTouched) {
  auto& writer = add_writer(restorable(), [](const std::string& verb, const CallContext&) {
    return verb == "pre_restore" ? Status(Error(Errc::in_use, "clients are connected"))
                                 : Status(Ok{});
  });
  start();
  Client requestor = client();
  const BackupDocument document = stored(writer);
  auto session = requestor.begin_restore(document, {});
  ASSERT_TRUE(session.ok());
  ASSERT_TRUE(session.value().gather().ok() && session.value().select(wanted(document)).ok());
  auto vetoed = session.value().pre_restore();
  ASSERT_FALSE(vetoed.ok());
  EXPECT_EQ(vetoed.error().code(), Errc::in_use);
  EXPECT_THAT(vetoed.error().what(), HasSubstr("clients are connected"));
  EXPECT_EQ(session.value().end().value().outcome, "failed");
}

TEST_F(RestoreSessionTest, PostRestoreGoesToTheNextRegistrationOfTheSameInstance) {
  options_.socket_dir = directory_.path() + "/socket";
  start();
  ScriptedWriter before(restorable()), after(restorable());
  auto host = connect(before);
  Client requestor = client();
  const BackupDocument document = stored(before);
  auto session = requestor.begin_restore(document, {});
  ASSERT_TRUE(session.ok()) << error_of(session);
  copy_well(session.value(), document);
  host.reset();  // the application restarts to recover
  (void)session.value().post_restore();
  auto report = session.value().end();
  ASSERT_TRUE(report.ok()) << error_of(report);
  EXPECT_EQ(report.value().outcome, "waiting_for_start");
  EXPECT_EQ(before.count("post_restore"), 0u);

  stop();  // also across a restart of the coordinator
  start();
  host = connect(after);
  EXPECT_TRUE(after.wait_for("post_restore"));
  ASSERT_EQ(after.post_restores().size(), 1u);
  EXPECT_EQ(after.post_restores()[0].components.at(0).restore->status, FileRestoreStatus::all);
}

TEST_F(RestoreSessionTest, ARequestorMayWaitForTheTargetsNextStart) {
  options_.socket_dir = directory_.path() + "/socket";
  start();
  ScriptedWriter before(restorable()), after(restorable());
  auto host = connect(before);
  Client requestor = client();
  const BackupDocument document = stored(before);
  RestoreOptions options;
  options.wait_start = std::chrono::seconds(60);
  auto session = requestor.begin_restore(document, {}, options);
  ASSERT_TRUE(session.ok()) << error_of(session);
  copy_well(session.value(), document);
  host.reset();
  auto told = std::async(std::launch::async, [&] { return session.value().post_restore(); });
  host = connect(after);
  auto writers = told.get();
  ASSERT_TRUE(writers.ok()) << error_of(writers);
  EXPECT_EQ(session.value().end().value().outcome, "restored");
  EXPECT_EQ(after.count("post_restore"), 1u);
}

// The end of one start and the next are told by two threads, so the next may be heard of first, and
// may fall to either side of the call to the one before: many rounds, to meet the orders there are.
TEST_F(RestoreSessionTest, ManyNextStartsAreEachToldOnce) {
  options_.socket_dir = directory_.path() + "/socket";
  start();
  Client requestor = client();
  RestoreOptions options;
  options.wait_start = 20s;
  for (int round = 0; round < 60 && !HasFailure(); ++round) {
    SCOPED_TRACE("round " + std::to_string(round));
    ScriptedWriter before(restorable()), after(restorable());
    auto host = connect(before);
    const BackupDocument document = stored(before);
    auto session = requestor.begin_restore(document, {}, options);
    ASSERT_TRUE(session.ok()) << error_of(session);
    copy_well(session.value(), document);
    host.reset();
    auto told = std::async(std::launch::async, [&] { return session.value().post_restore(); });
    host = connect(after);
    auto writers = told.get();
    ASSERT_TRUE(writers.ok()) << error_of(writers);
    EXPECT_EQ(session.value().end().value().outcome, "restored");
    EXPECT_EQ(after.count("post_restore"), 1u);
  }
}

// ---- one restore of a writer at a time

TEST_F(RestoreSessionTest, AWriterIsRestoredByOneSessionAtATime) {
  ScriptedWriterOptions options = restorable();
  options.schema_bits = kEverySchemaBit & ~BackupSchema::kParallelRestores;
  auto& writer = add_writer(options);
  start();
  const BackupDocument document = stored(writer);
  Client first = client("night shift"), second = client("day shift");
  auto holder = first.begin_restore(document, {});
  auto waiter = second.begin_restore(document, {});
  ASSERT_TRUE(holder.ok() && waiter.ok());
  ASSERT_TRUE(holder.value().gather().ok() && waiter.value().gather().ok());
  const Status claimed = holder.value().select(wanted(document));
  ASSERT_TRUE(claimed.ok()) << error_of(claimed);
  const Status refused = waiter.value().select(wanted(document));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), Errc::in_progress);
  EXPECT_THAT(refused.error().what(), HasSubstr("night shift"));

  ASSERT_TRUE(holder.value().end().ok());
  const Status free = waiter.value().select(wanted(document));
  EXPECT_TRUE(free.ok()) << error_of(free);
}

TEST_F(RestoreSessionTest, ARequestorThatVanishesGivesItsWritersBack) {
  ScriptedWriterOptions options = restorable();
  options.schema_bits = kEverySchemaBit & ~BackupSchema::kParallelRestores;
  auto& writer = add_writer(options);
  start();
  const BackupDocument document = stored(writer);
  {
    Client gone = client();
    auto session = gone.begin_restore(document, {});
    ASSERT_TRUE(session.ok() && session.value().gather().ok());
    ASSERT_TRUE(session.value().select(wanted(document)).ok());
  }
  Client requestor = client();
  auto session = requestor.begin_restore(document, {});
  ASSERT_TRUE(session.ok() && session.value().gather().ok());
  Status selected = session.value().select(wanted(document));
  for (int i = 0; i < 200 && !selected.ok(); ++i) {  // the end of a session is nobody's call
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    selected = session.value().select(wanted(document));
  }
  EXPECT_TRUE(selected.ok()) << error_of(selected);
}

TEST_F(RestoreSessionTest, AWriterThatPromisesParallelRestoresTakesPartInSeveral) {
  auto& writer = add_writer(restorable());
  start();
  const BackupDocument document = stored(writer);
  Client requestor = client();
  auto one = requestor.begin_restore(document, {});
  auto other = requestor.begin_restore(document, {});
  ASSERT_TRUE(one.ok() && other.ok());
  ASSERT_TRUE(one.value().gather().ok() && other.value().gather().ok());
  EXPECT_TRUE(one.value().select(wanted(document)).ok());
  const Status beside = other.value().select(wanted(document));
  EXPECT_TRUE(beside.ok()) << error_of(beside);
}

// ---- versions

TEST_F(RestoreSessionTest, ABackupOfAnotherMajorVersionIsRefusedBeforeAnythingIsTouched) {
  auto& writer = add_writer(restorable());
  start();
  const BackupDocument document = stored(writer);
  WriterMetadata metadata;
  metadata.identity = writer.identity();
  metadata.identity.version = {writer.identity().version.major + 1, 0};
  Client requestor = client();
  auto session = requestor.begin_restore(document, {metadata});
  ASSERT_TRUE(session.ok() && session.value().gather().ok());
  const Status refused = session.value().select(wanted(document));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), Errc::not_supported);
  EXPECT_THAT(refused.error().what(), HasSubstr("is running"));
  EXPECT_EQ(writer.count("pre_restore"), 0u);
}

TEST_F(RestoreSessionTest, ABackupOfANewerMinorVersionIsRestoredAndSaidToBeOne) {
  auto& writer = add_writer(restorable());
  start();
  const BackupDocument document = stored(writer);
  WriterMetadata metadata;
  metadata.identity = writer.identity();
  metadata.identity.version.minor += 1;
  Client requestor = client();
  auto session = requestor.begin_restore(document, {metadata});
  ASSERT_TRUE(session.ok());
  copy_well(session.value(), document);
  auto told = session.value().post_restore();
  ASSERT_TRUE(told.ok()) << error_of(told);
  ASSERT_EQ(told.value().at(0).warnings.size(), 1u);
  EXPECT_THAT(told.value().at(0).warnings[0], HasSubstr("version"));
}

}  // namespace
}  // namespace stillframe
