// The supervisor with small shell programs in the place of hosts.
#include "framework/daemon/hosts/host_supervisor.hpp"

#include <atomic>
#include <csignal>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "framework/base/memory_event_sink.hpp"
#include "framework/daemon/hosts/host_events.hpp"
#include "framework/daemon/hosts/quarantine_file.hpp"
#include "framework/io/file.hpp"
#include "tests/daemon/hosts/wait_until.hpp"
#include "tests/support/loop_fs.hpp"

namespace stillframe::daemon {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using tests::wait_until;

// Runs until its input is closed or it is asked.
constexpr const char* kPatient = "trap 'exit 0' TERM; read line; exit 0";
constexpr const char* kCrash = "echo no such table >&2; exit 9";

class HostSupervisorTest : public ::testing::Test {
 protected:
  HostSupervisorTest() {
    options_.state_dir = directory_.path();
    options_.restart.backoff_first = 1ms;
    options_.restart.backoff_longest = 4ms;
    options_.stop_patience = 20s;
    options_.events = &events_;
  }

  // A spec's configuration is the script.
  static HostSpec host(const std::string& name, const std::string& script,
                       HostKind kind = HostKind::plugin_writer) {
    return {name, kind, "/bin/sh", "", script};
  }

  void start(const std::vector<HostSpec>& specs) {
    supervisor_.reset();
    auto started = HostSupervisor::start(
        specs, [this](const HostSpec& spec) { return start_script(spec); }, options_);
    ASSERT_TRUE(started.ok()) << started.error().what();
    supervisor_ = std::move(started).value();
  }

  Result<std::unique_ptr<ChildProcess>> start_script(const HostSpec& spec) {
    ++starts_;
    if (refuse_) return *refuse_;
    ChildOptions options;
    options.command = {"/bin/sh", "-c", spec.config_json};
    options.environment = {{"PATH", "/usr/bin:/bin"}, {"DIR", directory_.path()}};
    auto child = ChildProcess::start(options);
    return through_broker_ && child.ok() ? adopt(std::move(child).value()) : std::move(child);
  }

  // As a broker would have started it that is gone when somebody asks how it ended.
  static Result<std::unique_ptr<ChildProcess>> adopt(std::unique_ptr<ChildProcess> child) {
    AdoptedChild adopted;
    adopted.pid = child->pid();
    auto descriptors = child->hand_over();
    if (!descriptors.ok()) return descriptors.error();
    adopted.descriptors = std::move(descriptors).value();
    const std::shared_ptr<ChildProcess> started = std::move(child);
    adopted.kill = [started] { started->kill_group(); };
    adopted.ended = [] { return Error(Errc::disconnected, "the broker ended"); };
    return ChildProcess::adopt(std::move(adopted));
  }

  PluginInfo info(const std::string& name) {
    for (PluginInfo& one : supervisor_->status()) {
      if (one.name == name) return one;
    }
    return {};
  }
  bool becomes(const std::string& name, PluginState state) {
    return wait_until([&] { return info(name).state == state; });
  }

  std::vector<EventRecord> told(HostEvent id) const {
    std::vector<EventRecord> out;
    for (const EventRecord& event : events_.events()) {
      if (event.id == static_cast<int>(id)) out.push_back(event);
    }
    return out;
  }

  BytePath quarantine_path() const { return directory_.path() + "/plugin-quarantine.json"; }
  std::size_t quarantined_on_disk() {
    auto entries = read_quarantine(quarantine_path());
    return entries.ok() ? entries.value().size() : 0;
  }

