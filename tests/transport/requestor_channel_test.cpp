// One set of tests for a requestor's channel, over a socket and inside the process.
#include <atomic>
#include <future>
#include <thread>

#include "framework/transport/requestor_server.hpp"
#include "framework/wire/request_message.hpp"
#include "tests/transport/raw_peer.hpp"
#include "tests/transport/socket_folder.hpp"

namespace stillframe {
namespace {

using namespace std::chrono_literals;
using tests::RawPeer;
using wire::Kind;

// Answers "echo" at once and "later" when released; keeps the rest.
class EchoCoordinator : public RequestorHandler {
 public:
  Status connection_opened(const RequestorPeer& peer, EventPush push) override {
    std::lock_guard lock(mutex_);
    if (peer.name == "unwelcome") return Error(Errc::access_denied, "not you");
    peers.push_back(peer);
    pushes.push_back(std::move(push));
    return Ok{};
  }
  void handle(ConnectionId, std::string method, std::string params, ReplyHandler reply) override {
    if (method == "echo") {
      ChannelReply answer{std::move(params), {}};
      reply(std::move(answer));
      reply(Error(Errc::internal, "a second answer must not be heard"));
    } else if (method == "descriptor") {
      ChannelReply answer{"{}", {}};
      answer.descriptors.emplace_back(::dup(0));
      reply(std::move(answer));
    } else if (method == "fail") {
      reply(Error(Errc::in_progress, "'nightly' holds /srv"));
    } else {
      std::lock_guard lock(mutex_);
      kept.push_back(std::move(reply));
      changed.notify_all();
    }
  }
  void connection_closed(ConnectionId connection) override {
    std::lock_guard lock(mutex_);
    closed.push_back(connection);
    changed.notify_all();
  }
  void wait_for_kept(std::size_t count) {
    std::unique_lock lock(mutex_);
    ASSERT_TRUE(changed.wait_for(lock, tests::kPatience, [&] { return kept.size() >= count; }));
  }
  void wait_for_closed(std::size_t count) {
    std::unique_lock lock(mutex_);
    ASSERT_TRUE(changed.wait_for(lock, tests::kPatience, [&] { return closed.size() >= count; }));
  }

  std::mutex mutex_;
  std::condition_variable changed;
  std::vector<RequestorPeer> peers;
  std::vector<EventPush> pushes;
  std::vector<ReplyHandler> kept;
  std::vector<ConnectionId> closed;
};

class ChannelTest : public ::testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    options_.listen.socket_path = directory_ / "requestor.sock";
    auto server = RequestorServer::start(coordinator_, options_);
    ASSERT_TRUE(server.ok());
    server_ = std::move(server).value();
    channel_ = open("tester");
    ASSERT_NE(channel_, nullptr);
  }
  std::unique_ptr<RequestorChannel> open(const std::string& name) {
    if (!GetParam()) return connect_locally(coordinator_, name);
    ConnectOptions connect_options;
    connect_options.socket = options_.listen.socket_path;
    connect_options.requestor_name = name;
    auto channel = connect(connect_options);
    EXPECT_TRUE(channel.ok()) << (channel.ok() ? "" : channel.error().what());
    return channel.ok() ? std::move(channel).value() : nullptr;
  }

  tests::SocketFolder directory_;
  RequestorServerOptions options_;
  EchoCoordinator coordinator_;
  std::unique_ptr<RequestorServer> server_;
  std::unique_ptr<RequestorChannel> channel_;
};

TEST_P(ChannelTest, CoordinatorLearnsWhoAsks) {
  ASSERT_TRUE(channel_->call("echo", "{}").ok());
  ASSERT_EQ(coordinator_.peers.size(), 1u);
  EXPECT_EQ(coordinator_.peers[0].name, "tester");
  EXPECT_EQ(coordinator_.peers[0].credentials, own_credentials());
}

