// The examples of docs/testing_your_writer.md.
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
    identity.capabilities.add(Capability::logs);
    return identity;
  }
  Result<WriterMetadata> identify(const CallContext&) override {
    WriterMetadata metadata;
    metadata.components.emplace_back().name.name = "Accounts";
    return metadata;
  }
  Status prepare_backup(const CallContext&, BackupView&) override {
    if (refuses) return Error(Errc::writer_retryable, "the ledger is being migrated");
    return Ok{};
  }
  Status freeze(const CallContext&) override {
    frozen = true;
    return Ok{};
  }
  Result<HoldStatement> thaw(const CallContext&) override {
    HoldStatement statement;
    statement.unbroken = frozen;
    if (!forgets_to_thaw) frozen = false;
    return statement;
  }
  Status truncate_logs(const CallContext&, const ComponentName&, const Receipt&) override {
    ++truncated;
    return Ok{};
  }

  bool refuses = false, forgets_to_thaw = false, frozen = false;
  int truncated = 0;
};
// [writer]

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
// [good]

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
// [faults]

TEST(TestingYourWriter, RefusalIsTheRequestorsAnswer) {
  Ledger ledger;
  ledger.refuses = true;
  Simulation simulation(3);
  simulation.add_writer(ledger);
  const Outcome outcome = simulation.run_backup(BackupType::full);
  EXPECT_EQ(outcome.violation, "");
  EXPECT_FALSE(outcome.completed);
  EXPECT_EQ(outcome.writers[0].state, WriterState::failed_at_prepare_backup);
  EXPECT_EQ(outcome.phase, "ended");
}

TEST(TestingYourWriter, CopyBackupNeverTruncates) {
  Ledger ledger;
  Simulation simulation(3);
  simulation.add_writer(ledger);
  EXPECT_TRUE(simulation.run_backup(BackupType::copy).completed);
  EXPECT_EQ(ledger.truncated, 0);
}

TEST(TestingYourWriter, HoldThatTheWriterDoesNotVouchForIsNotConsistent) {
  class Careless final : public Writer {
   public:
    WriterIdentity identity() const override { return {}; }
    Result<WriterMetadata> identify(const CallContext&) override {
      WriterMetadata metadata;
      metadata.components.emplace_back().name.name = "Files";
      return metadata;
    }
  } careless;
  Simulation simulation(3);
  simulation.add_writer(careless, ConsistencyPolicy::allow_degraded);
  const Outcome outcome = simulation.run_backup(BackupType::copy);
  EXPECT_EQ(outcome.violation, "") << outcome.trace;
  EXPECT_EQ(outcome.writers[0].components[0].label, Consistency::crash_consistent);
}

TEST(TestingYourWriter, UnknownFaultSaysWhatIsPossible) {
  Simulation simulation(1);
  EXPECT_EQ(simulation.fault("rains", "freezing").error().code(), Errc::invalid_argument);
  const Status status = simulation.fault("lies", "thaw");
  ASSERT_FALSE(status.ok());
  EXPECT_NE(status.error().what().find("freeze"), std::string::npos);
}

}  // namespace
}  // namespace stillframe::testkit
