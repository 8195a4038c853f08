#include "framework/daemon/config/daemon_config.hpp"

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/loop_fs.hpp"

namespace stillframe::daemon {
namespace {

using testing::HasSubstr;

class DaemonConfigTest : public testing::Test {
 protected:
  DaemonConfigTest() { std::filesystem::create_directories(folder_.path() + "/conf.d"); }

  void write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_.path() + "/" + name) << text;
  }
  Result<DaemonConfig> read(bool required = true) const {
    return read_daemon_config({folder_.path() + "/main.toml", required}, ::geteuid());
  }
  std::string mistake(const std::string& text) const {
    write("main.toml", text);
    auto config = read();
    return config.ok() ? "none" : config.error().what();
  }

  tests::TemporaryDirectory folder_;
};

TEST_F(DaemonConfigTest, NoFileMeansTheDefaults) {
  auto config = read(false);
  ASSERT_TRUE(config.ok()) << config.error().what();
  EXPECT_EQ(config.value().hold.count(), 60'000);
  EXPECT_EQ(config.value().commit.count(), 10'000);
  EXPECT_EQ(config.value().lease.count(), 5'000);
  EXPECT_TRUE(config.value().builtin_providers);
  EXPECT_TRUE(config.value().allow.empty());
  EXPECT_EQ(read(true).error().code(), Errc::not_found) << "a file asked for by name";
}

TEST_F(DaemonConfigTest, EveryKeyIsRead) {
  write("main.toml",
        "[daemon]\nstate_dir = '/s'\nruntime_dir = '/r'\nsocket_dir = '/k'\nhelper_dir = "
        "'/h'\nbroker = '/b'\n"
        "open_to_all = false\n"
        "[limits]\nhold_ms = 30000\ncommit_ms = 2000\nlease_ms = 300\ncopy_mib = "
        "7\nwriter_message_kib = 2048\n"
        "[providers]\nbuiltin = false\ncommand = ['/etc/lvm.toml']\n"
        "[[allow]]\nusers = ['0']\nrights = ['look']\n"
        "[[plugin]]\nname = 'shop'\nfile = '/shop.so'\nmakes = 'writer'\n"
        "[events]\nfile = '/e'\n[metrics]\nlisten = '127.0.0.1:9823'\n");
  auto read_back = read();
  ASSERT_TRUE(read_back.ok()) << read_back.error().what();
  const DaemonConfig& config = read_back.value();
  EXPECT_EQ(
      config.state_dir + config.runtime_dir + config.socket_dir + config.helper_dir + config.broker,
      "/s/r/k/h/b");
  EXPECT_FALSE(config.open_to_all);
  EXPECT_EQ(config.hold.count() + config.commit.count() + config.lease.count(), 32'300);
  EXPECT_EQ(config.copy_bytes, 7u << 20);
  EXPECT_EQ(config.writer_message_bytes, 2u << 20);
  EXPECT_FALSE(config.builtin_providers);
  EXPECT_THAT(config.command_providers, testing::ElementsAre("/etc/lvm.toml"));
  EXPECT_EQ(config.allow.size(), 1u);
  ASSERT_EQ(config.hosts.size(), 1u);
  EXPECT_EQ(config.observe.event_file, "/e");
  EXPECT_TRUE(config.observe.metrics.has_value());
  EXPECT_EQ(config.hosts[0].name, "shop");
}

TEST_F(DaemonConfigTest, OtherMachinesAreServedOnlyWhereAllOfItIsSaid) {
  write("main.toml",
        "[remote]\nlisten = '[::]:99'\ncertificate = '/c'\nkey = '/k'\n"
        "client_ca = '/a'\nconnections_max = 3\nticket_ms = 700\n");
  auto config = read();
  ASSERT_TRUE(config.ok()) << config.error().what();
  EXPECT_EQ(config.value().remote.listen, (RemoteAddress{"::", 99}));
  EXPECT_EQ(config.value().remote.tls, (TlsFiles{"/c", "/k", "/a"}));
  EXPECT_EQ(config.value().remote.connections_max, 3U);
  EXPECT_EQ(config.value().remote.ticket.count(), 700);
  EXPECT_THAT(mistake("[remote]\nlisten = '::1'\ncertificate = '/c'\nkey = '/k'\n"),
              HasSubstr("client_ca"));
  EXPECT_THAT(mistake("[remote]\nlisten = 'a b'\n"), HasSubstr("main.toml:2: 'listen'"));
  EXPECT_THAT(mistake("[remote]\nkey = 'k'\n"), HasSubstr("must be an absolute path"));
}

TEST_F(DaemonConfigTest, DropInsCountInTheOrderOfTheirNames) {
  write("main.toml", "[limits]\nlease_ms = 100\ncommit_ms = 100\n");
  write("conf.d/20-b.toml", "[limits]\nlease_ms = 300\n");
  write("conf.d/10-a.toml", "[limits]\nlease_ms = 200\ncommit_ms = 200\n");
  write("conf.d/30-c.toml.off", "not even toml");
  write("conf.d/.hidden.toml", "not even toml");
  auto config = read();
  ASSERT_TRUE(config.ok()) << config.error().what();
  EXPECT_EQ(config.value().lease.count(), 300);
  EXPECT_EQ(config.value().commit.count(), 200);
}

TEST_F(DaemonConfigTest, DropInsAreReadWithoutAMainFile) {
  write("conf.d/10-a.toml", "[limits]\nlease_ms = 200\n");
  auto config = read(false);
  ASSERT_TRUE(config.ok()) << config.error().what();
  EXPECT_EQ(config.value().lease.count(), 200);
}

TEST_F(DaemonConfigTest, MistakesNameFileLineAndKey) {
  EXPECT_THAT(mistake("[limits]\nlease_ms = 'x'\n"), HasSubstr("main.toml:2: 'lease_ms'"));
  EXPECT_THAT(mistake("[limits]\nleese_ms = 1\n"), HasSubstr("main.toml:2: the key 'limits.leese"));
  EXPECT_THAT(mistake("[limits]\nhold_ms = 10\n"), HasSubstr("longer than hold_ms"));
  EXPECT_THAT(mistake("[daemon]\nstate_dir = 'x'\n"), HasSubstr("absolute"));
  EXPECT_THAT(mistake("[providers]\ncommand = ['x']\n"), HasSubstr("absolute"));
  write("conf.d/10-a.toml", "[limits]\nodd = 1\n");
  EXPECT_THAT(mistake(""), HasSubstr("conf.d/10-a.toml:2"));
}

TEST_F(DaemonConfigTest, AFileThatOthersMayWriteIsNotObeyed) {
  write("main.toml", "");
  ASSERT_EQ(::chmod((folder_.path() + "/main.toml").c_str(), 0666), 0);
  EXPECT_EQ(read().error().code(), Errc::access_denied);
}

}  // namespace
}  // namespace stillframe::daemon
