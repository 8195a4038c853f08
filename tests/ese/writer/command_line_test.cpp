// Databases at rest through the command line: a coordinator, the plug-in in a host process of its
// own, `stillframe backup` and `stillframe restore`.
#include <csignal>
#include <filesystem>
#include <fstream>
#include <optional>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <stillframe/ese/jet.h>

#include "framework/daemon/hosts/host_starter.hpp"
#include "tests/ese/writer/hosted_rows.hpp"
#include "tests/requestor/cli_runner.hpp"
#include "tests/requestor/embedded_fixture.hpp"

namespace stillframe::ese {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using testing::HasSubstr;
namespace fs = std::filesystem;
namespace cli_tests = stillframe::cli::tests;

class EseCommandLine : public stillframe::tests::EmbeddedFixture {
 protected:
  void SetUp() override {
    rows_.create();
    rows_.add_rows(80);
    stop_application();
    stillframe::tests::write_file(config_, "state_dir = \"" + base + "/cli-state\"\n");
    start_coordinator();
    start_host();
  }
  void TearDown() override {
    if (host_ == nullptr) return;
    host_->close_input();
    EXPECT_TRUE(host_->wait(Deadline(system_clock().now() + 20s)).ok());
  }

  void start_host() {
    const json config = {{"name", "rows"},
                         {"logs", rows_.logs()},
                         {"databases", {rows_.database(0), rows_.database(1)}}};
    daemon::HostStarterOptions options;
    options.socket_dir = sockets;
    auto started = daemon::direct_starter(options)(
        {"ese", daemon::HostKind::plugin_writer, STILLFRAME_ESE_PLUGIN, "", config.dump()});
    ASSERT_TRUE(started.ok()) << started.error().what();
    host_ = std::move(started).value();
    ASSERT_TRUE(coordinator->wait_writers(1, 20s).ok());
  }

  cli_tests::Ran run(cli_tests::Words words) {
    words.insert(words.begin(), {"--config", config_, "--json"});
    return cli_tests::run(words, [this](const cli::GlobalOptions&) -> Result<cli::Connection> {
      return cli::Connection{nullptr, coordinator->connect("cli-test")};
    });
  }
  // The folder of the set that it made.
  std::string backed_up(const std::string& type) {
    const cli_tests::Ran ran = run({"backup", store, "--type", type});
    EXPECT_EQ(ran.code, 0) << ran.err;
    const json made = json::parse(ran.out, nullptr, false);
    return made.is_discarded() ? "" : made.value("set", "");
  }
  void expect_restored(const std::string& set, int rows) {
    const cli_tests::Ran ran = run({"restore", set});
    ASSERT_EQ(ran.code, 0) << ran.err;
    EXPECT_EQ(json::parse(ran.out)["report"]["outcome"], "restored") << ran.out;
    start_application();
    rows_.expect_rows(rows);
    stop_application();
  }

  void start_application() {
    const Status opened = rows_.hosted().open();
    ASSERT_TRUE(opened.ok()) << opened.error().what();
  }
  void stop_application() {
    ASSERT_TRUE(rows_.hosted().close().ok());
    rows_.hosted().let_go();
  }
  void commit(int rows) {
    start_application();
    rows_.add_rows(rows);
    stop_application();
  }

