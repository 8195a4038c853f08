#include <csignal>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "requestor/cli/parse.hpp"
#include "requestor/cli/run_cli.hpp"
#include "requestor/cli/run_command.hpp"
#include "tests/requestor/cli_runner.hpp"
#include "tests/requestor/fake_channel.hpp"
#include "tests/support/loop_fs.hpp"

namespace stillframe::cli {
namespace {

using stillframe::tests::FakeChannel;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

using tests::Words;

Invocation parsed(const Words& words) {
  auto result = parse_command_line(words);
  EXPECT_TRUE(std::holds_alternative<Invocation>(result))
      << (std::holds_alternative<Answer>(result) ? std::get<Answer>(result).text : "");
  return std::holds_alternative<Invocation>(result) ? std::get<Invocation>(result) : Invocation();
}

// The program against a scripted coordinator.
struct CliTest : ::testing::Test {
  std::shared_ptr<FakeChannel> channel = std::make_shared<FakeChannel>();
  Status connects = Ok{};

  tests::Ran run(const Words& words) {
    return tests::run(words, [this](const GlobalOptions&) -> Result<Connection> {
      if (!connects.ok()) return connects.error();
      return Connection{nullptr, channel};
    });
  }
};

TEST(CommandLine, GlobalOptionsStandBeforeAndAfterTheVerb) {
  for (const Words& words : {Words{"--json", "writers"}, Words{"writers", "--json"},
                             Words{"snapshot", "list", "--json"}}) {
    EXPECT_TRUE(parsed(words).global.json);
  }
  const auto invocation = parsed({"backup", "/b", "--socket", "/s", "--expect", "x", "--expect",
                                  "y", "--wait-writers", "0.5"});
  EXPECT_EQ(invocation.verb, "backup");
  EXPECT_EQ(invocation.backup.store, "/b");
  EXPECT_EQ(invocation.global.socket_dir, "/s");
  EXPECT_THAT(invocation.global.expect, ElementsAre("x", "y"));
  EXPECT_EQ(invocation.global.wait_writers, std::chrono::milliseconds(500));
}

TEST(CommandLine, EveryVerbIsReached) {
  const std::vector<std::pair<std::string, Words>> verbs = {
      {"snapshot create", {"snapshot", "create"}},
      {"snapshot revert", {"snapshot", "revert", "ID"}},
      {"session end", {"session", "end", "ID"}},
      {"plugins", {"plugins"}},
      {"plugins release", {"plugins", "release", "shop"}},
      {"restore", {"restore", "/set"}},
      {"restore resume", {"restore", "resume", "/t"}},
      {"restore abandon", {"restore", "abandon", "/t", "--allow-start"}},
      {"restore finish-staged", {"restore", "finish-staged", "--list"}},
      {"verify", {"verify", "/set"}},
      {"show", {"show", "/set", "--timeline"}},
      {"doctor", {"doctor", "--daemon-config", "/etc/own.toml"}},
  };
  for (const auto& [verb, words] : verbs) EXPECT_EQ(parsed(words).verb, verb);
}

TEST(CommandLine, CommandAfterTheDashesIsNotLookedAt) {
  const auto invocation = parsed({"exec", "-c", "orders:", "--", "tar", "--json", "-c", "backup"});
  EXPECT_EQ(invocation.verb, "exec");
  EXPECT_FALSE(invocation.global.json);
  EXPECT_THAT(invocation.command, ElementsAre("tar", "--json", "-c", "backup"));
  EXPECT_THAT(invocation.selection.components, ElementsAre("orders:"));
}

TEST(CommandLine, MistakesAreUsageErrors) {
  for (const Words& words :
       {Words{}, Words{"no-such-verb"}, Words{"backup"}, Words{"backup", "/b", "--type", "huge"},
        Words{"--no-such"}, Words{"completion", "tcsh"}}) {
    const auto result = parse_command_line(words);
    ASSERT_TRUE(std::holds_alternative<Answer>(result));
    EXPECT_EQ(std::get<Answer>(result).exit_code, 2);
    EXPECT_TRUE(std::get<Answer>(result).to_stderr);
  }
}

TEST(CommandLine, EveryVerbHasHelpWithAnExample) {
  int verbs = 0;
  for (const VerbHelp& help : describe_verbs()) {
    EXPECT_FALSE(help.summary.empty()) << help.name;
    const bool group = help.name.empty() || help.name == "snapshot" || help.name == "session";
    EXPECT_EQ(help.examples.empty(), group) << help.name;
    EXPECT_THAT(manual_page(help.name), HasSubstr(".SH SYNOPSIS"));
    verbs += group ? 0 : 1;
  }
  EXPECT_EQ(verbs, 30);
}

TEST(ExitCode, ClassesAreToldApart) {
  EXPECT_EQ(exit_for(Errc::disconnected), Exit::retry_later);
  EXPECT_EQ(exit_for(Errc::in_progress), Exit::retry_when_free);
  EXPECT_EQ(exit_for(Errc::chain_broken), Exit::change_then_retry);
  EXPECT_EQ(exit_for(Errc::writer_fatal), Exit::writer_failed);
  EXPECT_EQ(exit_for(Errc::invalid_argument), Exit::usage);
  EXPECT_EQ(exit_for(Errc::corrupt), Exit::damaged);
  EXPECT_EQ(exit_for(Errc::internal), Exit::internal);
}

TEST_F(CliTest, SilentDaemonIsAnErrorAndNothingElseIsTried) {
  connects = Error(Errc::disconnected, "nobody listens on '/run/x'; start stillframed");
  const tests::Ran ran = run({"writers"});
  EXPECT_EQ(ran.code, 10);
  EXPECT_THAT(ran.err, HasSubstr("/run/x"));
  EXPECT_TRUE(ran.out.empty());
  EXPECT_TRUE(channel->methods().empty());
}

TEST_F(CliTest, JsonErrorsAreJsonOnStandardOutput) {
  channel->fail("volumes", Error(Errc::access_denied, "not you"));
  const tests::Ran ran = run({"volumes", "--json"});
  EXPECT_EQ(ran.code, 4);
  const auto answer = nlohmann::json::parse(ran.out);
  EXPECT_EQ(answer["error"]["code"], "access_denied");
  EXPECT_EQ(answer["error"]["message"], "not you");
}

TEST_F(CliTest, WhatTheDoctorFindsHasAnExitCodeOfItsOwn) {
  connects = Error(Errc::in_progress, "process 7 holds it");
  const tests::Ran ran = run({"doctor", "--embedded", "--json"});
  EXPECT_EQ(ran.code, 17);
  const auto worst = nlohmann::json::parse(ran.out)["findings"][0];
  EXPECT_EQ(worst["severity"], "problem");
  EXPECT_THAT(run({"doctor", "--embedded"}).out,
              HasSubstr("problem  embedded coordinator process 7 holds it\n         remedy: "));
}

TEST_F(CliTest, PluginsAreListedAndReleased) {
  channel->answer("plugins", R"({"plugins":[{"name":"shop","kind":"writer","state":"quarantined",
      "crashes":5,"reason":"signal 11 (Segmentation fault): no such table","since":0}]})");
  const tests::Ran plugins = run({"plugins"});
  EXPECT_EQ(plugins.code, 0) << plugins.err;
  EXPECT_THAT(plugins.out, HasSubstr("quarantined"));
  EXPECT_THAT(plugins.out, HasSubstr("no such table"));
  EXPECT_EQ(nlohmann::json::parse(run({"plugins", "--json"}).out)["plugins"][0]["crashes"], 5);
  EXPECT_EQ(run({"plugins", "release", "shop"}).code, 0);
  EXPECT_EQ(channel->params_of("plugin.release"), R"({"name":"shop"})");
  channel->fail("plugin.release", Error(Errc::not_found, "no plug-in is called 'shop'"));
  EXPECT_EQ(run({"plugins", "release", "shop"}).code, 3);
  channel->fail("plugins", Error(Errc::not_supported, "there is no method 'plugins'"));
  EXPECT_EQ(run({"plugins"}).code, 2);
}