TEST_P(ChannelTest, ReplyComesBackAsItWasGiven) {
  auto reply = channel_->call("echo", R"({"a":[1,2]})");
  ASSERT_TRUE(reply.ok());
  EXPECT_EQ(reply.value().json, R"({"a":[1,2]})");
  EXPECT_EQ(channel_->call("echo", "").value().json, "{}");
  auto failed = channel_->call("fail", "{}");
  EXPECT_EQ(failed.error(), Error(Errc::in_progress, "'nightly' holds /srv"));
  auto descriptor = channel_->call("descriptor", "{}");
  ASSERT_TRUE(descriptor.ok());
  EXPECT_EQ(descriptor.value().descriptors.size(), 1u);
}

TEST_P(ChannelTest, CallsOfSeveralThreadsOverlap) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&, i] {
      for (int j = 0; j < 50; ++j) {
        const std::string params = "{\"n\":" + std::to_string(i * 1000 + j) + "}";
        auto reply = channel_->call("echo", params);
        ASSERT_TRUE(reply.ok());
        EXPECT_EQ(reply.value().json, params);
      }
    });
  }
  for (auto& thread : threads) thread.join();
}

TEST_P(ChannelTest, EventsArriveInOrder) {
  ASSERT_TRUE(channel_->call("echo", "{}").ok());
  std::promise<void> third;
  std::vector<std::string> events;
  channel_->on_event([&](std::string_view event) {
    events.emplace_back(event);
    if (events.size() == 3) third.set_value();
  });
  for (int i = 0; i < 3; ++i) coordinator_.pushes[0]("{\"n\":" + std::to_string(i) + "}");
  third.get_future().get();
  EXPECT_EQ(events, (std::vector<std::string>{"{\"n\":0}", "{\"n\":1}", "{\"n\":2}"}));
}

TEST_P(ChannelTest, CloseCancelsTheCallUnderWayAndLaterOnes) {
  auto waiting = std::async(std::launch::async, [&] { return channel_->call("later", "{}"); });
  coordinator_.wait_for_kept(1);
  channel_->close();
  EXPECT_EQ(waiting.get().error().code(), Errc::cancelled);
  EXPECT_EQ(channel_->call("echo", "{}").error().code(), Errc::cancelled);
  channel_.reset();
  coordinator_.wait_for_closed(1);
  coordinator_.kept[0](ChannelReply{"{}", {}});  // too late, and harmless
}

TEST_P(ChannelTest, EndOfAChannelIsToldOnce) {
  channel_.reset();
  coordinator_.wait_for_closed(1);
  EXPECT_EQ(coordinator_.closed, (std::vector<ConnectionId>{coordinator_.peers[0].connection}));
  coordinator_.pushes[0]("{}");  // nobody is there
}

TEST_P(ChannelTest, WhoIsNotWelcomeIsTold) {
  if (GetParam()) {
    ConnectOptions connect_options;
    connect_options.socket = options_.listen.socket_path;
    connect_options.requestor_name = "unwelcome";
    EXPECT_EQ(connect(connect_options).error().code(), Errc::access_denied);
  } else {
    EXPECT_EQ(open("unwelcome")->call("echo", "{}").error().code(), Errc::access_denied);
  }
}

INSTANTIATE_TEST_SUITE_P(Local, ChannelTest, ::testing::Values(false));
INSTANTIATE_TEST_SUITE_P(Socket, ChannelTest, ::testing::Values(true));

class RequestorServerTest : public ChannelTest {
 protected:
  RawPeer greeted() {
    RawPeer peer = RawPeer::connect_to(options_.listen.socket_path);
    EXPECT_TRUE(peer.send(wire::encode(RawPeer::hello(wire::Role::requestor))));
    (void)peer.expect(Kind::welcome);
    return peer;
  }
};
INSTANTIATE_TEST_SUITE_P(Socket, RequestorServerTest, ::testing::Values(true));

TEST_P(RequestorServerTest, LostCoordinatorEndsTheCallUnderWay) {
  auto waiting = std::async(std::launch::async, [&] { return channel_->call("later", "{}"); });
  coordinator_.wait_for_kept(1);
  server_.reset();
  EXPECT_EQ(waiting.get().error().code(), Errc::disconnected);
}

