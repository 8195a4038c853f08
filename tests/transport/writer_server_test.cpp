#include "framework/transport/writer_server.hpp"

#include <functional>
#include <future>
#include <thread>

#include "framework/wire/writer_codec.hpp"
#include "tests/transport/raw_peer.hpp"
#include "tests/transport/socket_folder.hpp"
#include "tests/wire/sample_values.hpp"

namespace stillframe {
namespace {

using namespace std::chrono_literals;
using tests::RawPeer;
using wire::Kind;

class WriterServerTest : public ::testing::Test {
 protected:
  void start() {
    options_.listen.socket_path = directory_ / "writer.sock";
    auto server = WriterServer::start(options_, [this](std::shared_ptr<WriterLink> link) {
      if (before_known_) before_known_(*link);
      std::lock_guard lock(mutex_);
      links_.push_back(std::move(link));
      changed_.notify_all();
    });
    ASSERT_TRUE(server.ok()) << server.error().what();
    server_ = std::move(server).value();
  }

  RawPeer connect() { return RawPeer::connect_to(options_.listen.socket_path); }

  static wire::RegisterWriter registration(const std::string& instance_name = "eu") {
    wire::RegisterWriter reg{tests::sample_identity(), WriterInstanceId::generate(),
                             wire::sample_clock(system_clock())};
    reg.identity.instance_name = instance_name;
    return reg;
  }

  // A peer that has come as far as being welcomed.
  RawPeer greeted() {
    RawPeer peer = connect();
    EXPECT_TRUE(peer.send(wire::encode(RawPeer::hello(wire::Role::writer))));
    (void)peer.expect(Kind::welcome);
    return peer;
  }
  RawPeer registered(const std::string& instance_name = "eu") {
    RawPeer peer = greeted();
    EXPECT_TRUE(peer.send(wire::encode(registration(instance_name))));
    (void)peer.expect(Kind::registered);
    return peer;
  }
  std::shared_ptr<WriterLink> link(std::size_t index = 0) {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, tests::kPatience, [&] { return links_.size() > index; }));
    return links_.size() > index ? links_[index] : nullptr;
  }

  static WriterCall call(Verb verb, WriterArgs args = NoArgs{}) {
    WriterCall c;
    c.verb = verb;
    c.args = std::move(args);
    return c;
  }
  static std::future<WriterAnswer> begin(WriterLink& link, WriterCall c) {
    auto promise = std::make_shared<std::promise<WriterAnswer>>();
    link.call(std::move(c), [promise](WriterAnswer a) { promise->set_value(std::move(a)); });
    return promise->get_future();
  }
  static wire::RawMessage answer(const wire::RawMessage& to, Verb verb) {
    WriterAnswer a;
    a.payload = tests::sample_payload(verb);
    return wire::encode_answer(verb, a, to.sequence);
  }

  tests::SocketFolder directory_;
  WriterServerOptions options_;
  std::function<void(WriterLink&)> before_known_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::shared_ptr<WriterLink>> links_;
  std::unique_ptr<WriterServer> server_;
};

TEST_F(WriterServerTest, AWriterThatIsNotAdmittedIsToldWhy) {
  options_.admit_writer = [](const PeerCredentials& peer, const WriterIdentity& identity) {
    EXPECT_EQ(peer.uid, static_cast<std::int64_t>(::geteuid()));
    if (identity.instance_name == "eu") return Status(Ok{});
    return Status(Error(Errc::access_denied, "only eu"));
  };
  start();
  RawPeer peer = greeted();
  EXPECT_TRUE(peer.send(wire::encode(registration("us"))));
  auto refused = wire::decode_refuse(peer.expect(Kind::refuse));
  ASSERT_TRUE(refused.ok());
  EXPECT_EQ(refused.value().error.code(), Errc::access_denied);
  RawPeer welcome = registered("eu");
  EXPECT_EQ(link()->identity().instance_name, "eu");
}

