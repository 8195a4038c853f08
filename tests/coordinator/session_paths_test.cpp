// The other paths through a session: streams, holds for somebody else, turns, persistence, chains.
#include <atomic>
#include <future>
#include <optional>
#include <thread>

#include <fcntl.h>
#include <unistd.h>

#include "tests/coordinator/support/fixture.hpp"
#include "tests/coordinator/support/gate.hpp"

namespace stillframe {
namespace {

using namespace tests;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class SessionPathsTest : public CoordinatorFixture {
 protected:
  static std::uint32_t streaming_bits() {
    return static_cast<std::uint32_t>(Capability::snapshot) |
           static_cast<std::uint32_t>(Capability::streaming) |
           static_cast<std::uint32_t>(Capability::logs);
  }

  // One whole backup of `type`; what it published.
  Result<BackupDocument> back_up(Client& requestor, BackupType type,
                                 const std::optional<ChainBase>& base = std::nullopt) {
    BackupOptions options;
    options.type = type;
    options.chain_owner = "nightly";
    ComponentSelector selector = select_all();
    selector.base = base;
    auto session = prepared(requestor, options, {selector});
    if (!session.ok()) return session.error();
    if (auto set = session.value().create_snapshots(); !set.ok()) return set.error();
    auto document = session.value().document();
    if (!document.ok()) return document.error();
    auto done =
        session.value().complete(receipt_for(document.value()), all_succeeded(document.value()));
    if (!done.ok()) return done.error();
    if (auto ended = session.value().end(); !ended.ok()) return ended.error();
    return document;
  }
};

TEST_F(SessionPathsTest, AStreamingBackupNeedsNoSnapshotAndTruncatesAfterTheReceipt) {
  ScriptedWriterOptions options;
  options.directory = make_volume("one");
  options.capability_bits = streaming_bits();
  auto& writer = add_writer(options);
  start();
  Client requestor = client();
  BackupOptions backup;
  backup.type = BackupType::full;
  auto session = prepared(requestor, backup);
  ASSERT_TRUE(session.ok()) << error_of(session);
  auto writers = session.value().status();
  ASSERT_TRUE(writers.ok());
  const WriterInstanceId instance = writers.value().at(0).instance;

  StreamRequest request;
  request.component.name = "data";
  request.file = "db";
  auto stream = session.value().open_stream(instance, request);
  ASSERT_TRUE(stream.ok()) << error_of(stream);
  std::size_t total = 0;
  for (;;) {
    auto bytes = session.value().read_stream(instance, stream.value().handle, 65536);
    ASSERT_TRUE(bytes.ok()) << error_of(bytes);
    if (bytes.value().empty()) break;
    total += bytes.value().size();
  }
  EXPECT_EQ(total, 100'000u);
  ASSERT_TRUE(session.value().close_stream(instance, stream.value().handle).ok());
  auto logs = session.value().list_logs(instance, request.component);
  ASSERT_TRUE(logs.ok()) << error_of(logs);
  EXPECT_EQ(logs.value().high, 4u);
  EXPECT_EQ(writer.count("truncate_logs"), 0u);

  const auto document = session.value().document().value();
  auto done = session.value().complete(receipt_for(document), all_succeeded(document));
  ASSERT_TRUE(done.ok()) << error_of(done);
  EXPECT_EQ(writer.count("truncate_logs"), 1u);
  auto evidence = session.value().end();
  ASSERT_TRUE(evidence.ok()) << error_of(evidence);
  EXPECT_EQ(evidence.value().components.at(0).label, Consistency::application_consistent)
      << evidence.value().components.at(0).reason;
  EXPECT_EQ(writer.count("freeze"), 0u);
}

TEST_F(SessionPathsTest, NothingIsTruncatedWithoutAReceiptOfThisSession) {
  ScriptedWriterOptions options;
  options.directory = make_volume("one");
  options.capability_bits = streaming_bits();
  auto& writer = add_writer(options);
  add_provider();
  start();
  Client requestor = client();
  BackupOptions backup;
  backup.type = BackupType::full;
  auto session = prepared(requestor, backup);
  ASSERT_TRUE(session.ok()) << error_of(session);
  ASSERT_TRUE(session.value().create_snapshots().ok());
  const auto document = session.value().document().value();
  Receipt foreign = receipt_for(document);
  foreign.session = SessionId::generate();
  EXPECT_EQ(session.value().complete(foreign, all_succeeded(document)).error().code(),
            Errc::invalid_argument);
  Receipt no_hash = receipt_for(document);
  no_hash.manifest_sha256 = "yes";
  EXPECT_EQ(session.value().complete(no_hash, all_succeeded(document)).error().code(),
            Errc::invalid_argument);
  EXPECT_EQ(writer.count("backup_complete") + writer.count("truncate_logs"), 0u);
  EXPECT_TRUE(session.value().complete(receipt_for(document), all_succeeded(document)).ok());
  EXPECT_EQ(writer.count("truncate_logs"), 1u);
}

TEST_F(SessionPathsTest, AHoldKeepsWritersFrozenAroundSomebodyElsesCut) {
  auto& writer = add_writer({"orders", make_volume("one")});
  start();
  Client requestor = client();
  bool held = false;
  auto result = requestor.hold({}, {select_all()}, [&](Deadline deadline) {
    held = writer.frozen() && !deadline.passed(system_clock().now());
    return 7;
  });
  ASSERT_TRUE(result.ok()) << error_of(result);
  EXPECT_TRUE(held);
  EXPECT_EQ(result.value().command_status, 7);
  EXPECT_FALSE(writer.frozen());
  ASSERT_EQ(result.value().evidence.components.size(), 1u);
  EXPECT_EQ(result.value().evidence.components[0].label, Consistency::application_consistent)
      << result.value().evidence.components[0].reason;
}

TEST_F(SessionPathsTest, ASecondSetOnTheVolumeWaitsAndIsToldForWhom) {
  Gate gate;
  const std::string volume = make_volume("one");
  add_writer({"a", volume}, [&](const std::string& verb, const CallContext&) -> Status {
    if (verb == "prepare_snapshot") gate.pass();
    return Ok{};
  });
  add_writer({"b", volume});
  add_provider();
  start();
  Client nightly = client("nightly"), hourly = client("hourly");
  ComponentSelector only_a = select_all(), only_b = select_all();
  only_a.writer = "a";
  only_b.writer = "b";
  auto first = prepared(nightly, {}, {only_a});
  auto second = prepared(hourly, {}, {only_b});
  ASSERT_TRUE(first.ok() && second.ok()) << error_of(first) << error_of(second);
  auto one = std::async(std::launch::async, [&] { return first.value().create_snapshots(); });
  ASSERT_TRUE(gate.wait_reached());
  auto two = std::async(std::launch::async, [&] { return second.value().create_snapshots(); });
  std::string waiting;
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (waiting.empty() && std::chrono::steady_clock::now() < until) {
    const auto sessions = nightly.sessions();
    for (const auto& session : sessions.value())
      if (session.session == second.value().id()) waiting = session.waiting_for;
  }
  EXPECT_THAT(waiting, HasSubstr("nightly"));
  EXPECT_THAT(waiting, HasSubstr(first.value().id().to_string()));
  gate.open();
  auto made_first = one.get();
  auto made_second = two.get();
  EXPECT_TRUE(made_first.ok()) << error_of(made_first);
  EXPECT_TRUE(made_second.ok()) << error_of(made_second);
}

TEST_F(SessionPathsTest, ATurnThatIsNotGivenInTimeIsInProgressAndNamesTheHolder) {
  Gate gate;
  const std::string volume = make_volume("one");
  add_writer({"a", volume}, [&](const std::string& verb, const CallContext&) -> Status {
    if (verb == "prepare_snapshot") gate.pass();
    return Ok{};
  });
  add_writer({"b", volume});
  add_provider();
  start();
  Client nightly = client("nightly"), hourly = client("hourly");
  ComponentSelector only_a = select_all(), only_b = select_all();
  only_a.writer = "a";
  only_b.writer = "b";
  BackupOptions impatient;
  impatient.queue_wait = std::chrono::milliseconds(100);
  auto first = prepared(nightly, {}, {only_a});
  auto second = prepared(hourly, impatient, {only_b});
  ASSERT_TRUE(first.ok() && second.ok()) << error_of(first) << error_of(second);
  auto one = std::async(std::launch::async, [&] { return first.value().create_snapshots(); });
  ASSERT_TRUE(gate.wait_reached());
  auto refused = second.value().create_snapshots();
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), Errc::in_progress);
  EXPECT_THAT(refused.error().what(), HasSubstr("nightly"));
  gate.open();
  EXPECT_TRUE(one.get().ok());
  auto again = second.value().create_snapshots();  // the session goes on
  EXPECT_TRUE(again.ok()) << error_of(again);
}

TEST_F(SessionPathsTest, SetsOnDisjointVolumesAreCutAtTheSameTime) {
  Gate first_gate, second_gate;
  add_writer({"a", make_volume("one")});
  add_writer({"b", make_volume("two")});
  FakeProviderOptions p1, p2;
  p1.name = "p1";
  p1.refuses = [](const Volume& v) { return v.id == "fake:one" ? "" : "not mine"; };
  p2.name = "p2";
  p2.refuses = [](const Volume& v) { return v.id == "fake:two" ? "" : "not mine"; };
  add_provider(p1, [&](const std::string& step) -> Status {
    if (step == "commit") first_gate.pass();
    return Ok{};
  });
  add_provider(p2, [&](const std::string& step) -> Status {
    if (step == "commit") second_gate.pass();
    return Ok{};
  });
  start();
  Client requestor = client();
  ComponentSelector only_a = select_all(), only_b = select_all();
  only_a.writer = "a";
  only_b.writer = "b";
  auto first = prepared(requestor, {}, {only_a});
  auto second = prepared(requestor, {}, {only_b});
  ASSERT_TRUE(first.ok() && second.ok()) << error_of(first) << error_of(second);
  auto one = std::async(std::launch::async, [&] { return first.value().create_snapshots(); });
  auto two = std::async(std::launch::async, [&] { return second.value().create_snapshots(); });
  EXPECT_TRUE(first_gate.wait_reached());
  EXPECT_TRUE(second_gate.wait_reached());  // while the first is inside its commit
  first_gate.open();
  second_gate.open();
  EXPECT_TRUE(one.get().ok());
  EXPECT_TRUE(two.get().ok());
}

TEST_F(SessionPathsTest, APersistentSnapshotIsListedAfterARestartAndCanBeDeleted) {
  add_writer({"orders", make_volume("one")});
  auto& provider = add_provider();
  start();
  SnapshotId snapshot;
  SetId set;
  {
    Client requestor = client();
    auto session = prepared(requestor);
    ASSERT_TRUE(session.ok()) << error_of(session);
    SnapshotOptions keep;
    keep.attributes.persistent = true;
    keep.auto_release = false;
    auto made = session.value().create_snapshots(keep);
    ASSERT_TRUE(made.ok()) << error_of(made);
    snapshot = made.value().snapshots.at(0).snapshot;
    set = made.value().set;
    ASSERT_TRUE(session.value().end().ok());
  }
  EXPECT_EQ(provider.snapshots_on_disk(), 1u);
  stop();
  start();
  Client requestor = client();
  auto listed = requestor.snapshots();
  ASSERT_TRUE(listed.ok()) << error_of(listed);
  ASSERT_EQ(listed.value().size(), 1u);
  EXPECT_EQ(listed.value()[0].snapshot, snapshot);
  EXPECT_EQ(listed.value()[0].reason_unusable, "");
  auto evidence = requestor.snapshot_evidence(set);
  ASSERT_TRUE(evidence.ok()) << error_of(evidence);
  EXPECT_EQ(evidence.value().label, Consistency::application_consistent);
  const std::string place = directory_.path() + "/exposed";
  EXPECT_EQ(requestor.expose_snapshot(snapshot, place).value(), place);
  EXPECT_TRUE(requestor.remove_snapshot(snapshot).ok());
  EXPECT_TRUE(requestor.snapshots().value().empty());
  EXPECT_EQ(requestor.remove_snapshot(snapshot).error().code(), Errc::not_found);
}

TEST_F(SessionPathsTest, ASecondCoordinatorOnTheStateFolderIsRefusedWithTheHolder) {
  start();
  auto second = EmbeddedCoordinator::start(options_);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code(), Errc::in_progress);
  EXPECT_THAT(second.error().what(), HasSubstr(std::to_string(::getpid())));
}

