// A Connection to another machine: the same frames as on a Unix socket, inside TLS and without
// descriptors.
#pragma once

#include "framework/remote/tls_session.hpp"
#include "framework/transport/connection.hpp"

namespace stillframe {

// Takes a session whose handshake is over. Messages with descriptors close it: they belong to this
// machine. `watch_process` means nothing here.
std::shared_ptr<Connection> adopt_tls(IoThread& io, TlsSession session, PeerCredentials peer,
                                      const ConnectionOptions& options);

}  // namespace stillframe
