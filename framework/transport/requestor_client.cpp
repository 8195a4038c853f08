// connect(): a RequestorChannel over a Unix socket.
#include <condition_variable>
#include <cstdlib>
#include <map>
#include <mutex>
#include <optional>

#include <unistd.h>

#include <stillframe/requestor.hpp>

#include "framework/transport/handshake.hpp"
#include "framework/transport/requestor_channel.hpp"
#include "framework/transport/unix_socket.hpp"
#include "framework/wire/request_message.hpp"

namespace stillframe {
namespace {

class SocketChannel : public RequestorChannel {
 public:
  SocketChannel(std::unique_ptr<IoThread> io, std::shared_ptr<Connection> connection,
                std::string coordinator)
      : coordinator_(std::move(coordinator)),
        connection_(std::move(connection)),
        io_(std::move(io)) {}

  ~SocketChannel() override {
    close();
    io_->run([] {});  // the connection has let go of this object after what close() posted
    io_->stop();
  }

  // Says hello and waits for the welcome.
  Status greet(const GreetOptions& options) {
    const Clock& clock = system_clock();
    wire::Hello hello;
    hello.role = wire::Role::requestor;
    hello.name = options.requestor_name;
    hello.pid = ::getpid();
    hello.clock = wire::sample_clock(clock);
    io_->run([&] {
      connection_->start(
          [this](const wire::RawMessage& message, std::vector<Descriptor> descriptors) {
            received(message, std::move(descriptors));
          },
          [this](const Error& why) { lost(why); });
    });
    connection_->send(wire::encode(hello));

    std::unique_lock lock(mutex_);
    const bool in_time =
        changed_.wait_for(lock, options.timeout, [this] { return welcome_ || ended_; });
    if (welcome_ && options.welcome != nullptr) *options.welcome = {*welcome_, hello.clock.boot};
    if (welcome_)
      return options.same_machine ? check_welcome(*welcome_, hello, clock)
                                  : check_far_welcome(*welcome_, hello);
    if (!in_time) {
      return Error(Errc::timed_out, "the coordinator behind '" + coordinator_ +
                                        "' does not answer; look at its log");
    }
    return *ended_;
  }

  Result<ChannelReply> call(std::string_view method, std::string_view params_json) override {
    std::unique_lock lock(mutex_);
    if (ended_) return *ended_;
    const std::uint64_t sequence = next_sequence_++;
    auto message = wire::encode_request(method, params_json, sequence);
    if (!message.ok()) return message.error();
    waiting_.emplace(sequence, std::nullopt);
    connection_->send(std::move(message).value());
    changed_.wait(lock, [&] { return waiting_[sequence].has_value() || ended_; });
    auto reply = std::move(waiting_[sequence]);
    waiting_.erase(sequence);
    if (reply) return std::move(*reply);
    return *ended_;
  }

  void on_event(EventHandler handler) override {
    std::lock_guard lock(mutex_);
    on_event_ = std::move(handler);
  }

  void close() override {
    const Error why(Errc::cancelled, "the channel was closed");
    end(why);
    connection_->send(wire::encode(wire::Bye{"closed"}));
    connection_->close(why);
  }

 private:
  void received(const wire::RawMessage& message, std::vector<Descriptor> descriptors) {
    Status s = Ok{};
    switch (message.kind) {
      case wire::Kind::welcome:
        s = welcomed(message);
        break;
      case wire::Kind::reply:
        s = replied(message, std::move(descriptors));
        break;
      case wire::Kind::event:
        s = happened(message);
        break;
      case wire::Kind::refuse:
        s = refused(message);
        break;
      case wire::Kind::bye:
        s = Error(Errc::disconnected, "the coordinator ended");
        break;
      default:
        s = Error(Errc::corrupt, "a coordinator may not send requestors " +
                                     std::string(wire::to_string(message.kind)) + " messages");
    }
    if (s.ok()) return;
    end(s.error());
    connection_->close(s.error());
  }

