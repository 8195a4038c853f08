#include "framework/providers/host/program_provider.hpp"

#include <csignal>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "framework/base/memory_event_sink.hpp"
#include "framework/providers/host/provider_calls.hpp"
#include "tests/support/loop_fs.hpp"

namespace stillframe::tests {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

class Host : public testing::Test {
 protected:
  static constexpr milliseconds kLease{1000};
  std::unique_ptr<ProgramProvider> start(const std::string& behaviour) {
    ProgramProviderOptions options;
    options.name = "provider host of scripted";
    options.program.command = {SCRIPTED_HOST, folder_.path(), behaviour};
    options.timeouts.commit = milliseconds(behaviour == "hang" ? 300 : 10'000);
    options.timeouts.lease = kLease;
    options.events = &events_;
    auto started = ProgramProvider::start(std::move(options));
    EXPECT_TRUE(started.ok()) << started.error().what();
    return started.ok() ? std::move(started).value() : nullptr;
  }

  CutRequest request() const {
    CutRequest request;
    request.set = set_;
    request.snapshot = snapshot_;
    request.volume.id = "xfs:1";
    request.volume.mount_point = "/srv";
    request.volume.fs_type = "xfs";
    return request;
  }

  // Up to and including commit.
  Result<std::vector<CutRecord>> cut(Provider& provider) {
    EXPECT_TRUE(provider.begin_prepare(request()).ok());
    EXPECT_TRUE(provider.end_prepare(set_).ok());
    EXPECT_TRUE(provider.pre_commit(set_).ok());
    return provider.commit(set_);
  }

  int told(ProgramProviderEvent id) const {
    int times = 0;
    for (const EventRecord& event : events_.events()) times += event.id == static_cast<int>(id);
    return times;
  }

  std::size_t snapshots_on_disk() const {
    std::size_t count = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
      ++count;
    }
    return count;
  }