  // A session that has the databases, as a requestor's that copies for hours.
  static std::optional<BackupSession> prepared(Client& requestor) {
    auto begun = requestor.begin_backup({});
    EXPECT_TRUE(begun.ok()) << begun.error().what();
    if (!begun.ok()) return std::nullopt;
    BackupSession session = std::move(begun).value();
    EXPECT_TRUE(session.gather().ok());
    EXPECT_TRUE(session.select({{"rows", "Instance", {}, "", {}}}).ok());
    const auto writers = session.prepare();
    EXPECT_TRUE(writers.ok()) << writers.error().what();
    return session;
  }
  // An application that has its instance through JET, and pages of another size: it comes as far as
  // the logs.
  JET_ERR start_with_jet() {
    JET_INSTANCE instance = JET_instanceNil;
    EXPECT_EQ(JetCreateInstanceA(&instance, "application"), JET_errSuccess);
    for (const std::uint32_t folder : {JET_paramLogFilePath, JET_paramSystemPath}) {
      EXPECT_EQ(JetSetSystemParameterA(&instance, JET_sesidNil, folder, 0, rows_.logs().c_str()),
                JET_errSuccess);
    }
    return JetInit(&instance);
  }
  void expect_in_use() {
    EXPECT_EQ(start_with_jet(), JET_errLogFilePathInUse);
    const Status opened = rows_.hosted().open();
    ASSERT_FALSE(opened.ok());
    EXPECT_EQ(opened.error().code(), Errc::in_use) << opened.error().what();
  }
  void expect_starts() {
    EXPECT_EQ(start_with_jet(), JET_errPageSizeMismatch) << "nobody has the folders";
    start_application();
    stop_application();
  }

