// What the engine keeps as text, and says on its socket.
#include <gtest/gtest.h>

#include "writers/dedup/engine/control_socket.hpp"
#include "writers/dedup/engine/job_history.hpp"
#include "writers/dedup/engine/volume_settings.hpp"

namespace stillframe::dedup {
namespace {

TEST(VolumeSettings, ComeBackAsTheyWereWritten) {
  VolumeSettings settings;
  settings.usage = "backup";
  settings.policy.age_min = std::chrono::seconds(7);
  settings.policy.bytes_min = 1;
  settings.policy.excluded_folders = {"a b/\"c\"", "\xff\n\\"};
  settings.policy.excluded_files = {"*.tmp", "line\nfeed"};
  settings.limits = {20'000'000, 25, std::uint64_t{1} << 31};
  settings.policy.references_min = 20;
  settings.key_file = "/etc/key \xff\"s";
  const auto again = parse_settings(format_settings(settings));
  ASSERT_TRUE(again.ok()) << again.error().what();
  EXPECT_EQ(again.value().store, settings.store);
  EXPECT_EQ(again.value().usage, settings.usage);
  EXPECT_EQ(again.value().policy.age_min, settings.policy.age_min);
  EXPECT_EQ(again.value().policy.bytes_min, settings.policy.bytes_min);
  EXPECT_EQ(again.value().policy.excluded_folders, settings.policy.excluded_folders);
  EXPECT_EQ(again.value().policy.excluded_files, settings.policy.excluded_files);
  EXPECT_EQ(again.value().limits, settings.limits);
  EXPECT_EQ(again.value().policy.references_min, 20u);
  EXPECT_EQ(again.value().key_file, settings.key_file);
}

TEST(VolumeSettings, OfBeforeThereWereLimitsHaveNone) {
  const std::string text = format_settings({});
  const auto old = parse_settings(text.substr(0, text.find("[jobs]")));
  ASSERT_TRUE(old.ok()) << old.error().what();
  EXPECT_EQ(old.value().limits, JobLimits{});
  EXPECT_FALSE(parse_settings(text + "surprise = 1\n").ok());
}

TEST(VolumeSettings, NameAKeyFileByItsWholePathOrNone) {
  EXPECT_TRUE(parse_settings(format_settings({})).value().key_file.empty());
  VolumeSettings settings;
  settings.key_file = "keys/of/whom";
  EXPECT_EQ(parse_settings(format_settings(settings)).error().code(), Errc::invalid_argument);
}

TEST(VolumeSettings, AreRefusedWithoutAnIdAndWithAKeyThatNobodyKnows) {
  EXPECT_FALSE(parse_settings("usage = \"default\"").ok());
  const std::string good = format_settings({});
  EXPECT_FALSE(parse_settings(good + "surprise = 1\n").ok());
  EXPECT_FALSE(parse_settings(good.substr(0, good.find("bytes_min") + 5)).ok());
}

TEST(JobHistory, ComesBackAsItWasWritten) {
  JobHistory history;
  history[JobKind::optimization] = {1, 2, 0, "", {{"files", 3}, {"bytes", ~std::uint64_t{0}}}};
  history[JobKind::scrubbing] = {5, 6, 60, "\"no\"\n\xff\\", {}};
  const auto again = parse_history(format_history(history));
  ASSERT_TRUE(again.ok()) << again.error().what();
  EXPECT_EQ(again.value(), history);
  EXPECT_EQ(again.value().at(JobKind::optimization).count("files"), 3u);
  EXPECT_EQ(again.value().at(JobKind::optimization).count("absent"), 0u);
}

TEST(JobHistory, IsRefusedWhenACountIsNone) {
  for (const char* count : {"files", "files x", "files -1", "files 99999999999999999999", ""}) {
    const std::string text = "[scrubbing]\ncounts = [\"" + std::string(count) + "\"]\n";
    EXPECT_FALSE(parse_history(text).ok()) << count;
  }
}

TEST(ControlLine, IsAnAnswerAnErrorOrTellsHowFarItIs) {
  int told = 0;
  const auto count = [&](const Json&) { ++told; };
  const auto progress = parse_control_line(R"({"progress":{}})", count);
  EXPECT_TRUE(progress.ok() && !progress.value());
  EXPECT_EQ(told, 1);
  const auto answer = parse_control_line(R"({"answer":{"a":1}})", count);
  ASSERT_TRUE(answer.ok() && answer.value());
  EXPECT_EQ((*answer.value())["a"], 1);
  const auto error = parse_control_line(R"({"error":30,"message":"busy"})", count);
  EXPECT_EQ(error.error().code(), Errc::in_progress);
  for (const char* line :
       {"", "[]", "{", "{}", R"({"error":"x","message":"y"})", R"({"error":1})"}) {
    EXPECT_EQ(parse_control_line(line, count).error().code(), Errc::corrupt) << line;
  }
}

}  // namespace
}  // namespace stillframe::dedup
