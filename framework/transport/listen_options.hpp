// Where and how a server listens.
#pragma once

#include <functional>

#include <stillframe/byte_path.hpp>

#include "framework/transport/peer.hpp"

namespace stillframe {

struct ListenOptions {
  BytePath socket_path;            // its directory is made when missing
  unsigned socket_mode = 0600;     // permission bits of the socket file
  unsigned directory_mode = 0700;  // of a directory that is made; an existing one is left alone
  // Asked for every connection before a byte is read; an error refuses it. Empty: everybody whom
  // the socket's permissions let in.
  std::function<Status(const PeerCredentials&)> admit;
};

}  // namespace stillframe