TEST_F(CliTest, ListsAreTablesOrJson) {
  channel->answer("sessions", R"({"sessions":[]})");
  EXPECT_THAT(run({"sessions"}).out, HasSubstr("REQUESTOR"));
  const auto list = nlohmann::json::parse(run({"sessions", "--json"}).out);
  EXPECT_TRUE(list["sessions"].empty());
}

TEST_F(CliTest, ExecRefusesATypeThatTruncatesWithoutAManifest) {
  const tests::Ran ran = run({"exec", "--type", "full", "--", "true"});
  EXPECT_EQ(ran.code, 2);
  EXPECT_THAT(ran.err, HasSubstr("--manifest"));
  EXPECT_TRUE(channel->methods().empty());
}

TEST_F(CliTest, RestoreWithoutASetIsUsage) {
  EXPECT_EQ(run({"restore"}).code, 2);
}

TEST_F(CliTest, ConfigurationWithAnUnknownKeyIsRefused) {
  stillframe::tests::TemporaryDirectory folder("stillframe-cli");
  const std::string file = folder.path() + "/c.toml";
  ASSERT_EQ(stillframe::tests::run_program({"sh", "-c", "echo 'sockett = \"/x\"' > " + file}), 0);
  EXPECT_NE(run({"--config", file, "writers"}).code, 0);
  EXPECT_TRUE(channel->methods().empty());
}

