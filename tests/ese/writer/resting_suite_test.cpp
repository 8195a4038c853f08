// The writer of databases at rest in sessions of every kind. Every program that has such a writer
// runs this.
#include <filesystem>
#include <functional>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <stillframe/testkit/simulation.hpp>

#include "tests/ese/writer/hosted_rows.hpp"
#include "tests/ese/writer/resting_factory.hpp"
#include "writers/ese/instance/path_lock.hpp"

namespace stillframe::ese {
namespace {

using testing::HasSubstr;
using testkit::Outcome;
using testkit::Simulation;

class RestingSuite : public testing::Test {
 protected:
  void SetUp() override {
    rows_.create();
    rows_.add_rows(60);
    roll();
    stop_application();
    make();
  }
  void make() {
    auto made = tests::make_writer_at_rest(config().dump());
    ASSERT_TRUE(made.ok()) << made.error().what();
    writer_ = std::move(made).value();
  }
  nlohmann::json config() {
    return {{"name", "rows"},
            {"logs", rows_.logs()},
            {"databases", {rows_.database(0), rows_.database(1)}}};
  }
  void roll() { ASSERT_TRUE(rows_.hosted().get()->log().roll().ok()); }
  void stop_application() {
    const Status closed = rows_.hosted().close();
    ASSERT_TRUE(closed.ok()) << closed.error().what();
    rows_.hosted().let_go();
  }
  void start_application() {
    const Status opened = rows_.hosted().open();
    ASSERT_TRUE(opened.ok()) << opened.error().what();
  }
  static RestoreView whole() {
    RestoreView restore;
    BackupComponent& head = restore.components.emplace_back();
    head.name = {"", "Instance"};
    head.restore.emplace().selected = true;
    return restore;
  }
  // Nothing is held: the application can run.
  void expect_free() {
    start_application();
    rows_.add_rows(1);
    roll();
    stop_application();
  }
  CallContext call() const {
    CallContext context;
    context.session = session_;
    return context;
  }

  const SessionId session_ = SessionId::generate();
  tool::TestFolder folder_;
  tests::HostedRows rows_{folder_.path()};
  std::unique_ptr<Writer> writer_;
};

TEST_F(RestingSuite, ABackupIsConsistentAndTruncates) {
  const std::size_t logs = rows_.finished_logs();
  for (const BackupType type : {BackupType::full, BackupType::incremental, BackupType::log}) {
    Simulation simulation(7);
    simulation.add_writer(*writer_).add_company(2);
    const Outcome outcome = simulation.run_backup(type);
    EXPECT_EQ(outcome.violation, "") << outcome.trace;
    EXPECT_TRUE(outcome.completed) << outcome.trace;
    EXPECT_EQ(outcome.writers[0].components[0].label, Consistency::application_consistent);
    EXPECT_LE(rows_.finished_logs(), logs) << "the logs that it has are gone";
    expect_free();
  }
}

TEST_F(RestingSuite, ACopyKeepsAllLogs) {
  Simulation simulation(7);
  simulation.add_writer(*writer_);
  const std::size_t logs = rows_.finished_logs();
  const Outcome outcome = simulation.run_backup(BackupType::copy);
  EXPECT_EQ(outcome.violation, "") << outcome.trace;
  EXPECT_TRUE(outcome.completed) << outcome.trace;
  EXPECT_GT(rows_.finished_logs(), logs) << "the one that was written is finished";
  expect_free();
}

TEST_F(RestingSuite, NothingIsHeldOrTruncatedWhateverHappensToOthers) {
  for (const char* phase : {"preparing", "preparing_snapshot", "provider_preparing", "freezing",
                            "committing", "thawing", "post_snapshot", "ready"}) {
    for (const char* what : {"requestor_vanishes", "coordinator_dies", "requestor_aborts"}) {
      SCOPED_TRACE(std::string(what) + " at " + phase);
      Simulation simulation(11);
      simulation.add_writer(*writer_).add_company(1);
      ASSERT_TRUE(simulation.fault(what, phase).ok());
      const std::size_t logs = rows_.finished_logs();
      const Outcome outcome = simulation.run_backup(BackupType::full);
      EXPECT_EQ(outcome.violation, "") << outcome.trace;
      EXPECT_FALSE(outcome.completed);
      EXPECT_GE(rows_.finished_logs(), logs);
      // In life the SDK ends a session whose coordinator is gone; here the process does.
      if (what == std::string("coordinator_dies")) make();
      for (const std::string& path : {rows_.logs(), rows_.database(0), rows_.database(1)}) {
        EXPECT_FALSE(PathLock::is_taken(path).value()) << path;
      }
    }
  }
  expect_free();
}

TEST_F(RestingSuite, SessionsTakeTurns) {
  Simulation simulation(5);
  simulation.add_writer(*writer_).add_company(1);
  for (int i = 0; i < 3; ++i) simulation.add_session({});
  const auto run = simulation.run();
  EXPECT_EQ(run.violation, "") << run.trace;
  EXPECT_TRUE(run.sessions[0].completed) << run.trace;
  expect_free();
}

TEST_F(RestingSuite, ARestoreLeavesTheDatabasesAtRest) {
  Simulation simulation(9);
  simulation.add_writer(*writer_);
  const Outcome outcome = simulation.run_restore();
  EXPECT_EQ(outcome.violation, "") << outcome.trace;
  EXPECT_TRUE(outcome.completed) << outcome.trace;
  expect_free();
}

// Both ways: the application is not disturbed, and neither is a session.
TEST_F(RestingSuite, DatabasesThatAreInUseAreRefused) {
  start_application();
  {
    Simulation simulation(3);
    simulation.add_writer(*writer_);
    const Outcome outcome = simulation.run_backup(BackupType::full);
    EXPECT_EQ(outcome.violation, "") << outcome.trace;
    EXPECT_FALSE(outcome.completed);
  }
  BackupView view;
  const Status refused = writer_->prepare_backup(call(), view);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), Errc::in_use);
  EXPECT_THAT(refused.error().what(), HasSubstr(rows_.logs()));
  writer_->shutdown(call(), {});
  RestoreView restore = whole();
  EXPECT_EQ(writer_->pre_restore(call(), restore).error().code(), Errc::in_use);
  writer_->restore_end(call());
  rows_.add_rows(1);
  stop_application();

