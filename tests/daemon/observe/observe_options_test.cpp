#include "framework/daemon/observe/observe_options.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace stillframe::daemon {
namespace {

Result<ObserveOptions> read(const std::string& toml) {
  auto table = ConfigTable::parse(toml, "test.toml");
  if (!table.ok()) return table.error();
  ObserveOptions options = read_observe_options(table.value());
  if (Status s = table.value().finish(); !s.ok()) return s.error();
  return options;
}

TEST(ObserveOptions, NothingSaidMeansJournaldAndNoMetrics) {
  const auto options = read("");
  ASSERT_TRUE(options.ok());
  EXPECT_EQ(options.value(), ObserveOptions{});
  EXPECT_TRUE(options.value().journald);
  EXPECT_FALSE(options.value().metrics);
}

TEST(ObserveOptions, EveryKeyIsRead) {
  const auto options = read(
      "[events]\nfile = '/var/log/e.jsonl'\njournald = false\nstderr = true\n"
      "memory_events = 500\nmemory_kib = 64\n[metrics]\nlisten = '[::1]:9823'\n");
  ASSERT_TRUE(options.ok()) << options.error().what();
  EXPECT_EQ(options.value().event_file, "/var/log/e.jsonl");
  EXPECT_FALSE(options.value().journald);
  EXPECT_TRUE(options.value().to_stderr);
  EXPECT_EQ(options.value().events_max, 500u);
  EXPECT_EQ(options.value().bytes_max, 65'536u);
  ASSERT_TRUE(options.value().metrics);
  EXPECT_EQ(options.value().metrics->address, "::1");
  EXPECT_EQ(options.value().metrics->port, 9823);
  const EventHubOptions hub = hub_options(options.value());
  EXPECT_EQ(hub.ring.events_max, 500u);
  EXPECT_TRUE(hub.journald_socket.empty());
  EXPECT_TRUE(hub.stream.valid());
}

TEST(ObserveOptions, MistakesAreRefused) {
  for (const char* wrong :
       {"[events]\nfile = 'relative'\n", "[events]\nfiles = '/x'\n", "[events]\nmemory_kib = 1\n",
        "[metrics]\nlisten = '0.0.0.0:9823'\n", "[metrics]\nlisten = 'localhost:9823'\n",
        "[metrics]\nlisten = '127.0.0.1'\n", "[metrics]\nlisten = '127.0.0.1:0'\n",
        "[metrics]\nlisten = '127.0.0.1:99999'\n", "[metrics]\nlisten = 'unix:metrics.sock'\n",
        "[metrics]\nlisten = '127.0.0.1:98x'\n", "[metrics]\nport = 9823\n"})
    EXPECT_FALSE(read(wrong).ok()) << wrong;
  EXPECT_THAT(read("[metrics]\nlisten = '0.0.0.0:9823'\n").error().what(),
              ::testing::HasSubstr("loopback"));
}

TEST(ObserveOptions, ASocketIsAnAbsolutePath) {
  const auto address = parse_metrics_address("unix:/run/stillframe/metrics.sock");
  ASSERT_TRUE(address.ok());
  EXPECT_EQ(address.value().socket, "/run/stillframe/metrics.sock");
}

}  // namespace
}  // namespace stillframe::daemon
