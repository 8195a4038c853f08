// Messages over a socket: four bytes of length, little-endian, and so many bytes.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include <stillframe/result.hpp>
#include <stillframe/time.hpp>

#include "framework/base/bytes.hpp"

namespace stillframe::ese {

// The socket is non-blocking, and `stop` a descriptor that becomes readable when nothing more is
// wanted (cancelled); -1: there is none. timed_out past a deadline.
Status send_frame(int socket, int stop, Bytes message, BootTime latest);

struct FrameWait {
  std::optional<BootTime> first;  // until a message begins; none: as long as it takes
  Duration rest;                  // then, for all of it
};
// None when the other end has hung up between two messages. invalid_argument for a length that no
// message has.
Result<std::optional<std::vector<std::byte>>> receive_frame(int socket, int stop,
                                                            const FrameWait& wait);

}  // namespace stillframe::ese
