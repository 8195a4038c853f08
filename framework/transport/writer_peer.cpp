#include "framework/transport/writer_peer.hpp"

#include <utility>

#include "framework/wire/writer_codec.hpp"

namespace stillframe {
namespace {

constexpr int kUnansweredBeatsMax = 3;
constexpr std::size_t kCallsUnderWayMax = 1024;  // a writer works on one; the rest wait in line

WriterAnswer failed(Error error) {
  WriterAnswer answer;
  answer.status = std::move(error);
  return answer;
}

}  // namespace

WriterPeer::WriterPeer(std::shared_ptr<Connection> connection, WriterIdentity identity,
                       WriterInstanceId instance, std::uint32_t protocol)
    : connection_(std::move(connection)),
      identity_(std::move(identity)),
      instance_(instance),
      process_(describe_process(connection_->peer())),
      echoes_(protocol >= wire::kProtocolWithEchoes) {}

void WriterPeer::open() {
  const std::lock_guard lock(mutex_);
  connection_->send(wire::encode(wire::Registered{instance_}));
  for (auto& message : std::exchange(before_open_, {})) connection_->send(std::move(message));
  open_ = true;
}

// With the mutex held, so that calls reach the writer in the order of their numbers.
void WriterPeer::send(wire::RawMessage message) {
  if (open_) return connection_->send(std::move(message));
  before_open_.push_back(std::move(message));
}

void WriterPeer::call(WriterCall call, AnswerHandler done) {
  std::unique_lock lock(mutex_);
  if (gone_) {
    const Error why = *gone_;
    lock.unlock();
    return done(failed(why));
  }
  if (under_way_.size() >= kCallsUnderWayMax) {
    lock.unlock();
    return done(failed(Error(Errc::limit_reached,
                             "too many calls of writer '" + identity_.name + "' are under way")));
  }
  const std::uint64_t sequence = next_sequence_++;
  auto message = wire::encode_call(call, sequence);
  if (!message.ok()) {
    lock.unlock();
    return done(failed(message.error()));
  }
  under_way_.push_back({sequence, call.verb, std::move(done)});
  send(std::move(message).value());
}

void WriterPeer::cancel(const SessionId& session) {
  const std::lock_guard lock(mutex_);
  send(wire::encode(wire::Cancel{session}));
}

// A process that is stopped keeps everybody waiting who is held with it. Beats are counted, not
// time: after a sleep of our own, all that was answered meanwhile is still to be read.
void WriterPeer::heartbeat(const SessionId& session) {
  if (echoes_ && unanswered_beats_++ >= kUnansweredBeatsMax) {
    return connection_->close(
        Error(Errc::timed_out, "it did not answer " + std::to_string(kUnansweredBeatsMax) +
                                   " heartbeats of a hold; is its process stopped?"));
  }
  const std::lock_guard lock(mutex_);
  send(wire::encode(wire::Heartbeat{session}));
}

void WriterPeer::on_gone(std::function<void(Error)> handler) {
  std::unique_lock lock(mutex_);
  if (!gone_) {
    on_gone_ = std::move(handler);
    return;
  }
  const Error why = *gone_;
  lock.unlock();
  if (handler) handler(why);
}

void WriterPeer::on_progress(ProgressHandler handler) {
  std::lock_guard lock(mutex_);
  on_progress_ = std::move(handler);
}

Status WriterPeer::received(const wire::RawMessage& message, std::vector<Descriptor> descriptors) {
  unanswered_beats_ = 0;
  switch (message.kind) {
    case wire::Kind::answer:
      return answered(message, std::move(descriptors));
    case wire::Kind::progress:
      return progressed(message);
    case wire::Kind::heartbeat:
      if (echoes_) return Ok{};
      break;
    case wire::Kind::bye: {
      auto bye = wire::decode_bye(message);
      if (!bye.ok()) return bye.error();
      return Error(Errc::disconnected, "the writer left: " + bye.value().reason);
    }
    default:
      break;
  }
  return Error(Errc::corrupt,
               "a writer may not send " + std::string(wire::to_string(message.kind)) + " messages");
}

Status WriterPeer::answered(const wire::RawMessage& message, std::vector<Descriptor> descriptors) {
  std::unique_lock lock(mutex_);
  if (under_way_.empty() || under_way_.front().sequence != message.sequence) {
    return Error(Errc::corrupt, "an answer to call " + std::to_string(message.sequence) +
                                    ", which is not the oldest under way");
  }
  UnderWay call = std::move(under_way_.front());
  under_way_.pop_front();
  lock.unlock();
  auto answer = wire::decode_answer(call.verb, message, std::move(descriptors));
  if (!answer.ok()) {
    call.done(failed(Error(Errc::writer_fatal, answer.error().what())));
    return answer.error();
  }
  call.done(std::move(answer).value());
  return Ok{};
}

Status WriterPeer::progressed(const wire::RawMessage& message) {
  auto progress = wire::decode_progress(message);
  if (!progress.ok()) return progress.error();
  ProgressHandler handler;
  {
    std::lock_guard lock(mutex_);
    handler = on_progress_;
  }
  const auto& p = progress.value();
  if (handler) handler(p.verb, p.done, p.total, p.what);
  return Ok{};
}

void WriterPeer::gone(const Error& why) {
  std::deque<UnderWay> orphaned;
  std::function<void(Error)> handler;
  std::optional<Error> error;
  {
    std::lock_guard lock(mutex_);
    if (gone_) return;
    gone_ = Error(Errc::writer_gone, "writer '" + identity_.name + "' is gone: " + why.what());
    error = gone_;
    orphaned.swap(under_way_);
    handler = std::exchange(on_gone_, nullptr);
    on_progress_ = nullptr;
  }
  for (auto& call : orphaned) call.done(failed(*error));
  if (handler) handler(*error);
}

}  // namespace stillframe