TEST_F(SessionPathsTest, AnIncrementalNeedsABaseThatIsKnownWholeAndOnesOwn) {
  auto& writer = add_writer({"orders", make_volume("one")});
  writer.edit_in_post_snapshot = [](BackupView& view) {
    for (auto& component : view.components) component.stamp = "lsn:1";
  };
  add_provider();
  start();
  Client requestor = client();
  auto full = back_up(requestor, BackupType::full);
  ASSERT_TRUE(full.ok()) << error_of(full);
  ChainBase base;
  base.backup = full.value().backup;
  base.owner = "nightly";
  base.stamp = "lsn:1";
  auto incremental = back_up(requestor, BackupType::incremental, base);
  EXPECT_TRUE(incremental.ok()) << error_of(incremental);

  ChainBase unknown = base, foreign = base, other_stamp = base;
  unknown.backup = BackupId::generate();
  foreign.owner = "weekly";
  other_stamp.stamp = "lsn:2";
  for (const auto& bad : {unknown, foreign, other_stamp}) {
    auto refused = back_up(requestor, BackupType::incremental, bad);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code(), Errc::chain_broken);
    EXPECT_THAT(refused.error().what(), HasSubstr("take a full backup"));
  }
}

TEST_F(SessionPathsTest, AComponentItsWriterDidNotCompleteIsNoBase) {
  std::atomic<bool> fail{true};
  add_writer({"orders", make_volume("one")}, [&](const std::string& verb, const CallContext&) {
    return verb == "backup_complete" && fail ? Status(Error(Errc::io, "no disk")) : Status(Ok{});
  });
  add_provider();
  start();
  Client requestor = client();
  auto full = back_up(requestor, BackupType::full);
  ASSERT_TRUE(full.ok()) << error_of(full);
  fail = false;
  ChainBase base;
  base.backup = full.value().backup;
  auto refused = back_up(requestor, BackupType::incremental, base);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), Errc::chain_broken);
  EXPECT_THAT(refused.error().what(), HasSubstr("did not complete"));
}

