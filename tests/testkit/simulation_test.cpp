// The public Simulation beyond the examples: what it says of writers that are wrong, and of tests
// that are.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/testkit/vault.hpp"

namespace stillframe::testkit {
namespace {

TEST(Simulation, RefusalIsTheRequestorsAnswer) {
  Vault vault;
  vault.refuses = true;
  Simulation simulation(3);
  simulation.add_writer(vault);
  const Outcome outcome = simulation.run_backup(BackupType::full);
  EXPECT_EQ(outcome.violation, "");
  EXPECT_FALSE(outcome.completed);
  EXPECT_EQ(outcome.writers[0].state, WriterState::failed_at_prepare_backup);
  EXPECT_EQ(outcome.phase, "ended");
}

TEST(Simulation, CopyBackupNeverTruncates) {
  Vault vault;
  Simulation simulation(3);
  simulation.add_writer(vault);
  const Outcome outcome = simulation.run_backup(BackupType::copy);
  EXPECT_TRUE(outcome.completed);
  EXPECT_FALSE(outcome.writers[0].components[0].truncated);
}

TEST(Simulation, HoldThatTheWriterDoesNotVouchForIsNotConsistent) {
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

TEST(Simulation, UnknownFaultSaysWhatIsPossible) {
  Simulation simulation(1);
  EXPECT_EQ(simulation.fault("rains", "freezing").error().code(), Errc::invalid_argument);
  const Status status = simulation.fault("lies", "thaw");
  ASSERT_FALSE(status.ok());
  EXPECT_NE(status.error().what().find("freeze"), std::string::npos);
}

TEST(Simulation, FaultForASessionThatIsNotThereFailsTheRun) {
  Vault vault;
  Simulation simulation(1);
  simulation.add_writer(vault);
  ASSERT_TRUE(simulation.fault("lies", "freeze", 0, 4).ok());
  EXPECT_THAT(simulation.run_backup(BackupType::full).violation, ::testing::HasSubstr("session 4"));
}

TEST(Simulation, EqualSeedsTellEqualStoriesAlsoOfOwnRequestors) {
  const auto story = [] {
    Vault vault;
    Simulation simulation(17);
    simulation.add_writer(vault).add_company(2).add_session({});
    for (int i = 0; i < 2; ++i) {
      simulation.add_requestor([](SimulatedCoordinator& coordinator) {
        auto session = prepared_session(coordinator, BackupType::copy);
        if (session.ok()) (void)session.value().create_snapshots();
      });
    }
    return simulation.run().trace;
  };
  EXPECT_EQ(story(), story());
}

}  // namespace
}  // namespace stillframe::testkit
