// The examples of docs/testing_your_writer.md, which are cut out of this file.
#include <cstring>
#include <optional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stillframe/testkit/simulation.hpp>

namespace stillframe::testkit {
namespace {

// [writer]
class Ledger final : public Writer {
 public:
  WriterIdentity identity() const override {
    WriterIdentity identity;
    identity.name = "Ledger";
    identity.instance_name = "ledger";
    identity.capabilities.add(Capability::logs).add(Capability::streaming);
    return identity;
  }
  Result<WriterMetadata> identify(const CallContext&) override {
    WriterMetadata metadata;
    Component& accounts = metadata.components.emplace_back();
    accounts.type = ComponentType::database;
    accounts.name.name = "Accounts";
    return metadata;
  }
  Status freeze(const CallContext&) override {
    frozen = true;
    return Ok{};
  }
  Result<HoldStatement> thaw(const CallContext&) override {
    HoldStatement statement;
    statement.unbroken = frozen;
    frozen = false;
    return statement;
  }
  Result<StreamInfo> open_stream(const CallContext&, const StreamRequest&) override {
    position = 0;
    StreamInfo info;
    info.handle = 1;
    info.size = pages.size();
    return info;
  }
  Result<std::size_t> read(const CallContext&, std::uint64_t, std::span<std::byte> out) override {
    const std::size_t n = std::min(out.size(), pages.size() - position);
    std::memcpy(out.data(), pages.data() + position, n);
    position += n;
    return n;
  }
  Status close(const CallContext&, std::uint64_t) override { return Ok{}; }
  Result<LogList> list_logs(const CallContext&, const ComponentName&) override { return LogList{}; }
  Status truncate_logs(const CallContext&, const ComponentName&, const Receipt&) override {
    ++truncated;
    return Ok{};
  }

  bool frozen = false;
  int truncated = 0;
  std::string pages = "every account and what is in it";
  std::size_t position = 0;
};
// [/writer]

// [good]
TEST(TestingYourWriter, FullBackupIsConsistentAndTruncates) {
  Ledger ledger;
  Simulation simulation(7);
  simulation.add_writer(ledger).add_company(2);
  const Outcome outcome = simulation.run_backup(BackupType::full);
  EXPECT_EQ(outcome.violation, "") << outcome.trace;
  EXPECT_TRUE(outcome.completed);
  EXPECT_EQ(outcome.writers[0].components[0].label, Consistency::application_consistent);
  EXPECT_EQ(ledger.truncated, 1);
  EXPECT_THAT(
      outcome.writers[0].verbs,
      ::testing::ElementsAre("identify", "prepare_backup", "prepare_snapshot", "freeze", "thaw",
                             "post_snapshot", "backup_complete", "truncate_logs", "shutdown"));
}
// [/good]

// [faults]
TEST(TestingYourWriter, NothingIsFrozenOrTruncatedWhateverHappensToOthers) {
  for (const char* phase : {"preparing", "preparing_snapshot", "provider_preparing", "freezing",
                            "committing", "thawing", "post_snapshot", "ready"}) {
    for (const char* what : {"requestor_vanishes", "coordinator_dies", "requestor_aborts"}) {
      Ledger ledger;
      Simulation simulation(11);
      simulation.add_writer(ledger).add_company(1);
      ASSERT_TRUE(simulation.fault(what, phase).ok());
      const Outcome outcome = simulation.run_backup(BackupType::full);
      EXPECT_EQ(outcome.violation, "") << outcome.trace;
      EXPECT_FALSE(outcome.completed);
      EXPECT_FALSE(ledger.frozen) << what << " at " << phase << "\n" << outcome.trace;
      EXPECT_EQ(ledger.truncated, 0);
    }
  }
}
// [/faults]

// [several]
TEST(TestingYourWriter, SessionsOfSeveralRequestorsTakeTurnsOnTheLedger) {
  Ledger ledger;
  Simulation simulation(5);
  simulation.add_writer(ledger).add_company(1);
  SessionWish nightly, replica;
  replica.script = SessionScript::stream;
  replica.type = BackupType::copy;
  replica.start = std::chrono::milliseconds(1);
  simulation.add_session(nightly).add_session(replica).add_session(nightly);
  const RunOutcome run = simulation.run();
  EXPECT_EQ(run.violation, "") << run.trace;
  for (const Outcome& session : run.sessions) EXPECT_TRUE(session.completed) << run.trace;
  EXPECT_EQ(run.sessions[1].writers[0].components[0].streamed_bytes, ledger.pages.size());
  EXPECT_EQ(ledger.truncated, 2);
}
// [/several]

// [requestor]
// A backup product in miniature. What it published is `stored`; it must be there before the ledger
// hears that the backup is complete.
struct Product {
  std::optional<BackupDocument> stored;
  std::string pages;

