// Restores at the next boot (methods 5 and 6): targets stay as they are until then, a kill at any
// step is made good by the next run, and nobody else can lead the one that runs at boot.
#include <csignal>
#include <cstring>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/requestor/folder_writer.hpp"

namespace stillframe::requestor {
namespace {

using stillframe::tests::QuietObserver;
using stillframe::tests::read_file;
using stillframe::tests::write_file;
using ::testing::HasSubstr;

constexpr const char* kNextBoot = "another boot";

struct BootRestoreTest : stillframe::tests::FolderWriterTest {
  std::string backup_at_boot() {
    writer.policy.method = RestoreMethod::restore_at_reboot;
    return full_backup();
  }
  Result<std::vector<StagedRestore>> finish(const std::string& boot = kNextBoot) {
    FinishRequest request;
    request.pending = pending;
    request.boot = boot;
    return finish_staged(request);
  }
  // The state of the only restore that waits.
  StagedRestore finish_one(const std::string& boot = kNextBoot) {
    auto restores = finish(boot);
    EXPECT_TRUE(restores.ok()) << restores.error().what();
    EXPECT_EQ(restores.ok() ? restores.value().size() : 0, 1u);
    return restores.ok() && !restores.value().empty() ? restores.value()[0] : StagedRestore();
  }
  std::vector<std::string> leftovers() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
      const std::string name = entry.path().filename();
      if (name.starts_with(".stillframe")) names.push_back(name);
    }
    return names;
  }
  bool nothing_waits() const {
    return !std::filesystem::exists(pending) || std::filesystem::is_empty(pending);
  }
  // Runs `work` in a child of its own; true when it was killed.
  template <class Work>
  static bool dies(const Work& work) {
    const pid_t child = fork();
    if (child == 0) {
      work();
      _exit(0);
    }
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
  }
};

TEST_F(BootRestoreTest, TargetsStayUntilTheNextBootAndAreNewAfterIt) {
  const std::string set = backup_at_boot();
  write_file(folder + "/a", "changed");
  std::filesystem::remove_all(folder + "/deep");
  const RestoreOutcome outcome = restored(set);
  EXPECT_TRUE(outcome.waits_for_boot);
  EXPECT_TRUE(outcome.wants_reboot);
  ASSERT_EQ(outcome.report.components.size(), 1u);
  EXPECT_THAT(outcome.report.components[0].message, HasSubstr("next boot"));
  EXPECT_EQ(read_file(folder + "/a"), "changed");
  EXPECT_FALSE(std::filesystem::exists(folder + "/deep/b"));

  EXPECT_EQ(finish_one(current_boot().value()).state, StagedState::waiting);
  EXPECT_EQ(read_file(folder + "/a"), "changed");

  const StagedRestore done = finish_one();
  EXPECT_EQ(done.state, StagedState::finished) << done.problem;
  EXPECT_EQ(done.files, 2u);
  EXPECT_EQ(done.target, "folder:files");
  EXPECT_EQ(read_file(folder + "/a"), "content of a");
  EXPECT_EQ(read_file(folder + "/deep/b"), "content of b");
  EXPECT_TRUE(leftovers().empty());
  EXPECT_TRUE(nothing_waits());
  EXPECT_TRUE(finish().value().empty()) << "a second run has nothing to do";
}

TEST_F(BootRestoreTest, MethodSixReplacesAtOnceWhenItCan) {
  writer.policy.method = RestoreMethod::restore_at_reboot_if_cannot_replace;
  const std::string set = full_backup();
  write_file(folder + "/a", "changed");
  EXPECT_FALSE(restored(set).waits_for_boot);
  EXPECT_EQ(read_file(folder + "/a"), "content of a");
  EXPECT_TRUE(nothing_waits());
}

TEST_F(BootRestoreTest, MethodSixWaitsWithAllFilesWhenOneIsHeld) {
  writer.policy.method = RestoreMethod::restore_at_reboot_if_cannot_replace;
  const std::string set = full_backup();
  write_file(folder + "/a", "changed");
  Descriptor held(open((folder + "/deep/b").c_str(), O_RDONLY | O_CLOEXEC));
  EXPECT_TRUE(restored(set).waits_for_boot);
  EXPECT_EQ(read_file(folder + "/a"), "changed") << "all files wait, also those that are free";
  held.reset();
  EXPECT_EQ(finish_one().state, StagedState::finished);
  EXPECT_EQ(read_file(folder + "/a"), "content of a");
}

