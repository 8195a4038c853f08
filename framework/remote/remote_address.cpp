#include "framework/remote/remote_address.hpp"

#include <array>
#include <cerrno>
#include <charconv>
#include <memory>

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "framework/base/posix_error.hpp"

namespace stillframe {
namespace {

using SteadyClock = std::chrono::steady_clock;
constexpr int kBacklog = 128;

struct FreeAddresses {
  void operator()(addrinfo* list) const noexcept { ::freeaddrinfo(list); }
};
using Addresses = std::unique_ptr<addrinfo, FreeAddresses>;

Error malformed(std::string_view text, const char* why) {
  return Error(Errc::invalid_argument,
               "'" + std::string(text) + "' " + why + "; write HOST, HOST:PORT or [ADDRESS]:PORT");
}

Result<std::uint16_t> parse_port(std::string_view text, std::string_view whole) {
  std::uint16_t port = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (problem != std::errc() || end != text.data() + text.size())
    return malformed(whole, "has no port from 0 to 65535");
  return port;
}

Result<Addresses> resolve(const RemoteAddress& address, int flags) {
  addrinfo wanted{};
  wanted.ai_family = AF_UNSPEC;
  wanted.ai_socktype = SOCK_STREAM;
  wanted.ai_flags = flags | AI_NUMERICSERV;
  addrinfo* list = nullptr;
  const int failed =
      ::getaddrinfo(address.host.c_str(), std::to_string(address.port).c_str(), &wanted, &list);
  if (failed != 0) {
    return Error(failed == EAI_AGAIN ? Errc::timed_out : Errc::not_found,
                 "the name '" + address.host + "' cannot be looked up: " + ::gai_strerror(failed));
  }
  return Addresses(list);
}

Descriptor socket_for(const addrinfo& one) {
  return Descriptor(
      ::socket(one.ai_family, one.ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, one.ai_protocol));
}

// 0, or the error number.
int finish_connect(int socket, SteadyClock::time_point until) {
  while (true) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(until - SteadyClock::now()).count();
    pollfd ready{socket, POLLOUT, 0};
    const int found = ::poll(&ready, 1, left > 0 ? static_cast<int>(left) : 0);
    if (found < 0 && errno == EINTR) continue;
    if (found == 0) return ETIMEDOUT;
    int problem = 0;
    socklen_t bytes = sizeof problem;
    if (found < 0 || ::getsockopt(socket, SOL_SOCKET, SO_ERROR, &problem, &bytes) != 0)
      return errno;
    return problem;
  }
}

}  // namespace

Result<RemoteAddress> parse_remote_address(std::string_view text) {
  RemoteAddress address;
  std::string_view host = text, port;
  if (text.starts_with('[')) {
    const auto close = text.find(']');
    if (close == std::string_view::npos) return malformed(text, "lacks a ']'");
    host = text.substr(1, close - 1);
    port = text.substr(close + 1);
    if (!port.empty() && port.front() != ':') return malformed(text, "goes on after the ']'");
  } else if (const auto colon = text.rfind(':');
             colon != std::string_view::npos && text.find(':') == colon) {
    host = text.substr(0, colon);  // more than one colon: a bare IPv6 address
    port = text.substr(colon);
  }
  if (host.empty() || host.size() > 255) return malformed(text, "names no host");
  if (host.find_first_of(" /'\"\\[]") != std::string_view::npos || host.front() == '-')
    return malformed(text, "is no name of a host");
  address.host = host;
  if (!port.empty()) {
    auto number = parse_port(port.substr(1), text);
    if (!number.ok()) return number.error();
    address.port = number.value();
  }
  return address;
}

std::string to_string(const RemoteAddress& address) {
  const bool brackets = address.host.find(':') != std::string::npos;
  return (brackets ? "[" + address.host + "]" : address.host) + ":" + std::to_string(address.port);
}

Result<Descriptor> connect_tcp(const RemoteAddress& address, std::chrono::milliseconds at_most) {
  const auto until = SteadyClock::now() + at_most;
  auto found = resolve(address, 0);
  if (!found.ok()) return found.error();
  int problem = ECONNREFUSED;
  for (const addrinfo* one = found.value().get(); one != nullptr; one = one->ai_next) {
    Descriptor socket = socket_for(*one);
    if (!socket.valid()) return posix_error(errno, "create", "socket");
    problem = 0;
    if (::connect(socket.get(), one->ai_addr, one->ai_addrlen) != 0) problem = errno;
    if (problem == EINPROGRESS) problem = finish_connect(socket.get(), until);
    if (problem == 0) {
      watch_for_silence(socket.get(), Traffic::bulk);
      return socket;
    }
  }
  if (problem == ETIMEDOUT)
    return Error(Errc::timed_out, to_string(address) + " does not answer; is a firewall between?");
  if (problem == ECONNREFUSED)
    return Error(Errc::disconnected, "nobody listens on " + to_string(address) +
                                         "; set [remote] listen in its stillframe.toml");
  return posix_error(problem, "connect to", to_string(address));
}

Result<Descriptor> listen_tcp(const RemoteAddress& address) {
  auto found = resolve(address, AI_PASSIVE);
  if (!found.ok()) return found.error();
  const addrinfo& one = *found.value();
  Descriptor socket = socket_for(one);
  if (!socket.valid()) return posix_error(errno, "create", "socket");
  const int yes = 1;
  ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (::bind(socket.get(), one.ai_addr, one.ai_addrlen) != 0)
    return posix_error(errno, "bind", to_string(address));
  if (::listen(socket.get(), kBacklog) != 0)
    return posix_error(errno, "listen on", to_string(address));
  return socket;
}

Result<std::uint16_t> local_port(int socket) {
  sockaddr_storage own{};
  socklen_t bytes = sizeof own;
  if (::getsockname(socket, reinterpret_cast<sockaddr*>(&own), &bytes) != 0)
    return posix_error(errno, "ask for the address of", "socket");
  if (own.ss_family == AF_INET6)
    return static_cast<std::uint16_t>(ntohs(reinterpret_cast<sockaddr_in6*>(&own)->sin6_port));
  return static_cast<std::uint16_t>(ntohs(reinterpret_cast<sockaddr_in*>(&own)->sin_port));
}

std::string peer_address(int socket) {
  sockaddr_storage peer{};
  socklen_t bytes = sizeof peer;
  std::array<char, NI_MAXHOST> host{};
  if (::getpeername(socket, reinterpret_cast<sockaddr*>(&peer), &bytes) != 0 ||
      ::getnameinfo(reinterpret_cast<sockaddr*>(&peer), bytes, host.data(), host.size(), nullptr, 0,
                    NI_NUMERICHOST) != 0)
    return "?";
  return host.data();
}

void watch_for_silence(int socket, Traffic traffic) {
  const auto set = [socket](int level, int option, int value) {
    (void)::setsockopt(socket, level, option, &value, sizeof value);
  };
  set(IPPROTO_TCP, TCP_NODELAY, 1);
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
  set(IPPROTO_TCP, TCP_KEEPIDLE, 30);
  set(IPPROTO_TCP, TCP_KEEPINTVL, 10);
  set(IPPROTO_TCP, TCP_KEEPCNT, 3);
  if (traffic == Traffic::messages) set(IPPROTO_TCP, TCP_USER_TIMEOUT, 60'000);
}

}  // namespace stillframe
