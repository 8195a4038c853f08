#include "framework/transport/connection.hpp"

#include <array>
#include <deque>
#include <mutex>
#include <optional>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <poll.h>
#include <sys/socket.h>

#include "framework/transport/send_queue.hpp"
#include "framework/transport/socket_io.hpp"
#include "framework/wire/message.hpp"

namespace stillframe {
namespace {

constexpr std::size_t kReceiveBytes = std::size_t{64} << 10;
using Buffer = std::array<char, kReceiveBytes>;

// One for all connections of a thread: what arrives is taken out of it at once.
Buffer& receive_buffer() {
  static thread_local Buffer buffer;
  return buffer;
}

constexpr int kReceivesPerTurn = 16;  // then others get a turn

using StreamDescriptor = boost::asio::posix::stream_descriptor;

class SocketConnection : public Connection, public std::enable_shared_from_this<SocketConnection> {
 public:
  SocketConnection(IoThread& io, Descriptor socket, PeerCredentials peer, Descriptor pidfd,
                   const ConnectionOptions& options)
      : io_(io), peer_(peer), queue_(options.send_queue_bytes_max) {
    reader_.limit_messages(options.message_bytes_max);
    socket_.emplace(io.context(), socket.release());
    if (pidfd.valid()) pidfd_.emplace(io.context(), pidfd.release());
  }

  void start(MessageHandler message, ClosedHandler closed) override {
    on_message_ = std::make_shared<MessageHandler>(std::move(message));
    on_closed_ = std::move(closed);
    wait_readable();
    if (pidfd_) wait_exit();
  }

  void send(wire::RawMessage message, std::vector<Descriptor> descriptors) override {
    message.descriptors = static_cast<std::uint16_t>(descriptors.size());
    const wire::Kind kind = message.kind;
    auto frames = wire::encode_frames(message);
    if (!frames.ok()) return close(frames.error().while_doing("sending"));
    std::lock_guard lock(mutex_);
    if (closing_) return;
    const bool idle = queue_.bytes() == 0;
    if (queue_.push(kind, std::move(frames).value(), std::move(descriptors))) {
      if (flush_posted_ || (idle && sent_at_once())) return;
      flush_posted_ = true;
    } else {
      closing_ = true;
      overflow_ = true;
    }
    // Under the lock, which finish() takes: so the thread is still there.
    io_.post([self = shared_from_this()] { self->flush_or_overflow(); });
  }

  std::size_t send_queue_bytes() const override {
    std::lock_guard lock(mutex_);
    return queue_.bytes();
  }

  void handshake_done() override { reader_.handshake_done(); }

  void close(Error why) override {
    std::lock_guard lock(mutex_);
    if (closing_) return;
    closing_ = true;
    io_.post([self = shared_from_this(), why = std::move(why)] {
      (void)self->write_some();
      self->finish(why);
    });
  }

  const PeerCredentials& peer() const override { return peer_; }

  bool peer_alive() const override {
    std::lock_guard lock(mutex_);
    if (finished_) return false;
    if (!pidfd_) return true;
    pollfd poll_exit{pidfd_->native_handle(), POLLIN, 0};
    return ::poll(&poll_exit, 1, 0) <= 0;
  }

 private:
  // ---- receiving

  void wait_readable() {
    socket_->async_wait(StreamDescriptor::wait_read,
                        [self = shared_from_this()](const boost::system::error_code& error) {
                          if (!error) self->readable();
                        });
  }

  void readable() {
    Buffer& buffer = receive_buffer();
    for (int turn = 0; turn < kReceivesPerTurn; ++turn) {
      if (finished_) return;
      auto received = receive_some(socket_->native_handle(), buffer.data(), buffer.size());
      if (!received.ok()) return finish(received.error());
      if (received.value().would_block) break;
      if (received.value().end) return finish(end_of_stream());
      Status s = take({buffer.data(), received.value().bytes}, received.value().descriptors);
      if (!s.ok()) return refuse_stream(s.error());
      if (received.value().bytes < buffer.size()) break;  // what comes now, the wait tells
    }
    if (!finished_) wait_readable();
  }

  Error end_of_stream() const {
    if (Status s = reader_.finish(); !s.ok()) return s.error();
    return Error(Errc::disconnected, "the peer closed the connection");
  }

  Status take(std::string_view bytes, std::vector<Descriptor>& came_along) {
    for (auto& one : came_along) descriptors_.push_back(std::move(one));
    if (Status s = reader_.feed(bytes); !s.ok()) return s;
    while (auto message = reader_.next()) {
      if (message->descriptors > descriptors_.size()) {
        return Error(Errc::corrupt, "a message announced descriptors that did not come");
      }
      std::vector<Descriptor> own;
      for (int i = 0; i < message->descriptors; ++i) {
        own.push_back(std::move(descriptors_.front()));
        descriptors_.pop_front();
      }
      deliver(std::move(*message), std::move(own));
      if (finished_) return Ok{};
    }
    // Descriptors come with a message's first byte, so what is left belongs to the one under way.
    if (!descriptors_.empty() &&
        (reader_.finish().ok() || descriptors_.size() > wire::kMessageDescriptorsMax)) {
      return Error(Errc::corrupt, "descriptors came that no message announced");
    }
    return Ok{};
  }

  void deliver(wire::RawMessage message, std::vector<Descriptor> descriptors) {
    const auto handler = on_message_;  // finish() lets go of it, perhaps from inside the call
    try {
      (*handler)(std::move(message), std::move(descriptors));
    } catch (const std::exception& e) {
      fail(Error(Errc::internal, std::string("a message handler threw: ") + e.what()));
    }
  }

