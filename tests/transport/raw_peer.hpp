// The other end of a connection, with nothing between the test and the bytes.
#pragma once

#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "framework/transport/socket_io.hpp"
#include "framework/transport/unix_socket.hpp"
#include "framework/wire/message.hpp"

namespace stillframe::tests {

// Long enough for any machine; only a failure waits so long.
inline constexpr std::chrono::milliseconds kPatience{20'000};

class RawPeer {
 public:
  explicit RawPeer(Descriptor socket) : socket_(std::move(socket)) { reader_.handshake_done(); }

  static RawPeer connect_to(const std::string& path) {
    auto socket =
        connect_unix(path, system_clock(), system_clock().now() + std::chrono::seconds(5));
    EXPECT_TRUE(socket.ok()) << (socket.ok() ? "" : socket.error().what());
    return RawPeer(socket.ok() ? std::move(socket).value() : Descriptor());
  }

  // Everything, or as much as the other side takes before it closes.
  bool send_bytes(std::string_view bytes, const std::vector<Descriptor>& along = {}) {
    bool first = true;
    static const std::vector<Descriptor> none;
    while (!bytes.empty()) {
      auto sent = send_some(socket_.get(), bytes, first ? along : none);
      if (!sent.ok()) return false;
      if (sent.value() == 0) {
        if (!wait(POLLOUT)) return false;
        continue;
      }
      first = false;
      bytes.remove_prefix(sent.value());
    }
    return true;
  }

  bool send(wire::RawMessage message, const std::vector<Descriptor>& along = {}) {
    message.descriptors = static_cast<std::uint16_t>(along.size());
    auto frames = wire::encode_frames(message);
    EXPECT_TRUE(frames.ok());
    bool first = true;
    static const std::vector<Descriptor> none;
    for (const auto& frame : frames.value()) {
      if (!send_bytes(frame, first ? along : none)) return false;
      first = false;
    }
    return true;
  }

  // The next message; nothing when the other side closed.
  std::optional<wire::RawMessage> receive() {
    char buffer[65536];
    while (true) {
      if (auto message = reader_.next()) return message;
      if (!wait(POLLIN)) return std::nullopt;
      auto received = receive_some(socket_.get(), buffer, sizeof buffer);
      if (!received.ok() || received.value().end) return std::nullopt;
      for (auto& one : received.value().descriptors) descriptors.push_back(std::move(one));
      EXPECT_TRUE(reader_.feed({buffer, received.value().bytes}).ok());
    }
  }

  wire::RawMessage expect(wire::Kind kind) {
    auto message = receive();
    EXPECT_TRUE(message.has_value()) << "closed, and " << wire::to_string(kind) << " was due";
    if (!message) return {};
    EXPECT_EQ(wire::to_string(message->kind), wire::to_string(kind)) << message->payload;
    return std::move(*message);
  }
  Error expect_refusal() {
    auto refusal = wire::decode_refuse(expect(wire::Kind::refuse));
    return refusal.ok() ? refusal.value().error : refusal.error();
  }
  // Skips what is still to come.
  bool closed() {
    while (receive()) {
    }
    return true;
  }
  void close() { socket_.reset(); }
  int fd() const { return socket_.get(); }

  static wire::Hello hello(wire::Role role) {
    wire::Hello hello;
    hello.role = role;
    hello.name = "raw";
    hello.clock = wire::sample_clock(system_clock());
    return hello;
  }

  std::vector<Descriptor> descriptors;

 private:
  bool wait(short events) {
    pollfd one{socket_.get(), events, 0};
    const int ready = ::poll(&one, 1, static_cast<int>(kPatience.count()));
    EXPECT_EQ(ready, 1) << "nothing happened";
    return ready == 1;
  }

  Descriptor socket_;
  wire::FrameReader reader_;
};

}  // namespace stillframe::tests
