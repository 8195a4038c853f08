// Databases at rest between processes: a real daemon, with and without privileges of its own, the
// plug-in stillframe-writer-ese.so in its host, the command line, on real file systems.
#include <filesystem>
#include <fstream>
#include <memory>
#include <thread>
#include <tuple>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>
#include <pwd.h>
#include <unistd.h>

#include "tests/daemon/support/broker_under_test.hpp"
#include "tests/daemon/support/running_daemon.hpp"
#include "tests/ese/writer/hosted_rows.hpp"
#include "tests/support/loop_fs.hpp"

namespace stillframe::tests {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
namespace fs = std::filesystem;

enum class Helper { none, broker };

class EsePlugin : public testing::TestWithParam<std::tuple<FsKind, Helper>> {
 protected:
  void SetUp() override {
    const auto [kind, helper] = GetParam();
    std::string reason;
    LoopFsOptions options;
    options.image_bytes = std::uint64_t{512} << 20;
    volume_ = LoopFs::make(kind, reason, options);
    if (!volume_) GTEST_SKIP() << reason;
    rows_ = std::make_unique<ese::tests::HostedRows>(app());
    rows_->create();
    rows_->add_rows(80);
    stop_application();
    fs::copy_file(STILLFRAME_ESE_PLUGIN, files_.path() + "/writer-ese.so");
    configure(helper);
    if (broker_) {
      ASSERT_TRUE(broker_->start());
    }
    const Status started = daemon_.start();
    ASSERT_TRUE(started.ok()) << started.error().what();
    wait_for_writer();
  }
  void TearDown() override {
    if (HasFailure() && volume_) std::printf("the daemon's log:\n%s\n", daemon_.log().c_str());
    (void)daemon_.stop();
  }

  std::string app() const { return volume_->mount_point() + "/app"; }
  void configure(Helper helper) {
    const std::string plugin =
        "[[plugin]]\nname = \"rows\"\nmakes = \"writer\"\nuser = \"root\"\nfile = \"" +
        files_.path() + "/writer-ese.so\"\nconfig = { name = \"rows\", logs = \"" + rows_->logs() +
        "\", databases = [\"" + rows_->database(0) + "\", \"" + rows_->database(1) + "\"] }\n";
    std::string toml;
    if (helper == Helper::broker) {
      broker_ = std::make_unique<BrokerUnderTest>();
      broker_->configure("writer_sockets = \"" + daemon_.socket_dir() + "\"\n" + plugin);
      toml = "[daemon]\nbroker = \"" + broker_->socket() + "\"\n";
      daemon_.run_as(broker_->daemon_uid(), broker_->daemon_gid());
    }
    daemon_.configure(toml + plugin);
    std::ofstream(files_.path() + "/cli.toml")
        << "state_dir = \"" << files_.path() << "/cli-state\"\n";
  }
  void wait_for_writer() {
    for (int round = 0; round < 2000; ++round) {
      auto channel = daemon_.connect();
      if (channel.ok()) {
        const auto writers = Client(std::move(channel).value()).writers();
        if (writers.ok() && writers.value().size() == 1) return;
      }
      std::this_thread::sleep_for(10ms);
    }
    FAIL() << "the plug-in does not register";
  }

  json run(std::vector<std::string> words) {
    const std::vector<std::string> before{program("stillframe"),       "--socket",
                                          daemon_.socket_dir(),        "--config",
                                          files_.path() + "/cli.toml", "--json"};
    words.insert(words.begin(), before.begin(), before.end());
    std::string said;
    EXPECT_EQ(run_program(words, &said), 0) << said;
    const auto begin = said.find('{');
    return begin == std::string::npos ? json() : json::parse(said.substr(begin), nullptr, false);
  }
  std::string backed_up(const std::string& type, const std::vector<std::string>& more = {}) {
    std::vector<std::string> words{"backup", files_.path() + "/store", "--type", type};
    words.insert(words.end(), more.begin(), more.end());
    const json made = run(words);
    return made.is_object() ? made.value("set", "") : "";
  }
  void expect_restored(const std::string& set, int rows) {
    const json restored = run({"restore", set});
    ASSERT_TRUE(restored.is_object());
    EXPECT_EQ(restored["report"]["outcome"], "restored") << restored;
    start_application();
    rows_->expect_rows(rows);
    stop_application();
  }

  void start_application() {
    const Status opened = rows_->hosted().open();
    ASSERT_TRUE(opened.ok()) << opened.error().what();
  }
  void stop_application() {
    ASSERT_TRUE(rows_->hosted().close().ok());
    rows_->hosted().let_go();
  }
  void commit(int rows) {
    start_application();
    rows_->add_rows(rows);
    stop_application();
  }

  const TemporaryDirectory files_{"sfe"};  // what hosts load; nobody but root may change it
  std::unique_ptr<LoopFs> volume_;
  std::unique_ptr<ese::tests::HostedRows> rows_;  // the application, when it runs
  std::unique_ptr<BrokerUnderTest> broker_;
  RunningDaemon daemon_;
};

TEST_P(EsePlugin, WhatWasCommittedBeforeTheLastBackupIsBack) {
  const std::string full = backed_up("full");
  ASSERT_FALSE(full.empty());
  commit(50);
  const std::string increment = backed_up("incremental");
  ASSERT_FALSE(increment.empty());
  commit(20);
  fs::remove_all(rows_->logs());
  fs::remove(rows_->database(0));
  expect_restored(increment, 130);
  expect_restored(full, 80);
}

TEST_P(EsePlugin, WhatWasStreamedIsBack) {
  ASSERT_FALSE(backed_up("full", {"--stream"}).empty());
  commit(50);
  const std::string increment = backed_up("incremental", {"--stream"});
  ASSERT_FALSE(increment.empty());
  commit(20);
  fs::remove(rows_->database(1));
  expect_restored(increment, 130);
}

std::string name_of(const std::tuple<FsKind, Helper>& where) {
  const auto [kind, helper] = where;
  return std::string(kind == FsKind::btrfs ? "Btrfs" : "Xfs") +
         (helper == Helper::broker ? "WithBroker" : "AsRoot");
}

INSTANTIATE_TEST_SUITE_P(On, EsePlugin,
                         testing::Combine(testing::Values(FsKind::btrfs, FsKind::xfs),
                                          testing::Values(Helper::none, Helper::broker)),
                         [](const auto& about) { return name_of(about.param); });

}  // namespace
}  // namespace stillframe::tests
