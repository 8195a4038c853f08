#include "framework/daemon/access/access_handler.hpp"

#include <optional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "framework/base/memory_event_sink.hpp"

namespace stillframe::daemon {
namespace {

using testing::ElementsAre;

// Answers everything with the method's name.
struct Behind : RequestorHandler {
  Status connection_opened(const RequestorPeer& peer, EventPush) override {
    opened = peer;
    return Ok{};
  }
  void handle(ConnectionId, std::string method, std::string, ReplyHandler reply) override {
    handled.push_back(method);
    reply(ChannelReply{"{}", {}});
  }
  void connection_closed(ConnectionId) override { ++closed; }
  std::vector<std::string> handled;
  int closed = 0;
  RequestorPeer opened;
};

struct AccessHandlerTest : testing::Test {
  static AccessRule rule(std::int64_t uid, Rights rights) {
    AccessRule one;
    one.users = {uid};
    one.rights = rights;
    return one;
  }
  static RequestorPeer peer(std::int64_t uid, std::uint64_t connection = 1) {
    return {ConnectionId{connection}, {77, uid, uid, {}}, "nightly"};
  }
  std::optional<Errc> ask(AccessHandler& door, const std::string& method,
                          const std::string& params = "{}") {
    std::optional<Errc> code;
    door.handle(ConnectionId{1}, method, params, [&](const Result<ChannelReply>& reply) {
      if (!reply.ok()) code = reply.error().code();
    });
    return code;
  }

  Behind behind;
  MemoryEventSink audit;
  SharedPolicy policy{AccessPolicy(
      1, {rule(1000, Rights(Right::look) | Right::backup), rule(1001, Right::register_)})};
};

TEST_F(AccessHandlerTest, WhoHasNoRightIsNotEvenConnected) {
  AccessHandler door(behind, policy, audit);
  EXPECT_EQ(door.connection_opened(peer(4), {}).error().code(), Errc::access_denied);
  EXPECT_EQ(door.connection_opened(peer(1001), {}).error().code(), Errc::access_denied)
      << "a writer is no requestor";
  ASSERT_EQ(audit.events().size(), 2u);
  EXPECT_EQ(audit.events()[0].id, kEventDenied);
  EXPECT_EQ(audit.events()[0].fields.at("uid"), "4");
}

// Asked when a restore names its targets: a right that was given or taken since counts.
TEST_F(AccessHandlerTest, WhoMayRedirectRestoresIsAskedAgainEachTime) {
  AccessHandler door(behind, policy, audit);
  ASSERT_TRUE(door.connection_opened(peer(1000), {}).ok());
  EXPECT_FALSE(behind.opened.redirects_restores());
  policy.set(AccessPolicy(1, {rule(1000, Rights(Right::restore) | Right::redirect)}));
  EXPECT_TRUE(behind.opened.redirects_restores());
  policy.set(AccessPolicy(1, {rule(1000, Right::restore)}));
  EXPECT_FALSE(behind.opened.redirects_restores());
  ASSERT_TRUE(door.connection_opened(peer(0), {}).ok());
  EXPECT_TRUE(behind.opened.redirects_restores());
}

TEST_F(AccessHandlerTest, EachMethodTakesItsRight) {
  AccessHandler door(behind, policy, audit);
  ASSERT_TRUE(door.connection_opened(peer(1000), {}).ok());
  EXPECT_EQ(ask(door, "writers"), std::nullopt);
  EXPECT_EQ(ask(door, "backup.begin"), std::nullopt);
  EXPECT_EQ(ask(door, "backup.anything.new"), std::nullopt);
  EXPECT_EQ(ask(door, "doctor"), std::nullopt);
  EXPECT_EQ(ask(door, "volumes.support"), std::nullopt);
  for (const char* method : {"restore.begin", "snapshot.remove", "snapshot.expose",
                             "snapshot.unexpose", "snapshot.revert", "session.end",
                             "plugin.release", "no.such.method", "", "writersx", "backup"})
    EXPECT_EQ(ask(door, method), Errc::access_denied) << method;
  EXPECT_THAT(behind.handled, ElementsAre("writers", "backup.begin", "backup.anything.new",
                                          "doctor", "volumes.support"));
}

TEST_F(AccessHandlerTest, TheTrailNamesWhoWhatAndHowItEnded) {
  AccessHandler door(behind, policy, audit);
  ASSERT_TRUE(door.connection_opened(peer(1000), {}).ok());
  EXPECT_EQ(ask(door, "writers"), std::nullopt);
  EXPECT_TRUE(audit.events().empty()) << "looking leaves no line";
  EXPECT_EQ(ask(door, "backup.begin", R"({"session": "s1", "options": {}})"), std::nullopt);
  EXPECT_EQ(ask(door, "snapshot.revert", R"({"snapshot": "x"})"), Errc::access_denied);
  const auto events = audit.events();
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].id, kEventAllowed);
  EXPECT_EQ(events[0].fields.at("method"), "backup.begin");
  EXPECT_EQ(events[0].fields.at("session"), "s1");
  EXPECT_EQ(events[0].fields.at("requestor"), "nightly");
  EXPECT_EQ(events[1].id, kEventDenied);
  EXPECT_EQ(events[1].fields.at("snapshot"), "x");
  EXPECT_EQ(events[1].fields.at("outcome"), "access_denied");
}

TEST_F(AccessHandlerTest, ARightThatIsTakenAwayIsGoneAtOnce) {
  AccessHandler door(behind, policy, audit);
  ASSERT_TRUE(door.connection_opened(peer(1000), {}).ok());
  EXPECT_EQ(ask(door, "backup.begin"), std::nullopt);
  policy.set(AccessPolicy(1, {rule(1000, Right::look)}));
  EXPECT_EQ(ask(door, "backup.begin"), Errc::access_denied);
  EXPECT_EQ(ask(door, "writers"), std::nullopt);
}

TEST_F(AccessHandlerTest, AStatusSocketOnlyShowsThings) {
  AccessHandler door(behind, policy, audit, Right::look);
  ASSERT_TRUE(door.connection_opened(peer(0), {}).ok());
  EXPECT_EQ(ask(door, "sessions"), std::nullopt);
  EXPECT_EQ(ask(door, "backup.begin"), Errc::access_denied) << "not even root";
  door.connection_closed(ConnectionId{1});
  EXPECT_EQ(behind.closed, 1);
}

}  // namespace
}  // namespace stillframe::daemon
