// One connected Unix socket that carries messages and descriptors, on the thread of an IoThread.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include <stillframe/descriptor.hpp>

#include "framework/transport/io_thread.hpp"
#include "framework/transport/peer.hpp"
#include "framework/wire/frame.hpp"

namespace stillframe {

struct ConnectionOptions {
  std::size_t send_queue_bytes_max = std::size_t{64} << 20;
  bool watch_process =
      true;  // also ends when the peer's process does, whoever inherited its socket
  // Of one received message; a longer one ends the connection before it is kept.
  std::size_t message_bytes_max = wire::kDocumentMessageBytesMax;
};

// Shared by its owner and the event loop, which keeps it until it is closed.
class Connection {
 public:
  // Both run on the io thread. A message handler that throws closes the connection.
  using MessageHandler = std::function<void(wire::RawMessage, std::vector<Descriptor>)>;
  using ClosedHandler = std::function<void(const Error& why)>;

  // Takes a non-blocking socket. Nothing is read before start().
  static Result<std::shared_ptr<Connection>> adopt(IoThread& io, Descriptor socket,
                                                   ConnectionOptions options = {});
  virtual ~Connection() = default;

  // Exactly once, on the io thread. `closed` is called once, whatever ends the connection; no
  // message is delivered after it.
  virtual void start(MessageHandler message, ClosedHandler closed) = 0;

  // Any thread; never blocks. A queue that overflows closes the connection, because a peer that
  // does not read must cost nobody else anything. Does nothing on a closed connection.
  virtual void send(wire::RawMessage message, std::vector<Descriptor> descriptors = {}) = 0;

  // Bytes accepted by send() and not yet by the socket. Any thread.
  virtual std::size_t send_queue_bytes() const = 0;

  // The peer's handshake is over: it may send documents. Io thread.
  virtual void handshake_done() = 0;

  // Any thread. Sends what the socket still takes, then closes; `closed` is told `why`.
  virtual void close(Error why) = 0;

  virtual const PeerCredentials& peer() const = 0;
  // Whether the peer's process still runs, as far as can be told. Any thread.
  virtual bool peer_alive() const = 0;
};

}  // namespace stillframe
