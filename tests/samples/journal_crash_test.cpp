// journal_writer killed with SIGKILL between each pair of verbs, in backups and in restores: no log
// is truncated without a set that restores it, a half restored target does not start, and the next
// session succeeds.
#include <csignal>
#include <cstdio>
#include <cstdlib>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include "requestor/restore/orphan.hpp"
#include "requestor/restore/restore_run.hpp"
#include "tests/requestor/embedded_fixture.hpp"

namespace stillframe::requestor {
namespace {

using stillframe::tests::QuietObserver;

constexpr int kInterlockedExit = 3;  // of journal_app

// journal_app as a child, spoken to line by line.
class App {
 public:
  App(const std::string& dir, const std::string& sockets, const std::string& die_at = "") {
    int to[2], from[2];
    if (pipe2(to, O_CLOEXEC) != 0 || pipe2(from, O_CLOEXEC) != 0) return;
    pid_ = fork();
    if (pid_ == 0) {
      dup2(to[0], STDIN_FILENO);
      dup2(from[1], STDOUT_FILENO);
      const char* program = std::getenv("JOURNAL_APP");
      execl(program, program, dir.c_str(), "--socket", sockets.c_str(), "--die-at", die_at.c_str(),
            nullptr);
      _exit(127);
    }
    close(to[0]);
    close(from[1]);
    in_ = fdopen(to[1], "w");
    out_ = fdopen(from[0], "r");
    greeting_ = read_line();
  }
  ~App() {
    if (in_ != nullptr) std::fclose(in_);
    if (out_ != nullptr) std::fclose(out_);
    if (pid_ > 0) waitpid(pid_, nullptr, 0);
  }
  bool started() const { return greeting_.starts_with("ready "); }
  std::string ask(const std::string& line) {
    std::fprintf(in_, "%s\n", line.c_str());
    std::fflush(in_);
    return read_line();
  }
  int wait_exit() {
    int status = 0;
    waitpid(pid_, &status, 0);
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

 private:
  std::string read_line() {
    char line[512] = {};
    if (std::fgets(line, sizeof line, out_) == nullptr) return "";
    std::string text = line;
    while (!text.empty() && text.back() == '\n') text.pop_back();
    return text;
  }
  pid_t pid_ = -1;
  std::FILE* in_ = nullptr;
  std::FILE* out_ = nullptr;
  std::string greeting_;
};

struct JournalCrashTest : stillframe::tests::EmbeddedFixture,
                          ::testing::WithParamInterface<const char*> {
  const std::string dir = base + "/journal";

  void SetUp() override {
    if (std::getenv("JOURNAL_APP") == nullptr) GTEST_SKIP() << "JOURNAL_APP names no journal_app";
    signal(SIGPIPE, SIG_IGN);
    std::filesystem::create_directories(sockets);
    start_coordinator();
  }
  void wait_for_app() {
    Status waited =
        coordinator->wait_writers(std::vector<std::string>{"journal"}, std::chrono::seconds(20));
    ASSERT_TRUE(waited.ok()) << waited.error().what();
  }
  bool first_log_is_gone() const { return !std::filesystem::exists(dir + "/logs/00000001.log"); }
  Result<RestoreOutcome> restore(const std::string& set) {
    RestoreRequest request;
    request.set = set;
    QuietObserver observer;
    Client requestor = client();
    return run_restore(requestor, request, observer);
  }
  // The sets of the store that can be extracted and hold the journal's logs or data whole.
  int restorable_sets() {
    auto sets = list_sets(store);
    int good = 0;
    if (!sets.ok()) return 0;
    for (const auto& listing : sets.value()) {
      auto set = BackupSet::open(listing.path);
      if (!set.ok()) continue;
      auto verified = set.value().verify({});
      if (verified.ok() && verified.value().problems.empty()) ++good;
    }
    return good;
  }
};

struct KilledInBackup : JournalCrashTest {};

TEST_P(KilledInBackup, NoLogGoesWithoutARestorableSet) {
  {
    App app(dir, sockets, GetParam());
    ASSERT_TRUE(app.started());
    ASSERT_EQ(app.ask("fill 40"), "40");
    wait_for_app();
    (void)backup(BackupType::full);
  }
  EXPECT_TRUE(!first_log_is_gone() || restorable_sets() >= 1);

  App again(dir, sockets);
  ASSERT_TRUE(again.started());
  EXPECT_EQ(again.ask("count"), "40") << "an entry that was durable is gone";
  wait_for_app();
  const auto next = backup(BackupType::full);
  ASSERT_TRUE(next.ok()) << next.error().what();
  EXPECT_TRUE(next.value().finish.ok()) << next.value().finish.error().what();
  EXPECT_TRUE(first_log_is_gone()) << "a completed full backup truncates";
}

INSTANTIATE_TEST_SUITE_P(EveryVerb, KilledInBackup,
                         ::testing::Values("prepare_backup", "prepare_backup done",
                                           "prepare_snapshot", "prepare_snapshot done", "freeze",
                                           "freeze done", "thaw", "thaw done", "post_snapshot",
                                           "post_snapshot done", "backup_complete",
                                           "backup_complete done", "truncate_logs",
                                           "truncate_logs done", "shutdown", "shutdown done"));

struct KilledInStreaming : JournalCrashTest {};

TEST_P(KilledInStreaming, NoLogGoesWithoutARestorableSet) {
  {
    App app(dir, sockets, GetParam());
    ASSERT_TRUE(app.started());
    ASSERT_EQ(app.ask("fill 40"), "40");
    wait_for_app();
    (void)backup(BackupType::full, true);
  }
  EXPECT_TRUE(!first_log_is_gone() || restorable_sets() >= 1);
  App again(dir, sockets);
  ASSERT_TRUE(again.started());
  EXPECT_EQ(again.ask("count"), "40");
  wait_for_app();
  const auto next = backup(BackupType::full, true);
  ASSERT_TRUE(next.ok()) << next.error().what();
  EXPECT_TRUE(next.value().finish.ok()) << next.value().finish.error().what();
}

INSTANTIATE_TEST_SUITE_P(EveryVerb, KilledInStreaming,
                         ::testing::Values("open_stream", "open_stream done", "close", "close done",
                                           "list_logs", "list_logs done"));

struct KilledInRestore : JournalCrashTest {};

TEST_P(KilledInRestore, HalfRestoredTargetDoesNotStart) {
  std::string set;
  {
    App app(dir, sockets);
    ASSERT_EQ(app.ask("fill 40"), "40");
    wait_for_app();
    auto report = backup(BackupType::full);
    ASSERT_TRUE(report.ok()) << report.error().what();
    set = report.value().path;
    ASSERT_EQ(app.ask("put later"), "41");
    EXPECT_EQ(app.ask("quit"), "");
  }
  {
    App app(dir, sockets, GetParam());
    ASSERT_TRUE(app.started());
    wait_for_app();
    (void)restore(set);
  }
  {
    App again(dir, sockets);
    if (!again.started()) {
      ASSERT_EQ(again.wait_exit(), kInterlockedExit);
      QuietObserver observer;
      auto resumed = resume_restore(dir, observer);
      if (!resumed.ok()) resumed = abandon_restore(dir, true);
      ASSERT_TRUE(resumed.ok()) << resumed.error().what();
    } else {
      EXPECT_THAT(again.ask("count"), ::testing::AnyOf("40", "41"));
      again.ask("quit");
    }
  }
  App last(dir, sockets);
  ASSERT_TRUE(last.started());
  EXPECT_THAT(last.ask("count"), ::testing::AnyOf("40", "41"));
  wait_for_app();
  const auto next = restore(set);
  ASSERT_TRUE(next.ok()) << next.error().what();
  EXPECT_TRUE(next.value().finish.ok()) << next.value().finish.error().what();
  EXPECT_EQ(last.ask("count"), "40");
}

INSTANTIATE_TEST_SUITE_P(EveryVerb, KilledInRestore,
                         ::testing::Values("pre_restore", "pre_restore done", "restore_prepare",
                                           "restore_prepare done", "restore_locations",
                                           "restore_locations done", "restore_register",
                                           "restore_register done", "restore_complete",
                                           "restore_complete done", "post_restore",
                                           "post_restore done", "restore_end", "restore_end done"));

// The requestor dies in the middle of the copy.
struct RequestorKilled : JournalCrashTest {
  std::string set;

