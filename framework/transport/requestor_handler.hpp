// What a coordinator implements to serve requestors, whether they come over a socket or from the
// same process.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include <stillframe/requestor.hpp>

#include "framework/transport/peer.hpp"

namespace stillframe {

// Names one connection for as long as the coordinator lives; never used twice.
enum class ConnectionId : std::uint64_t {};

struct RequestorPeer {
  ConnectionId connection{};
  PeerCredentials credentials;
  std::string name;  // what the requestor calls itself; for people, proves nothing
  // Asked whenever it matters: whether it may have writers restored to places that neither they nor
  // the configuration agreed to. Empty: it may.
  std::function<bool()> redirects_restores = {};
};

// Calls come from a thread of the transport's and must not block: long work is handed on, and the
// reply given later from any thread.
class RequestorHandler {
 public:
  // Answers one request, exactly once. After connection_closed() it does nothing.
  using ReplyHandler = std::function<void(Result<ChannelReply>)>;
  // Pushes one event. Thread-safe; never blocks; does nothing once the connection is closed. While
  // a requestor does not read, its new events are dropped, which false says: they inform, nothing
  // depends on them.
  using EventPush = std::function<bool(std::string event_json)>;

  virtual ~RequestorHandler() = default;

  // First call for a connection. An error refuses it.
  virtual Status connection_opened(const RequestorPeer& peer, EventPush push) = 0;
  // Requests of one connection may overlap; each is given `reply` of its own.
  virtual void handle(ConnectionId connection, std::string method, std::string params_json,
                      ReplyHandler reply) = 0;
  // Last call for a connection, however it ended: its sessions are aborted.
  virtual void connection_closed(ConnectionId connection) = 0;
};

}  // namespace stillframe
