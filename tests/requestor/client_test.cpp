#include <future>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "tests/requestor/fake_channel.hpp"

namespace stillframe {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using tests::FakeChannel;

constexpr const char* kSession = "11111111-2222-4333-8444-555555555555";
constexpr const char* kWriter = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee";

struct ClientTest : ::testing::Test {
  std::shared_ptr<FakeChannel> channel = std::make_shared<FakeChannel>();
  Client client{channel};

  ClientTest() {
    const std::string begun = json{{"session", kSession}}.dump();
    channel->answer("backup.begin", begun);
    channel->answer("restore.begin", begun);
    for (const char* method : {"backup.gather", "backup.prepare", "backup.complete",
                               "backup.status", "restore.gather", "restore.post_restore"}) {
      channel->answer(method, R"({"writers":[]})");
    }
  }

  BackupSession backup() {
    auto session = client.begin_backup({});
    EXPECT_TRUE(session.ok());
    return std::move(session).value();
  }
  RestoreSession restore() {
    auto session = client.begin_restore({}, {});
    EXPECT_TRUE(session.ok());
    return std::move(session).value();
  }
  json params(const std::string& method) { return json::parse(channel->params_of(method)); }

  // Answers open_stream with a pipe that delivers `bytes` and claims `size`.
  void answer_stream(const std::string& bytes, std::uint64_t size) {
    channel->answer("backup.open_stream", [=](std::string_view) {
      int ends[2];
      EXPECT_EQ(pipe(ends), 0);
      EXPECT_EQ(write(ends[1], bytes.data(), bytes.size()), ssize_t(bytes.size()));
      close(ends[1]);
      ChannelReply reply;
      reply.json = json{{"stream", {{"handle", 7}, {"size", size}, {"read_unit", 1}}}}.dump();
      reply.descriptors.emplace_back(ends[0]);
      return Result<ChannelReply>(std::move(reply));
    });
  }
};

WriterInstanceId writer() {
  return WriterInstanceId::parse(kWriter).value();
}

TEST_F(ClientTest, ErrorsOfTheCoordinatorKeepCodeAndMessage) {
  for (const Errc code : {Errc::in_progress, Errc::access_denied, Errc::writer_retryable,
                          Errc::inconsistent_snapshot, Errc::interlocked, Errc::internal}) {
    channel->fail("writers", Error(code, "volume /srv is taken by nightly"));
    const auto writers = client.writers();
    ASSERT_FALSE(writers.ok());
    EXPECT_EQ(writers.error(), Error(code, "volume /srv is taken by nightly"));
  }
}

TEST_F(ClientTest, AnswersThatBreakTheContractAreCorruptAndNameTheMethod) {
  for (const char* answer : {"", "[]", "{", "{}", R"({"volumes":7})", R"({"volumes":[7]})"}) {
    channel->answer("volumes", answer);
    const auto volumes = client.volumes();
    ASSERT_FALSE(volumes.ok()) << answer;
    EXPECT_EQ(volumes.error().code(), Errc::corrupt) << answer;
    EXPECT_THAT(volumes.error().what(), HasSubstr("volumes"));
  }
}

TEST_F(ClientTest, BeginWithoutASessionIdIsRefused) {
  for (const char* answer : {"{}", R"({"session":"nonsense"})", R"({"session":4})"}) {
    channel->answer("backup.begin", answer);
    const auto session = client.begin_backup({});
    ASSERT_FALSE(session.ok());
    EXPECT_EQ(session.error().code(), Errc::corrupt);
  }
}

TEST_F(ClientTest, PathsTravelEscaped) {
  channel->answer("snapshot.expose", R"({"place":"/mnt/a\\\\xff"})");
  const auto snapshot = SnapshotId::generate();
  const auto place = client.expose_snapshot(snapshot, std::string("/mnt/\xff\n"));
  ASSERT_TRUE(place.ok()) << place.error().what();
  EXPECT_EQ(place.value(), "/mnt/a\\xff");
  EXPECT_EQ(params("snapshot.expose")["place"], escape_path("/mnt/\xff\n"));
  EXPECT_EQ(params("snapshot.expose")["snapshot"], snapshot.to_string());
}

TEST_F(ClientTest, PluginsAreListedAndReleasedByName) {
  channel->answer("plugins", R"({"plugins":[{"name":"shop","kind":"writer","process":7,
      "state":"quarantined","crashes":5,"reason":"signal 11","since":3}]})");
  const auto plugins = client.plugins();
  ASSERT_TRUE(plugins.ok()) << plugins.error().what();
  ASSERT_EQ(plugins.value().size(), 1u);
  EXPECT_EQ(plugins.value()[0].state, PluginState::quarantined);
  EXPECT_EQ(plugins.value()[0].crashes, 5u);
  ASSERT_TRUE(client.release_plugin("shop").ok());
  EXPECT_EQ(params("plugin.release"), (json{{"name", "shop"}}));
}