  void SetUp() override {
    JournalCrashTest::SetUp();
    if (IsSkipped()) return;
    {
      App app(dir, sockets);
      ASSERT_EQ(app.ask("fill 40"), "40");
      wait_for_app();
      auto report = backup(BackupType::full);
      ASSERT_TRUE(report.ok()) << report.error().what();
      set = report.value().path;
      ASSERT_EQ(app.ask("put later"), "41");
      coordinator.reset();  // the dying requestor has one of its own
      const pid_t child = fork();
      if (child == 0) die_while_restoring();
      int status = 0;
      ASSERT_EQ(waitpid(child, &status, 0), child);
      ASSERT_TRUE(WIFSIGNALED(status)) << status;
    }
  }
  [[noreturn]] void die_while_restoring() {
    struct Dies : QuietObserver {
      void progress(const std::string& phase, const std::string&, std::uint64_t,
                    std::uint64_t) override {
        if (phase == "restore") raise(SIGKILL);
      }
    } observer;
    start_coordinator();
    wait_for_app();
    RestoreRequest request;
    request.set = set;
    Client requestor = client();
    (void)run_restore(requestor, request, observer);
    _exit(9);
  }
};

TEST_F(RequestorKilled, TargetIsInterlockedAndResumeFinishesIt) {
  {
    App app(dir, sockets);
    ASSERT_FALSE(app.started());
    EXPECT_EQ(app.wait_exit(), kInterlockedExit);
  }
  QuietObserver observer;
  const auto resumed = resume_restore(dir, observer);
  ASSERT_TRUE(resumed.ok()) << resumed.error().what();
  App app(dir, sockets);
  ASSERT_TRUE(app.started());
  EXPECT_EQ(app.ask("count"), "40");
}

TEST_F(RequestorKilled, AbandonPutsTheOldFilesBackAndStaysClosedUntilAllowed) {
  ASSERT_TRUE(abandon_restore(dir, false).ok());
  {
    App app(dir, sockets);
    EXPECT_FALSE(app.started());
  }
  ASSERT_TRUE(abandon_restore(dir, true).ok());
  App app(dir, sockets);
  ASSERT_TRUE(app.started());
  EXPECT_EQ(app.ask("count"), "41");
}

}  // namespace
}  // namespace stillframe::requestor
