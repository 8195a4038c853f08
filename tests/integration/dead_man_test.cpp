// The dead-man promise, whole: whichever one process is killed, stopped or ended at whichever step
// of a session, every application that runs writes again within the lease and one second, nothing
// that was not held is called consistent, and the next session succeeds without anybody's help.
//
// Applications are judged by the records they make durable every 10 ms. All cells are the soak; an
// ordinary run takes every third, another third for another commit. STILLFRAME_DEAD_MAN=all|0|1|2
// says which.
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/integration/support/stage.hpp"

namespace stillframe::tests {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

struct Victim {
  const char* name;
  const char* process;  // the kernel's short name; null: the stage knows it
  const char* word;     // among its arguments
};

constexpr Victim kDaemon{"Daemon", nullptr, ""};
constexpr Victim kBroker{"Broker", nullptr, ""};
constexpr Victim kWriter{"Writer", nullptr, ""};
constexpr Victim kRequestor{"Requestor", nullptr, ""};
constexpr Victim kPluginHost{"PluginHost", "stillframe-plug", "gamma"};
constexpr Victim kProviderHost{"ProviderHost", "stillframe-prov", "image"};
constexpr Victim kHolder{"Holder", "sf-holder", ""};
constexpr Victim kKeeper{"Keeper", "sf-keeper", ""};
// Both at once, which no promise covers; but as long as the provider's host lives, it thaws.
constexpr Victim kBothGuards{"BothGuards", nullptr, ""};

struct Step {
  const char* who;
  const char* what;
  int later_ms;  // after it was reached: the cut runs while nobody says anything
};

constexpr Step kSteps[] = {{"requestor", "connect", 0},      {"requestor", "begin", 0},
                           {"requestor", "gather", 0},       {"alpha", "identify", 0},
                           {"requestor", "select", 0},       {"requestor", "prepare", 0},
                           {"alpha", "prepare_backup", 0},   {"requestor", "snapshot", 0},
                           {"alpha", "prepare_snapshot", 0}, {"alpha", "freeze", 0},
                           {"alpha", "frozen", 0},           {"alpha", "frozen", 1},
                           {"alpha", "frozen", 3},           {"alpha", "frozen", 6},
                           {"alpha", "frozen", 12},          {"alpha", "thaw", 0},
                           {"alpha", "post_snapshot", 0},    {"requestor", "copy", 0},
                           {"requestor", "complete", 0},     {"alpha", "backup_complete", 0},
                           {"alpha", "shutdown", 0},         {"requestor", "end", 0}};

struct Cell {
  const Victim* victim;
  int signal;
  const Step* step;
  milliseconds lease;
};

std::string name_of(const Cell& cell) {
  const char* done = cell.signal == SIGKILL   ? "Killed"
                     : cell.signal == SIGSTOP ? "Stopped"
                                              : "Ended";
  return std::string(cell.victim->name) + done + "_" + cell.step->who + "_" + cell.step->what +
         (cell.step->later_ms > 0 ? "_" + std::to_string(cell.step->later_ms) + "ms" : "") +
         "_lease" + std::to_string(cell.lease.count());
}

bool is_guard(const Victim& victim) {
  return &victim == &kHolder || &victim == &kKeeper || &victim == &kBothGuards;
}

// The guards live from the preparation of the cut to its end.
bool lives_at(const Victim& victim, const Step& step) {
  if (!is_guard(victim)) return true;
  const std::string what = step.what;
  return what == "freeze" || what == "frozen";
}

std::vector<Cell> all_cells() {
  std::vector<Cell> cells;
  for (const Victim* victim : {&kDaemon, &kBroker, &kHolder, &kKeeper, &kPluginHost, &kProviderHost,
                               &kWriter, &kRequestor})
    for (const int signal : {SIGKILL, SIGSTOP, SIGTERM})
      for (const Step& step : kSteps)
        if (lives_at(*victim, step)) cells.push_back({victim, signal, &step, 200ms});
  for (const Step& step : kSteps)
    if (lives_at(kBothGuards, step)) cells.push_back({&kBothGuards, SIGKILL, &step, 200ms});
  return cells;
}

// Some with the lease that users have: each victim in the middle of a hold.
std::vector<Cell> real_cells() {
  const Step* freezing = nullptr;
  const Step* frozen = nullptr;
  const Step* cutting = nullptr;
  for (const Step& step : kSteps) {
    if (std::string(step.what) == "freeze") freezing = &step;
    if (std::string(step.what) == "frozen" && step.later_ms == 0) frozen = &step;
    if (std::string(step.what) == "frozen" && step.later_ms == 3) cutting = &step;
  }
  return {{&kDaemon, SIGKILL, frozen, 5s},        {&kDaemon, SIGSTOP, frozen, 5s},
          {&kDaemon, SIGTERM, cutting, 5s},       {&kBroker, SIGKILL, frozen, 5s},
          {&kBroker, SIGSTOP, cutting, 5s},       {&kPluginHost, SIGKILL, frozen, 5s},
          {&kPluginHost, SIGSTOP, frozen, 5s},    {&kHolder, SIGKILL, cutting, 5s},
          {&kHolder, SIGSTOP, cutting, 5s},       {&kKeeper, SIGKILL, cutting, 5s},
          {&kProviderHost, SIGKILL, cutting, 5s}, {&kProviderHost, SIGSTOP, cutting, 5s},
          {&kWriter, SIGKILL, frozen, 5s},        {&kWriter, SIGSTOP, frozen, 5s},
          {&kWriter, SIGSTOP, freezing, 5s}};
}

// A third that another commit changes.
int third_of_this_commit() {
  std::string commit;
  if (run_program({"/usr/bin/git", "-C", STILLFRAME_SOURCE_DIR, "rev-parse", "HEAD"}, &commit) != 0)
    return 0;
  return static_cast<int>(std::strtoul(commit.substr(0, 6).c_str(), nullptr, 16) % 3);
}

std::vector<Cell> cells_of_this_run() {
  const char* asked = std::getenv("STILLFRAME_DEAD_MAN");
  const auto all = all_cells();
  std::vector<Cell> chosen;
  if (asked != nullptr && std::string(asked) == "all") {
    chosen = all;
  } else {
    const auto third =
        static_cast<std::size_t>(asked != nullptr ? std::atoi(asked) : third_of_this_commit());
    for (std::size_t i = third; i < all.size(); i += 3) chosen.push_back(all[i]);
  }
  for (const Cell& cell : real_cells()) chosen.push_back(cell);
  return chosen;
}

std::string why(const SessionResult& result) {
  const auto error = result.find("error");
  return error == result.end() ? "no error" : error->second;
}

class DeadMan : public testing::TestWithParam<Cell> {
 protected:
  static void TearDownTestSuite() {
    if (stage) {
      nothing_is_left();
      stage.reset();
    }
    for (const auto& [victim, longest] : longest_silence)
      std::printf("longest silence of an application with %s as the victim: %.0f ms (%s)\n",
                  victim.c_str(), static_cast<double>(longest.first) / 1e6, longest.second.c_str());
  }

