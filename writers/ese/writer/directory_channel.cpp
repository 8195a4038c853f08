// The end of a channel that calls are made at.
#include <cstdlib>
#include <cstring>
#include <memory>
#include <utility>

#include <stillframe/ntds/directory_channel.hpp>
#include <stillframe/ntds/ntdshost.h>

#include "framework/transport/unix_socket.hpp"
#include "writers/ese/writer/channel_frames.hpp"

namespace stillframe::ese {

namespace {

constexpr Duration kConnectTime = std::chrono::seconds(10);
// A server waits a moment for the folder of its logs, and for the disk.
constexpr Duration kExchangeTime = std::chrono::seconds(60);

HRESULT connect_channel(void*, const char* socket, void** connection) {
  auto connected = connect_unix(socket, system_clock(), system_clock().now() + kConnectTime);
  if (!connected.ok()) {
    const bool denied = connected.error().code() == Errc::access_denied;
    return denied ? ERROR_ACCESS_DENIED : hrCouldNotConnect;
  }
  *connection = new Descriptor(std::move(connected).value());
  return hrNone;
}

HRESULT exchange_over_channel(void*, void* connection, const void* request, std::uint32_t bytes,
                              void** answer, std::uint32_t* answer_bytes) {
  const int socket = static_cast<Descriptor*>(connection)->get();
  const BootTime latest = system_clock().now() + kExchangeTime;
  const Bytes message(static_cast<const std::byte*>(request), bytes);
  if (!send_frame(socket, -1, message, latest).ok()) return hrCommunicationError;
  const auto came = receive_frame(socket, -1, {latest, kExchangeTime});
  if (!came.ok() || !came.value()) return hrCommunicationError;
  const std::vector<std::byte>& block = *came.value();
  *answer = std::malloc(block.empty() ? 1 : block.size());
  if (*answer == nullptr) return ERROR_NOT_ENOUGH_MEMORY;
  if (!block.empty()) std::memcpy(*answer, block.data(), block.size());
  *answer_bytes = static_cast<std::uint32_t>(block.size());
  return hrNone;
}

void disconnect_channel(void*, void* connection) {
  delete static_cast<Descriptor*>(connection);
}

}  // namespace

}  // namespace stillframe::ese

namespace stillframe::ntds {

Status use_directory_channel() {
  DS_CHANNEL channel{};
  channel.cbSize = sizeof channel;
  channel.pfnConnect = ese::connect_channel;
  channel.pfnExchange = ese::exchange_over_channel;
  channel.pfnDisconnect = ese::disconnect_channel;
  const HRESULT set = DsSetChannel(&channel);
  return set == hrNone ? Status(Ok{}) : Status(Error(Errc::internal, "DsSetChannel failed", set));
}

}  // namespace stillframe::ntds
