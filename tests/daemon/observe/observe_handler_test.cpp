#include "framework/daemon/observe/observe_handler.hpp"

#include <condition_variable>
#include <deque>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "framework/coordinator/event_ids.hpp"
#include "framework/transport/requestor_server.hpp"

namespace stillframe::daemon {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;
using ::testing::ElementsAre;

// A coordinator with one session, which notes what reaches it.
class Inner final : public RequestorHandler {
 public:
  Status connection_opened(const RequestorPeer&, EventPush) override { return Ok{}; }
  void handle(ConnectionId, std::string method, std::string, ReplyHandler reply) override {
    asked.push_back(method);
    ChannelReply out;
    out.json = method == "sessions" ? json{{"sessions",
                                            {{{"session", SessionId::generate().to_string()},
                                              {"kind", "backup"},
                                              {"phase", "ready"},
                                              {"since", 5}}}}}
                                          .dump()
                                    : "{}";
    reply(std::move(out));
  }
  void connection_closed(ConnectionId) override { ++closed; }
  std::vector<std::string> asked;
  int closed = 0;
};

class ObserveHandlerTest : public ::testing::Test {
 protected:
  explicit ObserveHandlerTest(EventRingLimits ring = {}) {
    EventHubOptions options;
    options.ring = ring;
    hub_ = std::move(EventHub::start(std::move(options))).value();
    hub_->add_listener(metrics_);
    handler_ = std::move(ObserveHandler::make(inner_, *hub_, metrics_, "1.2.3")).value();
  }
  void emit(int id, EventLevel level = EventLevel::info, const std::string& session = "s",
            const std::string& message = "") {
    EventRecord event;
    event.id = id;
    event.level = level;
    event.message = message;
    event.fields = {{"session", session}};
    hub_->emit(event);
  }
  Client client() {
    return Client(std::shared_ptr<RequestorChannel>(connect_locally(*handler_, "test")));
  }
  static std::vector<int> ids(const EventPage& page) {
    std::vector<int> all;
    for (const auto& event : page.events) all.push_back(event.record.id);
    return all;
  }

  Inner inner_;
  Metrics metrics_{"1.2.3"};
  std::unique_ptr<EventHub> hub_;
  std::unique_ptr<ObserveHandler> handler_;
};

TEST_F(ObserveHandlerTest, TheLatestEventsOrThoseAfterANumber) {
  for (int id = 1; id <= 5; ++id) emit(id);
  EventQuery query;
  query.limit = 2;
  auto page = client().events(query);
  ASSERT_TRUE(page.ok()) << page.error().what();
  EXPECT_THAT(ids(page.value()), ElementsAre(4, 5));
  EXPECT_EQ(page.value().next, 5u);
  query.after = 1;
  page = client().events(query);
  EXPECT_THAT(ids(page.value()), ElementsAre(2, 3));
  EXPECT_EQ(page.value().next, 3u) << "where to go on";
  EXPECT_EQ(page.value().events[0].sequence, 2u);
}

TEST_F(ObserveHandlerTest, OfOneSessionAndFromALevelOn) {
  emit(1, EventLevel::error, "a");
  emit(2, EventLevel::info, "a");
  emit(3, EventLevel::warning, "b");
  EventQuery query;
  query.level = EventLevel::warning;
  EXPECT_THAT(ids(client().events(query).value()), ElementsAre(1, 3));
  query.session = "b";
  EXPECT_THAT(ids(client().events(query).value()), ElementsAre(3));
  query.after = 0;
  EXPECT_EQ(client().events(query).value().next, 3u) << "nothing that fits comes before";
}

TEST_F(ObserveHandlerTest, AnythingElseGoesToTheCoordinator) {
  ASSERT_TRUE(client().providers().ok() == false);  // {} is no list
  EXPECT_THAT(inner_.asked, ElementsAre("providers"));
  EXPECT_EQ(inner_.closed, 1);
}

TEST_F(ObserveHandlerTest, WrongParametersAreNamed) {
  auto channel = connect_locally(*handler_, "test");
  for (const char* params : {"{\"limit\":0}", "{\"limit\":1001}", "{\"level\":\"loud\"}",
                             "{\"after\":-1}", "{\"session\":5}", "[]"}) {
    const auto reply = channel->call("events", params);
    ASSERT_FALSE(reply.ok()) << params;
    EXPECT_EQ(reply.error().code(), Errc::invalid_argument) << params;
  }
}

TEST_F(ObserveHandlerTest, StatusSaysWhetherSomethingIsHeldAndWhatIsUnderWay) {
  EXPECT_FALSE(client().status().value().in_quiesce);
  emit(coordinator::kEventHoldBegun);
  const auto status = client().status();
  ASSERT_TRUE(status.ok()) << status.error().what();
  EXPECT_TRUE(status.value().in_quiesce);
  EXPECT_EQ(status.value().version, "1.2.3");
  EXPECT_EQ(status.value().pid, ::getpid());
  ASSERT_EQ(status.value().sessions.size(), 1u);
  EXPECT_EQ(status.value().sessions[0].phase, "ready");
}

TEST_F(ObserveHandlerTest, MetricsAreTheTextOfTheEndpoint) {
  emit(1);
  EXPECT_THAT(client().metrics().value(),
              ::testing::HasSubstr("stillframe_events_total{level=\"info\"} 1"));
}

// What a follower was told.
struct Followed {
  void take(const EventPage& page) {
    const std::lock_guard lock(mutex);
    lost += page.lost;
    for (const auto& event : page.events) sequences.push_back(event.sequence);
    changed.notify_all();
  }
  bool wait_for(std::uint64_t sequence) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, 20s,
                            [&] { return !sequences.empty() && sequences.back() >= sequence; });
  }
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::uint64_t> sequences;
  std::uint64_t lost = 0;
};

