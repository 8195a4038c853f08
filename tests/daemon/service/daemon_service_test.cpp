// stillframed as a process: how it starts, whom it serves, what it tells a service manager.
#include <csignal>
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <stillframe/writer_host.hpp>

#include "tests/daemon/support/running_daemon.hpp"

namespace stillframe {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using tests::RunningDaemon;

// No snapshots are made here, and those of other tests are none of our business.
constexpr const char* kNoProviders = "[providers]\nbuiltin = false\n";

class DaemonService : public testing::Test {
 protected:
  DaemonService() { daemon_.configure(kNoProviders); }

  void start() {
    Status s = daemon_.start();
    ASSERT_TRUE(s.ok()) << s.error().what();
  }
  Result<ChannelReply> ask(const std::string& method, const char* socket = "requestor.sock") {
    auto channel = daemon_.connect(socket);
    if (!channel.ok()) return channel.error();
    return channel.value()->call(method, "{}");
  }
  // The same from another user: the kernel keeps the user of the thread that connects.
  Result<ChannelReply> ask_as(uid_t uid, const std::string& method) {
    if (::syscall(SYS_setresuid, -1, uid, -1) != 0) return Error(Errc::internal, "setresuid");
    auto reply = ask(method);
    ::syscall(SYS_setresuid, -1, 0, -1);
    return reply;
  }

