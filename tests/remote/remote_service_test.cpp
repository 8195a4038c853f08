// Who on another machine is let in, who is not, and what a flood of strangers costs.
#include <csignal>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "framework/remote/tls_wait.hpp"
#include "framework/wire/message.hpp"
#include "tests/remote/support/remote_daemon.hpp"

namespace stillframe::tests {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

class RemoteService : public testing::Test {
 protected:
  RemoteService() : remote_("[providers]\nbuiltin = false\n") {}
  void start() {
    Status s = remote_.start();
    ASSERT_TRUE(s.ok()) << s.error().what();
  }
  // The error of coming with these certificates, or of the first request.
  Error refusal(const RemoteOptions& options) {
    auto connected = connect_coordinator(options);
    if (!connected.ok()) return connected.error();
    auto reply = connected.value().channel->call("status", "{}");
    return reply.ok() ? Error(Errc::internal, "was let in") : reply.error();
  }
  Descriptor plain_socket(const char* from = "127.0.0.1") {
    Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in own{};
    own.sin_family = AF_INET;
    own.sin_addr.s_addr = htonl(std::string(from) == "127.0.0.1" ? 0x7f000001 : 0x7f000002);
    (void)::bind(socket.get(), reinterpret_cast<sockaddr*>(&own), sizeof own);
    sockaddr_in there = own;
    there.sin_addr.s_addr = htonl(0x7f000001);
    there.sin_port = htons(remote_.port());
    if (::connect(socket.get(), reinterpret_cast<sockaddr*>(&there), sizeof there) != 0)
      socket.reset();
    return socket;
  }
  // Whether the other side closes within 20 s.
  static bool is_closed(const Descriptor& socket) {
    const timeval patience{20, 0};
    ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    char buffer[512];
    while (true) {
      const ssize_t got = ::recv(socket.get(), buffer, sizeof buffer, 0);
      if (got == 0) return true;
      if (got < 0) return errno == ECONNRESET;
    }
  }

  RemoteDaemon remote_;
};

TEST_F(RemoteService, AnAllowedCertificateIsServedAndNamedInTheAuditTrail) {
  start();
  auto connected = remote_.connect();
  ASSERT_TRUE(connected.ok()) << connected.error().what();
  auto reply = connected.value().channel->call("status", "{}");
  ASSERT_TRUE(reply.ok()) << reply.error().what();
  EXPECT_THAT(reply.value().json, HasSubstr("in_quiesce"));
  auto begun = connected.value().channel->call("backup.begin", R"({"options":{"type":"copy"}})");
  ASSERT_TRUE(begun.ok()) << begun.error().what();
  EXPECT_TRUE(remote_.daemon().logged("certificate 'backup1' (127.0.0.1): backup.begin"));
}

TEST_F(RemoteService, AStrangerWithAValidCertificateGetsNothing) {
  start();
  const Error why = refusal(remote_.options(remote_.authority().issue("other", {"stranger"})));
  EXPECT_EQ(why.code(), Errc::access_denied) << why.what();
  EXPECT_THAT(why.what(), HasSubstr("certificate 'stranger'"));
}

TEST_F(RemoteService, RightsAreThoseOfTheTable) {
  remote_.allow("'backup1'", "'look'");
  start();
  auto connected = remote_.connect();
  ASSERT_TRUE(connected.ok()) << connected.error().what();
  EXPECT_TRUE(connected.value().channel->call("status", "{}").ok());
  auto begun = connected.value().channel->call("backup.begin", R"({"options":{"type":"copy"}})");
  ASSERT_FALSE(begun.ok());
  EXPECT_EQ(begun.error().code(), Errc::access_denied);
}

TEST_F(RemoteService, ACertificateOfAnotherAuthorityIsRefused) {
  start();
  const Authority other(remote_.folder(), "other");
  TlsFiles tls = other.issue("forged", {"backup1"});
  tls.ca = remote_.authority().ca_path();
  const Error why = refusal(remote_.options(tls));
  EXPECT_THAT(std::vector({Errc::access_denied, Errc::disconnected}), testing::Contains(why.code()))
      << why.what();
}

TEST_F(RemoteService, AnExpiredCertificateIsRefused) {
  start();
  CertificateWishes wishes{"backup1"};
  wishes.expired = true;
  const Error why = refusal(remote_.options(remote_.authority().issue("old", wishes)));
  EXPECT_THAT(std::vector({Errc::access_denied, Errc::disconnected}), testing::Contains(why.code()))
      << why.what();
  EXPECT_TRUE(remote_.daemon().logged("expired"));
}

TEST_F(RemoteService, AServerOfAnotherNameOrAuthorityIsNotBelieved) {
  start();
  const RemoteOptions options = remote_.options();
  auto socket = connect_tcp({"127.0.0.1", remote_.port()}, 20s);
  ASSERT_TRUE(socket.ok());
  auto context = connecting_context(options.tls);
  ASSERT_TRUE(context.ok()) << context.error().what();
  auto session = TlsSession::connect(std::move(socket).value(), context.value(), "elsewhere.test");
  ASSERT_TRUE(session.ok());
  Status shaken = wait_handshake(session.value(), 20s);
  ASSERT_FALSE(shaken.ok());
  EXPECT_EQ(shaken.error().code(), Errc::access_denied);
  EXPECT_THAT(shaken.error().what(), HasSubstr("mismatch"));

  const Authority other(remote_.folder(), "other");
  TlsFiles tls = remote_.options().tls;
  tls.ca = other.ca_path();
  const Error why = refusal(remote_.options(tls));
  EXPECT_EQ(why.code(), Errc::access_denied) << why.what();
}

TEST_F(RemoteService, OldTlsAndNoCertificateAreRefused) {
  start();
  for (const bool old : {true, false}) {
    SSL_CTX* context = SSL_CTX_new(TLS_client_method());
    if (old) SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);
    SSL* ssl = SSL_new(context);
    const Descriptor socket = plain_socket();
    SSL_set_fd(ssl, socket.get());
    char byte = 0;
    // In TLS 1.3 the client is done before the server has looked; the first read tells.
    const bool shaken = SSL_connect(ssl) == 1;
    EXPECT_TRUE(!shaken || SSL_read(ssl, &byte, 1) <= 0) << (old ? "TLS 1.2" : "no certificate");
    EXPECT_FALSE(old && shaken);
    SSL_free(ssl);
    SSL_CTX_free(context);
  }
}

