// The command line against a real coordinator: every verb that makes, shows or removes something,
// and commands run under a set or inside a hold.
#include <gmock/gmock.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/requestor/cli_runner.hpp"
#include "tests/requestor/folder_writer.hpp"

namespace stillframe::cli {
namespace {

using nlohmann::json;
using stillframe::tests::read_file;
using stillframe::tests::write_file;
using ::testing::HasSubstr;
using tests::Ran;
using tests::Words;

struct CliEmbeddedTest : stillframe::tests::FolderWriterTest {
  const std::string config = base + "/c.toml";

  Ran run(Words words) {
    if (!std::filesystem::exists(config)) {
      write_file(config, "state_dir = \"" + base + "/cli-state\"\n");
    }
    words.insert(words.begin(), {"--config", config});
    return tests::run(words, [this](const GlobalOptions&) -> Result<Connection> {
      return Connection{nullptr, coordinator->connect("cli-test")};
    });
  }
  // What a verb that must succeed prints with --json.
  json run_json(Words words, int code = 0) {
    words.insert(words.begin(), "--json");
    const Ran ran = run(words);
    EXPECT_EQ(ran.code, code) << ran.err;
    const json value = json::parse(ran.out, nullptr, false);
    EXPECT_FALSE(value.is_discarded()) << ran.out;
    return value;
  }
  std::string create_snapshot() {
    const json made = run_json({"snapshot", "create", "--provider", "copy"});
    EXPECT_EQ(made.value("consistency", ""), "application-consistent") << made;
    if (!made.contains("snapshots") || made["snapshots"].size() != 1) return "";
    return made["snapshots"][0].value("snapshot", "");
  }
  std::size_t snapshots() { return run_json({"snapshot", "list"})["snapshots"].size(); }
};

TEST_F(CliEmbeddedTest, SnapshotIsMadeListedShownAndDeleted) {
  const std::string ids = base + "/ids.sh";
  const json made = run_json({"snapshot", "create", "--provider", "copy", "--env-file", ids});
  const std::string set = made.value("set", "");
  EXPECT_THAT(read_file(ids), HasSubstr("export STILLFRAME_SET='" + set + "'"));
  EXPECT_EQ(snapshots(), 1u);
  EXPECT_THAT(run({"snapshot", "list"}).out, HasSubstr(set));

  const Ran shown = run({"snapshot", "show", set, "--timeline"});
  EXPECT_EQ(shown.code, 0) << shown.err;
  EXPECT_THAT(shown.out, HasSubstr("hold folder:files"));
  EXPECT_THAT(shown.out, HasSubstr("cut "));
  EXPECT_THAT(shown.out, HasSubstr("freeze Folder"));
  EXPECT_TRUE(run_json({"snapshot", "show", set}).contains("evidence"));

  const json gone = run_json({"snapshot", "delete", set});
  EXPECT_EQ(gone["deleted"].size(), 1u);
  EXPECT_EQ(snapshots(), 0u);
  EXPECT_EQ(run({"snapshot", "show", set}).code, 3);
}

TEST_F(CliEmbeddedTest, SnapshotIsSeenWhereItIsExposed) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root to mount";
  const std::string snapshot = create_snapshot();
  write_file(folder + "/a", "written since");
  const std::string place = base + "/seen";
  std::filesystem::create_directories(place);
  const Ran exposed = run({"snapshot", "expose", snapshot, place});
  ASSERT_EQ(exposed.code, 0) << exposed.err;
  std::string found;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(place)) {
    if (entry.path().filename() == "a") found = read_file(entry.path());
  }
  EXPECT_EQ(found, "content of a");
  EXPECT_THAT(run({"snapshot", "list"}).out, HasSubstr(place));
  EXPECT_EQ(run_json({"snapshot", "unexpose", place})["unexposed"], snapshot);
  EXPECT_TRUE(std::filesystem::is_empty(place));
  EXPECT_EQ(run({"snapshot", "delete", "--all", "--yes"}).code, 0);
  EXPECT_EQ(snapshots(), 0u);
}

TEST_F(CliEmbeddedTest, OldestOfSeveralIsDeleted) {
  const std::string first = create_snapshot();
  const std::string second = create_snapshot();
  const json listed = run_json({"snapshot", "list"});
  ASSERT_EQ(listed["snapshots"].size(), 2u);
  const json gone = run_json({"snapshot", "delete", "--all", "--oldest", "--yes"});
  ASSERT_EQ(gone["deleted"].size(), 1u);
  EXPECT_EQ(gone["deleted"][0], first);
  EXPECT_EQ(run({"snapshot", "delete", second}).code, 0);
}