  tests::TemporaryDirectory directory_{"hosts"};
  MemoryEventSink events_;
  std::atomic<int> starts_{0};
  std::optional<Error> refuse_;
  bool through_broker_ = false;
  HostSupervisorOptions options_;
  std::unique_ptr<HostSupervisor> supervisor_;
};

TEST_F(HostSupervisorTest, AHostThatIsKilledIsStartedAgain) {
  start({host("shop", kPatient)});
  ASSERT_TRUE(becomes("shop", PluginState::running));
  const auto first = info("shop").process;
  ASSERT_EQ(::kill(first, SIGKILL), 0);
  ASSERT_TRUE(
      wait_until([&] { return info("shop").process != first && info("shop").process != 0; }));
  EXPECT_EQ(info("shop").crashes, 1u);
  EXPECT_THAT(info("shop").reason, HasSubstr("signal 9"));
  EXPECT_EQ(told(HostEvent::died).size(), 1u);
  EXPECT_THAT(told(HostEvent::restarting).at(0).message, HasSubstr("in 1 ms"));
  EXPECT_EQ(told(HostEvent::started).size(), 2u);
}

TEST_F(HostSupervisorTest, ACrashLoopEndsInQuarantineAndItsReasonIsKept) {
  start({host("shop", kCrash), host("well", kPatient)});
  ASSERT_TRUE(becomes("shop", PluginState::quarantined));
  EXPECT_EQ(starts_, 6);
  const PluginInfo shop = info("shop");
  EXPECT_EQ(shop.crashes, 5u);
  EXPECT_EQ(shop.process, 0);
  EXPECT_EQ(shop.reason, "exit code 9: no such table");
  EXPECT_EQ(shop.next_attempt, std::nullopt);
  EXPECT_THAT(told(HostEvent::quarantined).at(0).message,
              HasSubstr("stillframe plugins release shop"));
  EXPECT_TRUE(becomes("well", PluginState::running));  // its neighbour is not disturbed
  EXPECT_EQ(info("well").crashes, 0u);
}

TEST_F(HostSupervisorTest, TheEndOfTheBrokerIsNoCrashOfItsHosts) {
  through_broker_ = true;
  start({host("shop", kPatient)});
  for (int round = 0; round < 7; ++round) {
    ASSERT_TRUE(wait_until([&] { return starts_ > round && info("shop").process != 0; }));
    const auto process = info("shop").process;
    ASSERT_EQ(::kill(process, SIGKILL), 0);
    ASSERT_TRUE(wait_until([&] { return info("shop").process != process; }));
  }
  EXPECT_EQ(info("shop").crashes, 0u);
  EXPECT_THAT(info("shop").reason, HasSubstr("the broker ended"));
  EXPECT_TRUE(told(HostEvent::quarantined).empty());
}

TEST_F(HostSupervisorTest, ReleaseStartsItAgainWithNothingHeldAgainstIt) {
  start({host("shop", "test -e $DIR/mended || exit 9; " + std::string(kPatient))});
  ASSERT_TRUE(becomes("shop", PluginState::quarantined));
  ASSERT_TRUE(wait_until([&] { return quarantined_on_disk() == 1; }));
  std::ofstream(directory_.path() + "/mended");
  ASSERT_TRUE(supervisor_->release("shop").ok());
  ASSERT_TRUE(becomes("shop", PluginState::running));
  EXPECT_EQ(info("shop").crashes, 0u);
  EXPECT_EQ(told(HostEvent::released).size(), 1u);
  EXPECT_TRUE(wait_until([&] { return quarantined_on_disk() == 0; }));
}

TEST_F(HostSupervisorTest, ReleaseOfAnUnknownNameNamesThoseThereAre) {
  start({host("b", kPatient), host("a", kPatient)});
  const Status released = supervisor_->release("shop");
  ASSERT_FALSE(released.ok());
  EXPECT_EQ(released.error(),
            Error(Errc::not_found, "no plug-in is called 'shop'; there are a, b"));
}

TEST_F(HostSupervisorTest, QuarantineSurvivesARestartOfTheDaemon) {
  start({host("shop", kCrash)});
  ASSERT_TRUE(becomes("shop", PluginState::quarantined));
  supervisor_.reset();
  starts_ = 0;
  start({host("shop", kCrash), host("well", kPatient)});
  ASSERT_TRUE(becomes("well", PluginState::running));
  EXPECT_EQ(info("shop").state, PluginState::quarantined);
  EXPECT_EQ(info("shop").crashes, 5u);
  EXPECT_EQ(info("shop").reason, "exit code 9: no such table");
  EXPECT_EQ(starts_, 1);
}

TEST_F(HostSupervisorTest, QuarantineIsAboutWhatWasConfiguredThen) {
  start({host("shop", kCrash)});
  ASSERT_TRUE(becomes("shop", PluginState::quarantined));
  start({host("shop", kPatient)});
  EXPECT_TRUE(becomes("shop", PluginState::running));
  EXPECT_TRUE(wait_until([&] { return quarantined_on_disk() == 0; }));
}

TEST_F(HostSupervisorTest, ATornFileIsReportedAndNobodyIsInQuarantine) {
  start({host("shop", kCrash)});
  ASSERT_TRUE(becomes("shop", PluginState::quarantined));
  supervisor_.reset();
  auto text = read_file(quarantine_path(), 1 << 20);
  ASSERT_TRUE(text.ok());
  std::ofstream(quarantine_path()) << text.value().substr(0, text.value().size() / 2);
  start({host("shop", kPatient)});
  EXPECT_TRUE(becomes("shop", PluginState::running));
  ASSERT_EQ(told(HostEvent::quarantine_unreadable).size(), 1u);
  EXPECT_THAT(told(HostEvent::quarantine_unreadable).at(0).message, HasSubstr(quarantine_path()));
  EXPECT_TRUE(wait_until([&] { return read_quarantine(quarantine_path()).ok(); }));
}

TEST_F(HostSupervisorTest, ADirectoryThatCannotBeWrittenIsReported) {
  options_.state_dir = directory_.path() + "/missing";
  start({host("shop", kCrash)});
  EXPECT_TRUE(wait_until([&] { return !told(HostEvent::quarantine_unwritten).empty(); }));
}

TEST_F(HostSupervisorTest, WhatCannotBeLoadedIsNotTriedAgain) {
  start({host("shop", "echo no such file >&2; exit 1")});
  ASSERT_TRUE(becomes("shop", PluginState::quarantined));
  EXPECT_EQ(starts_, 1);
  EXPECT_EQ(info("shop").reason, "exit code 1: no such file");
  EXPECT_THAT(told(HostEvent::quarantined).at(0).message, HasSubstr("cannot be started"));
}

TEST_F(HostSupervisorTest, AStarterThatRefusesForGoodMeansQuarantine) {
  refuse_ = Error(Errc::not_found, "there is no user 'shop'");
  start({host("shop", kPatient)});
  ASSERT_TRUE(becomes("shop", PluginState::quarantined));
  EXPECT_THAT(info("shop").reason, HasSubstr("there is no user 'shop'"));
}

TEST_F(HostSupervisorTest, AStarterThatCannotNowIsAskedAgainAndAgain) {
  refuse_ = Error(Errc::disconnected, "the broker does not answer");
  start({host("shop", kPatient)});
  ASSERT_TRUE(wait_until([&] { return starts_ > 12; }));
  EXPECT_EQ(info("shop").state, PluginState::waiting);
  EXPECT_EQ(info("shop").crashes, 0u);
}

TEST_F(HostSupervisorTest, ReloadTouchesOnlyWhatChanged) {
  start({host("stays", kPatient), host("goes", kPatient), host("changes", kPatient)});
  for (const char* name : {"stays", "goes", "changes"})
    ASSERT_TRUE(becomes(name, PluginState::running));
  const auto stays = info("stays").process, changes = info("changes").process;
  const auto goes = info("goes").process;
  supervisor_->reload({host("stays", kPatient), host("changes", std::string(kPatient) + "; "),
                       host("new", kPatient)});
  ASSERT_TRUE(becomes("new", PluginState::running));
  ASSERT_TRUE(wait_until(
      [&] { return info("changes").process != 0 && info("changes").process != changes; }));
  ASSERT_TRUE(wait_until([&] { return ::kill(goes, 0) != 0; }));
  EXPECT_EQ(info("stays").process, stays);
  EXPECT_EQ(supervisor_->status().size(), 3u);
  EXPECT_TRUE(told(HostEvent::died).empty());
  EXPECT_EQ(told(HostEvent::stopped).size(), 2u);
}

TEST_F(HostSupervisorTest, WhatIsHeldMayFinishBeforeItEnds) {
  start({host("holds",
              "trap '' TERM; echo > $DIR/up; read line; sleep 0.3; echo thawed > $DIR/word")});
  ASSERT_TRUE(wait_until([&] { return std::filesystem::exists(directory_.path() + "/up"); }));
  supervisor_->reload({});
  EXPECT_TRUE(wait_until([&] { return told(HostEvent::stopped).size() == 1; }));
  EXPECT_TRUE(std::filesystem::exists(directory_.path() + "/word"));
  EXPECT_TRUE(told(HostEvent::overran).empty());
}

TEST_F(HostSupervisorTest, WhatDoesNotEndIsKilledAfterThePatience) {
  options_.stop_patience = 30ms;
  start({host("stubborn", "trap '' TERM; echo > $DIR/up; while :; do sleep 0.01; done")});
  ASSERT_TRUE(wait_until([&] { return std::filesystem::exists(directory_.path() + "/up"); }));
  supervisor_.reset();
  EXPECT_EQ(told(HostEvent::overran).size(), 1u);
  EXPECT_THAT(told(HostEvent::stopped).at(0).message, HasSubstr("signal 9"));
}

TEST_F(HostSupervisorTest, AHostThatTalksWithoutEndDoesNotBlockItself) {
  start({host("talks",
              "i=0; while test $i -lt 4000; do echo "
              "ninety-nine-bottles-of-beer-on-the-wall-and-one-more-for-the-road >&2; "
              "i=$((i+1)); done; echo done > $DIR/done; read line")});
  EXPECT_TRUE(wait_until([&] { return std::filesystem::exists(directory_.path() + "/done"); }));
}

// Answers like a provider host until it is told to die.
constexpr const char* kProvider =
    "test -e $DIR/broken && exit 9\n"
    "while read line; do case $line in *'\"hello\"'*) echo '{\"result\":{}}';;\n"
    "*'\"query\"'*) test -e $DIR/dies && exit 7; echo '{\"result\":{\"snapshots\":[]}}';;\n"
    "*'\"info\"'*) echo '{\"result\":{\"info\":{\"id\":\"11111111-2222-4333-8444-555555555555\","
    "\"name\":\"toy\",\"version\":{\"major\":1,\"minor\":0},\"atomicity\":\"volume\","
    "\"capabilities\":0}}}';;\n"
    "*) echo '{\"result\":{}}';; esac; done\n";

TEST_F(HostSupervisorTest, AProvidersEndsCountAndInQuarantineItRefuses) {
  start({host("array", kProvider, HostKind::plugin_provider)});
  EXPECT_EQ(info("array").state, PluginState::stopped);
  auto provider = supervisor_->provider("array");
  ASSERT_TRUE(provider.ok()) << provider.error().what();
  EXPECT_EQ(info("array").state, PluginState::running);
  EXPECT_EQ(info("array").process, provider.value()->pid());
  EXPECT_TRUE(provider.value()->query().ok());
  std::ofstream(directory_.path() + "/dies");
  for (int i = 1; i <= 4; ++i) {
    EXPECT_FALSE(provider.value()->query().ok());
    EXPECT_EQ(info("array").crashes, static_cast<std::uint32_t>(i));
    EXPECT_EQ(info("array").state, PluginState::stopped);
  }
  EXPECT_FALSE(provider.value()->query().ok());
  EXPECT_EQ(info("array").state, PluginState::quarantined);

  const int starts = starts_;
  auto refused = provider.value()->query();
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), Errc::provider_failed);
  EXPECT_THAT(refused.error().what(), HasSubstr("quarantine: it ended in query with exit code 7"));
  EXPECT_THAT(refused.error().what(), HasSubstr("stillframe plugins release array"));
  EXPECT_EQ(starts_, starts);

  std::filesystem::remove(directory_.path() + "/dies");
  ASSERT_TRUE(supervisor_->release("array").ok());
  EXPECT_TRUE(provider.value()->query().ok());
  EXPECT_EQ(info("array").state, PluginState::running);
}

