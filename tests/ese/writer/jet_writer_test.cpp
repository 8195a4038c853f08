// A program's JET instance as a writer, in sessions of every kind.
#include <filesystem>
#include <fstream>
#include <optional>

#include <gmock/gmock.h>

#include <stillframe/ese/ese.hpp>
#include <stillframe/ese/writer.hpp>
#include <stillframe/testkit/simulation.hpp>
#include <stillframe/writer_host.hpp>

#include "framework/io/files.hpp"
#include "tests/ese/tool/esectl_runner.hpp"
#include "writers/ese/recovery/log_files.hpp"

namespace stillframe::ese {
namespace {

using testkit::Outcome;
using testkit::Simulation;

constexpr stillframe::jet::Column<std::int32_t> kNumber{"number"};
constexpr stillframe::jet::Column<std::string> kText{"text"};
constexpr stillframe::jet::Index<std::int32_t> kByNumber{"by_number"};

// Numbered rows, in a database of an instance of the process.
class NumberedRows final : public stillframe::jet::InstanceOwner {
 public:
  explicit NumberedRows(std::string folder) : folder_(std::move(folder)) {}

  const std::string& folder() const { return folder_; }
  std::string database() const { return folder_ + "/rows.edb"; }
  stillframe::jet::InstanceFiles places() const {
    stillframe::jet::InstanceFiles files;
    files.logs = folder_;
    files.databases = {database()};
    return files;
  }

  Result<JET_INSTANCE> running() const override {
    if (instance_) return instance_->handle();
    if (!why_.ok()) return why_.error();
    return Error(Errc::writer_retryable, "offline");
  }
  Status go_offline() override {
    if (refuses_to_end_) return Error(Errc::in_use, "a customer is waiting");
    if (!instance_) return Ok{};
    Status stopped = instance_->stop();
    if (stopped.ok()) instance_.reset();
    return stopped;
  }
  Status go_online() override { return why_ = instance_ ? Status(Ok{}) : start(); }
  void refuse_to_end(bool refuse) { refuses_to_end_ = refuse; }

  // Each in a transaction of its own.
  void add(int count) {
    for (int i = 0; i < count; ++i) {
      auto session = instance_->session();
      auto database = session.value().open_database(this->database());
      ASSERT_TRUE(database.ok()) << database.error().what();
      auto table = database.value().open_table("rows");
      auto transaction = session.value().begin();
      auto row = table.value().insert();
      const Status saved = row.set(kNumber, next_++).set(kText, std::string(200, 'x')).save();
      ASSERT_TRUE(saved.ok()) << saved.error().what();
      ASSERT_TRUE(transaction.value().commit().ok());
    }
  }
  // An orderly end writes everything.
  void let_checkpoint_follow() {
    ASSERT_TRUE(go_offline().ok());
    ASSERT_TRUE(go_online().ok());
  }
  int count() {
    auto session = instance_->session();
    auto database = session.value().open_database(this->database());
    if (!database.ok()) return -1;
    auto table = database.value().open_table("rows");
    int rows = 0;
    for ([[maybe_unused]] auto row : table.value().rows()) ++rows;
    return rows;
  }
  std::size_t finished_logs() const {
    const auto files = posix_files();
    const auto logs = archived_logs(*files, folder_, "edb");
    return logs.ok() ? logs.value().size() : 0;
  }

 private:
  Status start() {
    if (Status gate = startup_gate(folder_); !gate.ok()) return gate;
    auto started =
        stillframe::jet::Instance::start("numbered rows", {.folder = folder_, .log_file_kb = 128});
    if (!started.ok()) return started.error();
    auto session = started.value().session();
    if (!session.ok()) return session.error();
    if (std::filesystem::exists(database())) {
      auto opened = session.value().open_database(database());
      if (!opened.ok()) return opened.error();
    } else {
      auto made = session.value().create_database(database());
      if (!made.ok()) return made.error();
      auto table = made.value().create_table(
          stillframe::jet::TableDefinition("rows").column(kNumber).column(kText).primary(kByNumber,
                                                                                         kNumber));
      if (!table.ok()) return table.error();
    }
    instance_.emplace(std::move(started).value());
    return Ok{};
  }

  const std::string folder_;
  std::optional<stillframe::jet::Instance> instance_;
  Status why_ = Ok{};
  bool refuses_to_end_ = false;
  int next_ = 0;
};

class JetWriterTest : public testing::Test {
 protected:
  void SetUp() override {
    const Status opened = rows_.go_online();
    ASSERT_TRUE(opened.ok()) << opened.error().what();
    rows_.add(30);
  }
  void TearDown() override {
    rows_.refuse_to_end(false);
    EXPECT_TRUE(rows_.go_offline().ok());
  }