TEST_F(WriterServerTest, RegisteredWriterBecomesALinkThatKnowsItsProcess) {
  start();
  RawPeer peer = greeted();
  const auto reg = registration();
  ASSERT_TRUE(peer.send(wire::encode(reg)));
  EXPECT_EQ(wire::decode_registered(peer.expect(Kind::registered)).value().instance, reg.instance);
  auto writer = link();
  EXPECT_EQ(writer->identity(), reg.identity);
  EXPECT_EQ(writer->instance(), reg.instance);
  EXPECT_EQ(writer->process().pid, ::getpid());
  EXPECT_EQ(writer->process().uid, static_cast<std::int64_t>(::geteuid()));
  EXPECT_NE(writer->process().executable.find("transport_test"), std::string::npos);
}

TEST_F(WriterServerTest, AWriterThatIsToldOfItsRegistrationIsKnownToEverybody) {
  const SessionId session = SessionId::generate();
  std::future<WriterAnswer> identified;
  before_known_ = [&](WriterLink& writer) {  // who hears of it first may say something at once
    identified = begin(writer, call(Verb::identify));
    writer.heartbeat(session);
    writer.cancel(session);
    std::this_thread::sleep_for(50ms);
  };
  start();
  RawPeer peer = registered();
  {
    const std::lock_guard lock(mutex_);
    EXPECT_EQ(links_.size(), 1u);
  }
  const auto asked = peer.expect(Kind::call);
  (void)peer.expect(Kind::heartbeat);
  (void)peer.expect(Kind::cancel);
  EXPECT_TRUE(peer.send(answer(asked, Verb::identify)));
  EXPECT_TRUE(identified.get().status.ok());
}

TEST_F(WriterServerTest, CallsAreAnsweredInOrder) {
  start();
  RawPeer peer = registered();
  auto writer = link();
  auto first = begin(*writer, call(Verb::identify));
  auto second = begin(*writer, call(Verb::verify, VerifyRequest{{"", "a"}, "/x"}));
  const auto a = peer.expect(Kind::call), b = peer.expect(Kind::call);
  ASSERT_TRUE(peer.send(answer(a, Verb::identify)));
  ASSERT_TRUE(peer.send(answer(b, Verb::verify)));
  EXPECT_TRUE(first.get().status.ok());
  EXPECT_EQ(std::get<VerifyReport>(second.get().payload).detail, "page 7");
}

TEST_F(WriterServerTest, StreamsDescriptorComesThrough) {
  start();
  RawPeer peer = registered();
  auto writer = link();
  auto opened = begin(*writer, call(Verb::open_stream, StreamRequest{{"", "a"}, "f"}));
  const auto asked = peer.expect(Kind::call);
  std::vector<Descriptor> one;
  one.emplace_back(::dup(0));
  ASSERT_TRUE(peer.send(answer(asked, Verb::open_stream), std::move(one)));
  EXPECT_EQ(opened.get().descriptors.size(), 1u);
}

TEST_F(WriterServerTest, AWriterThatLeavesHeartbeatsUnansweredIsGivenUp) {
  start();
  RawPeer peer = registered();
  const auto writer = link();
  const SessionId session = SessionId::generate();
  auto frozen = begin(*writer, call(Verb::freeze));
  (void)peer.expect(Kind::call);
  for (int beat = 0; beat < 8; ++beat) {  // a writer that answers may be beaten for ever
    writer->heartbeat(session);
    EXPECT_TRUE(peer.send(peer.expect(Kind::heartbeat)));
    // What comes behind the beat on the same connection says that it has been read.
    wire::Progress progress{Verb::freeze, 1, 2, "x"};
    std::promise<void> heard;
    writer->on_progress(
        [&](Verb, std::uint64_t, std::uint64_t, const std::string&) { heard.set_value(); });
    EXPECT_TRUE(peer.send(wire::encode(progress, 1)));
    ASSERT_EQ(heard.get_future().wait_for(tests::kPatience), std::future_status::ready);
  }
  EXPECT_NE(frozen.wait_for(0ms), std::future_status::ready);
  for (int beat = 0; beat < 4; ++beat) writer->heartbeat(session);
  const WriterAnswer answer = frozen.get();
  ASSERT_FALSE(answer.status.ok());
  EXPECT_EQ(answer.status.error().code(), Errc::writer_gone);
  EXPECT_NE(answer.status.error().what().find("stopped"), std::string::npos);
  EXPECT_TRUE(peer.closed());
}