// The reply is long, so that the thread which gives it is in the middle of that when the server and
// its event loop are gone.
TEST_P(RequestorServerTest, AReplyMayOutliveTheServer) {
  auto waiting = std::async(std::launch::async, [&] { return channel_->call("later", "{}"); });
  coordinator_.wait_for_kept(1);
  std::atomic<bool> replying{false};
  std::thread late([&] {
    ChannelReply answer{"{\"x\":\"" + std::string(std::size_t{8} << 20, 'r') + "\"}", {}};
    replying = true;
    coordinator_.kept[0](std::move(answer));
  });
  while (!replying) std::this_thread::yield();
  server_.reset();
  late.join();
  auto reply = waiting.get();
  EXPECT_TRUE(reply.ok() || reply.error().code() == Errc::disconnected) << reply.error().what();
}

TEST_P(RequestorServerTest, NobodyThereNamesTheSocket) {
  server_.reset();
  ConnectOptions connect_options;
  connect_options.socket = options_.listen.socket_path;
  auto channel = connect(connect_options);
  ASSERT_FALSE(channel.ok());
  EXPECT_EQ(channel.error().code(), Errc::disconnected);
  EXPECT_NE(channel.error().what().find("requestor.sock"), std::string::npos);
}

TEST_P(RequestorServerTest, RequestThatIsNoJsonFailsAloneAndTheNextOneWorks) {
  RawPeer peer = greeted();
  ASSERT_TRUE(peer.send({Kind::request, 1, 0, "{\"method\":"}));
  EXPECT_EQ(wire::decode_reply(peer.expect(Kind::reply)).error().code(), Errc::corrupt);
  ASSERT_TRUE(peer.send({Kind::request, 2, 0, R"({"method":"echo","params":{"a":1}})"}));
  EXPECT_EQ(wire::decode_reply(peer.expect(Kind::reply)).value(), R"({"a":1})");
}

TEST_P(RequestorServerTest, NumbersThatDoNotGrowAndForeignKindsCloseTheConnection) {
  for (const auto& second :
       {wire::RawMessage{Kind::request, 1, 0, R"({"method":"echo"})"},
        wire::RawMessage{Kind::answer, 2, 0, "{}"}, wire::encode(wire::Heartbeat{})}) {
    RawPeer peer = greeted();
    ASSERT_TRUE(peer.send({Kind::request, 1, 0, R"({"method":"echo"})"}));
    (void)peer.expect(Kind::reply);
    ASSERT_TRUE(peer.send(second));
    EXPECT_EQ(peer.expect_refusal().code(), Errc::corrupt);
  }
}

TEST_P(RequestorServerTest, FloodOfRequestsIsAnsweredWithItsLimit) {
  RawPeer peer = greeted();
  const std::uint64_t flood = options_.requests_under_way_max + 5;
  for (std::uint64_t i = 1; i <= flood; ++i) {
    ASSERT_TRUE(peer.send({Kind::request, i, 0, R"({"method":"later"})"}));
  }
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(wire::decode_reply(peer.expect(Kind::reply)).error().code(), Errc::limit_reached);
  }
  coordinator_.wait_for_kept(options_.requests_under_way_max);
  EXPECT_EQ(coordinator_.kept.size(), options_.requests_under_way_max);
}

TEST_P(RequestorServerTest, EventsForAPeerThatDoesNotReadAreDropped) {
  RawPeer peer = greeted();
  const std::string event = "{\"x\":\"" + std::string(60'000, 'e') + "\"}";
  for (int i = 0; i < 3000; ++i) coordinator_.pushes.back()(event);
  ASSERT_TRUE(peer.send({Kind::request, 1, 0, R"({"method":"echo"})"}));
  std::size_t events = 0;
  while (auto message = peer.receive()) {
    if (message->kind == Kind::reply) break;
    ++events;
  }
  EXPECT_LT(events, 3000u);
}

TEST(ConnectTest, CoordinatorThatSaysNothingTimesOut) {
  tests::SocketFolder directory;
  ListenOptions options;
  options.socket_path = directory / "s";
  auto deaf = ListeningSocket::open(options);
  ASSERT_TRUE(deaf.ok());
  ConnectOptions connect_options;
  connect_options.socket = options.socket_path;
  connect_options.timeout = 20ms;
  EXPECT_EQ(connect(connect_options).error().code(), Errc::timed_out);
}

}  // namespace
}  // namespace stillframe
