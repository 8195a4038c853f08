#include "framework/remote/tls_connection.hpp"

#include <array>
#include <mutex>
#include <optional>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include "framework/remote/remote_address.hpp"
#include "framework/transport/send_queue.hpp"
#include "framework/wire/message.hpp"

namespace stillframe {
namespace {

using StreamDescriptor = boost::asio::posix::stream_descriptor;
using Buffer = std::array<char, std::size_t{16} << 10>;  // a record of TLS
constexpr int kReadsPerTurn = 32;                        // then others get a turn

Buffer& read_buffer() {
  static thread_local Buffer buffer;
  return buffer;
}

// Everything below that is not marked otherwise runs on the io thread, which alone uses the
// session.
class TlsConnection final : public Connection, public std::enable_shared_from_this<TlsConnection> {
 public:
  TlsConnection(IoThread& io, TlsSession session, PeerCredentials peer,
                const ConnectionOptions& options)
      : io_(io), peer_(std::move(peer)), queue_(options.send_queue_bytes_max) {
    reader_.limit_messages(options.message_bytes_max);
    watch_for_silence(session.socket(), Traffic::messages);
    session_.emplace(std::move(session));
    readiness_.emplace(io.context(), session_->socket());
  }
  ~TlsConnection() override {
    if (readiness_) readiness_->release();  // the session owns the socket
  }

  void start(MessageHandler message, ClosedHandler closed) override {
    on_message_ = std::make_shared<MessageHandler>(std::move(message));
    on_closed_ = std::move(closed);
    // The handshake may have brought more than itself, which no socket tells of any more.
    io_.post([self = shared_from_this()] { self->readable(); });
  }

  // Any thread.
  void send(wire::RawMessage message, std::vector<Descriptor> descriptors) override {
    if (!descriptors.empty())
      return close(Error(Errc::internal, "descriptors were meant for another machine"));
    const wire::Kind kind = message.kind;
    auto frames = wire::encode_frames(message);
    if (!frames.ok()) return close(frames.error().while_doing("sending"));
    std::lock_guard lock(mutex_);
    if (closing_) return;
    if (queue_.push(kind, std::move(frames).value(), {})) {
      if (flush_posted_) return;
      flush_posted_ = true;
    } else {
      closing_ = true;
      overflow_ = true;
    }
    io_.post([self = shared_from_this()] { self->flush_or_overflow(); });
  }

  std::size_t send_queue_bytes() const override {
    std::lock_guard lock(mutex_);
    return queue_.bytes();
  }

  void handshake_done() override { reader_.handshake_done(); }

  // Any thread.
  void close(Error why) override {
    std::lock_guard lock(mutex_);
    if (closing_) return;
    closing_ = true;
    io_.post([self = shared_from_this(), why = std::move(why)] {
      if (!self->finished_) (void)self->write_some();
      self->finish(why);
    });
  }

  const PeerCredentials& peer() const override { return peer_; }

  // As far as can be told: its machine may be gone for a minute.
  bool peer_alive() const override {
    std::lock_guard lock(mutex_);
    return !finished_;
  }

 private:
  void readable() {
    Buffer& buffer = read_buffer();
    for (int turn = 0; turn < kReadsPerTurn; ++turn) {
      if (finished_) return;
      auto moved = session_->read(buffer);
      if (!moved.ok()) return finish(moved.error());
      switch (moved.value().step) {
        case TlsStep::done:
          break;
        case TlsStep::ended:
          return finish(end_of_stream());
        case TlsStep::wants_read:
          return wait(StreamDescriptor::wait_read);
        case TlsStep::wants_write:  // an answer of TLS's own is under way
          return wait(StreamDescriptor::wait_write);
      }
      if (Status s = take({buffer.data(), moved.value().bytes}); !s.ok()) return refuse(s.error());
    }
    // Not by the socket: what is left may be inside the session.
    if (!finished_) io_.post([self = shared_from_this()] { self->readable(); });
  }