TEST_F(ClientTest, ACoordinatorWithoutPluginsIsToldFromAMistake) {
  channel->fail("plugins", Error(Errc::not_supported, "there is no method 'plugins'"));
  channel->fail("plugin.release", Error(Errc::not_found, "there is no plug-in 'shop'"));
  const auto plugins = client.plugins();
  ASSERT_FALSE(plugins.ok());
  EXPECT_EQ(plugins.error().code(), Errc::not_supported);
  EXPECT_THAT(plugins.error().what(), HasSubstr("stillframed does"));
  EXPECT_EQ(client.release_plugin("shop").error(),
            Error(Errc::not_found, "there is no plug-in 'shop'"));
}

TEST_F(ClientTest, CallsOfASessionNameItAndKeepTheirShape) {
  auto session = backup();
  ASSERT_TRUE(session.gather().ok());
  ASSERT_TRUE(session.select({{"orders", "*", ConsistencyPolicy::require, "", {}}}).ok());
  EXPECT_EQ(params("backup.gather"), (json{{"session", kSession}}));
  const json select = params("backup.select");
  EXPECT_EQ(select["session"], kSession);
  ASSERT_TRUE(select["selectors"].is_array());
  EXPECT_EQ(select["selectors"][0]["writer"], "orders");
}

TEST_F(ClientTest, AbandonedBackupIsAbortedThenEnded) {
  { auto session = backup(); }
  EXPECT_THAT(channel->methods(), ElementsAre("backup.begin", "backup.abort", "backup.end"));
}

TEST_F(ClientTest, CompletedBackupIsOnlyEnded) {
  {
    auto session = backup();
    ASSERT_TRUE(session.complete(Receipt{}, {}).ok());
  }
  EXPECT_THAT(channel->methods(), ElementsAre("backup.begin", "backup.complete", "backup.end"));
}

TEST_F(ClientTest, FailedCompletionStillAborts) {
  channel->fail("backup.complete", Error(Errc::disconnected, "gone"));
  {
    auto session = backup();
    ASSERT_FALSE(session.complete(Receipt{}, {}).ok());
  }
  EXPECT_THAT(channel->methods(),
              ElementsAre("backup.begin", "backup.complete", "backup.abort", "backup.end"));
}

TEST_F(ClientTest, AbortIsSaidOnce) {
  auto session = backup();
  EXPECT_TRUE(session.abort("no more").ok());
  EXPECT_TRUE(session.abort("again").ok());
  EXPECT_EQ(params("backup.abort")["reason"], "no more");
  EXPECT_THAT(channel->methods(), ElementsAre("backup.begin", "backup.abort"));
}

TEST_F(ClientTest, MovedFromSessionSaysNothing) {
  {
    auto first = backup();
    auto second = std::move(first);
    EXPECT_EQ(second.id().to_string(), kSession);
  }
  EXPECT_THAT(channel->methods(), ElementsAre("backup.begin", "backup.abort", "backup.end"));
}

TEST_F(ClientTest, SessionMayOutliveItsClient) {
  std::optional<BackupSession> session;
  {
    Client short_lived(channel);
    auto begun = short_lived.begin_backup({});
    ASSERT_TRUE(begun.ok());
    session.emplace(std::move(begun).value());
  }
  EXPECT_TRUE(session->gather().ok());
}

TEST_F(ClientTest, AbandonedRestoreIsCancelledAndLeavesTargetsInterlocked) {
  { auto session = restore(); }
  EXPECT_THAT(channel->methods(), ElementsAre("restore.begin", "restore.cancel"));
}

