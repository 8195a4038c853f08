// Whole backups through the client, the methods, the machine, in-process writers and a provider.
#include <future>
#include <thread>

#include "tests/coordinator/support/fixture.hpp"
#include "tests/coordinator/support/gate.hpp"

namespace stillframe {
namespace {

using namespace tests;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class BackupSessionTest : public CoordinatorFixture {};

TEST_F(BackupSessionTest, ASnapshotBackupRunsFromGatherToTheEnd) {
  auto& writer = add_writer({"orders", make_volume("one")});
  auto& provider = add_provider();
  start();
  Client requestor = client();
  auto session = prepared(requestor);
  ASSERT_TRUE(session.ok()) << error_of(session);

  auto set = session.value().create_snapshots();
  ASSERT_TRUE(set.ok()) << error_of(set);
  ASSERT_EQ(set.value().snapshots.size(), 1u);
  EXPECT_EQ(set.value().evidence.label, Consistency::application_consistent)
      << set.value().evidence.reason;
  EXPECT_EQ(provider.snapshots_on_disk(), 1u);

  auto document = session.value().document();
  ASSERT_TRUE(document.ok()) << error_of(document);
  EXPECT_EQ(document.value().set, set.value().set);
  auto completed =
      session.value().complete(receipt_for(document.value()), all_succeeded(document.value()));
  ASSERT_TRUE(completed.ok()) << error_of(completed);
  auto evidence = session.value().end();
  ASSERT_TRUE(evidence.ok()) << error_of(evidence);
  EXPECT_EQ(evidence.value().outcome, "completed");

  EXPECT_THAT(writer.verbs(),
              ElementsAre("identify", "prepare_backup", "prepare_snapshot", "freeze", "thaw",
                          "post_snapshot", "backup_complete", "shutdown"));
  EXPECT_EQ(provider.snapshots_on_disk(), 0u);
  ASSERT_EQ(writer.completed().size(), 1u);
  EXPECT_TRUE(writer.completed().front().succeeded);
}

TEST_F(BackupSessionTest, LevelsFreezeInOrderAndThawInReverse) {
  std::mutex mutex;
  std::vector<std::string> log;
  const auto note = [&](const std::string& writer, const std::string& verb) {
    const std::lock_guard lock(mutex);
    if (verb == "freeze" || verb == "thaw") log.push_back(verb + " " + writer);
  };
  const std::string volume = make_volume("one");
  const auto writer = [&](const std::string& name, FreezeLevel level) {
    ScriptedWriterOptions options;
    options.name = name;
    options.directory = volume;
    options.level = level;
    options.log = note;
    add_writer(options);
  };
  writer("registry", FreezeLevel::system);
  writer("mail", FreezeLevel::front_end);
  writer("database", FreezeLevel::back_end);
  add_provider({}, [&](const std::string& step) -> Status {
    const std::lock_guard lock(mutex);
    if (step == "commit") log.push_back("commit");
    return Ok{};
  });
  start();
  Client requestor = client();
  auto session = prepared(requestor);
  ASSERT_TRUE(session.ok()) << error_of(session);
  ASSERT_TRUE(session.value().create_snapshots().ok());
  EXPECT_THAT(log, ElementsAre("freeze mail", "freeze database", "freeze registry", "commit",
                               "thaw registry", "thaw database", "thaw mail"));
}

TEST_F(BackupSessionTest, AVetoUnderRequireFailsTheCallWithTheWritersOwnWords) {
  add_writer({"orders", make_volume("one")}, [](const std::string& verb, const CallContext&) {
    return verb == "prepare_backup" ? Status(Error(Errc::writer_retryable, "rebuilding an index"))
                                    : Status(Ok{});
  });
  add_provider();
  start();
  Client requestor = client();
  auto session = prepared(requestor);
  ASSERT_FALSE(session.ok());
  EXPECT_EQ(session.error().code(), Errc::writer_retryable);
  EXPECT_THAT(session.error().what(), HasSubstr("orders"));
  EXPECT_THAT(session.error().what(), HasSubstr("rebuilding an index"));
}

TEST_F(BackupSessionTest, AVetoUnderAllowDegradedGoesOnAndIsNotCalledConsistent) {
  const std::string volume = make_volume("one");
  add_writer({"bad", volume}, [](const std::string& verb, const CallContext&) {
    return verb == "freeze" ? Status(Error(Errc::writer_fatal, "will not")) : Status(Ok{});
  });
  auto& good = add_writer({"good", volume});
  add_provider();
  start();
  Client requestor = client();
  auto session = prepared(requestor, {}, {select_all(ConsistencyPolicy::allow_degraded)});
  ASSERT_TRUE(session.ok()) << error_of(session);
  auto set = session.value().create_snapshots();
  ASSERT_TRUE(set.ok()) << error_of(set);
  for (const auto& component : set.value().evidence.components)
    EXPECT_EQ(component.label, component.instance_name == "good-1"
                                   ? Consistency::application_consistent
                                   : Consistency::crash_consistent)
        << component.instance_name << ": " << component.reason;
  ASSERT_EQ(set.value().evidence.failed_writers.size(), 1u);
  EXPECT_EQ(set.value().evidence.failed_writers[0].message, "will not");
  EXPECT_EQ(good.count("post_snapshot"), 1u);
}

TEST_F(BackupSessionTest, AWritersOwnNumberAndTextReachStatusAndEvidence) {
  add_writer({"mail", make_volume("one")}, [](const std::string& verb, const CallContext&) {
    return verb == "freeze" ? Status(Error(Errc::writer_retryable, "checkpoint runs", -1018))
                            : Status(Ok{});
  });
  add_provider();
  start();
  Client requestor = client();
  auto session = prepared(requestor, {}, {select_all(ConsistencyPolicy::allow_degraded)});
  ASSERT_TRUE(session.ok()) << error_of(session);
  auto set = session.value().create_snapshots();
  ASSERT_TRUE(set.ok()) << error_of(set);
  ASSERT_EQ(set.value().evidence.failed_writers.size(), 1u);
  const FailedWriter& failed = set.value().evidence.failed_writers[0];
  EXPECT_EQ(failed.code, static_cast<int>(Errc::writer_retryable));
  EXPECT_EQ(failed.application_code, -1018);
  EXPECT_EQ(failed.message, "checkpoint runs");
  EXPECT_EQ(failed.phase, "freeze");
  auto writers = session.value().status();
  ASSERT_TRUE(writers.ok()) << error_of(writers);
  ASSERT_TRUE(writers.value().at(0).failure);
  EXPECT_EQ(writers.value()[0].failure->application_code, -1018);
}

TEST_F(BackupSessionTest, AComponentThatFailsAloneIsNamedWithCodeNumberAndTextAndTheOthersGoOn) {
  ScriptedWriterOptions options{"mail", make_volume("one")};
  options.component_names = {"good", "damaged"};
  auto& writer = add_writer(options);
  writer.edit_in_post_snapshot = [](BackupView& view) {
    for (auto& component : view.components) {
      if (component.name.name != "damaged") continue;
      component.failures.push_back(
          {static_cast<int>(Errc::corrupt), 77, "page 5 has a wrong checksum", ""});
    }
  };
  writer.post_snapshot_answer = Error(Errc::partial_failure, "one of two is damaged", 5);
  add_provider();
  start();
  Client requestor = client();
  auto session = prepared(requestor, {}, {select_all(ConsistencyPolicy::allow_degraded)});
  ASSERT_TRUE(session.ok()) << error_of(session);
  auto set = session.value().create_snapshots();
  ASSERT_TRUE(set.ok()) << error_of(set);
  const Evidence& evidence = set.value().evidence;
  ASSERT_EQ(evidence.components.size(), 2u);
  for (const auto& component : evidence.components) {
    if (component.name.name == "good") {
      EXPECT_EQ(component.label, Consistency::application_consistent) << component.reason;
      EXPECT_TRUE(component.failures.empty());
      continue;
    }
    EXPECT_NE(component.label, Consistency::application_consistent);
    ASSERT_EQ(component.failures.size(), 1u);
    EXPECT_EQ(component.failures[0],
              (ComponentFailure{static_cast<int>(Errc::corrupt), 77, "page 5 has a wrong checksum",
                                "post_snapshot"}));
    EXPECT_THAT(component.reason, HasSubstr("page 5 has a wrong checksum"));
  }
  ASSERT_EQ(evidence.failed_writers.size(), 1u);
  EXPECT_EQ(evidence.failed_writers[0].code, static_cast<int>(Errc::partial_failure));
  EXPECT_EQ(evidence.failed_writers[0].application_code, 5);
}

TEST_F(BackupSessionTest, AWriterThatFailsIdentifyIsListedAsFailed) {
  add_writer({"broken", make_volume("one")}, [](const std::string& verb, const CallContext&) {
    return verb == "identify" ? Status(Error(Errc::io, "its disk is gone")) : Status(Ok{});
  });
  start();
  Client requestor = client();
  auto writers = requestor.writers();
  ASSERT_TRUE(writers.ok()) << error_of(writers);
  ASSERT_EQ(writers.value().size(), 1u);
  EXPECT_EQ(writers.value()[0].state, WriterState::failed_at_identify);
  ASSERT_TRUE(writers.value()[0].failure);
  EXPECT_THAT(writers.value()[0].failure->message, HasSubstr("its disk is gone"));
}

TEST_F(BackupSessionTest, CallsOutOfOrderNameTheStateAndWhatItPermits) {
  add_writer({"orders", make_volume("one")});
  add_provider();
  start();
  Client requestor = client();
  auto session = requestor.begin_backup({});
  ASSERT_TRUE(session.ok());
  auto early = session.value().create_snapshots();
  ASSERT_FALSE(early.ok());
  EXPECT_EQ(early.error().code(), Errc::wrong_state);
  EXPECT_THAT(early.error().what(), HasSubstr("gather"));
}

TEST_F(BackupSessionTest, AVolumeNobodyTakesNamesEveryProvidersReason) {
  add_writer({"orders", make_volume("one")});
  FakeProviderOptions first, second;
  first.name = "first";
  first.refuses = [](const Volume&) { return std::string("only on Tuesdays"); };
  second.name = "second";
  second.refuses = [](const Volume&) { return std::string("no room"); };
  add_provider(first);
  add_provider(second);
  start();
  Client requestor = client();
  auto session = prepared(requestor);
  ASSERT_TRUE(session.ok()) << error_of(session);
  auto set = session.value().create_snapshots();
  ASSERT_FALSE(set.ok());
  EXPECT_EQ(set.error().code(), Errc::volume_not_supported);
  EXPECT_THAT(set.error().what(), HasSubstr("first: only on Tuesdays"));
  EXPECT_THAT(set.error().what(), HasSubstr("second: no room"));
}

TEST_F(BackupSessionTest, VolumesAreDividedBetweenProvidersByPreference) {
  add_writer({"a", make_volume("one")});
  add_writer({"b", make_volume("two")});
  FakeProviderOptions fast, any;
  fast.name = "fast";
  fast.preference = 50;
  fast.refuses = [](const Volume& volume) {
    return volume.id == "fake:one" ? std::string() : std::string("not mine");
  };
  any.name = "any";
  any.preference = 1;
  auto& one = add_provider(fast);
  auto& two = add_provider(any);
  start();
  Client requestor = client();
  auto session = prepared(requestor);
  ASSERT_TRUE(session.ok()) << error_of(session);
  auto set = session.value().create_snapshots();
  ASSERT_TRUE(set.ok()) << error_of(set);
  ASSERT_EQ(one.requests().size(), 1u);
  EXPECT_EQ(one.requests()[0].volume.id, "fake:one");
  ASSERT_EQ(two.requests().size(), 1u);
  EXPECT_EQ(two.requests()[0].volume.id, "fake:two");
  ASSERT_EQ(two.requests()[0].files.size(), 1u);
  EXPECT_TRUE(two.requests()[0].files[0].recursive);
}

TEST_F(BackupSessionTest, AHoldThatOverrunsItsLimitIsThawedAndFailsTheSet) {
  Gate gate;
  auto& writer = add_writer({"orders", make_volume("one")});
  add_provider({}, [&](const std::string& step) -> Status {
    if (step == "pre_commit") gate.pass();
    return Ok{};
  });
  start();
  Client requestor = client();
  BackupOptions options;
  options.hold_limit = std::chrono::milliseconds(300);
  options.commit_limit = std::chrono::milliseconds(60'000);
  auto session = prepared(requestor, options);
  ASSERT_TRUE(session.ok()) << error_of(session);
  auto made = std::async(std::launch::async, [&] { return session.value().create_snapshots(); });
  ASSERT_TRUE(gate.wait_reached());
  // Whether the SDK's own timer or the coordinator's comes first: the application runs again while
  // the provider still hangs.
  auto set = made.get();
  ASSERT_FALSE(set.ok());
  EXPECT_TRUE(set.error().code() == Errc::timed_out || set.error().code() == Errc::hold_broken)
      << set.error().what();
  EXPECT_TRUE(writer.wait_thawed());
  gate.open();
}

TEST_F(BackupSessionTest, ASnapshotThatAppearsLateIsDeleted) {
  Gate gate;
  auto& writer = add_writer({"orders", make_volume("one")});
  auto& provider = add_provider({}, [&](const std::string& step) -> Status {
    if (step == "commit") gate.pass();
    return Ok{};
  });
  start();
  Client requestor = client();
  BackupOptions options;
  options.commit_limit = std::chrono::milliseconds(200);
  auto session = prepared(requestor, options);
  ASSERT_TRUE(session.ok()) << error_of(session);
  auto set = session.value().create_snapshots();
  ASSERT_FALSE(set.ok());
  EXPECT_EQ(set.error().code(), Errc::timed_out) << set.error().what();
  EXPECT_TRUE(writer.wait_thawed());
  gate.open();  // now the cut succeeds, and nobody wants it
  stop();
  EXPECT_EQ(provider.snapshots_on_disk(), 0u);
}

TEST_F(BackupSessionTest, AProviderThatFailsAtAnyStepLeavesNobodyFrozenAndNoSnapshot) {
  auto& writer = add_writer({"orders", make_volume("one")});
  auto& provider = add_provider();
  start();
  Client requestor = client();
  for (const std::string step : {"begin_prepare", "end_prepare", "pre_commit", "commit",
                                 "post_commit", "pre_final", "post_final"}) {
    provider.set_hook([step](const std::string& now) -> Status {
      if (now == step) return Error(Errc::provider_failed, "tripped at " + step);
      return Ok{};
    });
    auto session = prepared(requestor);
    ASSERT_TRUE(session.ok()) << step << ": " << error_of(session);
    auto set = session.value().create_snapshots();
    ASSERT_FALSE(set.ok()) << step;
    EXPECT_EQ(set.error().code(), Errc::provider_failed) << step;
    EXPECT_THAT(set.error().what(), HasSubstr("tripped at " + step));
    ASSERT_TRUE(session.value().end().ok()) << step;
    EXPECT_FALSE(writer.frozen()) << step;
    EXPECT_EQ(provider.snapshots_on_disk(), 0u) << step;
  }
  EXPECT_EQ(writer.count("freeze"), 5u);  // not for the two failures before the hold
  provider.set_hook({});
  auto session = prepared(requestor);
  ASSERT_TRUE(session.ok()) << error_of(session);
  EXPECT_TRUE(session.value().create_snapshots().ok());
}

TEST_F(BackupSessionTest, AWriterThatGoesWhileItIsFrozenFailsTheSetAtOnce) {
  Gate gate;
  make_volume("one");
  add_provider({}, [&](const std::string& step) -> Status {
    if (step == "pre_commit") gate.pass();
    return Ok{};
  });
  options_.socket_dir = directory_.path() + "/socket";
  start();
  ScriptedWriter remote({"remote", directory_.path() + "/one"});
  WriterHostOptions host_options;
  host_options.socket_dir = options_.socket_dir;
  auto host = WriterHost::start(remote, host_options);
  ASSERT_TRUE(host.ok()) << error_of(host);
  ASSERT_TRUE(coordinator_->wait_writers({"remote"}, std::chrono::seconds(20)).ok());

  Client requestor = client();
  auto session = prepared(requestor);
  ASSERT_TRUE(session.ok()) << error_of(session);
  auto made = std::async(std::launch::async, [&] { return session.value().create_snapshots(); });
  ASSERT_TRUE(gate.wait_reached());
  host.value().reset();
  auto set = made.get();  // answers although the provider still hangs
  ASSERT_FALSE(set.ok());
  EXPECT_EQ(set.error().code(), Errc::writer_gone) << set.error().what();
  EXPECT_TRUE(remote.wait_thawed());
  gate.open();
}

TEST_F(BackupSessionTest, ARequestorThatVanishesAtAnyStepLeavesNothing) {
  Gate* stop_here = nullptr;
  std::string stop_at;
  std::mutex mutex;
  const auto pause_at = [&](const std::string& step) {
    Gate* gate = nullptr;
    {
      const std::lock_guard lock(mutex);
      if (step == stop_at) gate = std::exchange(stop_here, nullptr);
    }
    if (gate != nullptr) gate->pass();
  };
  auto& writer = add_writer({"orders", make_volume("one")},
                            [&](const std::string& verb, const CallContext&) -> Status {
                              pause_at(verb);
                              return Ok{};
                            });
  auto& provider = add_provider({}, [&](const std::string& step) -> Status {
    pause_at(step);
    return Ok{};
  });
  start();
  std::size_t ended = 0;
  for (const std::string step :
       {"identify", "prepare_backup", "begin_prepare", "end_prepare", "prepare_snapshot", "freeze",
        "pre_commit", "commit", "post_commit", "thaw", "pre_final", "post_snapshot",
        "post_final"}) {
    Gate gate;
    {
      const std::lock_guard lock(mutex);
      stop_at = step;
      stop_here = &gate;
    }
    std::shared_ptr<RequestorChannel> channel = coordinator_->connect("vanishing");
    std::thread work([channel] {
      Client requestor(channel);
      auto session = prepared(requestor);
      if (session.ok()) (void)session.value().create_snapshots();
    });
    ASSERT_TRUE(gate.wait_reached()) << step;
    channel->close();
    gate.open();
    work.join();
    channel.reset();
    if (step != "identify") {
      ASSERT_TRUE(writer.wait_for("shutdown", ++ended)) << step;
    }
    EXPECT_FALSE(writer.frozen()) << step;
    Client other = client();
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!other.sessions().value().empty() && std::chrono::steady_clock::now() < until)
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    EXPECT_TRUE(other.sessions().value().empty()) << step;
    EXPECT_EQ(provider.snapshots_on_disk(), 0u) << step;
  }
}

}  // namespace
}  // namespace stillframe
