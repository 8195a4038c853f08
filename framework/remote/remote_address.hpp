// Names of other machines, and TCP sockets to and from them.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include <stillframe/descriptor.hpp>
#include <stillframe/result.hpp>

namespace stillframe {

inline constexpr std::uint16_t kRemotePort = 7836;

struct RemoteAddress {
  std::string host;  // a name, or an address without brackets
  std::uint16_t port = kRemotePort;
  friend bool operator==(const RemoteAddress&, const RemoteAddress&) = default;
};

// "HOST", "HOST:PORT", "ADDRESS", "[ADDRESS]:PORT". invalid_argument says what is wrong.
Result<RemoteAddress> parse_remote_address(std::string_view text);
std::string to_string(const RemoteAddress& address);

// Non-blocking. disconnected when nobody listens there, timed_out, not_found for an unknown name.
Result<Descriptor> connect_tcp(const RemoteAddress& address, std::chrono::milliseconds at_most);

// Non-blocking and listening. `address.port` 0 takes any free one.
Result<Descriptor> listen_tcp(const RemoteAddress& address);
Result<std::uint16_t> local_port(int socket);

// For messages, and for counting how many come from one place.
std::string peer_address(int socket);

// A peer whose machine is gone is noticed within about a minute. Bulk: while there is something to
// send, only after a quarter of an hour, because who reads slowly is not gone.
enum class Traffic { messages, bulk };
void watch_for_silence(int socket, Traffic traffic);

}  // namespace stillframe