  void wait(StreamDescriptor::wait_type what) {
    readiness_->async_wait(what,
                           [self = shared_from_this()](const boost::system::error_code& error) {
                             if (error || self->finished_) return;
                             self->readable();
                           });
  }

  Error end_of_stream() const {
    if (Status s = reader_.finish(); !s.ok()) return s.error();
    return Error(Errc::disconnected, "the peer closed the connection");
  }

  Status take(std::string_view bytes) {
    if (Status s = reader_.feed(bytes); !s.ok()) return s;
    while (auto message = reader_.next()) {
      if (message->descriptors != 0)
        return Error(Errc::corrupt, "descriptors cannot come from another machine");
      const auto handler = on_message_;  // finish() lets go of it, perhaps from inside the call
      try {
        (*handler)(std::move(*message), {});
      } catch (const std::exception& e) {
        return Error(Errc::internal, std::string("a message handler threw: ") + e.what());
      }
      if (finished_) return Ok{};
    }
    return Ok{};
  }

  void flush_or_overflow() {
    bool overflow = false;
    {
      std::lock_guard lock(mutex_);
      flush_posted_ = false;
      overflow = overflow_;
    }
    if (overflow)
      return finish(Error(Errc::limit_reached, "the peer does not read what is sent to it"));
    flush();
  }

  void flush() {
    if (finished_ || waiting_writable_) return;
    auto full = write_some();
    if (!full.ok()) return finish(full.error());
    if (!full.value()) return;
    waiting_writable_ = true;
    readiness_->async_wait(StreamDescriptor::wait_write,
                           [self = shared_from_this()](const boost::system::error_code& error) {
                             self->waiting_writable_ = false;
                             if (!error) self->flush();
                           });
  }

  // Sends until the queue is empty (false) or the socket is full (true).
  Result<bool> write_some() {
    while (true) {
      std::unique_lock lock(mutex_);
      if (queue_.front() == nullptr) return false;
      const std::string_view rest = queue_.rest();
      lock.unlock();  // only this thread takes from the queue, so the bytes stay
      auto moved = session_->write(rest);
      if (!moved.ok()) return moved.error();
      if (moved.value().step == TlsStep::ended)
        return Error(Errc::disconnected, "the peer closed the connection");
      if (moved.value().step != TlsStep::done) return true;
      lock.lock();
      queue_.sent(moved.value().bytes);
    }
  }

  // As on a Unix socket: who speaks another frame version is told so, in ours.
  void refuse(const Error& why) {
    if (reader_.met_other_version()) send(wire::encode(wire::Refuse{why}), {});
    {
      std::lock_guard lock(mutex_);
      closing_ = true;
    }
    if (!finished_) (void)write_some();
    finish(why);
  }

  void finish(const Error& why) {
    {
      std::lock_guard lock(mutex_);
      if (finished_) return;
      finished_ = true;
      closing_ = true;
    }
    session_->close_notify();
    readiness_->release();  // cancels what waits
    readiness_.reset();
    session_.reset();
    auto closed = std::move(on_closed_);
    on_message_ = nullptr;
    if (closed) closed(why);
  }

  IoThread& io_;
  std::optional<TlsSession> session_;  // until finish()
  std::optional<StreamDescriptor> readiness_;
  const PeerCredentials peer_;
  std::shared_ptr<MessageHandler> on_message_;
  ClosedHandler on_closed_;
  wire::FrameReader reader_;
  bool waiting_writable_ = false;

  mutable std::mutex mutex_;  // guards what follows
  SendQueue queue_;
  bool flush_posted_ = false;
  bool overflow_ = false;
  bool closing_ = false;
  bool finished_ = false;  // written on the io thread only, which may read it without the mutex
};

}  // namespace

std::shared_ptr<Connection> adopt_tls(IoThread& io, TlsSession session, PeerCredentials peer,
                                      const ConnectionOptions& options) {
  return std::make_shared<TlsConnection>(io, std::move(session), std::move(peer), options);
}

}  // namespace stillframe
