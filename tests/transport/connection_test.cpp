#include "framework/transport/connection.hpp"

#include <future>
#include <thread>

#include <fcntl.h>
#include <sys/wait.h>

#include "tests/transport/raw_peer.hpp"
#include "tests/transport/socket_folder.hpp"

namespace stillframe {
namespace {

using tests::RawPeer;
using wire::Kind;

class ConnectionTest : public ::testing::Test {
 protected:
  void start(const ConnectionOptions& options = {}) {
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    peer_ = std::make_unique<RawPeer>(Descriptor(ends[0]));
    io_ = IoThread::start("test").value();
    auto connection = Connection::adopt(*io_, Descriptor(ends[1]), options);
    ASSERT_TRUE(connection.ok());
    connection_ = connection.value();
    connection_->start(
        [this](wire::RawMessage message, std::vector<Descriptor> descriptors) {
          std::lock_guard lock(mutex_);
          received_.push_back(std::move(message));
          descriptor_count_ += descriptors.size();
          for (auto& one : descriptors) descriptors_.push_back(std::move(one));
          if (throw_on_message_) throw std::runtime_error("handler");
          changed_.notify_all();
        },
        [this](const Error& why) {
          ++closed_calls_;
          closed_.set_value(why);
        });
    io_->run([this] { connection_->handshake_done(); });
  }

  Error closed_because() { return closed_.get_future().get(); }

  void wait_for_messages(std::size_t count) {
    std::unique_lock lock(mutex_);
    ASSERT_TRUE(
        changed_.wait_for(lock, tests::kPatience, [&] { return received_.size() >= count; }));
  }

  void TearDown() override {
    connection_->close(Error(Errc::cancelled, "test ends"));
    io_->run([] {});
    io_->stop();
    EXPECT_LE(closed_calls_, 1);
  }