  void SetUp() override {
    const Cell& cell = GetParam();
    const bool quarantined = host_deaths >= kDeathsBeforeQuarantine;
    if (stage && (stage->options().lease != cell.lease || quarantined)) stage.reset();
    if (!stage) host_deaths = 0;
    if (!stage) {
      std::string reason;
      StageOptions options;
      options.privileges = Privileges::of_broker;
      options.lease = cell.lease;
      options.commit = 10s;  // the promise is the lease, whatever a cut may take
      stage = Stage::make(options, reason);
      if (!stage) GTEST_SKIP() << reason;
    }
    Status s = stage->raise();
    ASSERT_TRUE(s.ok()) << s.error().what();
    while (!stage->line().next(0ms).empty()) continue;
    begun_ = boot_ns();
  }

  void TearDown() override {
    if (HasFailure() && stage) {
      std::printf("the daemon's log:\n%s\n", stage->daemon().log().c_str());
      stage.reset();  // the next cell shall not suffer for this one
    }
  }

  std::uint64_t limit_ns() const {
    return static_cast<std::uint64_t>((GetParam().lease + 1000ms).count()) * 1'000'000;
  }

  bool reach(const Step& step) {
    const std::string wanted = std::string(step.who) + " " + step.what;
    const auto until = std::chrono::steady_clock::now() + 20s;
    while (std::chrono::steady_clock::now() < until)
      if (stage->line().next(100ms) == wanted) {
        std::this_thread::sleep_for(milliseconds(step.later_ms));
        return true;
      }
    return false;
  }