  ASSERT_TRUE(writer_->prepare_backup(call(), view).ok());
  EXPECT_EQ(rows_.hosted().open().error().code(), Errc::in_use);
  writer_->shutdown(call(), {});
  expect_free();
}

TEST_F(RestingSuite, DatabasesThatAreBeingRestoredAreNotBackedUp) {
  RestoreView restore = whole();
  const Status begun = writer_->pre_restore(call(), restore);
  ASSERT_TRUE(begun.ok()) << begun.error().what();
  CallContext other;
  other.session = SessionId::generate();
  BackupView view;
  EXPECT_EQ(writer_->prepare_backup(other, view).error().code(), Errc::writer_retryable);
  EXPECT_EQ(writer_->pre_restore(other, restore).error().code(), Errc::in_progress);
  writer_->restore_end(other);
  EXPECT_EQ(rows_.hosted().open().error().code(), Errc::in_use);
  writer_->restore_end(call());
  expect_free();
}

TEST_F(RestingSuite, LostDatabasesAreThereToBeRestored) {
  std::filesystem::remove_all(rows_.logs());
  std::filesystem::remove(rows_.database(0));
  const auto metadata = writer_->identify(call());
  ASSERT_TRUE(metadata.ok()) << metadata.error().what();
  EXPECT_EQ(metadata.value().components.size(), 4u);
  BackupView view;
  EXPECT_EQ(writer_->prepare_backup(call(), view).error().code(), Errc::not_found);
}

TEST_F(RestingSuite, AConfigurationThatIsWrongIsRefusedByItsMember) {
  const auto refused = [&](const std::string& member, const nlohmann::json& value) {
    nlohmann::json wrong = config();
    wrong[member] = value;
    if (value.is_null()) wrong.erase(member);
    const auto made = tests::make_writer_at_rest(wrong.dump());
    return made.ok() ? std::string() : made.error().what();
  };
  for (const char* member : {"name", "logs", "databases"}) {
    EXPECT_THAT(refused(member, nullptr), HasSubstr("'" + std::string(member) + "'"));
    EXPECT_THAT(refused(member, 7), HasSubstr("'" + std::string(member) + "'"));
  }
  EXPECT_THAT(refused("logs", "relative"), HasSubstr("no path from /"));
  EXPECT_THAT(refused("databases", {"/a/one.edb", "/b/one.edb"}), HasSubstr("one.edb"));
  EXPECT_THAT(refused("databases", nlohmann::json::array()), HasSubstr("names no file"));
  EXPECT_THAT(refused("base", "long"), HasSubstr("three letters"));
  EXPECT_THAT(refused("folder", "/a"), HasSubstr("no option 'folder'"));
  EXPECT_FALSE(tests::make_writer_at_rest("{").ok());
  EXPECT_FALSE(tests::make_writer_at_rest("[]").ok());
}

}  // namespace
}  // namespace stillframe::ese