TEST_F(RemoteService, PlainTextIsClosed) {
  start();
  const Descriptor socket = plain_socket();
  const std::string text = "GET / HTTP/1.1\r\n\r\n";
  ASSERT_EQ(::send(socket.get(), text.data(), text.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(text.size()));
  EXPECT_TRUE(is_closed(socket));
  EXPECT_TRUE(remote_.daemon().logged("what came is no TLS"));
}

TEST_F(RemoteService, AMoverThatIsNotThereIsNotFound) {
  start();
  const Descriptor socket = plain_socket();
  const std::string preamble = mover_preamble({1, 2, 3});
  // In two pieces: what is cut is waited for.
  ASSERT_EQ(::send(socket.get(), preamble.data(), 7, MSG_NOSIGNAL), 7);
  ASSERT_EQ(::send(socket.get(), preamble.data() + 7, 13, MSG_NOSIGNAL), 13);
  EXPECT_TRUE(is_closed(socket));
  EXPECT_TRUE(remote_.daemon().logged("names a mover that is not there"));
}

TEST_F(RemoteService, ARightThatIsTakenAwayIsGoneForOpenConnectionsToo) {
  start();
  auto connected = remote_.connect();
  ASSERT_TRUE(connected.ok()) << connected.error().what();
  ASSERT_TRUE(connected.value().channel->call("status", "{}").ok());
  remote_.allow("'somebody-else'", "'look'");
  remote_.reload();
  auto reply = connected.value().channel->call("status", "{}");
  ASSERT_FALSE(reply.ok());
  EXPECT_EQ(reply.error().code(), Errc::access_denied);
  EXPECT_EQ(refusal(remote_.options()).code(), Errc::access_denied);
}

TEST_F(RemoteService, NewCertificatesCountFromAReloadOn) {
  start();
  const TlsFiles stays = remote_.options().tls;
  auto before = remote_.connect();
  ASSERT_TRUE(before.ok()) << before.error().what();
  // The same files, now of another authority.
  const Authority next(remote_.folder(), "authority");
  (void)next.issue("server", {"server"});
  const TlsFiles fresh = next.issue("fresh", {"backup1"});
  remote_.reload();
  EXPECT_TRUE(before.value().channel->call("status", "{}").ok()) << "those that are there go on";
  auto after = connect_coordinator(remote_.options(fresh));
  ASSERT_TRUE(after.ok()) << after.error().what();
  EXPECT_TRUE(after.value().channel->call("status", "{}").ok());
  EXPECT_NE(refusal(remote_.options(stays)).code(), Errc::internal);
}

TEST_F(RemoteService, AKeyThatOthersMayReadIsNotServed) {
  ASSERT_EQ(::chmod((remote_.folder() + "/server.key").c_str(), 0644), 0);
  ASSERT_TRUE(remote_.daemon().start().ok()) << "local requestors are served all the same";
  EXPECT_TRUE(remote_.daemon().logged("others may read the private key"));
  EXPECT_TRUE(remote_.daemon().connect().ok());
}

TEST_F(RemoteService, AKeyThatOthersMayReadKeepsTheOneBeforeAtAReload) {
  start();
  ASSERT_EQ(::chmod((remote_.folder() + "/server.key").c_str(), 0640), 0);
  remote_.reload();
  EXPECT_TRUE(remote_.daemon().logged("those read before stay"));
  EXPECT_TRUE(remote_.connect().ok());
}

// Every half of a handshake is bounded in number and time, and other addresses are served
// meanwhile.
TEST_F(RemoteService, HalvesOfHandshakesKeepNobodyOutAndLeaveNothing) {
  start();
  ASSERT_TRUE(remote_.connect().ok());
  const std::size_t before = remote_.descriptors(), resident = remote_.resident_kib();
  std::vector<Descriptor> flood;
  const std::string half("\x16\x03\x01\x02\x00\x01", 6);
  for (int i = 0; i < 300; ++i) {
    flood.push_back(plain_socket("127.0.0.2"));
    if (flood.back().valid())
      (void)::send(flood.back().get(), half.data(), half.size(), MSG_NOSIGNAL);
  }
  auto served = remote_.connect();
  ASSERT_TRUE(served.ok()) << served.error().what();
  EXPECT_TRUE(served.value().channel->call("status", "{}").ok());
  EXPECT_LE(remote_.descriptors(), before + 64) << "16 of one address, a timer and a socket each";
  served.value().channel.reset();
  for (const Descriptor& one : flood) EXPECT_TRUE(!one.valid() || is_closed(one));
  flood.clear();
  bool back = false;
  for (int round = 0; round < 1000 && !back; ++round) {
    back = remote_.descriptors() <= before;
    if (!back) std::this_thread::sleep_for(20ms);
  }
  EXPECT_TRUE(back) << remote_.descriptors() << " descriptors, there were " << before;
  EXPECT_LE(remote_.resident_kib(), resident + 32 * 1024);
}

// One that asks and never reads costs itself its connection, and others nothing.
TEST_F(RemoteService, APeerThatDoesNotReadStallsNobody) {
  start();
  const RemoteOptions options = remote_.options();
  auto context = connecting_context(options.tls);
  ASSERT_TRUE(context.ok());
  auto socket = connect_tcp(options.address, 20s);
  ASSERT_TRUE(socket.ok());
  auto session = TlsSession::connect(std::move(socket).value(), context.value(), "127.0.0.1");
  ASSERT_TRUE(session.ok());
  ASSERT_TRUE(wait_handshake(session.value(), 20s).ok());
  wire::Hello hello;
  hello.role = wire::Role::requestor;
  std::string flood = wire::encode_frames(wire::encode(hello)).value().front();
  for (std::uint64_t i = 1; i <= 60; ++i) {
    wire::RawMessage request{wire::Kind::request, i, 0, R"({"method":"metrics","params":{}})"};
    flood += wire::encode_frames(request).value().front();
  }
  ASSERT_TRUE(write_all(session.value(), flood, 20s).ok());
  auto other = remote_.connect();
  ASSERT_TRUE(other.ok()) << other.error().what();
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(other.value().channel->call("status", "{}").ok());
}

}  // namespace
}  // namespace stillframe::tests