TEST_F(BootRestoreTest, WhatChangedUntilTheBootIsReplacedToo) {
  const std::string set = backup_at_boot();
  std::filesystem::remove(folder + "/a");
  restored(set);
  write_file(folder + "/a", "made after the staging");
  EXPECT_EQ(finish_one().state, StagedState::finished);
  EXPECT_EQ(read_file(folder + "/a"), "content of a");
  EXPECT_TRUE(leftovers().empty());
}

TEST_F(BootRestoreTest, DatabasesLoseTheLogsTheyWroteUntilTheBoot) {
  Component database;
  database.type = ComponentType::database;
  database.name = {"", "files"};
  FileSet logs;
  logs.path = folder;
  logs.pattern = "*.log";
  logs.is_log = true;
  FileSet data = logs;
  data.pattern = "a";
  data.is_log = false;
  database.files = {data, logs};
  writer.components = {database};
  write_file(folder + "/1.log", "one");
  const std::string set = backup_at_boot();
  restored(set);
  write_file(folder + "/2.log", "two");
  EXPECT_EQ(finish_one().state, StagedState::finished);
  EXPECT_TRUE(std::filesystem::exists(folder + "/1.log"));
  EXPECT_FALSE(std::filesystem::exists(folder + "/2.log")) << "it would be replayed";
  EXPECT_TRUE(std::filesystem::exists(folder + "/deep/b")) << "it is none of the database's";
}

TEST_F(BootRestoreTest, AbandonTakesTheStagedFilesBack) {
  const std::string set = backup_at_boot();
  write_file(folder + "/a", "changed");
  restored(set);
  EXPECT_FALSE(leftovers().empty());
  const auto abandoned = abandon_staged(pending, folder);
  ASSERT_TRUE(abandoned.ok()) << abandoned.error().what();
  EXPECT_EQ(abandoned.value().size(), 1u);
  EXPECT_EQ(read_file(folder + "/a"), "changed");
  EXPECT_TRUE(leftovers().empty());
  EXPECT_TRUE(nothing_waits());
  EXPECT_EQ(abandon_staged(pending, folder).error().code(), Errc::not_found);
}

TEST_F(BootRestoreTest, NoOtherRestoreMayTouchWhatWaits) {
  const std::string set = backup_at_boot();
  restored(set);
  const Error again = refused(set);
  EXPECT_EQ(again.code(), Errc::in_progress);
  EXPECT_THAT(again.what(), HasSubstr("stillframe restore abandon"));
  writer.policy.method = RestoreMethod::restore_if_can_replace;
  std::filesystem::remove_all(store);
  EXPECT_EQ(refused(full_backup()).code(), Errc::in_progress);
  EXPECT_EQ(finish_one().state, StagedState::finished) << "the one that waits is unharmed";
}

TEST_F(BootRestoreTest, DamagedSetLeavesNothingStaged) {
  const std::string set = backup_at_boot();
  write_file(set + "/data" + folder + "/deep/b", "CONTENT of b");
  EXPECT_EQ(refused(set).code(), Errc::corrupt);
  EXPECT_TRUE(leftovers().empty());
  EXPECT_TRUE(nothing_waits());
}

TEST_F(BootRestoreTest, WriterThatStagesItselfIsRefused) {
  writer.stages = true;
  coordinator.reset();
  start_coordinator();
  ASSERT_TRUE(coordinator->add_writer(writer).ok());
  const std::string set = backup_at_boot();
  write_file(folder + "/a", "changed");
  EXPECT_EQ(refused(set).code(), Errc::not_supported);
  EXPECT_EQ(read_file(folder + "/a"), "changed");
}

TEST_F(BootRestoreTest, LinkPutInPlaceOfAFolderIsNotFollowedAtBoot) {
  const std::string set = backup_at_boot();
  restored(set);
  std::filesystem::rename(folder, base + "/moved");
  std::filesystem::create_directories(base + "/outside");
  write_file(base + "/outside/a", "somebody else's");
  std::filesystem::create_symlink(base + "/outside", folder);
  const StagedRestore done = finish_one();
  EXPECT_EQ(done.state, StagedState::failed);
  EXPECT_EQ(read_file(base + "/outside/a"), "somebody else's");
  EXPECT_FALSE(nothing_waits()) << "it can be tried again once the link is gone";
}

TEST_F(BootRestoreTest, FolderThatOthersCanWriteIsNotTrusted) {
  std::filesystem::create_directories(pending);
  ASSERT_EQ(chmod(pending.c_str(), 0777), 0);
  EXPECT_EQ(finish().error().code(), Errc::access_denied);
}

