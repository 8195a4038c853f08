#include "framework/sdk/writer_streams.hpp"

#include <exception>

#include "framework/sdk/call_in_progress.hpp"

namespace stillframe {
namespace {

constexpr std::size_t kStreamsMax = 64;  // each is a thread and a pipe
constexpr Duration kReadTime = std::chrono::seconds(60);

}  // namespace

WriterAnswer WriterStreams::open(const SessionId& session, const Say& say) {
  if (streams_.size() >= kStreamsMax) {
    return failed_answer(
        Error(Errc::limit_reached,
              std::to_string(kStreamsMax) + " streams of this writer are open; close one"));
  }
  WriterAnswer answer = say();
  if (!answer.status.ok()) return answer;
  const StreamInfo info = std::get<StreamInfo>(answer.payload);
  if (streams_.contains(info.handle)) {
    return failed_answer(Error(
        Errc::writer_fatal, "the writer opened stream " + std::to_string(info.handle) + " twice"));
  }
  Stream stream;
  stream.session = session;
  if (through_pipes_) {
    Descriptor read_end;
    auto pump = StreamPump::start(info, fetcher(session, info.handle), read_end);
    if (!pump.ok()) {
      close_(session, info.handle);
      return failed_answer(pump.error());
    }
    stream.pump = std::move(pump).value();
    answer.descriptors.push_back(std::move(read_end));
  }
  streams_.emplace(info.handle, std::move(stream));
  return answer;
}

// Each chunk is a job of its own, so that other verbs come in between.
StreamPump::Fetch WriterStreams::fetcher(const SessionId& session, std::uint64_t handle) {
  return [this, session, handle](std::shared_ptr<std::vector<std::byte>> buffer,
                                 std::function<void(Result<std::size_t>)> done) {
    strand_.post([this, session, handle, buffer = std::move(buffer), done = std::move(done)] {
      done(read_chunk(session, handle, *buffer));
    });
  };
}

Result<std::size_t> WriterStreams::read_chunk(const SessionId& session, std::uint64_t handle,
                                              std::vector<std::byte>& buffer) {
  if (!streams_.contains(handle)) return Error(Errc::cancelled, "the stream was closed");
  const BootTime deadline = clock_.now() + kReadTime;
  const CallToken token(clock_, deadline);
  ProgressReporter reporter(Verb::read, nullptr);
  const CallContext context{session, Deadline(deadline), &token, &reporter};
  try {
    return writer_.read(context, handle, buffer);
  } catch (const std::exception& e) {
    return Error(Errc::writer_fatal, std::string("the writer threw from read: ") + e.what());
  }
}

WriterAnswer WriterStreams::read(std::uint64_t handle, const Say& say) {
  const auto stream = streams_.find(handle);
  if (stream != streams_.end() && stream->second.pump) {
    return failed_answer(Error(Errc::wrong_state, "this stream is delivered through its pipe"));
  }
  return say();
}

WriterAnswer WriterStreams::close(std::uint64_t handle, const Say& say) {
  Status delivered = Ok{};
  if (auto stream = streams_.extract(handle); !stream.empty() && stream.mapped().pump) {
    delivered = stream.mapped().pump->stop();
  }
  WriterAnswer answer = say();
  if (answer.status.ok() && !delivered.ok()) return failed_answer(delivered.error());
  return answer;
}

void WriterStreams::close_all_of(const SessionId& session) {
  for (auto it = streams_.begin(); it != streams_.end();) {
    if (it->second.session != session) {
      ++it;
      continue;
    }
    const std::uint64_t handle = it->first;
    if (it->second.pump) (void)it->second.pump->stop();
    it = streams_.erase(it);
    close_(session, handle);
  }
}

}  // namespace stillframe
