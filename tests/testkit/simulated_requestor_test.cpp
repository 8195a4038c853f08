// Requestors of somebody else's in the simulation: streams, restores, holds, lost connections.
#include <iostream>
#include <stdexcept>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/scale.hpp"
#include "tests/testkit/vault.hpp"

namespace stillframe::testkit {
namespace {

TEST(SimulatedRequestor, ReadsWhatTheWriterStreamsAndItsLogs) {
  Vault vault;
  std::vector<std::byte> bytes;
  Result<LogList> logs;
  const RunOutcome run = run_with(vault, [&](SimulatedCoordinator& coordinator) {
    auto session = prepared_session(coordinator, BackupType::full);
    ASSERT_TRUE(session.ok()) << session.error().what();
    auto writers = session.value().status();
    ASSERT_TRUE(writers.ok());
    const auto vault_id = writers.value()[0].instance, company = writers.value()[1].instance;
    auto stream = session.value().open_stream(vault_id, {{"", "Gold"}, "gold.db"});
    ASSERT_TRUE(stream.ok()) << stream.error().what();
    auto read = session.value().read_stream(vault_id, stream.value().handle, 1 << 20);
    ASSERT_TRUE(read.ok()) << read.error().what();
    bytes = read.value();
    EXPECT_TRUE(session.value().close_stream(vault_id, stream.value().handle).ok());
    logs = session.value().list_logs(vault_id, {"", "Gold"});
    auto theirs = session.value().open_stream(company, {{"", "Data"}, "x"});
    ASSERT_TRUE(theirs.ok()) << theirs.error().what();
    EXPECT_EQ(session.value().read_stream(company, theirs.value().handle, 1 << 20).value().size(),
              theirs.value().size);
    EXPECT_TRUE(session.value().close_stream(company, theirs.value().handle).ok());
  });
  EXPECT_EQ(run.violation, "") << run.trace;
  EXPECT_EQ(vault.asked_for, "gold.db");
  EXPECT_EQ(bytes, std::vector<std::byte>(4096, std::byte{0x42}));
  ASSERT_TRUE(logs.ok());
  EXPECT_EQ(logs.value().files.size(), 2u);
  EXPECT_EQ(run.sessions[0].writers[0].components[0].streamed_bytes, 4096u);
}

TEST(SimulatedRequestor, BrokenStreamIsTruncatedAndItsCloseSaysWhy) {
  Vault vault;
  vault.stream_breaks_at = 1024;
  Errc read_error = Errc::internal, close_error = Errc::internal;
  const RunOutcome run = run_with(vault, [&](SimulatedCoordinator& coordinator) {
    auto session = prepared_session(coordinator, BackupType::full);
    ASSERT_TRUE(session.ok());
    const auto id = session.value().status().value()[0].instance;
    auto stream = session.value().open_stream(id, {{"", "Gold"}, {}});
    ASSERT_TRUE(stream.ok());
    const auto read = session.value().read_stream(id, stream.value().handle, 1 << 20);
    if (!read.ok()) read_error = read.error().code();
    const Status closed = session.value().close_stream(id, stream.value().handle);
    if (!closed.ok()) close_error = closed.error().code();
  });
  EXPECT_EQ(run.violation, "") << run.trace;
  EXPECT_EQ(read_error, Errc::truncated);
  EXPECT_EQ(close_error, Errc::io);
}

TEST(SimulatedRequestor, SnapshotsLieWhereTheTestPutThem) {
  Vault vault;
  Simulation simulation(2);
  simulation.add_writer(vault).add_company(1);
  simulation.add_volume("/", "/tmp/root-copy").add_volume("/srv/vault", "/tmp/vault-copy");
  Result<SnapshotSetResult> set;
  Result<BackupDocument> document;
  simulation.add_requestor([&](SimulatedCoordinator& coordinator) {
    auto session = prepared_session(coordinator, BackupType::copy);
    ASSERT_TRUE(session.ok());
    set = session.value().create_snapshots();
    document = session.value().document();
  });
  const RunOutcome run = simulation.run();
  EXPECT_EQ(run.violation, "") << run.trace;
  ASSERT_TRUE(set.ok()) << set.error().what();
  ASSERT_EQ(set.value().snapshots.size(), 2u);
  EXPECT_EQ(set.value().snapshots[1].root, "/tmp/vault-copy");
  const ComponentEvidence& gold = set.value().evidence.components[0];
  EXPECT_EQ(gold.label, Consistency::application_consistent) << gold.reason;
  EXPECT_EQ(gold.cuts, std::vector<SnapshotId>{set.value().snapshots[1].snapshot});
  ASSERT_TRUE(document.ok());
  EXPECT_EQ(document.value().components[0].stamp, "stamp-1");  // the writer's own edit
}

// A restore with all its stages; what it returns is what post_restore() said.
Status restore(SimulatedCoordinator& coordinator, const BackupDocument& stored, bool copied) {
  auto channel = coordinator.connect();
  if (!channel.ok()) return channel.error();
  Client client(std::move(channel).value());
  RestoreOptions options;
  options.authority_token = "open sesame";
  auto begun = client.begin_restore(stored, {}, options);
  if (!begun.ok()) return begun.error();
  RestoreSession& session = begun.value();
  auto writers = session.gather();
  if (!writers.ok()) return writers.error();
  auto components = stored.components;
  for (auto& component : components) component.restore.emplace().selected = true;
  if (Status s = session.select(components); !s.ok()) return s;
  if (auto s = session.pre_restore(); !s.ok()) return s.error();
  const auto id = writers.value()[0].instance;
  const ComponentName gold{"", "Gold"};
  if (Status s = session.prepare(id, {}); !s.ok()) return s;
  auto places = session.locations(id, gold);
  if (!places.ok()) return places.error();
  RestoreRegistration registration;
  registration.component = gold;
  registration.moved = {{places.value()[0].path, "/elsewhere"}};
  if (Status s = session.register_restore(id, registration); !s.ok()) return s;
  coordinator.let_time_pass(std::chrono::minutes(5));
  const Status copy = copied ? Status(Ok{}) : Status(Error(Errc::io, "the tape broke"));
  if (Status s = session.set_file_status(id, gold, FileRestoreStatus::all); !s.ok()) return s;
  if (Status s = session.complete(id, gold, copy); !s.ok()) return s;
  if (auto s = session.post_restore(); !s.ok()) return s.error();
  auto report = session.end();
  if (!report.ok()) return report.error();
  if (report.value().outcome == "restored") return Ok{};
  return Error(Errc::internal, "the report says " + report.value().outcome);
}

BackupDocument stored_backup() {
  BackupDocument document;
  BackupComponent& gold = document.components.emplace_back();
  gold.instance_name = "vault";
  gold.type = ComponentType::database;
  gold.name.name = "Gold";
  return document;
}

TEST(SimulatedRequestor, RestoresThroughEveryStage) {
  Vault vault;
  Status status = Error(Errc::internal, "not run");
  const RunOutcome run = run_with(vault, [&](SimulatedCoordinator& coordinator) {
    status = restore(coordinator, stored_backup(), true);
  });
  EXPECT_EQ(run.violation, "") << run.trace;
  EXPECT_TRUE(status.ok()) << status.error().what() << run.trace;
  EXPECT_TRUE(vault.restored);
  EXPECT_EQ(vault.moved[0].second, "/elsewhere");
  ASSERT_EQ(run.sessions.size(), 1u);
  EXPECT_TRUE(run.sessions[0].completed);
  EXPECT_THAT(run.sessions[0].writers[0].verbs,
              ::testing::ElementsAre("identify", "pre_restore", "restore_prepare",
                                     "restore_locations", "restore_register", "restore_complete",
                                     "post_restore", "restore_end"));
}

TEST(SimulatedRequestor, VanishingDuringTheCopyLeavesTheTargetInterlocked) {
  for (const char* what : {"requestor_vanishes", "coordinator_dies"}) {
    Vault vault;
    Status status = Ok{};
    Simulation simulation(4);
    simulation.add_writer(vault);
    ASSERT_TRUE(simulation.fault(what, "copying").ok());
    simulation.add_requestor([&](SimulatedCoordinator& coordinator) {
      status = restore(coordinator, stored_backup(), true);
    });
    const RunOutcome run = simulation.run();
    EXPECT_EQ(run.violation, "") << run.trace;
    EXPECT_FALSE(status.ok());
    EXPECT_TRUE(vault.interlocked) << run.trace;
  }
}

TEST(SimulatedRequestor, HoldsWritersAroundACutOfItsOwn) {
  Vault vault;
  bool held_meanwhile = false;
  Result<HoldResult> held;
  const RunOutcome run = run_with(vault, [&](SimulatedCoordinator& coordinator) {
    auto channel = coordinator.connect();
    ASSERT_TRUE(channel.ok());
    Client client(std::move(channel).value());
    ComponentSelector gold;
    gold.writer = "vault";
    gold.component = "Gold";
    held = client.hold({}, {gold}, [&](Deadline deadline) {
      coordinator.let_time_pass(std::chrono::seconds(3));
      held_meanwhile = vault.held;
      return deadline.passed(coordinator.now()) ? 1 : 0;
    });
  });
  EXPECT_EQ(run.violation, "") << run.trace;
  ASSERT_TRUE(held.ok()) << held.error().what() << run.trace;
  EXPECT_EQ(held.value().command_status, 0);
  EXPECT_TRUE(held_meanwhile);
  EXPECT_FALSE(vault.held);
  EXPECT_EQ(held.value().evidence.components[0].label, Consistency::application_consistent);
}

TEST(SimulatedRequestor, OneThatSleepsThroughItsHoldFindsItBroken) {
  Vault vault;
  Result<HoldResult> held;
  const RunOutcome run = run_with(vault, [&](SimulatedCoordinator& coordinator) {
    auto channel = coordinator.connect();
    ASSERT_TRUE(channel.ok());
    Client client(std::move(channel).value());
    ComponentSelector gold;
    gold.writer = "vault";
    gold.component = "Gold";
    held = client.hold({}, {gold}, [&](Deadline) {
      coordinator.let_time_pass(std::chrono::minutes(3));
      return 0;
    });
  });
  EXPECT_EQ(run.violation, "") << run.trace;
  EXPECT_FALSE(held.ok());
  EXPECT_FALSE(vault.held);
}

TEST(SimulatedRequestor, ConnectsAgainAfterTheCoordinatorDied) {
  Vault vault;
  Errc lost = Errc::internal;
  bool refused = false, again = false;
  Simulation simulation(6);
  simulation.add_writer(vault);
  ASSERT_TRUE(simulation.fault("coordinator_dies", "prepared").ok());
  simulation.add_requestor([&](SimulatedCoordinator& coordinator) {
    auto session = prepared_session(coordinator, BackupType::copy);
    ASSERT_TRUE(session.ok());
    auto set = session.value().create_snapshots();
    if (!set.ok()) lost = set.error().code();
    while (!again) {
      auto next = prepared_session(coordinator, BackupType::copy);
      again = next.ok() && next.value().create_snapshots().ok();
      refused = refused || !next.ok();
      coordinator.let_time_pass(std::chrono::milliseconds(10));
    }
  });
  const RunOutcome run = simulation.run();
  EXPECT_EQ(run.violation, "") << run.trace;
  EXPECT_EQ(lost, Errc::disconnected);
  EXPECT_TRUE(refused);
  EXPECT_TRUE(again);
}

TEST(SimulatedRequestor, WhatItThrowsFailsTheRun) {
  Vault vault;
  const RunOutcome run = run_with(
      vault, [](SimulatedCoordinator&) { throw std::runtime_error("the catalogue is full"); });
  EXPECT_THAT(run.violation, ::testing::HasSubstr("the catalogue is full"));
}

TEST(SimulatedRequestor, UnknownMethodAndForeignSessionAreRefused) {
  Vault vault;
  const RunOutcome run = run_with(vault, [](SimulatedCoordinator& coordinator) {
    auto channel = coordinator.connect();
    ASSERT_TRUE(channel.ok());
    EXPECT_EQ(channel.value()->call("make.coffee", "{}").error().code(), Errc::not_supported);
    EXPECT_EQ(channel.value()->call("backup.begin", "no json").error().code(),
              Errc::invalid_argument);
    const std::string stranger = R"({"session":"00000000-0000-0000-0000-000000000001"})";
    EXPECT_EQ(channel.value()->call("backup.gather", stranger).error().code(), Errc::not_found);
    channel.value()->close();
    EXPECT_EQ(channel.value()->call("writers", "{}").error().code(), Errc::disconnected);
  });
  EXPECT_EQ(run.violation, "");
}

// Vendors' tests are many: whole sessions through the client library must cost next to nothing.
TEST(SimulatedRequestor, PlaysEverySessionOfManyRuns) {
  const std::uint64_t runs = tests::scaled(500);
  std::uint64_t sessions = 0;
  const auto begun = std::chrono::steady_clock::now();
  for (std::uint64_t seed = 1; seed <= runs; ++seed) {
    Vault vault;
    const RunOutcome run = run_with(
        vault,
        [](SimulatedCoordinator& coordinator) {
          for (int i = 0; i < 4; ++i) {
            auto session = prepared_session(coordinator, BackupType::copy);
            if (session.ok()) (void)session.value().create_snapshots();
          }
        },
        seed);
    ASSERT_EQ(run.violation, "") << run.trace;
    sessions += run.sessions.size();
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  std::cout << static_cast<double>(sessions) / took.count() << " sessions/s of own requestors\n";
  EXPECT_EQ(sessions, 4 * runs);
}

}  // namespace
}  // namespace stillframe::testkit
