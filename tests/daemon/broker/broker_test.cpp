// The real broker between a daemon without privileges and the real providers.
#include <atomic>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <stillframe/requestor.hpp>

#include "framework/transport/peer.hpp"
#include "tests/daemon/broker/daemon_under_test.hpp"
#include "tests/daemon/support/running_daemon.hpp"
#include "tests/support/scale.hpp"

namespace stillframe::tests {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr milliseconds kLong{20'000};
constexpr std::uint64_t kFloodRounds = 20;
// A sanitizer keeps what was freed, to see who still uses it.
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define STILLFRAME_KEEPS_FREED_MEMORY 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || \
    defined(STILLFRAME_KEEPS_FREED_MEMORY)
constexpr bool kKeepsFreedMemory = true;
#else
constexpr bool kKeepsFreedMemory = false;
#endif
constexpr std::int64_t kFloodBytesMax = std::int64_t{32} << 20;

bool ends(const Descriptor& pidfd, milliseconds within = kLong) {
  pollfd about{pidfd.get(), POLLIN, 0};
  return ::poll(&about, 1, static_cast<int>(within.count())) == 1;
}

class BrokerProgram : public testing::Test {
 protected:
  BrokerUnderTest broker_;
};

TEST_F(BrokerProgram, AnswersTheDaemonAndItsOwnUser) {
  ASSERT_TRUE(broker_.start());
  EXPECT_TRUE(broker_.client(kLong)->version().ok());
  DaemonUnderTest daemon(broker_, broker_.daemon_uid());
  EXPECT_THAT(daemon.ask("version"), StartsWith("ok "));
  EXPECT_THAT(daemon.ask("flush " + broker_.folder()), StartsWith("ok"));
  EXPECT_THAT(daemon.ask("flush /proc"), StartsWith("error volume_not_supported"));
  EXPECT_THAT(broker_.trail_with(R"("verb":"flush")"), HasSubstr(R"("verb":"flush")"));
  EXPECT_THAT(broker_.trail(),
              HasSubstr("\"uid\":\"" + std::to_string(broker_.daemon_uid()) + "\""));
  EXPECT_EQ(broker_.stop(), ExitStatus{});
  EXPECT_THAT(daemon.ask("version"), HasSubstr("systemctl start stillframe-broker"));
}

TEST_F(BrokerProgram, TellsTheDaemonWhatAnotherUserCannotRead) {
  if (::geteuid() != 0) GTEST_SKIP() << "being somebody else needs root";
  const TemporaryDirectory folder("sfb");
  const std::string root = folder.path();
  ASSERT_EQ(::chmod(root.c_str(), 0755), 0);
  std::filesystem::create_directory(root + "/data");
  ASSERT_EQ(::chmod((root + "/data").c_str(), 0755), 0);
  std::ofstream(root + "/data/secret") << "content";
  ASSERT_EQ(::chmod((root + "/data/secret").c_str(), 0600), 0);
  ASSERT_TRUE(broker_.start());
  DaemonUnderTest daemon(broker_, broker_.daemon_uid());
  const std::string stranger = std::to_string(kStranger);
  EXPECT_EQ(daemon.ask("readable " + stranger + " " + root + " . *"), "kept 0 data/secret");
  EXPECT_EQ(daemon.ask("readable " + stranger + " / " + root.substr(1) + " secret"),
            "kept 0 " + root.substr(1) + "/data/secret");
  EXPECT_EQ(daemon.ask("readable " + stranger + " " + root + " data other"), "ok");
  std::string many;
  for (int i = 0; i < 300; ++i) many += " data other";
  EXPECT_EQ(daemon.ask("readable " + stranger + " " + root + many + " data *"),
            "kept 300 data/secret")
      << "more than one message carries";
  EXPECT_THAT(daemon.ask("readable 0 / etc *"), StartsWith("error invalid_argument"));
  EXPECT_THAT(broker_.trail(), Not(HasSubstr("data/secret"))) << "a question is no action";
}

TEST_F(BrokerProgram, NobodyElseGetsIn) {
  if (::geteuid() != 0) GTEST_SKIP() << "being somebody else needs root";
  ASSERT_TRUE(broker_.start());
  DaemonUnderTest stranger(broker_, kStranger);
  EXPECT_THAT(stranger.ask("version"), StartsWith("error access_denied"))
      << "the socket belongs to the daemon";
  ASSERT_EQ(::chmod(broker_.socket().c_str(), 0666), 0);
  EXPECT_THAT(stranger.ask("version"), HasSubstr("user 54321 may not use the broker"))
      << "and the broker looks for itself";
  EXPECT_THAT(broker_.trail_with("2201"), HasSubstr(R"("event_id":2201)"));
}

TEST_F(BrokerProgram, StartsOnlyWhatItsConfigurationNames) {
  broker_.configure("providers = [\"copy\"]\n");
  ASSERT_TRUE(broker_.start());
  DaemonUnderTest daemon(broker_, broker_.daemon_uid());
  EXPECT_THAT(daemon.ask("provider copy"), StartsWith("ok copy"));
  EXPECT_THAT(daemon.ask("provider btrfs"), HasSubstr("does not name the provider 'btrfs'"));
  EXPECT_THAT(daemon.ask("provider command:/etc/passwd"), HasSubstr("command_providers"));
  EXPECT_THAT(daemon.ask("provider ../copy"), HasSubstr("'name' must be"));
  const auto client = broker_.client(kLong);
  EXPECT_EQ(client->spawn("shop").error().code(), Errc::access_denied);
  EXPECT_EQ(client->spawn("").error().code(), Errc::invalid_argument);
}

// What no client of ours would ever send.
TEST_F(BrokerProgram, HostileRequestsChangeNothing) {
  ASSERT_TRUE(broker_.start());
  ConnectOptions options;
  options.socket = broker_.socket();
  auto channel = connect(options);
  ASSERT_TRUE(channel.ok()) << channel.error().what();
  std::string paths = R"("a")";
  for (int i = 1; i < 254; ++i) paths += R"(,"a")";
  const std::string root = broker_.runtime() + "/exposed";
  const std::vector<std::pair<std::string, std::string>> requests = {
      {"open", R"({"root":")" + root + R"(/1","paths":[)" + paths + "]}"},
      {"open", R"({"root":")" + root + R"(/../../broker.toml","paths":["a"]})"},
      {"open", R"({"root":"/etc","paths":["shadow"]})"},
      {"open", R"({"root":")" + root + R"(","paths":["../b.sock"]})"},
      {"provider.start", R"({"name":"btrfs","state_dir":"/etc"})"},
      {"provider.start", R"({"name":"btrfs --expose-below /"})"},
      {"spawn", R"({"name":"/bin/sh"})"},
      {"process.kill", R"({"handle":1})"},
      {"process.kill", R"({"pid":1})"},
      {"flush", R"({"path":"/proc/1/root"})"},
      {"exec", R"({"command":["/bin/sh"]})"},
      {"", "{}"},
  };
  for (const auto& [method, params] : requests) {
    EXPECT_FALSE(channel.value()->call(method, params).ok()) << method << params;
  }
  for (const MountedAt& mount : mounted_now())
    EXPECT_FALSE(mount.mount_point.starts_with(broker_.runtime())) << mount.mount_point;
  EXPECT_TRUE(broker_.running());

  // Larger than any request may be: the connection ends, the broker goes on.
  const std::string huge = R"({"name":")" + std::string(100'000, 'a') + R"("})";
  EXPECT_FALSE(channel.value()->call("provider.start", huge).ok());
  EXPECT_FALSE(channel.value()->call("hello", "{}").ok());
  EXPECT_TRUE(broker_.client(kLong)->version().ok());
}

// More at a time than it takes, by several connections, for as long as it takes.
TEST_F(BrokerProgram, AFloodIsAnsweredOrRefusedAndCostsNothingAfterwards) {
  ASSERT_TRUE(broker_.start());
  const std::string proc = "/proc/" + std::to_string(broker_.pid());
  const auto descriptors = [&] {
    return std::distance(std::filesystem::directory_iterator(proc + "/fd"), {});
  };
  const auto resident_bytes = [&] {
    std::ifstream in(proc + "/statm");
    std::int64_t pages = 0, resident = 0;
    in >> pages >> resident;
    return resident * ::sysconf(_SC_PAGESIZE);
  };
  const auto descriptors_before = descriptors();
  const auto bytes_before = resident_bytes();
  ConnectOptions options;
  options.socket = broker_.socket();
  std::vector<std::unique_ptr<RequestorChannel>> channels;
  for (int one = 0; one < 4; ++one) channels.push_back(connect(options).value());
  std::atomic<std::uint64_t> answered{0};
  std::vector<std::thread> flood;
  for (int one = 0; one < 200; ++one) {
    flood.emplace_back([&, &channel = *channels[one % channels.size()]] {
      for (std::uint64_t i = 0; i < scaled(kFloodRounds); ++i) {
        (void)channel.call("flush", R"({"path":"/proc"})");
        (void)channel.call("provider.start", R"({"name":"none"})");
        answered += 2;
      }
    });
  }
  for (std::thread& thread : flood) thread.join();
  EXPECT_EQ(answered, 200 * 2 * scaled(kFloodRounds));
  if (!kKeepsFreedMemory) {
    EXPECT_LT(resident_bytes() - bytes_before, kFloodBytesMax);
  }
  channels.clear();
  EXPECT_TRUE(broker_.client(kLong)->version().ok());
  for (int tries = 0; tries < 1000 && descriptors() > descriptors_before; ++tries) ::usleep(2000);
  EXPECT_LE(descriptors(), descriptors_before);
}

TEST_F(BrokerProgram, RunsTheCommandProvidersThatItsConfigurationLists) {
  if (::geteuid() != 0) GTEST_SKIP() << "a command provider's file must belong to root";
  const std::string program = broker_.folder() + "/array.sh", file = broker_.folder() + "/a.toml";
  std::ofstream(program) << "#!/bin/sh\nwhile read -r line; do\n  case $line in\n"
                            "    *'\"query\"'*) echo '{\"result\":{\"snapshots\":[]}}' ;;\n"
                            "    *) echo '{\"result\":{}}' ;;\n  esac\ndone\n";
  std::ofstream(file) << "format = 1\nprogram = ['" << program << "']\n[provider]\n"
                      << "id = '0b7f7a55-6a54-4f3d-8d55-6c5d4b6b1d10'\nname = 'array-7'\n";
  ASSERT_EQ(::chmod(program.c_str(), 0755), 0);
  ASSERT_EQ(::chmod(file.c_str(), 0644), 0);
  std::filesystem::copy_file(file, broker_.folder() + "/other.toml");
  broker_.configure("command_providers = [\"" + file + "\"]\n");
  ASSERT_TRUE(broker_.start());
  DaemonUnderTest daemon(broker_, broker_.daemon_uid());
  EXPECT_EQ(daemon.ask("provider command:" + file), "ok array-7");
  EXPECT_EQ(daemon.ask("query /"), "ok 0");
  EXPECT_THAT(daemon.ask("provider command:" + broker_.folder() + "/other.toml"),
              HasSubstr("command_providers"));
  // Not even a file on the list, once somebody else may change it.
  ASSERT_EQ(::chmod(file.c_str(), 0666), 0);
  EXPECT_THAT(daemon.ask("provider command:" + file), HasSubstr("chmod go-w"));
}

TEST_F(BrokerProgram, WhatADaemonStartedDiesWithIt) {
  ASSERT_TRUE(broker_.start());
  DaemonUnderTest daemon(broker_, broker_.daemon_uid());
  ASSERT_EQ(daemon.ask("provider copy"), "ok copy");
  auto host = open_pidfd(daemon.host());
  ASSERT_TRUE(host.ok());
  // Even while it does not look at its standard input.
  ::kill(daemon.host(), SIGSTOP);
  daemon.kill();
  EXPECT_TRUE(ends(host.value()));
  DaemonUnderTest next(broker_, broker_.daemon_uid());
  EXPECT_EQ(next.ask("provider copy"), "ok copy");
}

TEST_F(BrokerProgram, WhatItStartedEndsWhenItIsToldToEnd) {
  ASSERT_TRUE(broker_.start());
  DaemonUnderTest daemon(broker_, broker_.daemon_uid());
  ASSERT_EQ(daemon.ask("provider copy"), "ok copy");
  auto host = open_pidfd(daemon.host());
  ASSERT_TRUE(host.ok());
  EXPECT_EQ(broker_.stop(), ExitStatus{});
  EXPECT_TRUE(ends(host.value(), milliseconds(0)));
}

// The next call starts a new host through the same broker.
TEST_F(BrokerProgram, AHostThatDiesIsStartedAgain) {
  ASSERT_TRUE(broker_.start());
  DaemonUnderTest daemon(broker_, broker_.daemon_uid());
  ASSERT_EQ(daemon.ask("provider copy"), "ok copy");
  const pid_t first = daemon.host();
  auto ended = open_pidfd(first);
  ASSERT_TRUE(ended.ok());
  ::kill(first, SIGKILL);
  ASSERT_TRUE(ends(ended.value()));
  EXPECT_THAT(daemon.ask("query /"), StartsWith("ok"));
  EXPECT_NE(daemon.host(), first);
  constexpr const char* kEnd = "ended with signal 9 (Killed)";
  EXPECT_THAT(broker_.trail_with(kEnd), HasSubstr(kEnd));
}

TEST_F(BrokerProgram, AStoppedOneIsGivenUpInTimeAndUsedAgainLater) {
  ASSERT_TRUE(broker_.start());
  const auto client = broker_.client(milliseconds(300));
  ASSERT_TRUE(client->version().ok());
  broker_.signal(SIGSTOP);
  siginfo_t stopped{};
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(broker_.pid()), &stopped, WSTOPPED | WNOWAIT), 0);
  auto answer = client->version();
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().code(), Errc::timed_out);
  EXPECT_THAT(answer.error().what(), HasSubstr(broker_.socket()));
  broker_.signal(SIGCONT);
  for (int tries = 0; tries < 100 && !answer.ok(); ++tries) answer = client->version();
  EXPECT_TRUE(answer.ok()) << answer.error().what();
}

