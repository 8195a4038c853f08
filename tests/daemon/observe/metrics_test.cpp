#include "framework/daemon/observe/metrics.hpp"

#include <map>
#include <sstream>

#include <gtest/gtest.h>

#include "framework/coordinator/event_ids.hpp"

namespace stillframe::daemon {
namespace {

using namespace coordinator;

// The exposition format by its published grammar: name, labels in braces, value. Every sample must
// belong to a family with a TYPE line, and every line must be understood.
std::map<std::string, double> samples_of(const std::string& text) {
  std::map<std::string, double> samples;
  std::map<std::string, std::string> types;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.empty()) continue;
    std::istringstream words(line);
    if (line.starts_with("# ")) {
      std::string hash, what, name, rest;
      words >> hash >> what >> name >> rest;
      EXPECT_TRUE(what == "HELP" || what == "TYPE") << line;
      if (what == "TYPE") types[name] = rest;
      continue;
    }
    const auto space = line.rfind(' ');
    EXPECT_NE(space, std::string::npos) << line;
    const std::string series = line.substr(0, space);
    std::string family = series.substr(0, series.find('{'));
    for (const char* suffix : {"_bucket", "_sum", "_count"})
      if (family.ends_with(suffix) &&
          types[family.substr(0, family.size() - std::string(suffix).size())] == "histogram")
        family.resize(family.size() - std::string(suffix).size());
    EXPECT_EQ(types.count(family), 1u) << "a sample without a TYPE: " << line;
    EXPECT_EQ(samples.count(series), 0u) << "twice: " << line;
    samples[series] = std::stod(line.substr(space + 1));
  }
  return samples;
}

struct MetricsTest : ::testing::Test {
  void emit(int id, std::map<std::string, std::string> fields,
            EventLevel level = EventLevel::info) {
    EventRecord event;
    event.id = id;
    event.level = level;
    event.fields = std::move(fields);
    metrics.emit(event);
  }
  double at(const std::string& series) {
    const auto samples = samples_of(metrics.text());
    const auto found = samples.find(series);
    return found == samples.end() ? -1 : found->second;
  }
  Metrics metrics{"1.2.3"};
};

TEST_F(MetricsTest, AHoldIsCountedInItsBucketsAndEndsTheQuiesce) {
  EXPECT_EQ(at("stillframe_in_quiesce"), 0);
  emit(kEventHoldBegun, {{"session", "a"}});
  emit(kEventHoldBegun, {{"session", "b"}});
  EXPECT_EQ(at("stillframe_in_quiesce"), 1);
  emit(kEventHoldEnded, {{"session", "a"}, {"hold_ms", "20.000"}, {"stall_ms", "3"}});
  EXPECT_EQ(at("stillframe_in_quiesce"), 1) << "b still holds";
  emit(kEventHoldEnded, {{"session", "b"}, {"hold_ms", "300.000"}}, EventLevel::warning);
  EXPECT_EQ(at("stillframe_in_quiesce"), 0);
  EXPECT_EQ(at("stillframe_hold_seconds_bucket{le=\"0.01\"}"), 0);
  EXPECT_EQ(at("stillframe_hold_seconds_bucket{le=\"0.025\"}"), 1);
  EXPECT_EQ(at("stillframe_hold_seconds_bucket{le=\"+Inf\"}"), 2);
  EXPECT_NEAR(at("stillframe_hold_seconds_sum"), 0.32, 1e-9);
  EXPECT_EQ(at("stillframe_stall_seconds_count"), 1) << "no stall was seen in the other";
  EXPECT_EQ(at("stillframe_holds_broken_total"), 1);
}

TEST_F(MetricsTest, SessionsAreCountedByKindAndOutcomeAndFailuresByClass) {
  emit(kEventSessionBegun, {{"session", "a"}, {"kind", "backup"}});
  EXPECT_EQ(at("stillframe_sessions_under_way{kind=\"backup\"}"), 1);
  emit(kEventSetFailed, {{"session", "a"}, {"kind", "backup"}, {"failure", "no_space"}},
       EventLevel::error);
  emit(kEventSessionEnded, {{"session", "a"}, {"kind", "backup"}, {"outcome", "failed"}});
  EXPECT_EQ(at("stillframe_sessions_under_way{kind=\"backup\"}"), 0);
  EXPECT_EQ(at("stillframe_sessions_total{kind=\"backup\",outcome=\"failed\"}"), 1);
  EXPECT_EQ(at("stillframe_failures_total{class=\"no_space\",kind=\"backup\"}"), 1);
  EXPECT_EQ(at("stillframe_events_total{level=\"error\"}"), 1);
}

TEST_F(MetricsTest, ASessionThatEndsWithoutTheEndOfItsHoldHoldsNothing) {
  emit(kEventHoldBegun, {{"session", "a"}});
  emit(kEventSessionEnded, {{"session", "a"}, {"kind", "backup"}, {"outcome", "failed"}});
  EXPECT_EQ(at("stillframe_in_quiesce"), 0);
}

TEST_F(MetricsTest, WritersAreThoseThatCameAndDidNotLeave) {
  emit(kEventWriterRegistered, {{"instance", "1"}});
  emit(kEventWriterRegistered, {{"instance", "2"}});
  emit(kEventWriterLeft, {{"instance", "1"}});
  emit(kEventWriterLeft, {{"instance", "1"}});
  EXPECT_EQ(at("stillframe_writers_registered"), 1);
}

TEST_F(MetricsTest, PluginsAreCountedByNameAndTheirNumberIsBounded) {
  emit(2230, {{"plugin", "shop"}});
  emit(2230, {{"plugin", "shop"}});
  EXPECT_EQ(at("stillframe_plugin_events_total{event_id=\"2230\",plugin=\"shop\"}"), 2);
  for (int i = 0; i < 1'000; ++i) emit(2231, {{"plugin", "p" + std::to_string(i)}});
  EXPECT_LT(samples_of(metrics.text()).size(), 150u);
}

TEST_F(MetricsTest, LabelsAreEscaped) {
  emit(2230, {{"plugin", "a\"b\\c\nd"}});
  EXPECT_EQ(at("stillframe_plugin_events_total{event_id=\"2230\",plugin=\"a\\\"b\\\\c\\nd\"}"), 1);
}

}  // namespace
}  // namespace stillframe::daemon