TEST(RunCommand, GivesTheCommandsOwnExitCode) {
  EXPECT_EQ(run_command({{"sh", "-c", "exit 7"}, {}, {}, {}}).value(), 7);
  EXPECT_EQ(run_command({{"sh", "-c", "kill -9 $$"}, {}, {}, {}}).value(), 128 + SIGKILL);
}

TEST(RunCommand, EnvironmentReachesTheCommand) {
  EXPECT_EQ(
      run_command(
          {{"sh", "-c", "test \"$STILLFRAME_SET\" = abc"}, {{"STILLFRAME_SET", "abc"}}, {}, {}})
          .value(),
      0);
}

TEST(RunCommand, MissingProgramIsSaid) {
  const auto ran = run_command({{"/no/such/program"}, {}, {}, {}});
  ASSERT_FALSE(ran.ok());
  EXPECT_THAT(ran.error().what(), HasSubstr("/no/such/program"));
}

TEST(RunCommand, IsKilledAtItsDeadline) {
  CommandOptions options;
  options.command = {"sleep", "60"};
  options.kill_at = Deadline(system_clock().now());
  const auto ran = run_command(options);
  ASSERT_FALSE(ran.ok());
  EXPECT_EQ(ran.error().code(), Errc::timed_out);
}

TEST(RunCommand, SeesTheSnapshotInPlaceOfTheVolume) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root for a mount namespace";
  stillframe::tests::TemporaryDirectory folder("stillframe-cli");
  const std::string volume = folder.path() + "/volume", snapshot = folder.path() + "/snapshot";
  ASSERT_EQ(stillframe::tests::run_program({"sh", "-c",
                                            "mkdir " + volume + " " + snapshot + " && echo now > " +
                                                volume + "/f && echo then > " + snapshot + "/f"}),
            0);
  CommandOptions options;
  options.command = {"sh", "-c", "test $(cat " + volume + "/f) = then && ! touch " + volume + "/g"};
  options.in_place = {{snapshot, volume}};
  const auto ran = run_command(options);
  ASSERT_TRUE(ran.ok()) << ran.error().what();
  EXPECT_EQ(ran.value(), 0);
  EXPECT_EQ(stillframe::tests::run_program({"sh", "-c", "test $(cat " + volume + "/f) = now"}), 0)
      << "the mount leaked";
}

}  // namespace
}  // namespace stillframe::cli
