// The writer in sessions of every kind, and in such as go wrong.
#include "writers/ese/writer/ese_writer.hpp"

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>

#include <stillframe/testkit/simulation.hpp>

#include "tests/ese/writer/hosted_rows.hpp"

namespace stillframe::ese {
namespace {

using testkit::Outcome;
using testkit::Simulation;

class EseWriterTest : public testing::Test {
 protected:
  void SetUp() override {
    rows_.create();
    rows_.add_rows(60);
    roll();
  }
  void roll() { ASSERT_TRUE(rows_.hosted().get()->log().roll().ok()); }

  // Nothing is held: an application can commit, and end.
  void expect_free() {
    rows_.add_rows(1);
    const std::shared_ptr<Instance> instance = rows_.hosted().get();
    EXPECT_TRUE(instance->hold_for_backup().ok()) << "a backup is left";
  }

  tool::TestFolder folder_;
  tests::HostedRows rows_{folder_.path()};
  EseWriter writer_{rows_.hosted(), "rows"};
};

TEST_F(EseWriterTest, ABackupIsConsistentAndTruncates) {
  const std::size_t logs = rows_.finished_logs();
  Simulation simulation(7);
  simulation.add_writer(writer_).add_company(2);
  for (const BackupType type : {BackupType::full, BackupType::incremental, BackupType::log}) {
    const Outcome outcome = simulation.run_backup(type);
    EXPECT_EQ(outcome.violation, "") << outcome.trace;
    EXPECT_TRUE(outcome.completed) << outcome.trace;
    EXPECT_EQ(outcome.writers[0].components[0].label, Consistency::application_consistent);
    EXPECT_LE(rows_.finished_logs(), logs) << "the logs that it has are gone";
    expect_free();
    roll();
  }
}

TEST_F(EseWriterTest, ACopyKeepsAllLogs) {
  Simulation simulation(7);
  simulation.add_writer(writer_);
  const std::size_t logs = rows_.finished_logs();
  const Outcome outcome = simulation.run_backup(BackupType::copy);
  EXPECT_EQ(outcome.violation, "") << outcome.trace;
  EXPECT_TRUE(outcome.completed);
  EXPECT_GT(rows_.finished_logs(), logs) << "the one that was written is finished";
  expect_free();
}

TEST_F(EseWriterTest, ABackupOfLogsAloneNeedsAFullOne) {
  for (const BackupType type : {BackupType::incremental, BackupType::differential}) {
    Simulation simulation(7);
    simulation.add_writer(writer_);
    const Outcome outcome = simulation.run_backup(type);
    EXPECT_EQ(outcome.violation, "") << outcome.trace;
    EXPECT_FALSE(outcome.completed);
    EXPECT_EQ(outcome.writers[0].state, WriterState::failed_at_freeze);
    expect_free();
  }
}

TEST_F(EseWriterTest, ADifferentialBackupKeepsTheLogsThatTheNextOneNeeds) {
  Simulation simulation(7);
  simulation.add_writer(writer_);
  ASSERT_TRUE(simulation.run_backup(BackupType::full).completed);
  for (int i = 0; i < 2; ++i) {
    rows_.add_rows(10);
    roll();
    const std::size_t logs = rows_.finished_logs();
    const Outcome outcome = simulation.run_backup(BackupType::differential);
    EXPECT_EQ(outcome.violation, "") << outcome.trace;
    EXPECT_TRUE(outcome.completed) << outcome.trace;
    EXPECT_GT(rows_.finished_logs(), logs);
    expect_free();
  }
}

TEST_F(EseWriterTest, NothingIsHeldOrTruncatedWhateverHappensToOthers) {
  for (const char* phase : {"preparing", "preparing_snapshot", "provider_preparing", "freezing",
                            "committing", "thawing", "post_snapshot", "ready"}) {
    for (const char* what : {"requestor_vanishes", "coordinator_dies", "requestor_aborts"}) {
      SCOPED_TRACE(std::string(what) + " at " + phase);
      Simulation simulation(11);
      simulation.add_writer(writer_).add_company(1);
      ASSERT_TRUE(simulation.fault(what, phase).ok());
      const std::size_t logs = rows_.finished_logs();
      const Outcome outcome = simulation.run_backup(BackupType::full);
      EXPECT_EQ(outcome.violation, "") << outcome.trace;
      EXPECT_FALSE(outcome.completed);
      EXPECT_GE(rows_.finished_logs(), logs);
      if (what != std::string("coordinator_dies")) expect_free();
    }
  }
  // What a coordinator left that died ends with the next backup.
  Simulation simulation(12);
  simulation.add_writer(writer_);
  const Outcome outcome = simulation.run_backup(BackupType::full);
  EXPECT_TRUE(outcome.completed) << outcome.trace;
  expect_free();
}

TEST_F(EseWriterTest, SessionsTakeTurns) {
  Simulation simulation(5);
  simulation.add_writer(writer_).add_company(1);
  for (int i = 0; i < 3; ++i) simulation.add_session({});
  const auto run = simulation.run();
  EXPECT_EQ(run.violation, "") << run.trace;
  EXPECT_TRUE(run.sessions[0].completed) << run.trace;
  expect_free();
}

TEST_F(EseWriterTest, ARestoreClosesTheDatabasesAndOpensThemAgain) {
  Simulation simulation(9);
  simulation.add_writer(writer_);
  const Outcome outcome = simulation.run_restore();
  EXPECT_EQ(outcome.violation, "") << outcome.trace;
  ASSERT_NE(rows_.hosted().get(), nullptr);
  expect_free();
}

// Not replaced by an empty one. The logs that could make it again are gone.
TEST_F(EseWriterTest, ALostDatabaseIsMissed) {
  ASSERT_TRUE(rows_.hosted().close().ok());
  for (const auto& entry : std::filesystem::directory_iterator(rows_.logs())) {
    const std::string name = entry.path().filename();
    if (name.size() > 7 && name.ends_with(".log")) std::filesystem::remove(entry.path());
  }
  ASSERT_TRUE(std::filesystem::remove(rows_.database(1)));
  const Status opened = rows_.hosted().open();
  ASSERT_FALSE(opened.ok());
  EXPECT_THAT(opened.error().what(), testing::HasSubstr("two.edb"));
  EXPECT_FALSE(std::filesystem::exists(rows_.database(1)));
  const auto list = writer_.list_logs({}, {"", "Instance"});
  ASSERT_FALSE(list.ok());
  EXPECT_THAT(list.error().what(), testing::HasSubstr("two.edb"));
}

// Logs that were left among those of a backup must not be recovered with them.
TEST_F(EseWriterTest, ARestoreWhoseOldLogsCannotGoAsideFailsForAllComponents) {
  ASSERT_TRUE(rows_.hosted().close().ok());
  CallContext call;
  call.session = SessionId::generate();
  std::ofstream(rows_.logs() + "/replaced-" + call.session.to_string()) << "in the way";
  RestoreAuthority authority;
  RestoreRegistration registration;
  EXPECT_FALSE(writer_.restore_register(call, authority, registration).ok());
  EXPECT_FALSE(writer_.restore_register(call, authority, registration).ok());
  EXPECT_FALSE(rows_.hosted().open().ok());
}

TEST_F(EseWriterTest, LogsAreListedWithThoseThatAreRequired) {
  ASSERT_TRUE(rows_.hosted().get()->flush().ok());
  const auto list = writer_.list_logs({}, {"", "Instance"});
  ASSERT_TRUE(list.ok()) << list.error().what();
  ASSERT_EQ(list.value().files.size(), rows_.finished_logs());
  EXPECT_EQ(list.value().low, list.value().files.front().generation);
  EXPECT_EQ(list.value().high, list.value().files.back().generation);
}

}  // namespace
}  // namespace stillframe::ese