TEST_F(CliEmbeddedTest, RevertPutsTheFilesBack) {
  const std::string snapshot = create_snapshot();
  write_file(folder + "/a", "written since");
  const json reverted = run_json({"snapshot", "revert", snapshot, "--yes"});
  EXPECT_EQ(reverted.value("snapshot", ""), snapshot);
  EXPECT_EQ(read_file(folder + "/a"), "content of a");
}

TEST_F(CliEmbeddedTest, WhatDestroysAsksFirst) {
  const std::string snapshot = create_snapshot();
  write_file(folder + "/a", "written since");
  std::FILE* const nobody = std::freopen("/dev/null", "r", stdin);
  ASSERT_NE(nobody, nullptr);
  const Ran refused = run({"snapshot", "revert", snapshot});
  EXPECT_EQ(refused.code, 16);
  EXPECT_THAT(refused.err, HasSubstr("--yes"));
  EXPECT_EQ(read_file(folder + "/a"), "written since");
  EXPECT_EQ(run({"snapshot", "delete", "--all"}).code, 16);
  EXPECT_EQ(snapshots(), 1u);
}

TEST_F(CliEmbeddedTest, BackupIsShownVerifiedAndRestored) {
  const json made = run_json({"backup", store});
  EXPECT_EQ(made["special_files"].size(), 0u);
  const std::string set = made.value("set", "");
  EXPECT_EQ(run_json({"show", store})["sets"].size(), 1u);
  const Ran shown = run({"show", set, "--timeline"});
  EXPECT_EQ(shown.code, 0);
  EXPECT_THAT(shown.out, HasSubstr("outcome: completed"));
  EXPECT_THAT(shown.out, HasSubstr("hold folder:files"));
  EXPECT_EQ(run_json({"show", set})["outcome"], "completed");
  EXPECT_TRUE(run_json({"verify", set})["problems"].empty());

  write_file(folder + "/a", "changed");
  const json plan = run_json({"restore", set, "--simulate"});
  EXPECT_EQ(plan["plan"].size(), 1u);
  EXPECT_EQ(read_file(folder + "/a"), "changed");
  const json done = run_json({"restore", set});
  EXPECT_EQ(done["report"]["outcome"], "restored");
  EXPECT_EQ(done["waits_for_boot"], false);
  EXPECT_EQ(read_file(folder + "/a"), "content of a");

  write_file(set + "/data" + folder + "/a", "CONTENT of a");
  EXPECT_EQ(run_json({"verify", set}, 5)["problems"].size(), 1u);
}

TEST_F(CliEmbeddedTest, RestoreThatWaitsForABootIsListedFinishedAndTakenBack) {
  writer.policy.method = RestoreMethod::restore_at_reboot;
  const std::string set = run_json({"backup", store}).value("set", "");
  write_file(folder + "/a", "changed");
  EXPECT_EQ(run_json({"restore", "finish-staged"})["restores"].size(), 0u);
  EXPECT_EQ(run_json({"restore", set}, 15)["waits_for_boot"], true);
  const json listed = run_json({"restore", "finish-staged", "--list"}, 15);
  ASSERT_EQ(listed["restores"].size(), 1u);
  EXPECT_EQ(listed["restores"][0]["state"], "waiting");
  EXPECT_EQ(run({"restore", "finish-staged"}).code, 15) << "this is still the same boot";
  EXPECT_EQ(read_file(folder + "/a"), "changed");

  EXPECT_EQ(run_json({"restore", "abandon", folder})["restores"][0]["state"], "taken back");
  EXPECT_EQ(run_json({"restore", set}, 15)["waits_for_boot"], true);
  EXPECT_EQ(run_json({"restore", "finish-staged", "--now"})["restores"][0]["state"], "finished");
  EXPECT_EQ(read_file(folder + "/a"), "content of a");
  EXPECT_EQ(run({"restore", "abandon", folder}).code, 3) << "nothing is left to take back";
}

