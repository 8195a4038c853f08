// Unix stream sockets by path: who may listen where, and connecting.
#pragma once

#include <stillframe/descriptor.hpp>
#include <stillframe/time.hpp>

#include "framework/transport/listen_options.hpp"

namespace stillframe {

// A bound, listening, non-blocking socket. Holds a lock file beside it ("SOCKET.lock") as long as
// it lives, so that two servers never share a path and a socket file left by a dead one can be
// removed without asking. Destruction removes the socket file. An inherited socket has no lock and
// its file stays.
class ListeningSocket {
 public:
  static Result<ListeningSocket> open(const ListenOptions& options);
  ListeningSocket(ListeningSocket&&) noexcept = default;
  ListeningSocket& operator=(ListeningSocket&&) = delete;
  ~ListeningSocket();

  int get() const noexcept { return socket_.get(); }
  // The next connection (close-on-exec, non-blocking); invalid when none waits.
  Result<Descriptor> accept() const;

 private:
  static Result<ListeningSocket> adopt(const ListenOptions& options);
  ListeningSocket(Descriptor lock, Descriptor socket, BytePath path)
      : lock_(std::move(lock)), socket_(std::move(socket)), path_(std::move(path)) {}

  Descriptor lock_;
  Descriptor socket_;
  BytePath path_;
};

// A connected, non-blocking socket. disconnected when nobody listens there; timed_out when the
// listener's queue stays full until `latest`.
Result<Descriptor> connect_unix(const BytePath& path, const Clock& clock, BootTime latest);

}  // namespace stillframe