  tool::TestFolder folder_;
  NumberedRows rows_{folder_.path()};
  const std::unique_ptr<Writer> writer_ =
      stillframe::jet::make_writer(rows_, rows_.places(), "rows");
};

TEST_F(JetWriterTest, BackupsHoldItStillAndLetLogsGo) {
  Simulation simulation(7);
  simulation.add_writer(*writer_).add_company(1);
  for (const BackupType type :
       {BackupType::full, BackupType::incremental, BackupType::copy, BackupType::log}) {
    rows_.add(100);
    rows_.let_checkpoint_follow();
    const std::size_t before = rows_.finished_logs();
    const Outcome outcome = simulation.run_backup(type);
    EXPECT_EQ(outcome.violation, "") << outcome.trace;
    EXPECT_TRUE(outcome.completed) << outcome.trace;
    EXPECT_EQ(outcome.writers[0].components[0].label, Consistency::application_consistent);
    if (type == BackupType::copy) {
      EXPECT_GT(rows_.finished_logs(), before) << "a copy cuts none";
    } else {
      EXPECT_LT(rows_.finished_logs(), before);
    }
  }
  EXPECT_EQ(rows_.count(), 430);
}

TEST_F(JetWriterTest, AnIncrementalBackupNeedsAFullOne) {
  Simulation simulation(7);
  simulation.add_writer(*writer_);
  const Outcome outcome = simulation.run_backup(BackupType::incremental);
  EXPECT_EQ(outcome.violation, "") << outcome.trace;
  EXPECT_FALSE(outcome.completed);
  rows_.add(1);
}

TEST_F(JetWriterTest, NothingIsHeldOrCutWhateverHappensToOthers) {
  for (const char* phase : {"preparing_snapshot", "freezing", "committing", "thawing", "ready"}) {
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
      rows_.add(1);
    }
  }
  Simulation simulation(12);
  simulation.add_writer(*writer_);
  EXPECT_TRUE(simulation.run_backup(BackupType::full).completed);
}

TEST_F(JetWriterTest, ARestoreClosesTheInstanceAndOpensItAgain) {
  Simulation simulation(9);
  simulation.add_writer(*writer_);
  const Outcome outcome = simulation.run_restore();
  EXPECT_EQ(outcome.violation, "") << outcome.trace;
  ASSERT_TRUE(rows_.running().ok()) << rows_.running().error().what();
  EXPECT_EQ(rows_.count(), 30);
}

TEST_F(JetWriterTest, ARestoreIsRefusedThatTheOwnerCannotMakeRoomFor) {
  rows_.refuse_to_end(true);
  RestoreView restore;
  BackupComponent component;
  component.name = {"", "Instance"};
  component.restore.emplace();
  restore.components = {component};
  const Status refused = writer_->pre_restore({}, restore);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), Errc::in_use);
  EXPECT_TRUE(rows_.running().ok());
}

TEST_F(JetWriterTest, ARestoreBeginsAlsoWhereTheWholeFolderIsGone) {
  ASSERT_TRUE(rows_.go_offline().ok());
  std::filesystem::remove_all(rows_.folder());
  CallContext call;
  call.session = SessionId::generate();
  const Status registered = writer_->restore_register(call, {}, {});
  ASSERT_TRUE(registered.ok()) << registered.error().what();
  EXPECT_EQ(rows_.go_online().error().code(), Errc::interlocked);
}

