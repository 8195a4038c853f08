// Whole sessions between processes: a real daemon, applications that write all the time, requestors
// of their own, on real file systems.
#include <filesystem>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/integration/support/stage.hpp"

namespace stillframe::tests {
namespace {

using namespace std::chrono_literals;

class Sessions : public testing::TestWithParam<Ground> {
 protected:
  void SetUp() override {
    std::string reason;
    StageOptions options;
    options.ground = GetParam();
    options.lease = 5s;
    options.commit = 10s;
    stage_ = Stage::make(options, reason);
    if (!stage_) GTEST_SKIP() << reason;
    Status s = stage_->raise();
    ASSERT_TRUE(s.ok()) << s.error().what();
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
  EXPECT_EQ(stage_->result().at("ok"), "1");
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
  EXPECT_THAT(ask({"plugins", "--json"}), testing::HasSubstr("\"plugins\": []"));
}

TEST_P(Sessions, ApplicationsWriteOnWhenTheDaemonIsGone) {
  stage_->daemon().kill();
  const auto before = stage_->ticks("alpha").size();
  std::this_thread::sleep_for(300ms);
  EXPECT_GT(stage_->ticks("alpha").size(), before + 5);
  ASSERT_TRUE(stage_->raise().ok()) << "they find the next daemon by themselves";
  EXPECT_EQ(stage_->quiet_session().at("ok"), "1");
}

INSTANTIATE_TEST_SUITE_P(On, Sessions, testing::Values(Ground::btrfs, Ground::xfs, Ground::image),
                         [](const auto& about) {
                           switch (about.param) {
                             case Ground::image:
                               return "LoopImage";
                             case Ground::btrfs:
                               return "Btrfs";
                             default:
                               return "Xfs";
                           }
                         });

}  // namespace
}  // namespace stillframe::tests
