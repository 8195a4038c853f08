// One sendmsg() or recvmsg() on a non-blocking Unix stream socket, with descriptors.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include <stillframe/descriptor.hpp>
#include <stillframe/result.hpp>

namespace stillframe {

struct Received {
  std::size_t bytes = 0;
  bool end = false;                     // the peer closed its side
  bool would_block = false;             // nothing there yet
  std::vector<Descriptor> descriptors;  // close-on-exec
};

// corrupt when the kernel had to drop descriptors because too many came at once.
Result<Received> receive_some(int socket, char* buffer, std::size_t bytes_max);

// How many bytes the socket took; 0 when it is full. `descriptors` go with the first byte: all of
// them if any byte was taken. Never raises SIGPIPE.
Result<std::size_t> send_some(int socket, std::string_view bytes,
                              const std::vector<Descriptor>& descriptors);

}  // namespace stillframe