// Through the verbs, as a requestor would make them say it.
TEST_F(JetWriterTest, WhatIsStreamedComesBack) {
  CallContext call;
  call.session = SessionId::generate();
  BackupView backup;
  ASSERT_TRUE(writer_->prepare_backup(call, backup).ok());
  const std::string set = folder_.path() + "-set";
  std::filesystem::create_directory(set);
  const auto stream = [&](const std::string& path) {
    const auto opened = writer_->open_stream(call, {{"", "Instance"}, path});
    ASSERT_TRUE(opened.ok()) << opened.error().what();
    std::ofstream copy(set + path.substr(path.rfind('/')), std::ios::binary);
    std::vector<std::byte> some(100'000);
    for (std::uint64_t left = opened.value().size; left > 0;) {
      const auto got = writer_->read(call, opened.value().handle, some);
      ASSERT_TRUE(got.ok()) << got.error().what();
      ASSERT_GT(got.value(), 0U);
      copy.write(reinterpret_cast<const char*>(some.data()),
                 static_cast<std::streamsize>(got.value()));
      left -= got.value();
    }
    ASSERT_TRUE(writer_->close(call, opened.value().handle).ok());
  };
  stream(rows_.database());
  rows_.add(20);  // in the logs that are finished when they are asked for
  const auto logs = writer_->list_logs(call, {"Instance", "Logs"});
  ASSERT_TRUE(logs.ok()) << logs.error().what();
  for (const LogFile& log : logs.value().files) stream(log.path);
  BackupComponent component;
  component.name = {"", "Instance"};
  component.succeeded = true;
  backup.components = {component};
  ASSERT_TRUE(writer_->backup_complete(call, backup, {}).ok());
  const Status cut = writer_->truncate_logs(call, component.name, {});
  EXPECT_TRUE(cut.ok()) << cut.error().what();
  writer_->shutdown(call, {});

  rows_.add(30);
  call.session = SessionId::generate();
  RestoreView restore;
  component.restore.emplace();
  restore.components = {component};
  ASSERT_TRUE(writer_->pre_restore(call, restore).ok());
  ASSERT_TRUE(writer_->restore_register(call, {}, {}).ok());
  std::filesystem::copy(
      set, folder_.path(),
      std::filesystem::copy_options::recursive | std::filesystem::copy_options::overwrite_existing);
  ASSERT_TRUE(writer_->restore_complete(call, component.name, Ok{}).ok());
  const Status recovered = writer_->post_restore(call, restore);
  ASSERT_TRUE(recovered.ok()) << recovered.error().what();
  writer_->restore_end(call);
  EXPECT_EQ(rows_.count(), 50);
  std::filesystem::remove_all(set);
}

// With its logs in another folder, so that those of the instance go on.
TEST_F(JetWriterTest, ADatabaseIsReplacedBesideTheLogsOfTheInstance) {
  namespace fs = std::filesystem;
  tool::TestFolder kept;
  const std::string set = kept / "set", staged = kept / "staged";
  fs::copy(rows_.folder(), set);  // as a snapshot would have it
  rows_.add(25);
  CallContext call;
  call.session = SessionId::generate();
  RestoreView restore;
  BackupComponent& head = restore.components.emplace_back();
  head.name = {"", "Instance"};
  head.restore.emplace().subcomponents = {{"Instance", "Logs"}, {"Instance", "rows.edb"}};
  head.restore->new_targets.push_back({rows_.folder(), "edb*.log", false, staged, {}});
  const Status begun = writer_->pre_restore(call, restore);
  ASSERT_TRUE(begun.ok()) << begun.error().what();
  ASSERT_TRUE(writer_->restore_register(call, {}, {}).ok());
  EXPECT_EQ(rows_.go_online().error().code(), Errc::interlocked);
  for (const auto& entry : fs::directory_iterator(set)) {
    const std::string name = entry.path().filename();
    if (name.ends_with(".log")) fs::copy(entry.path(), staged + "/" + name);
  }
  fs::remove(rows_.database());
  fs::copy(set + "/rows.edb", rows_.database());
  ASSERT_TRUE(writer_->restore_complete(call, head.name, Ok{}).ok());
  const Status recovered = writer_->post_restore(call, restore);
  ASSERT_TRUE(recovered.ok()) << recovered.error().what();
  writer_->restore_end(call);
  EXPECT_EQ(rows_.count(), 30);
  rows_.add(5);
  rows_.let_checkpoint_follow();
  EXPECT_EQ(rows_.count(), 35);
}

// Copied while it works: what a snapshot would have, and what becomes of it before it is sealed.
TEST_F(JetWriterTest, ACopyIsRecoveredInItsOwnPlace) {
  rows_.add(20);
  tool::TestFolder snapshot;
  const std::string there = snapshot.path() + rows_.folder();
  std::filesystem::create_directories(there);
  std::filesystem::copy(rows_.folder(), there, std::filesystem::copy_options::recursive);
  SnapshotSetView set;
  set.for_rollback = true;
  set.volumes.push_back({"/", SnapshotId::generate(), snapshot.path()});
  BackupView backup;
  const Status recovered = writer_->post_snapshot({}, set, backup);
  ASSERT_TRUE(recovered.ok()) << recovered.error().what();
  const auto verified = tool::esectl({"verify", "--json", there + "/rows.edb"}).json();
  EXPECT_EQ(verified["verdict"], "good") << verified;
  EXPECT_EQ(tool::esectl({"tables", "--json", there + "/rows.edb"}).json()["tables"][0]["rows"],
            50);
  rows_.add(1);
  EXPECT_EQ(rows_.count(), 51);

  std::filesystem::remove(there + "/rows.edb");
  std::filesystem::create_symlink(rows_.database(), there + "/rows.edb");
  const Status refused = writer_->post_snapshot({}, set, backup);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), Errc::not_supported) << refused.error().what();
}

// Neither by the gate nor, for who forgets to ask it, by JetInit.
TEST_F(JetWriterTest, NoStartWhileARestoreIsHalfDone) {
  ASSERT_TRUE(rows_.go_offline().ok());
  CallContext call;
  call.session = SessionId::generate();
  ASSERT_TRUE(writer_->restore_register(call, {}, {}).ok());
  const Status gated = rows_.go_online();
  ASSERT_FALSE(gated.ok());
  EXPECT_EQ(gated.error().code(), Errc::interlocked);
  const auto started =
      stillframe::jet::Instance::start("forgetful", {.folder = rows_.folder(), .log_file_kb = 128});
  ASSERT_FALSE(started.ok());
  EXPECT_EQ(started.error().application_code(), JET_errRestoreInProgress);
  const auto backup = writer_->list_logs({}, {"", "Instance"});
  ASSERT_FALSE(backup.ok());
  EXPECT_THAT(backup.error().what(), testing::HasSubstr("half done")) << "says why it is offline";

  ASSERT_TRUE(writer_->restore_complete(call, {"", "Instance"}, Ok{}).ok());
  const Status opened = rows_.go_online();
  EXPECT_TRUE(opened.ok()) << opened.error().what();
}

}  // namespace
}  // namespace stillframe::ese