  // Empty when there is none now.
  std::vector<pid_t> find(const Victim& victim) {
    if (&victim == &kDaemon) return {stage->daemon().pid()};
    if (&victim == &kBroker) return {stage->broker()->pid()};
    if (&victim == &kWriter) return {stage->app("alpha").pid()};
    if (&victim == &kRequestor) return {requestor_.pid()};
    if (&victim == &kBothGuards) {
      const auto holder = find(kHolder), keeper = find(kKeeper);
      if (holder.empty() || keeper.empty()) return {};
      return {holder[0], keeper[0]};
    }
    const auto found = stage->processes(victim.process, victim.word);
    if (found.empty()) return {};
    return {found.back()};  // the session's own, not the one that answers questions
  }

  // The applications that have to go on: all but the victim's own.
  std::vector<std::string> running_apps() const {
    const Cell& cell = GetParam();
    std::vector<std::string> apps{"beta"};
    if (cell.victim != &kWriter) apps.push_back("alpha");
    // Plug-in hosts end with the daemon and with the broker, and are started again.
    const bool ended =
        cell.signal != SIGSTOP && (cell.victim == &kDaemon || cell.victim == &kBroker);
    if (cell.victim != &kPluginHost && !ended) apps.push_back(Stage::plugged_app());
    return apps;
  }

  void judge_silence(const std::string& app) {
    const std::uint64_t now = boot_ns();  // reading what hours of cells wrote takes its time
    const auto ticks = stage->ticks(app);
    ASSERT_FALSE(ticks.empty());
    std::uint64_t longest = 0;
    for (std::size_t i = 1; i < ticks.size(); ++i)
      if (ticks[i].at >= begun_) longest = std::max(longest, ticks[i].at - ticks[i - 1].at);
    longest = std::max(longest, now - std::min(now, ticks.back().at));
    EXPECT_LE(longest, limit_ns()) << app << " did not write for that many ns";
    auto& most = longest_silence[GetParam().victim->name];
    if (longest > most.first) most = {longest, name_of(GetParam())};
  }

  // Everything but the judging of a process that was stopped.
  void strike(const std::vector<pid_t>& pids) {
    const Cell& cell = GetParam();
    for (const pid_t pid : pids) {
      ASSERT_EQ(::kill(pid, cell.signal), 0);
    }
    std::this_thread::sleep_for(cell.lease + 1100ms);
    if (cell.signal == SIGSTOP) {
      // Before it goes on: a signal may come late, when the hold is over already.
      stopped_in_hold_ = cell.victim == &kWriter && is_held(*cell.step) && !was_said("alpha thaw");
      for (const std::string& app : running_apps()) judge_silence(app);
      const std::uint64_t continued = boot_ns();
      for (const pid_t pid : pids) (void)::kill(pid, SIGCONT);
      if (cell.victim == &kWriter) judge_return("alpha", continued);
      if (cell.victim == &kPluginHost) judge_return(Stage::plugged_app(), continued);
    } else if (cell.victim == &kPluginHost) {
      ++host_deaths;
    }
    ASSERT_TRUE(stage->tend().ok()) << stage->daemon().log();
  }