TEST_F(WriterServerTest, AWriterOfTheFirstProtocolIsNotAskedForAnswers) {
  start();
  RawPeer peer = connect();
  auto hello = RawPeer::hello(wire::Role::writer);
  hello.protocol_max = 1;
  EXPECT_TRUE(peer.send(wire::encode(hello)));
  EXPECT_EQ(wire::decode_welcome(peer.expect(Kind::welcome)).value().protocol, 1u);
  EXPECT_TRUE(peer.send(wire::encode(registration())));
  (void)peer.expect(Kind::registered);
  const auto writer = link();
  const SessionId session = SessionId::generate();
  for (int beat = 0; beat < 10; ++beat) {
    writer->heartbeat(session);
    (void)peer.expect(Kind::heartbeat);
  }
  auto thawed = begin(*writer, call(Verb::shutdown, ShutdownArgs{SetId::generate()}));
  EXPECT_TRUE(peer.send(answer(peer.expect(Kind::call), Verb::shutdown)));
  EXPECT_TRUE(thawed.get().status.ok());
  EXPECT_TRUE(peer.send(wire::encode(wire::Heartbeat{session})));
  EXPECT_TRUE(peer.closed()) << "nor may it send one";
}

TEST_F(WriterServerTest, HeartbeatCancelAndProgressPass) {
  start();
  RawPeer peer = registered();
  auto writer = link();
  const SessionId session = SessionId::generate();
  writer->heartbeat(session);
  EXPECT_EQ(wire::decode_heartbeat(peer.expect(Kind::heartbeat)).value().session, session);
  writer->cancel(session);
  EXPECT_EQ(wire::decode_cancel(peer.expect(Kind::cancel)).value().session, session);
  std::promise<std::uint64_t> told;
  writer->on_progress(
      [&](Verb, std::uint64_t done, std::uint64_t, std::string) { told.set_value(done); });
  ASSERT_TRUE(peer.send(wire::encode(wire::Progress{Verb::verify, 5, 9, "x"}, 1)));
  EXPECT_EQ(told.get_future().get(), 5u);
}

TEST_F(WriterServerTest, DeadWriterAnswersEverythingWithGoneOnce) {
  start();
  RawPeer peer = registered();
  auto writer = link();
  auto first = begin(*writer, call(Verb::identify));
  auto second = begin(*writer, call(Verb::freeze));
  std::promise<Error> gone;
  writer->on_gone([&](Error why) { gone.set_value(why); });
  peer.close();
  EXPECT_EQ(first.get().status.error().code(), Errc::writer_gone);
  EXPECT_EQ(second.get().status.error().code(), Errc::writer_gone);
  EXPECT_EQ(gone.get_future().get().code(), Errc::writer_gone);
  EXPECT_EQ(begin(*writer, call(Verb::thaw)).get().status.error().code(), Errc::writer_gone);
  bool at_once = false;
  writer->on_gone([&](Error) { at_once = true; });
  EXPECT_TRUE(at_once);
}

TEST_F(WriterServerTest, AnswerOutOfOrderCostsTheWriterItsConnection) {
  start();
  RawPeer peer = registered();
  auto writer = link();
  auto first = begin(*writer, call(Verb::identify));
  auto second = begin(*writer, call(Verb::freeze));
  (void)peer.expect(Kind::call);
  const auto b = peer.expect(Kind::call);
  ASSERT_TRUE(peer.send(answer(b, Verb::freeze)));
  EXPECT_EQ(peer.expect_refusal().code(), Errc::corrupt);
  EXPECT_EQ(first.get().status.error().code(), Errc::writer_gone);
  EXPECT_EQ(second.get().status.error().code(), Errc::writer_gone);
}

