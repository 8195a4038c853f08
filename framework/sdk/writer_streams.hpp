// The streams that one writer has open. All of it on the writer's thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>

#include "framework/model/writer_call.hpp"
#include "framework/sdk/strand.hpp"
#include "framework/sdk/stream_pump.hpp"

namespace stillframe {

class WriterStreams {
 public:
  // Says a verb that is under way to the writer.
  using Say = std::function<WriterAnswer()>;
  // Says `close` for a stream whose session cannot do so any more.
  using Close = std::function<void(const SessionId& session, std::uint64_t handle)>;

  // `writer`, `clock` and `strand` are not owned. Through pipes, or by `read` where the transport
  // cannot carry descriptors.
  WriterStreams(Writer& writer, const Clock& clock, Strand& strand, bool through_pipes, Close close)
      : writer_(writer),
        clock_(clock),
        strand_(strand),
        through_pipes_(through_pipes),
        close_(std::move(close)) {}

  WriterAnswer open(const SessionId& session, const Say& say);
  WriterAnswer read(std::uint64_t handle, const Say& say);
  WriterAnswer close(std::uint64_t handle, const Say& say);
  // Those a session left open.
  void close_all_of(const SessionId& session);
  // After the strand has ended: nobody is told any more.
  void clear() { streams_.clear(); }

 private:
  struct Stream {
    SessionId session;
    std::unique_ptr<StreamPump> pump;
  };

  StreamPump::Fetch fetcher(const SessionId& session, std::uint64_t handle);
  Result<std::size_t> read_chunk(const SessionId& session, std::uint64_t handle,
                                 std::vector<std::byte>& buffer);

  Writer& writer_;
  const Clock& clock_;
  Strand& strand_;
  const bool through_pipes_;
  const Close close_;
  std::map<std::uint64_t, Stream> streams_;
};

}  // namespace stillframe