  TemporaryDirectory folder_;
  MemoryEventSink events_;
  const SetId set_ = SetId::generate();
  const SnapshotId snapshot_ = SnapshotId::generate();
};

TEST_F(Host, AWholeSetGoesThroughIt) {
  auto provider = start("good");
  EXPECT_EQ(provider->info().name, "scripted");
  EXPECT_EQ(provider->info().atomicity, Atomicity::volume);
  EXPECT_EQ(provider->info().version, (Version{3, 1}));
  EXPECT_TRUE(provider->supports(request().volume, {}).ok());
  const BootTime before = system_clock().now();
  auto cuts = cut(*provider);
  ASSERT_TRUE(cuts.ok()) << cuts.error().what();
  ASSERT_EQ(cuts.value().size(), 1u);
  EXPECT_EQ(cuts.value()[0].snapshot, snapshot_);
  EXPECT_GE(cuts.value()[0].begun, before);
  EXPECT_TRUE(provider->post_commit(set_).ok());
  auto snapshots = provider->pre_final(set_);
  ASSERT_TRUE(snapshots.ok()) << snapshots.error().what();
  EXPECT_EQ(snapshots.value()[0].root, folder_.path() + "/\xff\n") << "paths are bytes";
  EXPECT_EQ(snapshots.value()[0].provider, provider->info().id);
  EXPECT_TRUE(provider->post_final(set_).ok());
  EXPECT_EQ(provider->end_prepare(set_).value().commit, milliseconds(3));
  EXPECT_TRUE(provider->remove(snapshot_).ok());
  EXPECT_TRUE(provider->query().value().empty());
}

TEST_F(Host, RefusalsKeepTheirCode) {
  auto provider = start("good");
  Volume volume;
  volume.id = "ext4:1";
  volume.mount_point = "/x";
  volume.fs_type = "ext4";
  Status refused = provider->supports(volume, {});
  EXPECT_EQ(refused.error().code(), Errc::volume_not_supported);
  EXPECT_THAT(refused.error().what(), HasSubstr("only xfs"));
  EXPECT_EQ(provider->remove(snapshot_).error().code(), Errc::not_found);
  EXPECT_THAT(provider->expose(snapshot_, "/a\xff").error().what(), HasSubstr("/a"));
  EXPECT_EQ(provider->revert(snapshot_, {}).error().code(), Errc::not_found);
  ASSERT_TRUE(provider->begin_prepare(request()).ok());
  EXPECT_EQ(provider->revert(snapshot_, {}).error().code(), Errc::not_supported)
      << "a capability it does not declare";
  auto full = start("refuse");
  EXPECT_EQ(cut(*full).error().code(), Errc::no_space);
}

TEST_F(Host, ADeathIsAFailedCallThatNamesTheSignal) {
  auto provider = start("crash");
  auto cuts = cut(*provider);
  ASSERT_FALSE(cuts.ok());
  EXPECT_EQ(cuts.error().code(), Errc::provider_failed);
  EXPECT_THAT(cuts.error().what(), HasSubstr("signal 9"));
  EXPECT_THAT(cuts.error().what(), HasSubstr("in commit"));
  EXPECT_EQ(told(ProgramProviderEvent::died), 1);
}

TEST_F(Host, AnExitIsToldFromASignal) {
  auto provider = start("exit");
  EXPECT_THAT(cut(*provider).error().what(), HasSubstr("exit code 5"));
}

TEST_F(Host, ASnapshotThatAppearsAfterTheDeadlineIsDeleted) {
  auto provider = start("hang");
  const BootTime before = system_clock().now();
  auto cuts = cut(*provider);
  EXPECT_LT(system_clock().now() - before, std::chrono::seconds(5));
  ASSERT_FALSE(cuts.ok());
  EXPECT_EQ(cuts.error().code(), Errc::provider_failed);
  EXPECT_THAT(cuts.error().what(), HasSubstr("within 300 ms"));
  EXPECT_EQ(provider->pid(), 0);
  EXPECT_EQ(snapshots_on_disk(), 1u) << "this test needs a leftover";
  // Any next call starts a successor, which first takes the set back.
  EXPECT_TRUE(provider->query().value().empty());
  EXPECT_EQ(snapshots_on_disk(), 0u);
  EXPECT_EQ(told(ProgramProviderEvent::cleaned), 1);
}

TEST_F(Host, AStoppedHostIsGivenUpAfterALeaseOfSilence) {
  auto provider = start("stop");
  const BootTime before = system_clock().now();
  auto cuts = cut(*provider);
  EXPECT_LT(system_clock().now() - before, std::chrono::seconds(5)) << "a commit may take 10 s";
  ASSERT_FALSE(cuts.ok());
  EXPECT_EQ(cuts.error().code(), Errc::provider_failed);
  EXPECT_THAT(cuts.error().what(), HasSubstr("no sign of life for 1000 ms in commit"));
  EXPECT_EQ(told(ProgramProviderEvent::overran), 1);
  EXPECT_TRUE(provider->query().value().empty());
  EXPECT_EQ(told(ProgramProviderEvent::cleaned), 1);
}

TEST_F(Host, AHostThatWorksForLongerThanALeaseIsWaitedFor) {
  auto provider = start("slow");
  auto cuts = cut(*provider);
  ASSERT_TRUE(cuts.ok()) << cuts.error().what();
  EXPECT_TRUE(provider->post_commit(set_).ok());
  EXPECT_EQ(provider->query().value().size(), 1u) << "its beats are not taken for replies";
}

TEST_F(Host, AbortAfterADeathReachesTheSuccessor) {
  auto provider = start("crash");
  ASSERT_FALSE(cut(*provider).ok());
  EXPECT_EQ(snapshots_on_disk(), 1u);
  provider->abort(set_);
  EXPECT_EQ(snapshots_on_disk(), 0u);
}

TEST_F(Host, AHostKilledBetweenCallsIsReplaced) {
  auto provider = start("good");
  const pid_t first = provider->pid();
  ASSERT_GT(first, 0);
  ::kill(first, SIGKILL);
  while (provider->pid() != 0) ::usleep(1000);
  EXPECT_TRUE(provider->query().ok());
  EXPECT_NE(provider->pid(), first);
  EXPECT_NE(provider->pid(), 0);
}

TEST_F(Host, CutsOutsideTheCallAreRefused) {
  auto provider = start("lie");
  EXPECT_THAT(cut(*provider).error().what(), HasSubstr("times"));
}

TEST_F(Host, ASetThatWasNotCutWholeIsRefused) {
  auto provider = start("half");
  CutRequest second = request();
  second.snapshot = SnapshotId::generate();
  EXPECT_TRUE(provider->begin_prepare(second).ok());
  EXPECT_THAT(cut(*provider).error().what(), HasSubstr("every volume"));
}

TEST_F(Host, WhatIsNoReplyEndsTheHost) {
  auto provider = start("garbage");
  auto cuts = cut(*provider);
  ASSERT_FALSE(cuts.ok());
  EXPECT_EQ(cuts.error().code(), Errc::provider_failed);
  EXPECT_EQ(provider->pid(), 0);
}

TEST_F(Host, AnExceptionIsAFailedCallAndTheHostLives) {
  auto provider = start("throw");
  auto cuts = cut(*provider);
  EXPECT_EQ(cuts.error().code(), Errc::provider_failed);
  EXPECT_THAT(cuts.error().what(), HasSubstr("out of luck"));
  EXPECT_NE(provider->pid(), 0);
}

TEST_F(Host, AProgramThatIsNotAHostDoesNotStart) {
  ProgramProviderOptions options;
  options.name = "x";
  options.program.command = {"/bin/true"};
  auto started = ProgramProvider::start(options);
  ASSERT_FALSE(started.ok());
  EXPECT_EQ(started.error().code(), Errc::provider_failed);
  options.program.command = {"/bin/sleep", "1000"};
  options.timeouts.start = milliseconds(100);
  EXPECT_THAT(ProgramProvider::start(options).error().what(), HasSubstr("hello"));
}

// ---- bytes

class Idle final : public Provider {
 public:
  ProviderInfo info() const override { return {}; }
  Status supports(const Volume&, const SnapshotAttributes&) override { return Ok{}; }
  Status begin_prepare(const CutRequest&) override { return Ok{}; }
  Result<CutEstimate> end_prepare(const SetId&) override { return CutEstimate{}; }
  Status pre_commit(const SetId&) override { return Ok{}; }
  Result<std::vector<CutRecord>> commit(const SetId&) override { return std::vector<CutRecord>(); }
  Status post_commit(const SetId&) override { return Ok{}; }
  Result<std::vector<SnapshotInfo>> pre_final(const SetId&) override { return query(); }
  Status post_final(const SetId&) override { return Ok{}; }
  void abort(const SetId&) override {}
  Result<std::vector<SnapshotInfo>> query() override { return std::vector<SnapshotInfo>(); }
  Status remove(const SnapshotId&) override { return Ok{}; }
  Status expose(const SnapshotId&, const BytePath&) override { return Ok{}; }
  Status unexpose(const SnapshotId&) override { return Ok{}; }
  Status make_writable(const SnapshotId&) override { return Ok{}; }
  Status revert(const SnapshotId&, const RevertOptions&) override { return Ok{}; }
};

TEST(ProviderCalls, MalformedRequestsAreAnsweredWithErrors) {
  Idle idle;
  for (const char* request :
       {"", "{", "[]", "{}", "{\"method\":7}", "{\"method\":\"fly\"}", "{\"method\":\"commit\"}",
        "{\"method\":\"commit\",\"params\":[]}",
        "{\"method\":\"commit\",\"params\":{\"set\":\"x\"}}",
        "{\"method\":\"begin_prepare\",\"params\":{\"request\":7}}",
        "{\"method\":\"supports\",\"params\":{\"volume\":[]}}",
        "{\"method\":\"expose\",\"params\":{\"snapshot\":\"6f2a1f64-7a6e-4a0b-9f7c-0a4a3b1c2d3e\","
        "\"place\":\"\\\\q\"}}"}) {
    bool is_reply = false;
    auto reply = parse_provider_reply(serve_provider_call(idle, request), is_reply);
    EXPECT_TRUE(is_reply) << request;
    EXPECT_FALSE(reply.ok()) << request;
  }
}

TEST(ProviderCalls, MalformedRepliesAreToldFromRefusals) {
  for (const char* reply : {"", "7", "{}", "{\"result\":7}", "{\"error\":7}", "{\"error\":{}}",
                            "{\"error\":{\"code\":\"x\",\"message\":\"y\"}}",
                            "{\"error\":{\"code\":1}}", "{\"result\":{}"}) {
    bool is_reply = true;
    auto parsed = parse_provider_reply(reply, is_reply);
    EXPECT_FALSE(is_reply) << reply;
    ASSERT_FALSE(parsed.ok()) << reply;
    EXPECT_EQ(parsed.error().code(), Errc::provider_failed);
  }
  bool is_reply = false;
  auto refusal =
      parse_provider_reply("{\"error\":{\"code\":20,\"message\":\"full\\u001b\"}}", is_reply);
  EXPECT_TRUE(is_reply);
  EXPECT_EQ(refusal.error().code(), Errc::no_space);
  EXPECT_EQ(refusal.error().what(), "full\\x1b");
  // Neither a code of nobody's nor "internal" may pass for a broken invariant of this program.
  for (const char* reply : {"{\"error\":{\"code\":999,\"message\":\"m\"}}",
                            "{\"error\":{\"code\":61,\"message\":\"m\"}}"}) {
    EXPECT_EQ(parse_provider_reply(reply, is_reply).error().code(), Errc::provider_failed);
  }
}

TEST(ProviderCalls, MalformedResultsAreRefused) {
  using nlohmann::json;
  EXPECT_FALSE(read_estimate(json::object()).ok());
  EXPECT_FALSE(read_snapshots(json::object()).ok());
  EXPECT_FALSE(read_snapshots(json{{"snapshots", json::array({7})}}).ok());
  EXPECT_FALSE(read_cuts(json{{"cuts", 7}}).ok());
  EXPECT_TRUE(read_cuts(json::object()).value().empty());
}

}  // namespace
}  // namespace stillframe::tests