  void wait_exit() {
    pidfd_->async_wait(StreamDescriptor::wait_read,
                       [self = shared_from_this()](const boost::system::error_code& error) {
                         if (!error) self->process_exited();
                       });
  }

  void process_exited() {
    take_what_came();
    finish(Error(Errc::disconnected, "the peer's process ended"));
  }

  // What the peer sent before it went still counts: the reason it went, for one.
  void take_what_came() {
    Buffer& buffer = receive_buffer();
    for (int turn = 0; turn < kReceivesPerTurn && !finished_; ++turn) {
      auto received = receive_some(socket_->native_handle(), buffer.data(), buffer.size());
      if (!received.ok() || received.value().would_block || received.value().end) break;
      if (!take({buffer.data(), received.value().bytes}, received.value().descriptors).ok()) break;
    }
  }

  // ---- sending

  void flush_or_overflow() {
    bool overflow = false;
    {
      std::lock_guard lock(mutex_);
      flush_posted_ = false;
      overflow = overflow_;
    }
    if (overflow) {
      return finish(Error(Errc::limit_reached, "the peer does not read what is sent to it"));
    }
    flush();
  }

  void flush() {
    if (finished_ || waiting_writable_) return;
    auto full = write_some();
    if (!full.ok()) {
      take_what_came();
      return finish(full.error());
    }
    if (!full.value()) return;
    waiting_writable_ = true;
    socket_->async_wait(StreamDescriptor::wait_write,
                        [self = shared_from_this()](const boost::system::error_code& error) {
                          self->waiting_writable_ = false;
                          if (!error) self->flush();
                        });
  }

  // With the mutex held, and nobody else in the middle of sending: wakes no other thread for what
  // the socket takes. Errors are left to the thread, which meets them again.
  bool sent_at_once() {
    while (OutgoingFrame* frame = queue_.front()) {
      auto sent = send_some(socket_->native_handle(), queue_.rest(), frame->descriptors);
      if (!sent.ok() || sent.value() == 0) return false;
      queue_.sent(sent.value());
    }
    return true;
  }

  // Sends until the queue is empty (false) or the socket is full (true).
  Result<bool> write_some() {
    while (!finished_) {
      std::unique_lock lock(mutex_);
      OutgoingFrame* frame = queue_.front();
      if (frame == nullptr) return false;
      const std::string_view rest = queue_.rest();
      lock.unlock();  // only this thread takes from the queue, so `frame` stays
      auto sent = send_some(socket_->native_handle(), rest, frame->descriptors);
      if (!sent.ok()) return sent.error();
      if (sent.value() == 0) return true;
      lock.lock();
      queue_.sent(sent.value());
    }
    return false;
  }

  // ---- the end

  // A peer that speaks another frame version is told so, in ours: a refusal is understood by every
  // version (docs/protocol.md). Whoever sends anything else does not listen.
  void refuse_stream(const Error& why) {
    if (reader_.met_other_version()) {
      send(wire::encode(wire::Refuse{why}), {});
      (void)write_some();
    }
    fail(why);
  }

  void fail(const Error& why) {
    {
      std::lock_guard lock(mutex_);
      closing_ = true;
    }
    finish(why);
  }

  void finish(const Error& why) {
    {
      std::lock_guard lock(mutex_);
      if (finished_) return;
      finished_ = true;
      closing_ = true;
      // shutdown() as well, because a forked child may still hold the socket.
      ::shutdown(socket_->native_handle(), SHUT_RDWR);
      // Gone, not only closed: whoever keeps this object may outlive the event loop.
      socket_.reset();
      pidfd_.reset();
    }
    descriptors_.clear();
    // The handlers hold whoever owns this connection: let go of them once it is over.
    auto closed = std::move(on_closed_);
    on_message_ = nullptr;
    if (closed) closed(why);
  }

  IoThread& io_;
  // Until finish(). Mutable, because Asio has no const native_handle().
  mutable std::optional<StreamDescriptor> socket_, pidfd_;
  const PeerCredentials peer_;
  std::shared_ptr<MessageHandler> on_message_;
  ClosedHandler on_closed_;
  wire::FrameReader reader_;
  std::deque<Descriptor> descriptors_;  // came, and wait for their message to be complete
  bool waiting_writable_ = false;

  mutable std::mutex mutex_;  // guards what follows, and closing the two descriptors
  SendQueue queue_;
  bool flush_posted_ = false;
  bool overflow_ = false;
  bool closing_ = false;
  bool finished_ = false;  // written on the io thread only, which may read it without the mutex
};

}  // namespace

Result<std::shared_ptr<Connection>> Connection::adopt(IoThread& io, Descriptor socket,
                                                      ConnectionOptions options) {
  auto peer = peer_credentials(socket.get());
  if (!peer.ok()) return peer.error();
  Descriptor pidfd;
  if (options.watch_process && peer.value().pid > 0) {
    auto opened = open_pidfd(peer.value().pid);
    if (!opened.ok() && opened.error().code() == Errc::not_found) {
      return Error(Errc::disconnected, "the peer's process has already ended");
    }
    // Without pidfds the end of the stream still tells, unless a child inherited the socket.
    if (opened.ok()) pidfd = std::move(opened).value();
  }
  return std::shared_ptr<Connection>(std::make_shared<SocketConnection>(
      io, std::move(socket), peer.value(), std::move(pidfd), options));
}

}  // namespace stillframe
