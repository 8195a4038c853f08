#include "writers/ese/writer/channel_frames.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>

#include <poll.h>
#include <sys/socket.h>

#include <stillframe/ntds/ntdshost.h>

#include "framework/base/posix_error.hpp"

namespace stillframe::ese {

namespace {

constexpr std::int64_t kPollMost = 1000;  // ms; then the clock is asked again

// Until the socket is ready for `events`.
Status wait_for_socket(int socket, int stop, short events, std::optional<BootTime> latest) {
  for (;;) {
    std::int64_t left = kPollMost;
    if (latest) {
      const BootTime now = system_clock().now();
      if (now >= *latest) return Error(Errc::timed_out, "the other end of the channel is too slow");
      const auto ms = std::chrono::ceil<std::chrono::milliseconds>(*latest - now).count();
      left = std::min<std::int64_t>(ms, kPollMost);
    }
    pollfd fds[2] = {{socket, events, 0}, {stop, POLLIN, 0}};
    const int ready = ::poll(fds, 2, static_cast<int>(left));
    if (ready < 0 && errno != EINTR) return posix_error(errno, "wait for", "a channel");
    if (ready <= 0) continue;
    if (fds[1].revents != 0) return Error(Errc::cancelled, "the channel is closed");
    if (fds[0].revents != 0) return Ok{};
  }
}

Status send_bytes(int socket, int stop, Bytes bytes, BootTime latest) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent >= 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(sent));
    } else if (errno == EAGAIN) {
      if (Status s = wait_for_socket(socket, stop, POLLOUT, latest); !s.ok()) return s;
    } else if (errno != EINTR) {
      return posix_error(errno, "send over", "a channel");
    }
  }
  return Ok{};
}

// False when the other end has hung up before the first byte.
Result<bool> receive_bytes(int socket, int stop, MutableBytes into,
                           std::optional<BootTime> latest) {
  std::size_t got = 0;
  while (got < into.size()) {
    const ssize_t some = ::recv(socket, into.data() + got, into.size() - got, 0);
    if (some > 0) {
      got += static_cast<std::size_t>(some);
    } else if (some == 0) {
      if (got == 0) return false;
      return Error(Errc::disconnected, "the other end of the channel hung up in a message");
    } else if (errno == EAGAIN) {
      if (Status s = wait_for_socket(socket, stop, POLLIN, latest); !s.ok()) return s.error();
    } else if (errno != EINTR) {
      return posix_error(errno, "receive over", "a channel");
    }
  }
  return true;
}

}  // namespace

Status send_frame(int socket, int stop, Bytes message, BootTime latest) {
  std::array<std::byte, sizeof(std::uint32_t)> length;
  store_le(length.data(), static_cast<std::uint32_t>(message.size()));
  if (Status s = send_bytes(socket, stop, length, latest); !s.ok()) return s;
  return send_bytes(socket, stop, message, latest);
}

Result<std::optional<std::vector<std::byte>>> receive_frame(int socket, int stop,
                                                            const FrameWait& wait) {
  using Received = std::optional<std::vector<std::byte>>;
  // A first byte by itself: how long the rest may take counts from there.
  std::array<std::byte, sizeof(std::uint32_t)> length;
  const auto begun = receive_bytes(socket, stop, MutableBytes(length).first(1), wait.first);
  if (!begun.ok()) return begun.error();
  if (!begun.value()) return Received();
  const BootTime latest = system_clock().now() + wait.rest;
  const auto whole = receive_bytes(socket, stop, MutableBytes(length).subspan(1), latest);
  if (!whole.ok()) return whole.error();
  const auto bytes = load_le<std::uint32_t>(length.data());
  if (!whole.value() || bytes > DS_MESSAGE_BYTES_MAX) {
    return Error(Errc::invalid_argument,
                 "no message of this channel is " + std::to_string(bytes) + " bytes long");
  }
  std::vector<std::byte> message(bytes);
  const auto filled = receive_bytes(socket, stop, message, latest);
  if (!filled.ok()) return filled.error();
  if (bytes > 0 && !filled.value()) {
    return Error(Errc::disconnected, "the other end of the channel hung up in a message");
  }
  return Received(std::move(message));
}

}  // namespace stillframe::ese
