#include "framework/daemon/observe/metrics_server.hpp"

#include <atomic>
#include <vector>

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/support/loop_fs.hpp"

namespace stillframe::daemon {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class MetricsServerTest : public ::testing::Test {
 protected:
  void start(MetricsServerOptions options = {}) {
    MetricsAddress address;
    address.socket = directory_.path() + "/m.sock";
    auto server = MetricsServer::start(
        address, [this] { return body_; }, options);
    ASSERT_TRUE(server.ok()) << server.error().what();
    server_ = std::move(server).value();
  }
  Descriptor connect() const {
    Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    const std::string path = directory_.path() + "/m.sock";
    path.copy(name.sun_path, sizeof(name.sun_path) - 1);
    EXPECT_EQ(::connect(socket.get(), reinterpret_cast<const sockaddr*>(&name), sizeof(name)), 0);
    return socket;
  }
  static std::string rest_of(const Descriptor& socket) {
    const timeval patience{20, 0};
    EXPECT_EQ(setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
    std::string all;
    char buffer[4096];
    ssize_t n = 0;
    while ((n = ::read(socket.get(), buffer, sizeof(buffer))) > 0)
      all.append(buffer, static_cast<std::size_t>(n));
    EXPECT_NE(n == -1 ? errno : 0, EAGAIN) << "the server never closed";
    return all;
  }
  std::string ask(const std::string& request) const {
    const Descriptor socket = connect();
    EXPECT_EQ(::send(socket.get(), request.data(), request.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(request.size()));
    return rest_of(socket);
  }

  tests::TemporaryDirectory directory_{"observe"};
  const std::string body_ = "stillframe_in_quiesce 0\n";
  std::unique_ptr<MetricsServer> server_;
};

TEST_F(MetricsServerTest, AScrapeGetsTheTextWithItsTypeAndLength) {
  start();
  const std::string reply = ask("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(reply, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(reply, HasSubstr("text/plain; version=0.0.4"));
  EXPECT_THAT(reply, HasSubstr("Content-Length: 24\r\n"));
  EXPECT_THAT(reply, EndsWith("\r\n\r\n" + body_));
}

TEST_F(MetricsServerTest, WhatIsNoScrapeIsRefused) {
  start();
  EXPECT_THAT(ask("POST /metrics HTTP/1.1\r\n\r\n"), StartsWith("HTTP/1.1 405"));
  EXPECT_THAT(ask("GET /etc/passwd HTTP/1.1\r\n\r\n"), StartsWith("HTTP/1.1 404"));
  EXPECT_THAT(ask("hello\r\n\r\n"), StartsWith("HTTP/1.1 400"));
  EXPECT_THAT(ask("HEAD /metrics HTTP/1.0\r\n\r\n"), EndsWith("\r\n\r\n"));
  EXPECT_THAT(ask("GET / HTTP/1.1\r\nX: " + std::string(9'000, 'x')), StartsWith("HTTP/1.1 431"));
}

TEST_F(MetricsServerTest, WhoSaysNothingIsClosedAndBlocksNobodyForLongerThanThat) {
  MetricsServerOptions options;
  options.connections_max = 2;
  options.time_max = std::chrono::milliseconds(100);
  start(options);
  std::vector<Descriptor> silent;
  for (int i = 0; i < 4; ++i) silent.push_back(connect());
  EXPECT_THAT(ask("GET /metrics HTTP/1.1\r\n\r\n"), StartsWith("HTTP/1.1 200"));
  for (const auto& each : silent) EXPECT_EQ(rest_of(each), "");
}

TEST_F(MetricsServerTest, ItEndsWithConnectionsOpen) {
  start();
  const Descriptor idle = connect();
  server_.reset();
  EXPECT_EQ(rest_of(idle), "");
  EXPECT_FALSE(::access((directory_.path() + "/m.sock").c_str(), F_OK) == 0);
}

TEST_F(MetricsServerTest, APortOfThisMachineServesToo) {
  MetricsAddress address;
  address.address = "127.0.0.1";
  auto server = MetricsServer::start(address, [this] { return body_; });
  ASSERT_TRUE(server.ok()) << server.error().what();
  ASSERT_GT(server.value()->port(), 0);
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_port = htons(static_cast<std::uint16_t>(server.value()->port()));
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(::connect(socket.get(), reinterpret_cast<const sockaddr*>(&name), sizeof(name)), 0);
  const std::string request = "GET /metrics HTTP/1.1\r\n\r\n";
  ASSERT_EQ(::send(socket.get(), request.data(), request.size(), 0),
            static_cast<ssize_t>(request.size()));
  EXPECT_THAT(rest_of(socket), EndsWith(body_));
  MetricsAddress taken = address;
  taken.port = server.value()->port();
  EXPECT_FALSE(MetricsServer::start(taken, [this] { return body_; }).ok());
}

}  // namespace
}  // namespace stillframe::daemon
