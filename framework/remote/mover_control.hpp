// What a daemon and the mover of one of its sessions say to each other, each in one packet of a
// Unix socket with descriptors beside it.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include <stillframe/byte_path.hpp>
#include <stillframe/descriptor.hpp>
#include <stillframe/result.hpp>

#include "framework/base/sha256.hpp"

namespace stillframe {

inline constexpr const char* kMoverProgram = "stillframe-mover";
inline constexpr int kMoverControlDescriptor = 3;  // that the mover is started with
inline constexpr std::size_t kMoverPacketBytesMax = std::size_t{64} << 10;

using MoverTicket = std::array<std::uint8_t, 32>;
std::string to_text(const MoverTicket& ticket);
Result<MoverTicket> parse_mover_ticket(std::string_view text);
Result<Sha256Digest> parse_sha256(std::string_view text);

// To the mover. First of all, with a descriptor for each root: whom to believe and what to read.
struct MoverStart {
  Sha256Digest client{};               // of the requestor's certificate
  std::vector<BytePath> mount_points;  // of the volumes whose snapshots the descriptors are
};
// One connection may come and show this.
struct MoverAdmit {
  MoverTicket ticket{};
  std::chrono::milliseconds valid{30'000};
};
struct MoverConnection {};  // here it is, with its descriptor; TLS has not begun
struct MoverStream {        // a writer's stream, with the pipe's descriptor
  std::uint64_t key = 0;
};
using ToMover = std::variant<MoverStart, MoverAdmit, MoverConnection, MoverStream>;

// From the mover.
struct MoverReady {
  Sha256Digest certificate{};  // its own, which the requestor must find
};
struct MoverNote {  // somebody was turned away
  std::string message;
};
struct MoverFailed {
  Error error{Errc::internal, ""};
};
using FromMover = std::variant<MoverReady, MoverNote, MoverFailed>;

std::string encode(const ToMover& message);
std::string encode(const FromMover& message);
// corrupt for what the other side should not have sent.
Result<ToMover> decode_to_mover(std::string_view packet);
Result<FromMover> decode_from_mover(std::string_view packet);

struct MoverPacket {
  std::string text;  // empty: the other side has closed
  std::vector<Descriptor> descriptors;
};
// Waits, at most so long; timed_out.
Result<MoverPacket> receive_packet(int socket, std::chrono::milliseconds at_most);
// Never waits: limit_reached when the other side does not read.
Status send_packet(int socket, std::string_view text, const std::vector<Descriptor>& descriptors);

}  // namespace stillframe
