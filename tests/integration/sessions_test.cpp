// Whole sessions between processes: a real daemon, applications that write all the time, requestors
// of their own, on real file systems.
#include <chrono>
#include <filesystem>
#include <thread>
#include <tuple>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/integration/support/stage.hpp"

namespace stillframe::tests {
namespace {

using namespace std::chrono_literals;

class Sessions : public testing::TestWithParam<std::tuple<Ground, Privileges>> {
 protected:
  void SetUp() override {
    std::string reason;
    StageOptions options;
    std::tie(options.ground, options.privileges) = GetParam();
    options.lease = 5s;
    options.commit = 10s;
    stage_ = Stage::make(options, reason);
    if (!stage_) GTEST_SKIP() << reason;
    Status s = stage_->raise();
    ASSERT_TRUE(s.ok()) << s.error().what();
  }

  void TearDown() override {
    if (HasFailure() && stage_)
      std::printf("the daemon's log:\n%s\n", stage_->daemon().log().c_str());
  }

  std::unique_ptr<Stage> stage_;
};

TEST_P(Sessions, WhatIsBackedUpIsWhatWasHeld) {
  for (int round = 0; round < 3; ++round) {
    const SessionResult result = stage_->quiet_session();
    ASSERT_EQ(result.at("ok"), "1") << result.at("error");
    for (const std::string& app : Stage::apps()) {
      EXPECT_EQ(result.at("label." + app), "0") << "application-consistent";
    }
    EXPECT_EQ(stage_->falsehood(result), "");
    EXPECT_EQ(result.at("outcome"), "completed");
  }
  auto channel = stage_->daemon().connect();
  ASSERT_TRUE(channel.ok());
  auto left = Client(std::move(channel).value()).snapshots();
  ASSERT_TRUE(left.ok()) << left.error().what();
  EXPECT_TRUE(left.value().empty()) << "a session takes its snapshots with it";
}

TEST_P(Sessions, TwoRequestorsAtOnceBothGetTheirs) {
  TestProcess first, second;
  stage_->start_requestor(first);
  second.start({program("stage_requestor"), stage_->daemon().socket_dir(), stage_->scratch()},
               stage_->line().path());
  EXPECT_TRUE(first.wait(60s));
  EXPECT_TRUE(second.wait(60s));
  EXPECT_EQ(stage_->result().at("ok"), "1") << stage_->result()["error"];
  EXPECT_TRUE(std::filesystem::exists(stage_->scratch() + "/result"));
  EXPECT_EQ(stage_->falsehood(stage_->result()), "");
}

TEST_P(Sessions, TheSmallestRequestorGetsASnapshotOfEverything) {
  ::setenv("STILLFRAME_SOCKET_DIR", stage_->daemon().socket_dir().c_str(), 1);
  std::string said;
  EXPECT_EQ(run_program({"/bin/sh", "-c", program("minimal_requestor") + " </dev/null"}, &said), 0)
      << said;
  ::unsetenv("STILLFRAME_SOCKET_DIR");
  EXPECT_THAT(said, testing::HasSubstr("alpha:alpha"));
  EXPECT_THAT(said, testing::HasSubstr(stage_->volume() + " can be read at "));
}

TEST_P(Sessions, TheCommandLineTellsWhatTheDaemonSaw) {
  ASSERT_EQ(stage_->quiet_session().at("ok"), "1");
  const auto ask = [&](std::vector<std::string> words) {
    words.insert(words.begin(), {program("stillframe"), "--socket", stage_->daemon().socket_dir()});
    std::string said;
    EXPECT_EQ(run_program(words, &said), 0) << said;
    return said;
  };
  EXPECT_THAT(ask({"status", "--json"}), testing::HasSubstr("\"in_quiesce\": false"));
  EXPECT_THAT(ask({"events"}), testing::HasSubstr("stillframed"));
  const std::string events = ask({"events", "--json"});
  for (const char* id : {"2020", "2008", "2101"})
    EXPECT_THAT(events, testing::HasSubstr(std::string("\"event_id\":") + id)) << id;
  const std::string plugins = ask({"plugins", "--json"});
  EXPECT_THAT(plugins, testing::HasSubstr("\"name\": \"" + Stage::plugged_app() + "\""));
  EXPECT_THAT(plugins, testing::HasSubstr("\"name\": \"still\""));
}

TEST_P(Sessions, MetricsCountWhatHappened) {
  for (int round = 0; round < 2; ++round) ASSERT_EQ(stage_->quiet_session().at("ok"), "1");
  auto channel = stage_->daemon().connect("status.sock");
  ASSERT_TRUE(channel.ok());
  const auto metrics = Client(std::move(channel).value()).metrics();
  ASSERT_TRUE(metrics.ok()) << metrics.error().what();
  for (const char* line :
       {"stillframe_sessions_total{kind=\"backup\",outcome=\"completed\"} 2\n",
        "stillframe_commit_seconds_count 2\n", "stillframe_in_quiesce 0\n",
        "stillframe_writers_registered 4\n", "stillframe_sessions_under_way{kind=\"backup\"} 0\n"})
    EXPECT_THAT(metrics.value(), testing::HasSubstr(line));
}

TEST_P(Sessions, ApplicationsWriteOnWhenTheDaemonIsGone) {
  stage_->daemon().kill();
  const auto before = stage_->ticks("alpha").size();
  // Each write is synced, which takes as long as the disk is busy.
  const auto until = std::chrono::steady_clock::now() + 10s;
  while (stage_->ticks("alpha").size() <= before + 5 && std::chrono::steady_clock::now() < until) {
    std::this_thread::sleep_for(20ms);
  }
  EXPECT_GT(stage_->ticks("alpha").size(), before + 5);
  ASSERT_TRUE(stage_->raise().ok()) << "they find the next daemon by themselves";
  EXPECT_EQ(stage_->quiet_session().at("ok"), "1");
}

std::string name_of(const std::tuple<Ground, Privileges>& where) {
  const auto [ground, privileges] = where;
  const char* on = ground == Ground::image   ? "LoopImage"
                   : ground == Ground::btrfs ? "Btrfs"
                                             : "Xfs";
  return on + std::string(privileges == Privileges::of_broker ? "WithBroker" : "AsRoot");
}

INSTANTIATE_TEST_SUITE_P(
    On, Sessions,
    testing::Combine(testing::Values(Ground::btrfs, Ground::xfs, Ground::image),
                     testing::Values(Privileges::of_daemon, Privileges::of_broker)),
    [](const auto& about) { return name_of(about.param); });

}  // namespace
}  // namespace stillframe::tests