  Status back_up(SimulatedCoordinator& coordinator) {
    auto channel = coordinator.connect();
    if (!channel.ok()) return channel.error();
    Client client(std::move(channel).value());
    BackupOptions options;
    options.type = BackupType::full;
    auto begun = client.begin_backup(options);
    if (!begun.ok()) return begun.error();
    BackupSession& backup = begun.value();

    auto writers = backup.gather();
    if (!writers.ok()) return writers.error();
    ComponentSelector accounts;
    accounts.writer = "ledger";
    accounts.component = "Accounts";
    if (Status s = backup.select({accounts}); !s.ok()) return s;
    if (auto prepared = backup.prepare(); !prepared.ok()) return prepared.error();
    if (auto set = backup.create_snapshots(); !set.ok()) return set.error();
    coordinator.let_time_pass(std::chrono::minutes(2));  // the files are copied meanwhile
    if (Status s = stream(backup, writers.value()[0].instance); !s.ok()) return s;

    auto document = backup.document();
    if (!document.ok()) return document.error();
    stored = document.value();  // published
    return complete(backup);
  }

  Status stream(BackupSession& backup, const WriterInstanceId& writer) {
    auto opened = backup.open_stream(writer, {{"", "Accounts"}, {}});
    if (!opened.ok()) return opened.error();
    auto bytes = backup.read_stream(writer, opened.value().handle, opened.value().size);
    if (!bytes.ok()) return bytes.error();
    pages.assign(reinterpret_cast<const char*>(bytes.value().data()), bytes.value().size());
    return backup.close_stream(writer, opened.value().handle);
  }

  Status complete(BackupSession& backup) {
    Receipt receipt;
    receipt.backup = stored->backup;
    receipt.session = stored->session;
    receipt.set = stored->set;
    receipt.manifest_sha256 = std::string(64, 'a');
    const BackupComponent& accounts = stored->components[0];
    auto done = backup.complete(
        receipt, {{accounts.writer_class, accounts.instance_name, accounts.name, true}});
    if (!done.ok()) return done.error();
    auto ended = backup.end();
    if (!ended.ok()) return ended.error();
    return Ok{};
  }
};

TEST(TestingYourRequestor, PublishesBeforeTheLedgerTruncatesWhateverHappens) {
  for (const char* what : {"requestor_vanishes", "coordinator_dies", "writer_dies",
                           "requestor_aborts", "requestor_is_silent"}) {
    for (const char* phase : {"gathered", "prepared", "ready", "completed"}) {
      for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        Ledger ledger;
        Product product;
        Status status = Ok{};
        Simulation simulation(seed);
        simulation.add_writer(ledger).add_company(2);
        ASSERT_TRUE(simulation.fault(what, phase).ok());
        simulation.add_requestor([&](SimulatedCoordinator& coordinator) {
          status = product.back_up(coordinator);
          if (status.ok()) return;
          coordinator.let_time_pass(std::chrono::minutes(10));
          status = product.back_up(coordinator);  // everything again, once
        });
        const RunOutcome run = simulation.run();
        EXPECT_EQ(run.violation, "") << run.trace;
        EXPECT_FALSE(ledger.frozen) << run.trace;
        EXPECT_TRUE(product.stored || ledger.truncated == 0) << run.trace;
        EXPECT_TRUE(!product.stored || product.pages == ledger.pages) << run.trace;
        EXPECT_TRUE(status.ok()) << what << " at " << phase << ": " << status.error().what() << "\n"
                                 << run.trace;
      }
    }
  }
}
// [/requestor]

}  // namespace
}  // namespace stillframe::testkit
