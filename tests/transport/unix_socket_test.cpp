#include "framework/transport/unix_socket.hpp"

#include <fstream>

#include <sys/stat.h>
#include <sys/un.h>

#include "tests/transport/raw_peer.hpp"
#include "tests/transport/socket_folder.hpp"

namespace stillframe {
namespace {

mode_t mode_of(const std::string& path) {
  struct stat st {};
  EXPECT_EQ(::stat(path.c_str(), &st), 0) << path;
  return st.st_mode & 07777;
}

TEST(UnixSocket, DirectoryAndSocketGetTheirModes) {
  tests::SocketFolder directory;
  ListenOptions options;
  options.socket_path = directory / "a/b/s.sock";
  options.directory_mode = 0755;
  options.socket_mode = 0666;
  auto socket = ListeningSocket::open(options);
  ASSERT_TRUE(socket.ok()) << socket.error().what();
  EXPECT_EQ(mode_of(directory / "a"), 0755u);
  EXPECT_EQ(mode_of(directory / "a/b"), 0755u);
  EXPECT_EQ(mode_of(options.socket_path), 0666u);
  EXPECT_EQ(mode_of(options.socket_path + ".lock"), 0600u);
}

TEST(UnixSocket, SecondServerIsToldWhoListens) {
  tests::SocketFolder directory;
  ListenOptions options;
  options.socket_path = directory / "s";
  auto first = ListeningSocket::open(options);
  ASSERT_TRUE(first.ok());
  auto second = ListeningSocket::open(options);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code(), Errc::in_progress);
  EXPECT_NE(second.error().what().find(std::to_string(::getpid())), std::string::npos);
}

TEST(UnixSocket, SocketFileOfADeadServerIsReplaced) {
  tests::SocketFolder directory;
  ListenOptions options;
  options.socket_path = directory / "s";
  std::ofstream(options.socket_path) << "left behind";
  auto socket = ListeningSocket::open(options);
  ASSERT_TRUE(socket.ok());
  EXPECT_TRUE(connect_unix(options.socket_path, system_clock(), BootTime{}).ok());
}

TEST(UnixSocket, AnInheritedSocketIsUsedAndLeft) {
  tests::SocketFolder directory;
  ListenOptions options;
  options.socket_path = directory / "s";
  auto given = std::make_shared<Descriptor>(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  options.socket_path.copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(given->get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  options.inherited = given;
  EXPECT_EQ(ListeningSocket::open(options).error().code(), Errc::invalid_argument)
      << "it does not listen yet";
  ASSERT_EQ(::listen(given->get(), 4), 0);
  auto waiting = connect_unix(options.socket_path, system_clock(), BootTime{});
  {
    auto socket = ListeningSocket::open(options);
    ASSERT_TRUE(socket.ok()) << socket.error().what();
    auto accepted = socket.value().accept();
    ASSERT_TRUE(accepted.ok());
    EXPECT_TRUE(accepted.value().valid()) << "who connected before the server ran is served";
    EXPECT_FALSE(socket.value().accept().value().valid()) << "and it does not block";
  }
  EXPECT_TRUE(std::filesystem::exists(options.socket_path));
  EXPECT_FALSE(std::filesystem::exists(options.socket_path + ".lock"));
  EXPECT_TRUE(connect_unix(options.socket_path, system_clock(), BootTime{}).ok());
}

TEST(UnixSocket, APeerHasTheGroupsOfItsProcess) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  const Descriptor one(ends[0]), other(ends[1]);
  auto peer = peer_credentials(one.get());
  ASSERT_TRUE(peer.ok());
  std::vector<gid_t> own(static_cast<std::size_t>(::getgroups(0, nullptr)));
  ASSERT_GE(::getgroups(static_cast<int>(own.size()), own.data()), 0);
  EXPECT_EQ(peer.value().groups, std::vector<std::int64_t>(own.begin(), own.end()));
}

TEST(UnixSocket, SocketFileGoesWithItsServer) {
  tests::SocketFolder directory;
  ListenOptions options;
  options.socket_path = directory / "s";
  { auto socket = ListeningSocket::open(options); }
  EXPECT_FALSE(std::filesystem::exists(options.socket_path));
  auto nobody = connect_unix(options.socket_path, system_clock(), BootTime{});
  ASSERT_FALSE(nobody.ok());
  EXPECT_EQ(nobody.error().code(), Errc::disconnected);
  EXPECT_NE(nobody.error().what().find(options.socket_path), std::string::npos);
}

TEST(UnixSocket, PathThatDoesNotFitIsRefusedWithItsLimit) {
  ListenOptions options;
  options.socket_path = "/tmp/" + std::string(200, 'x');
  EXPECT_EQ(ListeningSocket::open(options).error().code(), Errc::invalid_argument);
}

TEST(UnixSocket, FullBacklogTimesOut) {
  tests::SocketFolder directory;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = directory / "s";
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  Descriptor deaf(::socket(AF_UNIX, SOCK_STREAM, 0));
  ASSERT_EQ(::bind(deaf.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::listen(deaf.get(), 0), 0);
  std::vector<Descriptor> waiting;
  Result<Descriptor> last;
  for (int i = 0; i < 10; ++i) {
    last = connect_unix(path, system_clock(), BootTime{});
    if (!last.ok()) break;
    waiting.push_back(std::move(last).value());
  }
  ASSERT_FALSE(last.ok());
  EXPECT_EQ(last.error().code(), Errc::timed_out);
}

TEST(Peer, UnitIsFoundInEitherCgroupHierarchy) {
  EXPECT_EQ(unit_from_cgroup("0::/system.slice/orders.service\n"), "orders.service");
  EXPECT_EQ(unit_from_cgroup("0::/system.slice/orders.service/worker\n"), "orders.service");
  EXPECT_EQ(unit_from_cgroup("5:memory:/x\n1:name=systemd:/user.slice/session-3.scope\n0::/\n"),
            "session-3.scope");
  EXPECT_EQ(unit_from_cgroup("4:memory:/a/b.service\n"), "b.service");
  EXPECT_EQ(unit_from_cgroup("0::/\n"), "");
  EXPECT_EQ(unit_from_cgroup(""), "");
  EXPECT_EQ(unit_from_cgroup("nonsense\n::\n0::/.service"), "");
}

TEST(Peer, OwnProcessIsDescribed) {
  const WriterProcess process = describe_process(own_credentials());
  EXPECT_EQ(process.pid, ::getpid());
  EXPECT_NE(process.executable.find("transport_test"), std::string::npos);
  if (::geteuid() == 0) {
    EXPECT_EQ(process.user, "root");
  }
}

}  // namespace
}  // namespace stillframe