  std::unique_ptr<IoThread> io_;
  std::unique_ptr<RawPeer> peer_;
  std::shared_ptr<Connection> connection_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<wire::RawMessage> received_;
  std::vector<Descriptor> descriptors_;
  std::size_t descriptor_count_ = 0;
  bool throw_on_message_ = false;
  std::promise<Error> closed_;
  std::atomic<int> closed_calls_{0};
};

wire::RawMessage message(Kind kind, std::string payload, std::uint64_t sequence = 1) {
  return {kind, sequence, 0, std::move(payload)};
}

TEST_F(ConnectionTest, CarriesMessagesAndDescriptorsBothWays) {
  start();
  int pipe_ends[2];
  ASSERT_EQ(::pipe(pipe_ends), 0);
  std::vector<Descriptor> out;
  out.emplace_back(pipe_ends[0]);
  Descriptor write_end(pipe_ends[1]);
  connection_->send(message(Kind::answer, "{}"), std::move(out));
  EXPECT_EQ(peer_->expect(Kind::answer).descriptors, 1);
  ASSERT_EQ(peer_->descriptors.size(), 1u);
  ASSERT_EQ(::write(write_end.get(), "x", 1), 1);
  char byte = 0;
  EXPECT_EQ(::read(peer_->descriptors[0].get(), &byte, 1), 1);
  EXPECT_EQ(byte, 'x');

  std::vector<Descriptor> in;
  in.emplace_back(::dup(0));
  in.emplace_back(::dup(0));
  ASSERT_TRUE(peer_->send(message(Kind::answer, "{\"a\":1}"), std::move(in)));
  wait_for_messages(1);
  EXPECT_EQ(descriptor_count_, 2u);
  EXPECT_NE(::fcntl(descriptors_[0].get(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST_F(ConnectionTest, DocumentLargerThanAnySocketBufferArrives) {
  start();
  std::string document(9 << 20, 'd');
  document.back() = 'e';
  std::thread sender([&] { EXPECT_TRUE(peer_->send(message(Kind::request, document))); });
  wait_for_messages(1);
  sender.join();
  EXPECT_EQ(received_[0].payload, document);
  connection_->send(message(Kind::reply, document));
  EXPECT_EQ(peer_->expect(Kind::reply).payload, document);
}

TEST_F(ConnectionTest, PeerThatDoesNotReadIsClosedWhenItsQueueIsFull) {
  ConnectionOptions small;
  small.send_queue_bytes_max = 1 << 20;
  start(small);
  for (int i = 0; i < 64; ++i) connection_->send(message(Kind::event, std::string(60'000, 'x')));
  EXPECT_EQ(closed_because().code(), Errc::limit_reached);
  EXPECT_TRUE(peer_->closed());
}

TEST_F(ConnectionTest, HeartbeatOvertakesWaitingDocuments) {
  start();
  // The socket's buffer is full with the first of these before the heartbeat is sent.
  connection_->send(message(Kind::call, std::string(20 << 20, 'c'), 1));
  connection_->send(message(Kind::call, "{}", 2));
  connection_->send(message(Kind::heartbeat, "{}"));
  EXPECT_EQ(peer_->expect(Kind::heartbeat).payload, "{}");
  EXPECT_EQ(peer_->expect(Kind::call).sequence, 1u);
  EXPECT_EQ(peer_->expect(Kind::call).sequence, 2u);
}

TEST_F(ConnectionTest, GarbageClosesTheConnection) {
  start();
  ASSERT_TRUE(peer_->send_bytes("GET / HTTP/1.1\r\nHost: example\r\n\r\n"));
  EXPECT_EQ(closed_because().code(), Errc::corrupt);
  EXPECT_TRUE(peer_->closed());
}

TEST_F(ConnectionTest, HalfAFrameAndThenTheEndIsTruncated) {
  start();
  auto frames = wire::encode_frames(message(Kind::request, "{\"method\":\"writers\"}"));
  ASSERT_TRUE(peer_->send_bytes(std::string_view(frames.value()[0]).substr(0, 30)));
  peer_->close();
  EXPECT_EQ(closed_because().code(), Errc::truncated);
  EXPECT_TRUE(received_.empty());
}

TEST_F(ConnectionTest, EndBetweenMessagesIsADisconnection) {
  start();
  ASSERT_TRUE(peer_->send(message(Kind::request, "{}")));
  peer_->close();
  EXPECT_EQ(closed_because().code(), Errc::disconnected);
  EXPECT_EQ(received_.size(), 1u);
}

TEST_F(ConnectionTest, DescriptorsThatNoMessageAnnouncedAreClosedWithTheConnection) {
  start();
  std::vector<Descriptor> smuggled;
  smuggled.emplace_back(::dup(0));
  auto frames = wire::encode_frames(message(Kind::request, "{}"));
  ASSERT_TRUE(peer_->send_bytes(frames.value()[0], smuggled));
  EXPECT_EQ(closed_because().code(), Errc::corrupt);
  EXPECT_EQ(descriptor_count_, 0u);
}

TEST_F(ConnectionTest, AnnouncedDescriptorsThatDidNotComeAreCorrupt) {
  start();
  wire::RawMessage lie = message(Kind::answer, "{}");
  lie.descriptors = 2;
  auto frames = wire::encode_frames(lie);
  ASSERT_TRUE(peer_->send_bytes(frames.value()[0]));
  EXPECT_EQ(closed_because().code(), Errc::corrupt);
}

TEST_F(ConnectionTest, FloodOfDescriptorsIsRefused) {
  start();
  wire::RawMessage large = message(Kind::answer, std::string(wire::kFramePayloadBytesMax, 'x'));
  large.descriptors = 1;
  auto frames = wire::encode_frames(large);
  std::vector<Descriptor> some;
  for (int i = 0; i < 100; ++i) some.emplace_back(::dup(0));
  // Pieces of one message under way, each with descriptors.
  std::string_view rest = frames.value()[0];
  for (int i = 0; i < 8 && peer_->send_bytes(rest.substr(0, 100), some); ++i) {
    rest.remove_prefix(100);
  }
  EXPECT_EQ(closed_because().code(), Errc::corrupt);
}

TEST_F(ConnectionTest, HandlerThatThrowsCostsItsConnectionOnly) {
  throw_on_message_ = true;
  start();
  ASSERT_TRUE(peer_->send(message(Kind::request, "{}")));
  EXPECT_EQ(closed_because().code(), Errc::internal);
  bool runs = false;
  io_->run([&] { runs = true; });
  EXPECT_TRUE(runs);
}

TEST_F(ConnectionTest, WhatWasSentBeforeCloseStillArrives) {
  start();
  connection_->send(message(Kind::bye, "{\"reason\":\"x\"}"));
  connection_->close(Error(Errc::cancelled, "over"));
  EXPECT_EQ(peer_->expect(Kind::bye).payload, "{\"reason\":\"x\"}");
  EXPECT_FALSE(peer_->receive().has_value());
  EXPECT_EQ(closed_because().code(), Errc::cancelled);
}

// A server that refuses whom it accepts does so before it hears of them, and their hello fails.
TEST_F(ConnectionTest, WhatThePeerSaidBeforeItWentIsHeardAlthoughSendingFails) {
  start();
  io_->run([&] {
    ASSERT_TRUE(peer_->send(message(Kind::bye, "{\"reason\":\"x\"}")));
    peer_->close();
    connection_->send(message(Kind::answer, "{}"));
  });
  EXPECT_EQ(closed_because().code(), Errc::disconnected);
  ASSERT_EQ(received_.size(), 1u);
  EXPECT_EQ(received_[0].kind, Kind::bye);
}

// A child of the peer keeps its socket open: only the pidfd tells that the peer itself is dead.
TEST(ConnectionPeer, DeathOfTheProcessIsSeenAlthoughAChildKeepsItsSocket) {
  tests::SocketFolder directory;
  ListenOptions options;
  options.socket_path = directory / "s";
  auto listening = ListeningSocket::open(options);
  ASSERT_TRUE(listening.ok());
  const pid_t peer = ::fork();
  ASSERT_GE(peer, 0);
  if (peer == 0) {
    auto socket = connect_unix(options.socket_path, system_clock(), BootTime{});
    const pid_t heir = ::fork();
    if (heir == 0) {
      ::pause();
      ::_exit(0);
    }
    ::send(socket.value().get(), &heir, sizeof heir, 0);
    ::pause();
    ::_exit(0);
  }
  Descriptor accepted;
  while (!accepted.valid()) {
    pollfd ready{listening.value().get(), POLLIN, 0};
    ASSERT_EQ(::poll(&ready, 1, static_cast<int>(tests::kPatience.count())), 1);
    accepted = std::move(listening.value().accept()).value();
  }
  pollfd sent{accepted.get(), POLLIN, 0};
  ASSERT_EQ(::poll(&sent, 1, static_cast<int>(tests::kPatience.count())), 1);
  pid_t heir = 0;
  ASSERT_EQ(::recv(accepted.get(), &heir, sizeof heir, 0), static_cast<ssize_t>(sizeof heir));

  auto io = IoThread::start("test").value();
  auto connection = Connection::adopt(*io, std::move(accepted), {});
  ASSERT_TRUE(connection.ok());
  EXPECT_EQ(connection.value()->peer().pid, peer);
  std::promise<Error> closed;
  connection.value()->start([](wire::RawMessage, std::vector<Descriptor>) {},
                            [&](const Error& why) { closed.set_value(why); });
  EXPECT_TRUE(connection.value()->peer_alive());
  ::kill(peer, SIGKILL);
  EXPECT_EQ(closed.get_future().get().code(), Errc::disconnected);
  EXPECT_FALSE(connection.value()->peer_alive());
  ::kill(heir, SIGKILL);
  ::waitpid(peer, nullptr, 0);
  io->stop();
}

}  // namespace
}  // namespace stillframe