TEST_F(ClientTest, RestoreCompleteSaysWhetherTheCopyCame) {
  auto session = restore();
  ASSERT_TRUE(session.complete(writer(), {"Stores", "EU"}, Error(Errc::no_space, "full")).ok());
  const json said = params("restore.complete");
  EXPECT_EQ(said["copied_ok"], false);
  EXPECT_EQ(said["failure"], "full");
  EXPECT_EQ(said["writer"], kWriter);
  EXPECT_EQ(said["component"]["name"], "EU");
  ASSERT_TRUE(session.complete(writer(), {"Stores", "EU"}, Ok{}).ok());
  EXPECT_EQ(params("restore.complete")["copied_ok"], true);
}

TEST_F(ClientTest, FileStatusTravelsByName) {
  auto session = restore();
  ASSERT_TRUE(session.set_file_status(writer(), {"", "db"}, FileRestoreStatus::all).ok());
  EXPECT_EQ(params("restore.file_status")["status"], "all");
}

// ---- cancel

TEST_F(ClientTest, CancelEndsTheCallUnderWayAndEveryLaterOne) {
  std::promise<void> cancelled;
  auto told = cancelled.get_future().share();
  channel->answer("backup.prepare", [told](std::string_view) {
    told.wait();
    return Result<ChannelReply>(Error(Errc::cancelled, "by the requestor"));
  });
  channel->answer("backup.cancel", [&](std::string_view) {
    cancelled.set_value();
    return Result<ChannelReply>(ChannelReply{"{}", {}});
  });
  auto session = backup();
  std::thread other([&] {
    channel->wait_for("backup.prepare");
    session.cancel();
  });
  const auto prepared = session.prepare();
  other.join();
  ASSERT_FALSE(prepared.ok());
  EXPECT_EQ(prepared.error().code(), Errc::cancelled);
  const auto gathered = session.gather();
  ASSERT_FALSE(gathered.ok());
  EXPECT_EQ(gathered.error().code(), Errc::cancelled);
  EXPECT_TRUE(session.abort("cancelled").ok());
}

TEST_F(ClientTest, CancelEndsAReadThatWaitsForTheWriter) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  channel->answer("backup.open_stream", [&](std::string_view) {
    ChannelReply reply;
    reply.json = json{{"stream", {{"handle", 1}, {"size", 10}, {"read_unit", 1}}}}.dump();
    reply.descriptors.emplace_back(ends[0]);
    return Result<ChannelReply>(std::move(reply));
  });
  auto session = backup();
  ASSERT_TRUE(session.open_stream(writer(), {{"", "db"}, "/srv/db"}).ok());
  std::thread other([&] { session.cancel(); });
  const auto read = session.read_stream(writer(), 1, 10);
  other.join();
  close(ends[1]);
  ASSERT_FALSE(read.ok());
  EXPECT_EQ(read.error().code(), Errc::cancelled);
}

// ---- streams

TEST_F(ClientTest, StreamDeliversItsBytesInPieces) {
  answer_stream("hello world", 11);
  auto session = backup();
  const auto info = session.open_stream(writer(), {{"", "db"}, "/srv/db"});
  ASSERT_TRUE(info.ok()) << info.error().what();
  EXPECT_EQ(info.value().size, 11u);
  std::string all;
  while (true) {
    auto piece = session.read_stream(writer(), info.value().handle, 4);
    ASSERT_TRUE(piece.ok());
    if (piece.value().empty()) break;
    EXPECT_LE(piece.value().size(), 4u);
    all.append(reinterpret_cast<const char*>(piece.value().data()), piece.value().size());
  }
  EXPECT_EQ(all, "hello world");
  EXPECT_TRUE(session.close_stream(writer(), info.value().handle).ok());
  EXPECT_EQ(params("backup.close_stream")["handle"], 7);
}

TEST_F(ClientTest, StreamThatEndsEarlyIsTruncatedNotShort) {
  answer_stream("hello", 11);
  auto session = backup();
  ASSERT_TRUE(session.open_stream(writer(), {{"", "db"}, "/srv/db"}).ok());
  const auto read = session.read_stream(writer(), 7, 100);
  ASSERT_FALSE(read.ok());
  EXPECT_EQ(read.error().code(), Errc::truncated);
}