TEST_F(CliEmbeddedTest, ServiceCommandOfTheConfigurationIsRun) {
  write_file(base + "/control", "#!/bin/sh\necho \"$@\" >> " + base + "/log\n");
  ASSERT_EQ(chmod((base + "/control").c_str(), 0755), 0);
  write_file(config, "service_command = [\"" + base + "/control\", \"--now\"]\n");
  writer.policy.method = RestoreMethod::stop_restore_start;
  writer.policy.service = "folderd";
  const std::string set = run_json({"backup", store}).value("set", "");
  run_json({"restore", set});
  EXPECT_EQ(read_file(base + "/log"), "--now stop folderd\n--now start folderd\n");
  run_json({"restore", set, "--no-services"});
  EXPECT_EQ(read_file(base + "/log"), "--now stop folderd\n--now start folderd\n");
}

TEST_F(CliEmbeddedTest, CommandUnderASetSeesTheSnapshotAndItsEndIsNoAbort) {
  const std::string evidence = base + "/evidence.json";
  const std::string script =
      "cat \"$STILLFRAME_SNAPSHOT_1_ROOT\"" + std::string("/*/a > ") + base +
      "/copied || find \"$STILLFRAME_SNAPSHOT_1_ROOT\" -name a -exec cat {} + > " + base +
      "/copied";
  const Ran ran = run({"exec", "--evidence", evidence, "--", "sh", "-c", script});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(read_file(base + "/copied"), "content of a");
  const json report = json::parse(read_file(evidence), nullptr, false);
  EXPECT_EQ(report["command_status"], 0);
  EXPECT_EQ(report["evidence"]["outcome"], "not completed") << "no receipt, and no abort either";
  EXPECT_EQ(report["consistency"], "application-consistent");
  EXPECT_EQ(snapshots(), 0u);
}

TEST_F(CliEmbeddedTest, CommandThatFailsAbortsTheBackupAndItsCodeIsOurs) {
  const std::string evidence = base + "/evidence.json";
  EXPECT_EQ(run({"exec", "--evidence", evidence, "--", "sh", "-c", "exit 7"}).code, 7);
  EXPECT_EQ(json::parse(read_file(evidence))["evidence"]["outcome"], "aborted");
}

TEST_F(CliEmbeddedTest, ManifestOfACommandCompletesTheBackup) {
  const std::string manifest = base + "/m", evidence = base + "/evidence.json";
  const Ran ran = run({"exec", "--type", "full", "--manifest", manifest, "--evidence", evidence,
                       "--", "sh", "-c", "echo stored > \"$STILLFRAME_MANIFEST\""});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(json::parse(read_file(evidence))["evidence"]["outcome"], "completed");
  EXPECT_NE(run({"exec", "--type", "full", "--manifest", manifest, "--", "true"}).code, 0);
}

TEST_F(CliEmbeddedTest, HoldLastsAsLongAsTheCommandAndPassesItsCodeOn) {
  const json held = run_json({"hold", "--", "sleep", "0.2"});
  EXPECT_EQ(held["command_status"], 0);
  EXPECT_GE(held["hold_ns"].get<std::int64_t>(), 200'000'000);
  EXPECT_EQ(run({"hold", "--", "sh", "-c", "exit 9"}).code, 9);
  EXPECT_EQ(run({"hold", "--", "/no/such/program"}).code, 3);
}

TEST_F(CliEmbeddedTest, CommandThatOutstaysTheHoldIsKilledAndToldSo) {
  const Ran ran = run({"hold", "--hold-limit", "1", "--", "sleep", "60"});
  EXPECT_EQ(ran.code, 10);
  EXPECT_THAT(ran.err, HasSubstr("longer than the writers can hold"));
}

TEST_F(CliEmbeddedTest, ListsKnowTheWriter) {
  EXPECT_THAT(run({"writers"}).out, HasSubstr("folder"));
  EXPECT_EQ(run_json({"writers"})["writers"].size(), 1u);
  EXPECT_EQ(run_json({"components"})["components"].size(), 1u);
  EXPECT_EQ(run_json({"components", "-c", "nobody:"})["components"].size(), 0u);
  EXPECT_FALSE(run_json({"providers"})["providers"].empty());
  EXPECT_FALSE(run_json({"volumes"})["volumes"].empty());
  EXPECT_TRUE(run_json({"sessions"})["sessions"].empty());
  // What else it finds is the machine's.
  EXPECT_THAT(run({"doctor"}).out, HasSubstr("writer folder answers"));
}

}  // namespace
}  // namespace stillframe::cli