  Status welcomed(const wire::RawMessage& message) {
    auto welcome = wire::decode_welcome(message);
    if (!welcome.ok()) return welcome.error();
    connection_->handshake_done();
    std::lock_guard lock(mutex_);
    welcome_ = welcome.value();
    changed_.notify_all();
    return Ok{};
  }

  Status refused(const wire::RawMessage& message) {
    auto refusal = wire::decode_refuse(message);
    return refusal.ok() ? refusal.value().error : refusal.error();
  }

  Status replied(const wire::RawMessage& message, std::vector<Descriptor> descriptors) {
    auto result = wire::decode_reply(message);
    std::lock_guard lock(mutex_);
    const auto waiting = waiting_.find(message.sequence);
    if (waiting == waiting_.end() || waiting->second) {
      return Error(Errc::corrupt, "a reply to no request");
    }
    if (result.ok()) {
      waiting->second = ChannelReply{std::move(result).value(), std::move(descriptors)};
    } else {
      waiting->second = result.error();
    }
    changed_.notify_all();
    return Ok{};
  }

  Status happened(const wire::RawMessage& message) {
    auto event = wire::decode_event(message);
    if (!event.ok()) return event.error();
    EventHandler handler;
    {
      std::lock_guard lock(mutex_);
      handler = on_event_;
    }
    if (handler) handler(event.value());
    return Ok{};
  }

  void lost(const Error& why) {
    end(Error(Errc::disconnected, "the connection to the coordinator behind '" + coordinator_ +
                                      "' was lost: " + why.what()));
  }

  // The first reason stands.
  void end(const Error& why) {
    std::lock_guard lock(mutex_);
    if (!ended_) ended_ = why;
    changed_.notify_all();
  }

  const std::string coordinator_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::uint64_t, std::optional<Result<ChannelReply>>> waiting_;
  std::uint64_t next_sequence_ = 1;
  EventHandler on_event_;
  std::optional<wire::Welcome> welcome_;
  std::optional<Error> ended_;
  std::shared_ptr<Connection> connection_;
  std::unique_ptr<IoThread> io_;  // last: its thread uses the rest
};

BytePath socket_path(const ConnectOptions& options) {
  if (!options.socket.empty()) return options.socket;
  const char* directory = std::getenv("STILLFRAME_SOCKET_DIR");
  return std::string(directory != nullptr && *directory != '\0' ? directory : "/run/stillframe") +
         "/requestor.sock";
}

}  // namespace

Result<std::unique_ptr<RequestorChannel>> greet(std::unique_ptr<IoThread> io,
                                                std::shared_ptr<Connection> connection,
                                                const GreetOptions& options) {
  auto channel =
      std::make_unique<SocketChannel>(std::move(io), std::move(connection), options.coordinator);
  if (Status s = channel->greet(options); !s.ok()) {
    return s.error().while_doing("connecting to '" + options.coordinator + "'");
  }
  return std::unique_ptr<RequestorChannel>(std::move(channel));
}

Result<std::unique_ptr<RequestorChannel>> connect(const ConnectOptions& options) {
  const BytePath path = socket_path(options);
  const Clock& clock = system_clock();
  auto socket = connect_unix(path, clock, clock.now() + options.timeout);
  if (!socket.ok()) return socket.error();
  auto io = IoThread::start("sf-channel");
  if (!io.ok()) return io.error();
  ConnectionOptions connection_options;
  connection_options.send_queue_bytes_max = wire::kDocumentMessageBytesMax * 2;
  auto connection = Connection::adopt(*io.value(), std::move(socket).value(), connection_options);
  if (!connection.ok()) return connection.error();
  GreetOptions greeting;
  greeting.coordinator = escape_path(path);
  greeting.requestor_name = options.requestor_name;
  greeting.timeout = options.timeout;
  return greet(std::move(io).value(), std::move(connection).value(), greeting);
}

}  // namespace stillframe
