// Where and how a server listens.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include <stillframe/byte_path.hpp>
#include <stillframe/descriptor.hpp>

#include "framework/transport/peer.hpp"

namespace stillframe {

struct ListenOptions {
  BytePath socket_path;            // its directory is made when missing
  unsigned socket_mode = 0600;     // permission bits of the socket file
  std::int64_t socket_owner = -1;  // the user it is given to; -1: stays whose it is
  unsigned directory_mode = 0700;  // of a directory that is made; an existing one is left alone
  // A socket that listens at `socket_path` already, made by whoever started this process: it is
  // used as it is and left behind.
  std::shared_ptr<const Descriptor> inherited;
  // Asked for every connection before a byte is read; an error refuses it. Empty: everybody whom
  // the socket's permissions let in.
  std::function<Status(const PeerCredentials&)> admit;
};

}  // namespace stillframe