  tests::HostedRows rows_{base + "/app"};
  const std::string config_ = base + "/c.toml";
  std::unique_ptr<ChildProcess> host_;
};

TEST_F(EseCommandLine, WhatWasCommittedBeforeTheLastBackupIsBack) {
  const std::string full = backed_up("full");
  ASSERT_FALSE(full.empty());
  commit(50);
  const std::string increment = backed_up("incremental");
  ASSERT_FALSE(increment.empty());
  EXPECT_EQ(run({"verify", increment}).code, 0);
  commit(20);  // after the last backup: gone with the restore
  expect_restored(increment, 130);
  expect_restored(full, 80);
}

TEST_F(EseCommandLine, WhatWasLostIsBack) {
  commit(10);
  const std::string set = backed_up("full");
  ASSERT_FALSE(set.empty());
  fs::remove_all(rows_.logs());
  fs::remove(rows_.database(0));
  fs::remove(rows_.database(1));
  expect_restored(set, 90);
}

TEST_F(EseCommandLine, DatabasesInUseAreToldOfAndLeftAlone) {
  start_application();
  const cli_tests::Ran ran = run({"backup", store, "--type", "full"});
  EXPECT_NE(ran.code, 0);
  EXPECT_THAT(ran.err + ran.out, HasSubstr("is used by a process that runs"));
  rows_.add_rows(5);
  stop_application();
  EXPECT_FALSE(backed_up("full").empty());
}

TEST_F(EseCommandLine, ACopyIsMadeBesideAnApplicationThatRuns) {
  const std::string set = backed_up("full");
  ASSERT_FALSE(set.empty());
  start_application();
  rows_.add_rows(20);
  const std::string copy = base + "/copy";
  const cli_tests::Ran ran = run({"restore", set, "--map", base + "/app=" + copy});
  ASSERT_EQ(ran.code, 0) << ran.err;
  for (const char* name : {"/one.edb", "/two.edb"}) {
    const json tables = tool::esectl({"tables", "--json", copy + name}).json();
    EXPECT_EQ(tables["tables"][0]["rows"], 80) << tables;
  }
  rows_.add_rows(5);
  rows_.expect_rows(105);
  stop_application();
}

// One of two, in place of what is there and beside an application that runs.
TEST_F(EseCommandLine, OneDatabaseIsBackInItsPlaceAndInAnother) {
  const std::string set = backed_up("full");
  ASSERT_FALSE(set.empty());
  commit(50);
  const cli_tests::Words one{
      "restore", set, "--only", "Instance=Instance/Logs", "--only", "Instance=Instance/one.edb",
      "--map"};
  const auto mapped = [&](const std::string& map) {
    cli_tests::Words words = one;
    words.push_back(map);
    return run(words);
  };
  const cli_tests::Ran replaced = mapped(rows_.logs() + "=" + base + "/staged");
  ASSERT_EQ(replaced.code, 0) << replaced.err;
  EXPECT_EQ(json::parse(replaced.out)["report"]["outcome"], "restored") << replaced.out;
  start_application();
  rows_.expect_rows_each(80, 130);
  const cli_tests::Ran refused = mapped(rows_.logs() + "=" + base + "/staged2");
  EXPECT_NE(refused.code, 0) << "it is in use";
  rows_.add_rows(5);
  const cli_tests::Ran copied = mapped(base + "/app=" + base + "/copy");
  ASSERT_EQ(copied.code, 0) << copied.err;
  const json tables = tool::esectl({"tables", "--json", base + "/copy/one.edb"}).json();
  EXPECT_EQ(tables["tables"][0]["rows"], 80) << tables;
  EXPECT_FALSE(fs::exists(base + "/copy/two.edb"));
  rows_.expect_rows_each(85, 135);
  stop_application();
}

// Streamed, with nothing held and no snapshot.
TEST_F(EseCommandLine, WhatWasStreamedIsBack) {
  const cli_tests::Ran full = run({"backup", store, "--stream"});
  ASSERT_EQ(full.code, 0) << full.err;
  EXPECT_EQ(run({"verify", json::parse(full.out)["set"]}).code, 0);
  commit(50);
  const cli_tests::Ran increment = run({"backup", store, "--stream", "--type", "incremental"});
  ASSERT_EQ(increment.code, 0) << increment.err;
  commit(20);
  fs::remove(rows_.database(0));
  expect_restored(json::parse(increment.out)["set"], 130);
}

TEST_F(EseCommandLine, AVerifierFromASharedObjectFindsADamagedPage) {
  const cli_tests::Words words{"backup", store,        "--type",
                               "copy",   "--verifier", STILLFRAME_ESE_PLUGIN};
  const cli_tests::Ran good = run(words);
  EXPECT_EQ(good.code, 0) << good.err;
  {
    std::fstream file(rows_.database(1), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(40 * 4096 + 300);
    file.write("damage", 6);
  }
  const cli_tests::Ran damaged = run(words);
  EXPECT_NE(damaged.code, 0);
  EXPECT_THAT(damaged.err + damaged.out, HasSubstr("page 39"));
  EXPECT_NE(run({"backup", store, "--verifier", "/nonexistent.so"}).code, 0);
}

// From the preparation to the end, with the documented error of whoever starts.
TEST_F(EseCommandLine, AnApplicationDoesNotStartWhileASessionHasItsDatabases) {
  Client requestor = client();
  {
    auto session = prepared(requestor);
    ASSERT_TRUE(session);
    expect_in_use();
    const auto cut = session->create_snapshots();
    ASSERT_TRUE(cut.ok()) << cut.error().what();
    expect_in_use();
    ASSERT_TRUE(session->abort("the test is over").ok());
  }
  expect_starts();
}

TEST_F(EseCommandLine, AnApplicationStartsWhenTheHostHasDiedInTheMiddleOfASession) {
  Client requestor = client();
  auto session = prepared(requestor);
  ASSERT_TRUE(session);
  expect_in_use();
  ASSERT_EQ(::kill(host_->pid(), SIGKILL), 0);
  ASSERT_TRUE(host_->wait(Deadline(system_clock().now() + 20s)).ok());
  host_.reset();
  expect_starts();
  commit(5);
  start_host();
  session.reset();
  expect_restored(backed_up("full"), 85);
}

// A host that dies takes no folder with it.
TEST_F(EseCommandLine, AKilledHostLeavesTheDatabasesToTheirApplication) {
  ASSERT_FALSE(backed_up("full").empty());
  ASSERT_EQ(::kill(host_->pid(), SIGKILL), 0);
  ASSERT_TRUE(host_->wait(Deadline(system_clock().now() + 20s)).ok());
  commit(10);
  start_host();
  const std::string increment = backed_up("incremental");
  ASSERT_FALSE(increment.empty());
  expect_restored(increment, 90);
}

}  // namespace
}  // namespace stillframe::ese