  static bool is_held(const Step& step) {
    return std::string(step.who) == "alpha" && std::string(step.what).starts_with("fr");
  }
  static bool was_said(const std::string& wanted) {
    bool found = false;
    for (auto line = stage->line().next(0ms); !line.empty(); line = stage->line().next(0ms))
      found = found || line == wanted;
    return found;
  }

  // A stopped application writes within a second of going on.
  void judge_return(const std::string& app, std::uint64_t continued) {
    std::this_thread::sleep_for(1000ms);
    const auto ticks = stage->ticks(app);
    ASSERT_FALSE(ticks.empty());
    EXPECT_GT(ticks.back().at, continued);
  }

  static void nothing_is_left() {
    ASSERT_TRUE(stage->raise().ok());
    auto channel = stage->daemon().connect();
    ASSERT_TRUE(channel.ok());
    auto left = Client(std::move(channel).value()).snapshots();
    ASSERT_TRUE(left.ok()) << left.error().what();
    EXPECT_TRUE(left.value().empty()) << left.value().size() << " snapshots";
    EXPECT_TRUE(stage->processes("sf-holder").empty());
    EXPECT_TRUE(stage->processes("sf-keeper").empty());
    for (const MountedAt& mount : mounted_now())
      EXPECT_FALSE(stage->is_ours(mount.mount_point)) << mount.mount_point;
  }

  // Five within ten minutes and a plug-in is not started again.
  static constexpr int kDeathsBeforeQuarantine = 4;
  static int host_deaths;
  static std::unique_ptr<Stage> stage;
  static std::map<std::string, std::pair<std::uint64_t, std::string>> longest_silence;
  TestProcess requestor_;
  std::uint64_t begun_ = 0;
  bool stopped_in_hold_ = false;
};

int DeadMan::host_deaths = 0;
std::unique_ptr<Stage> DeadMan::stage;
std::map<std::string, std::pair<std::uint64_t, std::string>> DeadMan::longest_silence;

TEST_P(DeadMan, NothingStaysHeldAndNothingFalseIsSaid) {
  const Cell& cell = GetParam();
  stage->start_requestor(requestor_);
  ASSERT_TRUE(reach(*cell.step)) << "the session never got there: " << why(stage->result());
  const auto victim = find(*cell.victim);
  if (victim.empty()) {
    // Guards come and go within milliseconds: a cell that met none has shown nothing about them.
    ASSERT_TRUE(is_guard(*cell.victim));
    ASSERT_TRUE(requestor_.wait(60s));
    GTEST_SKIP() << "the " << cell.victim->name << " had ended before it could be struck";
  }
  ASSERT_NO_FATAL_FAILURE(strike(victim));
  ASSERT_TRUE(requestor_.wait(60s)) << "the requestor never hears how it ended";
  const SessionResult result = stage->result();
  EXPECT_EQ(stage->falsehood(result), "");
  if (stopped_in_hold_ && result.count("label.alpha") != 0) {
    EXPECT_NE(result.at("label.alpha"), "0") << "it did not answer for longer than the lease";
  }
  for (const std::string& app : running_apps()) judge_silence(app);

  Status risen = stage->raise();
  ASSERT_TRUE(risen.ok()) << risen.error().what();
  const SessionResult next = stage->quiet_session();
  EXPECT_EQ(next.at("ok"), "1") << "the next session: " << why(next);
  EXPECT_EQ(stage->falsehood(next), "");
  for (const std::string& app : Stage::apps()) {
    const auto label = next.find("label." + app);
    EXPECT_TRUE(label != next.end() && label->second == "0") << app << " in the next session";
  }
}

INSTANTIATE_TEST_SUITE_P(Cells, DeadMan, testing::ValuesIn(cells_of_this_run()),
                         [](const auto& about) { return name_of(about.param); });

}  // namespace
}  // namespace stillframe::tests
