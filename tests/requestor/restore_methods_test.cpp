// The eight restore methods, through a real coordinator: when files are replaced, where they go
// instead, who stops which service, and that a refused component is left as it was.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/requestor/folder_writer.hpp"

namespace stillframe::requestor {
namespace {

using stillframe::tests::read_file;
using stillframe::tests::write_file;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct RestoreMethodsTest : stillframe::tests::FolderWriterTest {
  std::string backup_with(RestoreMethod method) {
    writer.policy.method = method;
    return full_backup();
  }
  void map_elsewhere() { writer.mappings = {{folder, "*", true, base + "/mapped", {}}}; }
  // Services by the verbs they were given; `fails` names one that does not obey.
  std::vector<std::string> services;
  std::string fails;
  void take_notes(RestoreRequest& request) {
    request.services = [this](const std::string& service, bool start) -> Status {
      services.push_back((start ? "start " : "stop ") + service + " " +
                         (std::filesystem::exists(folder + "/a") ? read_file(folder + "/a") : "-"));
      if (services.back().starts_with(fails) && !fails.empty()) {
        return Error(Errc::io, fails + " failed");
      }
      return Ok{};
    };
  }
};

// ---- 1

TEST_F(RestoreMethodsTest, IfNotThereRestoresWhenNothingIs) {
  const std::string set = backup_with(RestoreMethod::restore_if_not_there);
  std::filesystem::remove_all(folder);
  restored(set);
  EXPECT_EQ(read_file(folder + "/a"), "content of a");
  EXPECT_EQ(read_file(folder + "/deep/b"), "content of b");
}

TEST_F(RestoreMethodsTest, IfNotThereRestoresNothingWhenOneFileIs) {
  const std::string set = backup_with(RestoreMethod::restore_if_not_there);
  std::filesystem::remove(folder + "/a");
  write_file(folder + "/deep/b", "in use");
  const Error error = refused(set);
  EXPECT_EQ(error.code(), Errc::already_exists);
  EXPECT_THAT(error.what(), HasSubstr("deep/b"));
  EXPECT_FALSE(std::filesystem::exists(folder + "/a"));
  EXPECT_EQ(read_file(folder + "/deep/b"), "in use");
}

TEST_F(RestoreMethodsTest, IfNotThereGoesToTheMappingAsAWhole) {
  map_elsewhere();
  const std::string set = backup_with(RestoreMethod::restore_if_not_there);
  std::filesystem::remove(folder + "/a");
  restored(set);
  EXPECT_FALSE(std::filesystem::exists(folder + "/a"));
  EXPECT_EQ(read_file(base + "/mapped/a"), "content of a");
  EXPECT_EQ(read_file(base + "/mapped/deep/b"), "content of b");
  ASSERT_EQ(writer.restored.size(), 1u);
  EXPECT_EQ(writer.restored[0].components[0].restore->mappings_used.size(), 1u);
}

TEST_F(RestoreMethodsTest, IfNotThereIsRefusedWhenTheMappingIsTakenToo) {
  map_elsewhere();
  const std::string set = backup_with(RestoreMethod::restore_if_not_there);
  write_file(base + "/mapped/deep/b", "in use");
  EXPECT_EQ(refused(set).code(), Errc::already_exists);
  EXPECT_FALSE(std::filesystem::exists(base + "/mapped/a"));
}

// ---- 2

TEST_F(RestoreMethodsTest, IfCanReplaceReplaces) {
  const std::string set = backup_with(RestoreMethod::restore_if_can_replace);
  write_file(folder + "/a", "changed");
  restored(set);
  EXPECT_EQ(read_file(folder + "/a"), "content of a");
}

TEST_F(RestoreMethodsTest, IfCanReplaceRefusesAFileThatSomebodyHasOpenAndSaysWho) {
  const std::string set = backup_with(RestoreMethod::restore_if_can_replace);
  write_file(folder + "/a", "changed");
  const Descriptor held(open((folder + "/deep/b").c_str(), O_RDONLY | O_CLOEXEC));
  ASSERT_TRUE(held.valid());
  const Error error = refused(set);
  EXPECT_EQ(error.code(), Errc::in_use);
  EXPECT_THAT(error.what(), HasSubstr("process " + std::to_string(getpid())));
  EXPECT_EQ(read_file(folder + "/a"), "changed");
}

TEST_F(RestoreMethodsTest, IfCanReplaceGoesToTheMappingWhenAFileIsHeld) {
  map_elsewhere();
  const std::string set = backup_with(RestoreMethod::restore_if_can_replace);
  write_file(folder + "/a", "changed");
  const Descriptor held(open((folder + "/deep/b").c_str(), O_RDONLY | O_CLOEXEC));
  restored(set);
  EXPECT_EQ(read_file(folder + "/a"), "changed");
  EXPECT_EQ(read_file(base + "/mapped/a"), "content of a");
}

TEST_F(RestoreMethodsTest, WriterThatLetsGoInPreRestoreIsLookedAtAfterwards) {
  const std::string set = backup_with(RestoreMethod::restore_if_can_replace);
  Descriptor held(open((folder + "/a").c_str(), O_RDONLY | O_CLOEXEC));
  writer.before_restore = [&](RestoreView&) { held.reset(); };
  restored(set);
}

// ---- 3 and 8

TEST_F(RestoreMethodsTest, StopRestoreStartCopiesWhileTheServiceIsStopped) {
  writer.policy.service = "folderd";
  const std::string set = backup_with(RestoreMethod::stop_restore_start);
  write_file(folder + "/a", "changed");
  restored(set, [this](RestoreRequest& request) { take_notes(request); });
  EXPECT_THAT(services, ElementsAre("stop folderd changed", "start folderd content of a"));
}

TEST_F(RestoreMethodsTest, ServiceThatDoesNotStopKeepsTheFilesAndIsStartedAgain) {
  writer.policy.service = "folderd";
  const std::string set = backup_with(RestoreMethod::stop_restore_start);
  write_file(folder + "/a", "changed");
  fails = "stop folderd";
  const auto outcome = restore(set, [this](RestoreRequest& request) { take_notes(request); });
  ASSERT_FALSE(outcome.ok());
  EXPECT_EQ(outcome.error().code(), Errc::io);
  EXPECT_EQ(read_file(folder + "/a"), "changed");
  EXPECT_THAT(services, ElementsAre("stop folderd changed", "start folderd changed"));
}

TEST_F(RestoreMethodsTest, ServiceIsStartedAgainWhenTheCopyFails) {
  writer.policy.service = "folderd";
  const std::string set = backup_with(RestoreMethod::stop_restore_start);
  write_file(set + "/data" + folder + "/deep/b", "CONTENT of b");
  write_file(folder + "/a", "changed");
  const Error error = refused(set, [this](RestoreRequest& request) { take_notes(request); });
  EXPECT_EQ(error.code(), Errc::corrupt);
  EXPECT_THAT(services, ElementsAre("stop folderd changed", "start folderd changed"));
}

TEST_F(RestoreMethodsTest, ServiceThatDoesNotStartIsTold) {
  writer.policy.service = "folderd";
  const std::string set = backup_with(RestoreMethod::stop_restore_start);
  fails = "start folderd";
  const Error error = refused(set, [this](RestoreRequest& request) { take_notes(request); });
  EXPECT_THAT(error.what(), HasSubstr("start folderd failed"));
}

TEST_F(RestoreMethodsTest, RestoreStopStartRestartsOnlyAfterPostRestore) {
  writer.policy.service = "folderd";
  const std::string set = backup_with(RestoreMethod::restore_stop_start);
  write_file(folder + "/a", "changed");
  std::size_t told = 99;
  restored(set, [&](RestoreRequest& request) {
    take_notes(request);
    request.services = [this, &told, note = request.services](const std::string& name, bool start) {
      if (!start) told = writer.restored.size();
      return note(name, start);
    };
  });
  EXPECT_EQ(told, 1u);
  EXPECT_THAT(services, ElementsAre("stop folderd content of a", "start folderd content of a"));
}

// A program in systemctl's place, as the configuration file names one.
struct ServiceCommandTest : ::testing::Test {
  stillframe::tests::TemporaryDirectory temporary{"stillframe-service"};
  const std::string log = temporary.path() + "/log";
  std::string script(const std::string& body) {
    const std::string path = temporary.path() + "/control";
    write_file(path, "#!/bin/sh\n" + body + "\n");
    EXPECT_EQ(chmod(path.c_str(), 0755), 0);
    return path;
  }
};

TEST_F(ServiceCommandTest, IsGivenTheVerbAndTheName) {
  ServiceCommand command{{script("echo \"$@\" >> " + log), "--now"}, std::chrono::seconds(10)};
  const auto run = service_control(command);
  EXPECT_TRUE(run("db", false).ok());
  EXPECT_TRUE(run("db", true).ok());
  EXPECT_EQ(read_file(log), "--now stop db\n--now start db\n");
}

TEST_F(ServiceCommandTest, WhatItSaysIsInTheError) {
  ServiceCommand command{{script("echo no such unit >&2; exit 5")}, std::chrono::seconds(10)};
  const Status done = service_control(command)("db", false);
  ASSERT_FALSE(done.ok());
  EXPECT_THAT(done.error().what(), HasSubstr("no such unit"));
  EXPECT_THAT(done.error().what(), HasSubstr("exit code 5"));
}

TEST_F(ServiceCommandTest, IsNotWaitedForLongerThanItsLimit) {
  ServiceCommand command{{script("exec sleep 60")}, std::chrono::milliseconds(50)};
  EXPECT_EQ(service_control(command)("db", false).error().code(), Errc::timed_out);
}

TEST_F(ServiceCommandTest, NameThatLooksLikeAnOptionIsRefused) {
  ServiceCommand command{{script("echo ran >> " + log)}, std::chrono::seconds(10)};
  EXPECT_EQ(service_control(command)("--root=/x", false).error().code(), Errc::invalid_argument);
  EXPECT_EQ(service_control(command)("", true).error().code(), Errc::invalid_argument);
  EXPECT_FALSE(std::filesystem::exists(log));
}

// ---- 4

TEST_F(RestoreMethodsTest, AlternateLocationNeverTouchesTheOriginal) {
  map_elsewhere();
  const std::string set = backup_with(RestoreMethod::restore_to_alternate_location);
  std::filesystem::remove_all(folder);
  restored(set);
  EXPECT_FALSE(std::filesystem::exists(folder));
  EXPECT_EQ(read_file(base + "/mapped/deep/b"), "content of b");
}

// ---- 7

TEST_F(RestoreMethodsTest, CustomSaysWhatTheWriterWantsAndRestoresNothing) {
  writer.policy.user_procedure = "run folder-import on a spare machine";
  const std::string set = backup_with(RestoreMethod::custom);
  std::filesystem::remove(folder + "/a");
  write_file(folder + "/deep/b", "as it is");
  const Error error = refused(set);
  EXPECT_EQ(error.code(), Errc::not_supported);
  EXPECT_THAT(error.what(), HasSubstr("run folder-import on a spare machine"));
  EXPECT_FALSE(std::filesystem::exists(folder + "/a"));
  EXPECT_EQ(read_file(folder + "/deep/b"), "as it is");
  ASSERT_EQ(writer.restored.size(), 1u);
  EXPECT_EQ(writer.restored[0].components[0].restore->status, FileRestoreStatus::none);
}

TEST_F(RestoreMethodsTest, CustomGoesWhereARequestorSendsIt) {
  writer.policy.user_procedure = "ask the people who know";
  const std::string set = backup_with(RestoreMethod::custom);
  restored(set, [this](RestoreRequest& request) {
    request.moves = {{folder, base + "/elsewhere"}};
  });
  EXPECT_EQ(read_file(base + "/elsewhere/deep/b"), "content of b");
}

// ---- what a refused or simulated restore says

TEST_F(RestoreMethodsTest, SimulationTellsWhatAMethodWouldForbid) {
  const std::string set = backup_with(RestoreMethod::restore_if_not_there);
  const auto outcome = restore(set, [](RestoreRequest& request) { request.simulate = true; });
  ASSERT_TRUE(outcome.ok()) << outcome.error().what();
  ASSERT_EQ(outcome.value().plan.size(), 1u);
  EXPECT_THAT(outcome.value().plan[0].problem, HasSubstr("is there already"));
}

}  // namespace
}  // namespace stillframe::requestor