TEST_F(WriterServerTest, AnswerThatMakesNoSenseFailsItsCall) {
  start();
  RawPeer peer = registered();
  auto writer = link();
  auto thawed = begin(*writer, call(Verb::thaw));
  const auto asked = peer.expect(Kind::call);
  ASSERT_TRUE(peer.send({Kind::answer, asked.sequence, 0, "{\"payload\":7}"}));
  EXPECT_EQ(thawed.get().status.error().code(), Errc::writer_fatal);
  EXPECT_EQ(peer.expect_refusal().code(), Errc::corrupt);
}

TEST_F(WriterServerTest, ArgumentsOfAnotherVerbNeverReachTheWriter) {
  start();
  RawPeer peer = registered();
  auto writer = link();
  EXPECT_EQ(begin(*writer, call(Verb::freeze, ReadArgs{1, 2})).get().status.error().code(),
            Errc::invalid_argument);
}

TEST_F(WriterServerTest, SameNameTwiceIsRefusedWhileTheFirstLives) {
  start();
  RawPeer first = registered("eu");
  RawPeer second = greeted();
  ASSERT_TRUE(second.send(wire::encode(registration("eu"))));
  const Error why = second.expect_refusal();
  EXPECT_EQ(why.code(), Errc::already_exists);
  EXPECT_NE(why.what().find(std::to_string(::getpid())), std::string::npos);
  RawPeer other = registered("us");

  auto writer = link(0);
  std::promise<void> gone;
  writer->on_gone([&](Error) { gone.set_value(); });
  first.close();
  gone.get_future().get();
  RawPeer again = registered("eu");
}

TEST_F(WriterServerTest, HandshakeIsHeldToItsRules) {
  start();
  struct Case {
    const char* name;
    wire::RawMessage first;
    Errc code;
  };
  wire::Hello newer = RawPeer::hello(wire::Role::writer);
  newer.protocol_min = newer.protocol_max = 99;
  wire::Hello elsewhere = RawPeer::hello(wire::Role::writer);
  elsewhere.clock.time_namespace += 1;
  wire::Hello ahead = RawPeer::hello(wire::Role::writer);
  ahead.clock.boot = ahead.clock.boot + 3600s;
  const std::vector<Case> cases{
      {"a newer protocol", wire::encode(newer), Errc::future_version},
      {"another time namespace", wire::encode(elsewhere), Errc::not_supported},
      {"a clock that is ahead", wire::encode(ahead), Errc::not_supported},
      {"a requestor", wire::encode(RawPeer::hello(wire::Role::requestor)), Errc::invalid_argument},
      {"registration first", wire::encode(registration()), Errc::corrupt},
      {"no hello at all", {Kind::hello, 0, 0, "{}"}, Errc::corrupt},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    RawPeer peer = connect();
    ASSERT_TRUE(peer.send(c.first));
    EXPECT_EQ(peer.expect_refusal().code(), c.code);
    EXPECT_TRUE(peer.closed());
  }
  EXPECT_TRUE(links_.empty());
}

TEST_F(WriterServerTest, AFrameOfAnotherVersionIsToldWhyItIsRefused) {
  start();
  for (const auto& [version, code] :
       {std::pair('\x02', Errc::future_version), std::pair('\0', Errc::corrupt)}) {
    std::string frame =
        wire::encode_frames(wire::encode(RawPeer::hello(wire::Role::writer))).value().at(0);
    frame[4] = version;
    RawPeer peer = connect();
    ASSERT_TRUE(peer.send_bytes(frame));
    const Error why = peer.expect_refusal();
    EXPECT_EQ(why.code(), code);
    EXPECT_NE(why.what().find("this program speaks version 1"), std::string::npos) << why.what();
    EXPECT_TRUE(peer.closed());
  }
}