TEST_F(HostSupervisorTest, EverySessionMayHaveAProviderProcessOfItsOwn) {
  start({host("array", kProvider, HostKind::plugin_provider)});
  auto one = supervisor_->provider("array");
  auto other = supervisor_->provider("array");
  ASSERT_TRUE(one.ok() && other.ok());
  std::ofstream(directory_.path() + "/dies");
  EXPECT_FALSE(one.value()->query().ok());
  EXPECT_EQ(info("array").state, PluginState::running);  // the other one does
  EXPECT_EQ(info("array").process, other.value()->pid());
  EXPECT_FALSE(other.value()->query().ok());
  EXPECT_EQ(info("array").state, PluginState::stopped);
  EXPECT_EQ(info("array").crashes, 2u);  // of either
}

TEST_F(HostSupervisorTest, AProviderThatWasRemovedRefuses) {
  start({host("array", kProvider, HostKind::plugin_provider), host("shop", kPatient)});
  EXPECT_EQ(supervisor_->provider("shop").error().code(), Errc::invalid_argument);
  EXPECT_EQ(supervisor_->provider("none").error().code(), Errc::not_found);
  auto provider = supervisor_->provider("array");
  ASSERT_TRUE(provider.ok()) << provider.error().what();
  supervisor_->reload({host("shop", kPatient)});
  ::kill(provider.value()->pid(), SIGKILL);
  auto refused = provider.value()->query();
  if (refused.ok()) refused = provider.value()->query();
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), Errc::provider_failed);
}

}  // namespace
}  // namespace stillframe::daemon
