// The broker as a service: what a manager gives it, what it finds at its start, and hosts that its
// configuration names.
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/fs.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "framework/base/account.hpp"
#include "framework/base/memory_event_sink.hpp"
#include "framework/daemon/broker/broker.hpp"
#include "framework/providers/guard/held_record.hpp"
#include "framework/transport/requestor_server.hpp"
#include "tests/daemon/broker/daemon_under_test.hpp"
#include "tests/daemon/support/running_daemon.hpp"

namespace stillframe::tests {
namespace {

using testing::HasSubstr;

Deadline in_seconds(int seconds) {
  return Deadline(system_clock().now() + std::chrono::seconds(seconds));
}

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

Descriptor bound(int type, const std::string& path) {
  Descriptor socket(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
  const sockaddr_un at = address_of(path);
  EXPECT_EQ(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at), 0);
  return socket;
}

std::string next_notice(const Descriptor& manager) {
  pollfd about{manager.get(), POLLIN, 0};
  char buffer[256];
  if (::poll(&about, 1, 20'000) != 1) return "nothing";
  const ssize_t n = ::recv(manager.get(), buffer, sizeof buffer, 0);
  return std::string(buffer, static_cast<std::size_t>(n));
}

// As a service manager starts it: with a socket that listens already, and one to be told by.
TEST(BrokerService, UsesTheSocketItIsGivenAndSaysWhenItIsReady) {
  const TemporaryDirectory folder("sfb");
  const std::string file = folder.path() + "/broker.toml";
  const std::string path = folder.path() + "/given.sock";
  std::ofstream(file) << "daemon_user = \"root\"\nstate_dir = \"" << folder.path()
                      << "/state\"\nruntime_dir = \"" << folder.path() << "/run\"\n";
  ASSERT_EQ(::chmod(file.c_str(), 0600), 0);
  const Descriptor manager = bound(SOCK_DGRAM, folder.path() + "/notify");
  const Descriptor listening = bound(SOCK_STREAM, path);
  ASSERT_EQ(::listen(listening.get(), 8), 0);

  const pid_t broker = ::fork();
  if (broker == 0) {
    ::dup2(listening.get(), 3);
    ::setenv("LISTEN_PID", std::to_string(::getpid()).c_str(), 1);
    ::setenv("LISTEN_FDS", "1", 1);
    ::setenv("LISTEN_FDNAMES", "broker", 1);
    ::setenv("NOTIFY_SOCKET", (folder.path() + "/notify").c_str(), 1);
    ::execl(program("stillframe-broker").c_str(), program("stillframe-broker").c_str(), "--config",
            file.c_str(), nullptr);
    ::_exit(127);
  }
  EXPECT_EQ(next_notice(manager), "READY=1");
  daemon::BrokerClientOptions options;
  options.socket = path;
  const auto client = daemon::BrokerClient::create(options);
  auto version = client->version();
  EXPECT_TRUE(version.ok()) << version.error().what();
  ::kill(broker, SIGTERM);
  EXPECT_EQ(next_notice(manager), "STOPPING=1");
  int status = -1;
  ASSERT_EQ(::waitpid(broker, &status, 0), broker);
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(std::filesystem::exists(path)) << "the manager's socket is the manager's";
}

// A frozen file system and the record of a guard pair whose client is dead.
class LeftFrozen : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "freezing needs root";
    std::string reason;
    fs_ = LoopFs::make(FsKind::ext4, reason);
    if (!fs_) GTEST_SKIP() << reason;
    mount_ = Descriptor(::open(fs_->mount_point().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  }
  void TearDown() override {
    if (mount_.valid()) ::ioctl(mount_.get(), FITHAW, 0);
  }

  void freeze_and_record() {
    guard::HeldRecord record;
    record.boot_id = guard::this_boot_id();
    record.lease = std::chrono::milliseconds(100);
    record.client = record.keeper = record.holder = {1'999'999'999, 1};
    record.file_systems = {{guard::file_system_of(mount_.get()).value(), fs_->mount_point()}};
    std::filesystem::create_directories(broker_.runtime());
    auto written = guard::write_held_record(broker_.runtime() + "/held", record);
    ASSERT_TRUE(written.ok()) << written.error().what();
    ASSERT_EQ(::ioctl(mount_.get(), FIFREEZE, 0), 0);
  }
  // EINVAL says that it was not frozen any more.
  bool is_thawed() const { return ::ioctl(mount_.get(), FITHAW, 0) != 0 && errno == EINVAL; }

  std::unique_ptr<LoopFs> fs_;
  Descriptor mount_;
  BrokerUnderTest broker_;
};

TEST_F(LeftFrozen, IsThawedBeforeAnybodyIsLetIn) {
  freeze_and_record();
  ASSERT_TRUE(broker_.start());
  EXPECT_TRUE(is_thawed());
  const std::string trail = broker_.trail_with(R"("event_id":2200)");
  EXPECT_THAT(trail, HasSubstr(R"("event_id":2205)"));
  EXPECT_LT(trail.find("2205"), trail.find("2200"));
}

TEST_F(LeftFrozen, IsThawedOnRequest) {
  ASSERT_TRUE(broker_.start());
  const auto client = broker_.client(std::chrono::seconds(20));
  auto none = client->thaw();
  ASSERT_TRUE(none.ok()) << none.error().what();
  EXPECT_TRUE(none.value().empty());
  freeze_and_record();
  auto thawed = client->thaw();
  ASSERT_TRUE(thawed.ok()) << thawed.error().what();
  ASSERT_EQ(thawed.value().size(), 1u);
  EXPECT_EQ(thawed.value()[0].mount_point, fs_->mount_point());
  EXPECT_EQ(thawed.value()[0].outcome, "thawed");
  EXPECT_TRUE(is_thawed());
}

// A host program that says how it was started; the broker and its socket are in this process.
class SpawnedHosts : public testing::Test {
 protected:
  void SetUp() override {
    ::chmod(folder_.path().c_str(), 0755);
    const std::string program = folder_.path() + "/stillframe-plugin-host";
    std::ofstream(program) << "#!/bin/sh\necho \"$(id -u) $HOME $*\"\nread line\nexit 9\n";
    ASSERT_EQ(::chmod(program.c_str(), 0755), 0);
    daemon::BrokerConfig config;
    config.runtime_dir = folder_.path() + "/run";
    config.helper_dir = folder_.path();
    config.hosts = {{"mail", daemon::HostKind::declarative_writer, "/etc/mail.toml",
                     ::geteuid() == 0 ? "nobody" : std::string(::getenv("USER")), "{}"}};
    broker_ = daemon::Broker::start(config, events_).value();
    RequestorServerOptions options;
    options.listen.socket_path = folder_.path() + "/b.sock";
    server_ = RequestorServer::start(*broker_, options).value();
    daemon::BrokerClientOptions client;
    client.socket = options.listen.socket_path;
    client_ = daemon::BrokerClient::create(client);
  }

  const TemporaryDirectory folder_{"sfb"};
  MemoryEventSink events_;
  std::unique_ptr<daemon::Broker> broker_;
  std::unique_ptr<RequestorServer> server_;
  std::unique_ptr<daemon::BrokerClient> client_;
};

TEST_F(SpawnedHosts, RunAsTheUserTheConfigurationNames) {
  if (::geteuid() != 0) GTEST_SKIP() << "becoming another user needs root";
  auto host = client_->spawn("mail");
  ASSERT_TRUE(host.ok()) << host.error().what();
  EXPECT_TRUE(host.value()->running());
  host.value()->close_input();
  auto ended = host.value()->wait(in_seconds(20));
  ASSERT_TRUE(ended.ok()) << ended.error().what();
  EXPECT_EQ(ended.value(), (ExitStatus{9, 0})) << "the broker tells how it ended";
  const std::string said = host.value()->complaints();
  const Account nobody = find_account("nobody").value();
  EXPECT_THAT(said, testing::StartsWith(std::to_string(nobody.ids.uid) + " " + nobody.home +
                                        " --kind declarative"));
  EXPECT_THAT(said, HasSubstr("--name mail --file /etc/mail.toml --config {}"));
}

TEST_F(SpawnedHosts, AreKilledOnRequest) {
  if (::geteuid() != 0) GTEST_SKIP() << "becoming another user needs root";
  auto host = client_->spawn("mail");
  ASSERT_TRUE(host.ok()) << host.error().what();
  ASSERT_TRUE(host.value()->running());
  host.value()->kill_group();
  EXPECT_EQ(host.value()->wait(in_seconds(20)).value(), (ExitStatus{0, SIGKILL}));
  int killed = 0;
  for (const EventRecord& event : events_.events()) {
    killed += event.id == static_cast<int>(daemon::BrokerEvent::killed);
  }
  EXPECT_EQ(killed, 1);
}

}  // namespace
}  // namespace stillframe::tests