// A stranger that speaks something else is not written to.
TEST_F(WriterServerTest, WhatIsNoFrameIsJustClosed) {
  start();
  RawPeer peer = connect();
  ASSERT_TRUE(peer.send_bytes("GET / HTTP/1.1\r\nHost: here\r\n\r\n"));
  EXPECT_FALSE(peer.receive().has_value());
}

TEST_F(WriterServerTest, RegistrationWithAStaleClockIsRefused) {
  start();
  RawPeer peer = greeted();
  auto reg = registration();
  reg.clock.boot = reg.clock.boot - 3600s;
  ASSERT_TRUE(peer.send(wire::encode(reg)));
  EXPECT_EQ(peer.expect_refusal().code(), Errc::not_supported);
}

TEST_F(WriterServerTest, NamelessWriterIsRefused) {
  start();
  RawPeer peer = greeted();
  auto reg = registration();
  reg.identity.name.clear();
  ASSERT_TRUE(peer.send(wire::encode(reg)));
  EXPECT_EQ(peer.expect_refusal().code(), Errc::invalid_argument);
}

TEST_F(WriterServerTest, PeerThatNeverFinishesItsHandshakeIsClosed) {
  options_.handshake_limit = 20ms;
  start();
  RawPeer silent = connect();
  EXPECT_EQ(silent.expect_refusal().code(), Errc::timed_out);
  RawPeer slow = greeted();
  EXPECT_EQ(slow.expect_refusal().code(), Errc::timed_out);
}

TEST_F(WriterServerTest, StrangerCannotMakeTheServerHoldADocument) {
  start();
  RawPeer stranger = connect();
  (void)stranger.send({Kind::call, 1, 0, std::string(wire::kHandshakeBytesMax + 1, 'x')});
  EXPECT_FALSE(stranger.receive().has_value());  // closed
}

TEST_F(WriterServerTest, OneBadPeerDoesNotDisturbTheOthers) {
  start();
  RawPeer good = registered();
  for (int i = 0; i < 20; ++i) {
    RawPeer bad = connect();
    (void)bad.send_bytes(std::string(1000, static_cast<char>(i)));
    EXPECT_TRUE(bad.closed());
  }
  auto answered = begin(*link(), call(Verb::identify));
  const auto asked = good.expect(Kind::call);
  ASSERT_TRUE(good.send(answer(asked, Verb::identify)));
  EXPECT_TRUE(answered.get().status.ok());
}

TEST_F(WriterServerTest, AdmissionIsAskedWithTheKernelsCredentials) {
  std::atomic<std::int64_t> asked_pid{0};
  options_.listen.admit = [&](const PeerCredentials& peer) -> Status {
    asked_pid = peer.pid;
    return Error(Errc::access_denied, "writers of this user are not configured");
  };
  start();
  RawPeer peer = connect();
  EXPECT_EQ(peer.expect_refusal().code(), Errc::access_denied);
  EXPECT_EQ(asked_pid, ::getpid());
}

TEST_F(WriterServerTest, TooManyConnectionsAreRefused) {
  options_.connections_max = 1;
  start();
  RawPeer first = registered();
  RawPeer second = connect();
  EXPECT_EQ(second.expect_refusal().code(), Errc::limit_reached);
}

TEST_F(WriterServerTest, EndOfTheServerReachesWritersAndLinks) {
  start();
  RawPeer peer = registered();
  auto writer = link();
  auto waiting = begin(*writer, call(Verb::identify));
  server_.reset();
  EXPECT_EQ(waiting.get().status.error().code(), Errc::writer_gone);
  (void)peer.expect(Kind::call);
  (void)peer.expect(Kind::bye);
  EXPECT_FALSE(peer.receive().has_value());
}

}  // namespace
}  // namespace stillframe
