// Listens for writers on a Unix socket and turns each that registers into a WriterLink.
#pragma once

#include <functional>
#include <memory>

#include <stillframe/time.hpp>

#include "framework/transport/listen_options.hpp"
#include "framework/transport/writer_link.hpp"
#include "framework/wire/frame.hpp"

namespace stillframe {

struct WriterServerOptions {
  ListenOptions listen;
  std::size_t connections_max = 4096;
  std::size_t send_queue_bytes_max = std::size_t{1} << 30;         // per writer; overflow closes it
  std::size_t message_bytes_max = wire::kDocumentMessageBytesMax;  // that a writer may send
  std::chrono::milliseconds handshake_limit{5'000};                // from accept to registration
  // Whether this peer may be that writer; an error refuses it. Empty: every writer.
  std::function<Status(const PeerCredentials&, const WriterIdentity&)> admit_writer;
};

class WriterServer {
 public:
  // A writer registered. Its link stays usable until on_gone(); whoever keeps it shares it with the
  // server. Called on the server's thread; must not block.
  using RegisteredHandler = std::function<void(std::shared_ptr<WriterLink>)>;

  // in_progress names the process that already listens there. A second writer of the same class and
  // instance name is refused (already_exists) while the first one's process and connection live.
  static Result<std::unique_ptr<WriterServer>> start(WriterServerOptions options,
                                                     RegisteredHandler registered);
  // Closes every connection, which makes each writer thaw, and joins. Not from a handler call.
  virtual ~WriterServer() = default;
};

}  // namespace stillframe