TEST_F(BootRestoreTest, UnreadableJournalIsToldAndDoesNotKeepTheOthers) {
  const std::string set = backup_at_boot();
  write_file(folder + "/a", "changed");
  restored(set);
  write_file(pending + "/0.json", "{\"format\": \"stillframe-restore-journal\"");
  const auto restores = finish();
  ASSERT_TRUE(restores.ok());
  ASSERT_EQ(restores.value().size(), 2u);
  EXPECT_EQ(restores.value()[0].state, StagedState::failed);
  EXPECT_EQ(restores.value()[1].state, StagedState::finished);
  EXPECT_EQ(read_file(folder + "/a"), "content of a");
}

// Killed before each step of the swap, the next run brings it to the same end.
TEST_F(BootRestoreTest, KilledAtAnyStepOfTheSwapTheNextRunFinishesIt) {
  const std::string set = backup_at_boot();
  int kills = 0;
  for (int step = 0;; ++step) {
    ASSERT_LT(step, 100);
    write_file(folder + "/a", "changed");
    std::filesystem::remove(folder + "/deep/b");
    restored(set);
    const bool killed = dies([&] {
      FinishRequest request;
      request.pending = pending;
      request.boot = kNextBoot;
      int left = step;
      request.observer = [&left](std::string_view) {
        if (left-- == 0) raise(SIGKILL);
      };
      (void)finish_staged(request);
    });
    if (!killed) break;
    ++kills;
    for (const char* name : {"/a", "/deep/b"}) {  // old, new or absent: never half
      if (!std::filesystem::exists(folder + name)) continue;
      const std::string now = read_file(folder + name);
      EXPECT_TRUE(now == "changed" || now == std::string("content of ") + name[strlen(name) - 1])
          << now;
    }
    const StagedRestore done = finish_one();
    EXPECT_EQ(done.state, StagedState::finished) << "after step " << step << ": " << done.problem;
    EXPECT_EQ(read_file(folder + "/a"), "content of a") << step;
    EXPECT_EQ(read_file(folder + "/deep/b"), "content of b") << step;
    EXPECT_TRUE(leftovers().empty()) << step;
    EXPECT_TRUE(nothing_waits()) << step;
  }
  EXPECT_GE(kills, 7) << "two journals, an old file, two new ones, the clean-up";
}

// And so does taking it back, as long as old files are still there.
TEST_F(BootRestoreTest, KilledInTheSwapItCanBeTakenBack) {
  const std::string set = backup_at_boot();
  for (int step = 1;; ++step) {
    ASSERT_LT(step, 100);
    write_file(folder + "/a", "changed");
    std::filesystem::remove(folder + "/deep/b");
    restored(set);
    bool through = false;
    const bool killed = dies([&] {
      FinishRequest request;
      request.pending = pending;
      request.boot = kNextBoot;
      int left = step;
      request.observer = [&left](std::string_view) {
        if (left-- == 0) raise(SIGKILL);
      };
      (void)finish_staged(request);
    });
    if (!killed) break;
    const auto back = abandon_staged(pending, folder);
    through = !back.ok();
    if (through) {
      EXPECT_EQ(back.error().code(), Errc::wrong_state) << back.error().what();
      EXPECT_EQ(finish_one().state, StagedState::finished);
      continue;
    }
    EXPECT_EQ(read_file(folder + "/a"), "changed") << step;
    EXPECT_FALSE(std::filesystem::exists(folder + "/deep/b")) << step;
    EXPECT_TRUE(leftovers().empty()) << step;
  }
}

TEST_F(BootRestoreTest, KilledWhileStagingItTouchesNothingAndIsNeverFinished) {
  const std::string set = backup_at_boot();
  write_file(folder + "/a", "changed");
  coordinator.reset();
  struct Killer : QuietObserver {
    void progress(const std::string& phase, const std::string&, std::uint64_t,
                  std::uint64_t) override {
      if (phase == "restore") raise(SIGKILL);
    }
  };
  const bool killed = dies([&] {
    start_coordinator();
    if (!coordinator->add_writer(writer).ok()) _exit(1);
    RestoreRequest request;
    request.set = set;
    request.pending = pending;
    Killer killer;
    Client requestor = client();
    (void)run_restore(requestor, request, killer);
  });
  ASSERT_TRUE(killed);
  EXPECT_FALSE(leftovers().empty());
  EXPECT_EQ(finish_one().state, StagedState::incomplete);
  EXPECT_EQ(read_file(folder + "/a"), "changed");
  ASSERT_TRUE(abandon_staged(pending, folder).ok());
  EXPECT_EQ(read_file(folder + "/a"), "changed");
  EXPECT_TRUE(leftovers().empty());
  EXPECT_TRUE(nothing_waits());
}

}  // namespace
}  // namespace stillframe::requestor