TEST_F(ClientTest, StreamWithoutADescriptorIsRefused) {
  channel->answer("backup.open_stream", R"({"stream":{"handle":1,"size":2,"read_unit":1}})");
  auto session = backup();
  const auto info = session.open_stream(writer(), {{"", "db"}, "/srv/db"});
  ASSERT_FALSE(info.ok());
  EXPECT_EQ(info.error().code(), Errc::corrupt);
}

TEST_F(ClientTest, ReadingAStreamThatIsNotOpenIsTheCallersMistake) {
  auto session = backup();
  EXPECT_EQ(session.read_stream(writer(), 9, 1).error().code(), Errc::invalid_argument);
}

// ---- progress

TEST_F(ClientTest, ProgressReachesItsOwnSessionOnly) {
  auto session = backup();
  std::vector<std::string> heard;
  session.on_progress([&](const std::string& phase, const std::string& who, std::uint64_t done,
                          std::uint64_t total) {
    heard.push_back(phase + " " + who + " " + std::to_string(done) + "/" + std::to_string(total));
  });
  const std::string mine = std::string(R"("session":")") + kSession + "\"";
  channel->push(R"({"event":"progress",)" + mine +
                R"(,"phase":"prepare_backup","who":"mail","done":3,"total":9})");
  channel->push(R"({"event":"state",)" + mine + R"(,"phase":"frozen"})");
  channel->push(R"({"event":"waiting",)" + mine + R"(,"holder":"nightly"})");
  channel->push(
      R"({"event":"state","session":"99999999-2222-4333-8444-555555555555","phase":"x"})");
  channel->push("not json");
  channel->push(R"({"event":"of a newer coordinator",)" + mine + "}");
  EXPECT_THAT(heard, ElementsAre("prepare_backup mail 3/9", "frozen  0/0", "waiting nightly 0/0"));
}

TEST_F(ClientTest, EventsAfterTheLastSessionAndClientAreDropped) {
  auto lonely = std::make_shared<FakeChannel>();
  { Client short_lived(lonely); }
  lonely->push(R"({"event":"state","session":"11111111-2222-4333-8444-555555555555"})");
}

// ---- hold

struct HoldTest : ClientTest {
  HoldTest() {
    channel->answer("backup.hold_begin", R"({"deadline":123456789})");
    const std::string evidence = R"({"evidence":)" + to_json(Evidence{}) + "}";
    channel->answer("backup.hold_end", evidence);
    channel->answer("backup.end", evidence);
  }
};

TEST_F(HoldTest, RunsTheFunctionBetweenFreezeAndThaw) {
  std::vector<std::string> during;
  const auto held = client.hold({}, {{}}, [&](Deadline deadline) {
    during = channel->methods();
    EXPECT_EQ(deadline.at(), BootTime(Duration(123456789)));
    return 5;
  });
  ASSERT_TRUE(held.ok()) << held.error().what();
  EXPECT_EQ(held.value().command_status, 5);
  EXPECT_EQ(during.back(), "backup.hold_begin");
  EXPECT_THAT(channel->methods(),
              ElementsAre("backup.begin", "backup.gather", "backup.select", "backup.prepare",
                          "backup.hold_begin", "backup.hold_end", "backup.end"));
}

TEST_F(HoldTest, ThawsWhenTheFunctionThrows) {
  const auto held =
      client.hold({}, {{}}, [](Deadline) -> int { throw std::runtime_error("oops"); });
  ASSERT_FALSE(held.ok());
  EXPECT_THAT(held.error().what(), HasSubstr("oops"));
  EXPECT_THAT(channel->methods(), ::testing::Contains("backup.hold_end"));
}

TEST_F(HoldTest, BrokenHoldIsAnErrorEvenThoughTheFunctionSucceeded) {
  channel->fail("backup.hold_end", Error(Errc::hold_broken, "mail thawed by its own timer"));
  const auto held = client.hold({}, {{}}, [](Deadline) { return 0; });
  ASSERT_FALSE(held.ok());
  EXPECT_EQ(held.error().code(), Errc::hold_broken);
}

TEST_F(HoldTest, VetoMeansTheFunctionNeverRuns) {
  channel->fail("backup.prepare", Error(Errc::writer_retryable, "busy"));
  bool ran = false;
  const auto held = client.hold({}, {{}}, [&](Deadline) { return ran = true, 0; });
  ASSERT_FALSE(held.ok());
  EXPECT_FALSE(ran);
}

}  // namespace
}  // namespace stillframe
