// Moves one stream from a writer into a pipe, chunk by chunk, without keeping the writer's thread.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include <stillframe/descriptor.hpp>
#include <stillframe/writer.hpp>

namespace stillframe {

class StreamPump {
 public:
  // Fills the buffer from where the last call ended, on the writer's thread, and then calls `done`,
  // from any thread. `done` may also never be called, once the pump is told to stop.
  using Fetch = std::function<void(std::shared_ptr<std::vector<std::byte>> buffer,
                                   std::function<void(Result<std::size_t>)> done)>;

  // Starts at once; delivers `info.size` bytes. The read end of the pipe goes to `read_end`.
  static Result<std::unique_ptr<StreamPump>> start(const StreamInfo& info, Fetch fetch,
                                                   Descriptor& read_end);
  virtual ~StreamPump() = default;  // stop()

  // Ends the stream where it is and waits for the pump's thread. Says how it went: ok when every
  // byte was delivered or the reader wanted no more, else the reason. Idempotent; any thread.
  virtual Status stop() = 0;
};

}  // namespace stillframe