TEST_F(SessionPathsTest, AStuckSessionIsEndedByForce) {
  Gate gate;
  add_writer({"orders", make_volume("one")},
             [&](const std::string& verb, const CallContext&) -> Status {
               if (verb == "prepare_snapshot") gate.pass();
               return Ok{};
             });
  add_provider();
  start();
  Client stuck = client("stuck"), admin = client("admin");
  auto session = prepared(stuck);
  ASSERT_TRUE(session.ok()) << error_of(session);
  auto made = std::async(std::launch::async, [&] { return session.value().create_snapshots(); });
  ASSERT_TRUE(gate.wait_reached());
  auto ended =
      std::async(std::launch::async, [&] { return admin.end_session(session.value().id()); });
  auto set = made.get();
  ASSERT_FALSE(set.ok());
  EXPECT_EQ(set.error().code(), Errc::cancelled);
  EXPECT_THAT(set.error().what(), HasSubstr("by force"));
  gate.open();
  const Status status = ended.get();
  EXPECT_TRUE(status.ok()) << error_of(status);
  EXPECT_TRUE(admin.sessions().value().empty());
}

TEST_F(SessionPathsTest, EditsAWriterMayNotMakeAreRefused) {
  auto& writer = add_writer({"orders", make_volume("one")});
  writer.edit_in_prepare = [](BackupView& view) { view.components.at(0).options = "mine now"; };
  add_provider();
  start();
  Client requestor = client();
  auto session = prepared(requestor);
  ASSERT_FALSE(session.ok());
  EXPECT_EQ(session.error().code(), Errc::invalid_argument);
  EXPECT_THAT(session.error().what(), HasSubstr("orders"));
}

}  // namespace
}  // namespace stillframe