  RunningDaemon daemon_;
};

TEST_F(DaemonService, ServesUntilItIsToldToEnd) {
  start();
  auto hello = ask("hello");
  ASSERT_TRUE(hello.ok()) << hello.error().what();
  EXPECT_THAT(hello.value().json, HasSubstr("stillframe"));
  EXPECT_TRUE(ask("writers").ok());
  auto ended = daemon_.stop();
  ASSERT_TRUE(ended.ok()) << ended.error().what();
  EXPECT_EQ(ended.value(), ExitStatus{});
  EXPECT_TRUE(daemon_.heard("STOPPING=1"));
  EXPECT_FALSE(std::filesystem::exists(daemon_.socket_dir() + "/requestor.sock"));
}

struct Bystander final : Writer {
  WriterIdentity identity() const override {
    WriterIdentity who;
    who.class_id = WriterClassId::parse("0f1d7f64-5a0e-4d0b-9b0e-3c9a6d2e8f17").value();
    who.name = "Bystander";
    return who;
  }
  Result<WriterMetadata> identify(const CallContext&) override { return WriterMetadata{}; }
};

TEST_F(DaemonService, EndsInOrderWhileWritersAreConnected) {
  start();
  Bystander writer;
  WriterHostOptions options;
  options.socket_dir = daemon_.socket_dir();
  auto host = WriterHost::start(writer, options);
  ASSERT_TRUE(host.ok());
  ASSERT_TRUE(host.value()->wait_registered(20s).ok());
  auto ended = daemon_.stop();
  ASSERT_TRUE(ended.ok()) << ended.error().what();
  EXPECT_EQ(ended.value(), ExitStatus{}) << daemon_.log();
}

TEST_F(DaemonService, AKilledOneIsFollowedByTheNext) {
  start();
  daemon_.kill();
  start();
  EXPECT_TRUE(ask("hello").ok());
}

TEST_F(DaemonService, TwoDoNotShareAStateFolder) {
  start();
  RunningDaemon second;
  std::string said;
  const int status = tests::run_program(
      {tests::program("stillframed"), "--config", daemon_.config_path(), "--state-dir",
       daemon_.base() + "/state", "--runtime-dir", second.base() + "/run"},
      &said);
  EXPECT_EQ(status, 1);
  EXPECT_THAT(said, HasSubstr("process " + std::to_string(daemon_.pid())));
}

TEST_F(DaemonService, AConfigurationCanBeCheckedWithoutAStart) {
  const std::vector<std::string> check{tests::program("stillframed"), "--config",
                                       daemon_.config_path(), "--check-config"};
  std::string said;
  EXPECT_EQ(tests::run_program(check, &said), 0);
  EXPECT_THAT(said, HasSubstr("is valid"));
  daemon_.drop_in("10.toml", "[limits]\nlease_ms = 'soon'\n");
  said.clear();
  EXPECT_EQ(tests::run_program(check, &said), 2);
  EXPECT_THAT(said, HasSubstr("conf.d/10.toml:2: 'lease_ms'"));
  EXPECT_FALSE(std::filesystem::exists(daemon_.base() + "/state"));
}

TEST_F(DaemonService, AReloadTakesOverWhoMayDoWhat) {
  if (::geteuid() != 0) GTEST_SKIP() << "another user can only be played by root";
  std::filesystem::permissions(daemon_.base(), std::filesystem::perms(0755));
  start();
  constexpr uid_t kOther = 12345;
  auto before = ask_as(kOther, "hello");
  ASSERT_FALSE(before.ok());
  EXPECT_EQ(before.error().code(), Errc::access_denied);
  EXPECT_THAT(before.error().what(), HasSubstr("[[allow]]"));
  daemon_.drop_in("allow.toml", "[[allow]]\nusers = ['12345']\nrights = ['look']\n");
  daemon_.signal(SIGHUP);
  ASSERT_TRUE(daemon_.heard("RELOADING=1"));
  ASSERT_TRUE(daemon_.heard("READY=1"));
  EXPECT_TRUE(ask_as(kOther, "sessions").ok());
  EXPECT_EQ(ask_as(kOther, "backup.begin").error().code(), Errc::access_denied);
}

TEST_F(DaemonService, AReloadWithAMistakeChangesNothingAndSaysSo) {
  start();
  daemon_.drop_in("10.toml", "[limits]\nodd = 1\n");
  daemon_.signal(SIGHUP);
  EXPECT_TRUE(daemon_.logged("\"event_id\":2113"));
  EXPECT_THAT(daemon_.log(), HasSubstr("conf.d/10.toml:2"));
  EXPECT_TRUE(ask("hello").ok());
}

TEST_F(DaemonService, WhatAReloadCannotChangeIsNamed) {
  start();
  daemon_.drop_in("10.toml", "[limits]\nlease_ms = 777\n");
  daemon_.signal(SIGHUP);
  EXPECT_TRUE(daemon_.logged("'limits.lease_ms' changed"));
}

#ifdef EXPORTED_PROVIDER
TEST_F(DaemonService, AProviderThatIsReleasedJoinsWithoutARestart) {
  const std::string file = daemon_.base() + "/array.so";
  daemon_.configure(std::string(kNoProviders) +
                    "[[plugin]]\nname = 'array'\nmakes = 'provider'\nfile = '" + file + "'\n");
  start();
  EXPECT_THAT(ask("plugins").value().json, HasSubstr("quarantined"));
  EXPECT_THAT(ask("providers").value().json, testing::Not(HasSubstr("array")));
  auto channel = daemon_.connect();
  ASSERT_TRUE(channel.ok());
  const auto release = [&] {
    return channel.value()->call("plugin.release", R"({"name":"array"})");
  };
  EXPECT_FALSE(release().ok()) << "it still is not there";
  std::filesystem::copy_file(EXPORTED_PROVIDER, file);
  std::filesystem::permissions(file, std::filesystem::perms(0644));
  auto released = release();
  ASSERT_TRUE(released.ok()) << released.error().what();
  EXPECT_THAT(ask("providers").value().json, HasSubstr("array"));
  EXPECT_THAT(daemon_.log(), HasSubstr("\"event_id\":2012"));
  EXPECT_TRUE(release().ok()) << "to release what runs changes nothing";
}
#endif

TEST_F(DaemonService, TheStatusSocketOnlyShows) {
  start();
  EXPECT_TRUE(ask("sessions", "status.sock").ok());
  EXPECT_EQ(ask("backup.begin", "status.sock").error().code(), Errc::access_denied);
  EXPECT_NE(ask("backup.begin").error().code(), Errc::access_denied);
}

TEST_F(DaemonService, AWatchdogHearsFromADaemonThatWorks) {
  daemon_.environment = {{"WATCHDOG_USEC", "400000"}};
  start();
  EXPECT_TRUE(daemon_.heard("WATCHDOG=1"));
  EXPECT_TRUE(daemon_.heard("WATCHDOG=1"));
  daemon_.signal(SIGSTOP);
  while (daemon_.heard_within("WATCHDOG=1", 100ms)) continue;  // sent before it stopped
  EXPECT_FALSE(daemon_.heard_within("WATCHDOG=1", 500ms));
  daemon_.signal(SIGCONT);
  EXPECT_TRUE(daemon_.heard("WATCHDOG=1"));
}

TEST_F(DaemonService, SocketsOfAServiceManagerAreUsedAndLeft) {
  daemon_.activated = {"requestor.sock", "writer.sock"};
  start();
  EXPECT_TRUE(ask("hello").ok());
  EXPECT_TRUE(ask("hello", "status.sock").ok()) << "the third is its own";
  ASSERT_TRUE(daemon_.stop().ok());
  EXPECT_TRUE(std::filesystem::exists(daemon_.socket_dir() + "/requestor.sock"));
  EXPECT_FALSE(std::filesystem::exists(daemon_.socket_dir() + "/status.sock"));
}

TEST_F(DaemonService, AnUnknownSocketOfAServiceManagerIsAnError) {
  daemon_.activated = {"requestor.sock", "other.sock"};
  EXPECT_FALSE(daemon_.start().ok());
  EXPECT_THAT(daemon_.log(), HasSubstr("'other.sock'"));
}

}  // namespace
}  // namespace stillframe