TEST_F(BrokerProgram, ChecksItsConfigurationWithoutStarting) {
  const std::string file = broker_.folder() + "/b.toml";
  std::ofstream(file) << "providers = [\"copy\"]\n";
  ASSERT_EQ(::chmod(file.c_str(), 0600), 0);
  std::string said;
  EXPECT_EQ(run_program({program("stillframe-broker"), "--check-config", "--config", file}, &said),
            0)
      << said;
  std::ofstream(file) << "providers = [\"zfs\"]\n";
  EXPECT_EQ(run_program({program("stillframe-broker"), "--check-config", "--config", file}, &said),
            1);
  EXPECT_THAT(said, HasSubstr("b.toml:1"));
  std::ofstream(file) << "\n";
  ASSERT_EQ(::chmod(file.c_str(), 0666), 0);
  EXPECT_EQ(run_program({program("stillframe-broker"), "--check-config", "--config", file}, &said),
            1);
  EXPECT_THAT(said, HasSubstr("chmod go-w"));
  EXPECT_EQ(run_program({program("stillframe-broker"), "--frobnicate"}, &said), 2);
  EXPECT_EQ(run_program({program("stillframe-broker"), "--config"}, &said), 2);
  EXPECT_EQ(run_program({program("stillframe-broker"), "--help"}, &said), 0);
  EXPECT_THAT(said, HasSubstr("examples:"));
}

}  // namespace
}  // namespace stillframe::tests