TEST_F(ObserveHandlerTest, AFollowerGetsWhatWasAndWhatComesInOrder) {
  for (int id = 1; id <= 3; ++id) emit(id);
  Followed followed;
  Client following = client();
  ASSERT_TRUE(following.follow_events(1, [&](const EventPage& page) { followed.take(page); }).ok());
  for (int id = 4; id <= 3'000; ++id) emit(id);
  ASSERT_TRUE(followed.wait_for(3'000));
  const std::lock_guard lock(followed.mutex);
  EXPECT_EQ(followed.sequences.size(), 2'999u) << "2 to 3000";
  EXPECT_EQ(followed.lost, 0u);
  EXPECT_TRUE(std::is_sorted(followed.sequences.begin(), followed.sequences.end()));
}

struct SmallRing : ObserveHandlerTest {
  SmallRing() : ObserveHandlerTest({100, 1 << 20}) {}
};

// The handler does not take anything until the ring has moved on.
TEST_F(SmallRing, AFollowerThatIsTooSlowIsToldHowManyItLost) {
  std::atomic<bool> takes{false};
  std::mutex mutex;
  std::deque<json> told;
  const RequestorPeer peer{ConnectionId{7}, {}, "slow"};
  ASSERT_TRUE(handler_
                  ->connection_opened(peer,
                                      [&](std::string text) {
                                        if (!takes) return false;
                                        const std::lock_guard lock(mutex);
                                        told.push_back(json::parse(text));
                                        return true;
                                      })
                  .ok());
  handler_->handle(peer.connection, "events.follow", "{\"after\":0}", [](const auto&) {});
  for (int id = 1; id <= 1'000; ++id) emit(id);
  takes = true;
  const auto last = [&]() -> std::uint64_t {
    const std::lock_guard lock(mutex);
    return told.empty() ? 0 : told.back()["next"].get<std::uint64_t>();
  };
  for (int tries = 0; tries < 10'000 && last() < 1'000; ++tries) std::this_thread::sleep_for(1ms);
  ASSERT_EQ(last(), 1'000u);
  // A page offered while the events still came lost fewer, and the one after it the others.
  std::size_t came = 0;
  std::size_t lost = 0;
  for (const json& page : told) {
    came += page["events"].size();
    lost += page["lost"].get<std::size_t>();
  }
  EXPECT_EQ(came + lost, 1'000u);
  EXPECT_GT(lost, 0u);
  handler_->connection_closed(peer.connection);
}

// A coordinator without observation.
TEST(ClientOfAnEmbeddedCoordinator, HearsThatItKeepsNoEvents) {
  struct Bare final : RequestorHandler {
    Status connection_opened(const RequestorPeer&, EventPush) override { return Ok{}; }
    void handle(ConnectionId, std::string, std::string, ReplyHandler reply) override {
      reply(Error(Errc::not_supported, "there is no such method"));
    }
    void connection_closed(ConnectionId) override {}
  } bare;
  Client client(std::shared_ptr<RequestorChannel>(connect_locally(bare, "test")));
  const auto events = client.events();
  ASSERT_FALSE(events.ok());
  EXPECT_EQ(events.error().code(), Errc::not_supported);
  EXPECT_THAT(events.error().what(), ::testing::HasSubstr("stillframed does"));
  EXPECT_EQ(client.follow_events(0, [](const EventPage&) {}).error().code(), Errc::not_supported);
  EXPECT_EQ(client.metrics().error().code(), Errc::not_supported);
  EXPECT_EQ(client.status().error().code(), Errc::not_supported);
}

}  // namespace
}  // namespace stillframe::daemon
