// A deduplicated volume through the command line: a coordinator, the plug-in in a host process of
// its own, `stillframe backup` and `stillframe restore`.
#include <gmock/gmock.h>

#include "framework/daemon/hosts/host_starter.hpp"
#include "tests/dedup/writer/engine_process.hpp"
#include "tests/requestor/cli_runner.hpp"
#include "tests/requestor/embedded_fixture.hpp"

namespace stillframe::dedup {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using stillframe::tests::FsKind;
using testing::HasSubstr;
namespace cli_tests = stillframe::cli::tests;

class DedupCommandLine : public stillframe::tests::EmbeddedFixture {
 protected:
  void SetUp() override {
    std::string reason;
    if (!std::filesystem::exists("/dev/fuse")) GTEST_SKIP() << "no /dev/fuse";
    volume_ = tests::WriterVolume::make(FsKind::btrfs, reason);
    if (!volume_) GTEST_SKIP() << reason;
    stillframe::tests::write_file(config_, "state_dir = \"" + base + "/cli-state\"\n");
    start_coordinator();
    ProviderEnvironment environment;
    environment.state_directory = base + "/state";
    environment.runtime_directory = base + "/run";
    snapshots_ = make_btrfs_provider(environment);
    ASSERT_TRUE(coordinator->add_provider(*snapshots_).ok());
    daemon::HostStarterOptions options;
    options.socket_dir = sockets;
    auto started =
        daemon::direct_starter(options)({"dedup", daemon::HostKind::plugin_writer,
                                         STILLFRAME_DEDUP_PLUGIN, "", volume_->config().dump()});
    ASSERT_TRUE(started.ok()) << started.error().what();
    host_ = std::move(started).value();
    ASSERT_TRUE(coordinator->wait_writers(1, 20s).ok());
    engine_.emplace(*volume_);
    engine_->start();
  }
  void TearDown() override {
    if (host_ != nullptr) {
      host_->close_input();
      EXPECT_TRUE(host_->wait(Deadline(system_clock().now() + 20s)).ok());
    }
    coordinator.reset();
    engine_.reset();
  }

  cli_tests::Ran run(cli_tests::Words words) {
    words.insert(words.begin(), {"--config", config_, "--json"});
    return cli_tests::run(words, [this](const cli::GlobalOptions&) -> Result<cli::Connection> {
      return cli::Connection{nullptr, coordinator->connect("cli-test")};
    });
  }

  const std::string config_ = base + "/c.toml";
  std::unique_ptr<tests::WriterVolume> volume_;
  std::unique_ptr<Provider> snapshots_;
  std::unique_ptr<ChildProcess> host_;
  std::optional<tests::EngineProcess> engine_;
};

TEST_F(DedupCommandLine, AVolumeIsBackedUpInUseAndRestoredInPartsAndWhole) {
  const cli_tests::Ran made = run({"backup", store, "--type", "full"});
  ASSERT_EQ(made.code, 0) << made.err;
  const std::string set = json::parse(made.out)["set"];
  EXPECT_EQ(run({"verify", set}).code, 0);
  const std::string to = volume_->fs().scratch() + "/rescue";
  const cli_tests::Ran part = run({"restore", set, "--only", "Volume=Volume/Files", "--map",
                                   volume_->places().incoming + "=" + to, "--writer-options",
                                   "\"Backup\"=\"" + set + "\""});
  ASSERT_EQ(part.code, 0) << part.err;
  EXPECT_EQ(tests::text_of(to + "/sub/three"), volume_->three);

  std::filesystem::remove(*engine_ / "one");
  const cli_tests::Ran mounted = run({"restore", set});
  EXPECT_NE(mounted.code, 0);
  EXPECT_THAT(mounted.err, HasSubstr("dedupctl unmount"));
  engine_->stop();
  const cli_tests::Ran whole = run({"restore", set});
  ASSERT_EQ(whole.code, 0) << whole.err;
  engine_->start();
  EXPECT_EQ(tests::text_of(*engine_ / "one"), volume_->one);
}

TEST_F(DedupCommandLine, FilesThatAreChosenAreAllThatComesBack) {
  const cli_tests::Ran made = run({"backup", store, "--type", "full"});
  ASSERT_EQ(made.code, 0) << made.err;
  const std::string set = json::parse(made.out)["set"];
  const std::string to = volume_->fs().scratch() + "/rescue";
  const cli_tests::Ran chosen =
      run({"restore", set, "--file", "sub", "--file", "/o?e", "--into", to});
  ASSERT_EQ(chosen.code, 0) << chosen.err;
  EXPECT_EQ(tests::text_of(to + "/sub/three"), volume_->three);
  EXPECT_EQ(tests::text_of(to + "/one"), volume_->one);
  EXPECT_FALSE(std::filesystem::exists(to + "/two"));
  EXPECT_FALSE(std::filesystem::exists(to + "/plain"));
  const json said = json::parse(chosen.out);
  ASSERT_EQ(said["remarks"].size(), 1u) << chosen.out;
  EXPECT_THAT(said["remarks"][0].get<std::string>(),
              testing::AllOf(HasSubstr("2 files of 1000000 bytes"), HasSubstr("amplification 1.")));
  EXPECT_EQ(said["report"]["components"][0]["files"], 2);

  const cli_tests::Ran missing = run({"restore", set, "--file", "nowhere", "--into", to});
  EXPECT_EQ(missing.code, static_cast<int>(cli::Exit::not_found)) << missing.err;
  EXPECT_THAT(missing.err, HasSubstr("has no file 'nowhere'"));
  const cli_tests::Ran in_place = run({"restore", set, "--file", "plain"});
  EXPECT_NE(in_place.code, 0);
  EXPECT_THAT(in_place.err, HasSubstr("--into"));
  const std::string bare = volume_->fs().scratch() + "/bare";
  ASSERT_EQ(run({"restore", set, "--to", bare, "--file", "plain"}).code, 0);
  EXPECT_EQ(tests::text_of(bare + volume_->places().incoming + "/plain"), "plain");
}

}  // namespace
}  // namespace stillframe::dedup
