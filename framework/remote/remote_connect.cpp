#include "framework/remote/remote_connect.hpp"

#include <cerrno>

#include <sys/socket.h>

#include "framework/base/posix_error.hpp"
#include "framework/remote/tls_connection.hpp"
#include "framework/remote/tls_wait.hpp"
#include "framework/transport/requestor_channel.hpp"

namespace stillframe {
namespace {

Result<TlsSession> shake_hands(Result<TlsSession> session, std::chrono::milliseconds at_most) {
  if (!session.ok()) return session;
  if (Status s = wait_handshake(session.value(), at_most); !s.ok()) return s.error();
  return session;
}

}  // namespace

Result<RemoteCoordinator> connect_coordinator(const RemoteOptions& options) {
  const std::string where = to_string(options.address);
  auto context = connecting_context(options.tls);
  if (!context.ok()) return context.error();
  auto socket = connect_tcp(options.address, options.timeout);
  if (!socket.ok()) return socket.error();
  auto session = shake_hands(
      TlsSession::connect(std::move(socket).value(), context.value(), options.address.host),
      options.timeout);
  if (!session.ok()) return session.error().while_doing("connecting to " + where);
  auto io = IoThread::start("sf-channel");
  if (!io.ok()) return io.error();
  ConnectionOptions connection;
  connection.send_queue_bytes_max = wire::kDocumentMessageBytesMax * 2;
  GreetOptions::Greeting greeting;
  GreetOptions greet_options;
  greet_options.coordinator = where;
  greet_options.requestor_name = options.requestor_name;
  greet_options.timeout = options.timeout;
  greet_options.same_machine = false;
  greet_options.welcome = &greeting;
  auto adopted = adopt_tls(*io.value(), std::move(session).value(), {}, connection);
  auto channel = greet(std::move(io).value(), std::move(adopted), greet_options);
  if (!channel.ok()) return channel.error();
  RemoteCoordinator remote;
  remote.channel = std::move(channel).value();
  // The welcome was written after the hello, so this is too much by what lay between them.
  remote.clock_ahead = greeting.welcome.clock.boot - greeting.asked;
  return remote;
}

Result<TlsSession> connect_mover(const RemoteOptions& options, const MoverName& mover,
                                 const Sha256Digest& certificate) {
  auto context = pinned_connecting_context(options.tls, certificate);
  if (!context.ok()) return context.error();
  auto socket = connect_tcp(options.address, options.timeout);
  if (!socket.ok()) return socket.error();
  const std::string preamble = mover_preamble(mover);
  if (::send(socket.value().get(), preamble.data(), preamble.size(), MSG_NOSIGNAL) !=
      static_cast<ssize_t>(preamble.size()))
    return posix_error(errno, "send to", to_string(options.address));
  auto session = shake_hands(TlsSession::connect(std::move(socket).value(), context.value(), ""),
                             options.timeout);
  if (!session.ok())
    return session.error().while_doing("connecting to the mover on " + to_string(options.address));
  return session;
}

}  // namespace stillframe
