#include "framework/transport/requestor_server.hpp"

#include <atomic>
#include <set>

#include "framework/transport/boot_timer.hpp"
#include "framework/transport/handshake.hpp"
#include "framework/wire/request_message.hpp"

namespace stillframe {
namespace {

constexpr std::size_t kEventQueueBytesMax = std::size_t{1} << 20;

// Counted by all servers of the process together: one handler may serve several sockets.
ConnectionId next_connection() {
  static std::atomic<std::uint64_t> last{0};
  return ConnectionId{++last};
}

// A requestor's connection, shared with the replies and events that are still to come for it.
struct Guest {
  std::shared_ptr<Connection> connection;
  std::unique_ptr<BootTimer> limit;
  bool greeted = false;
  bool opened = false;
  RequestorPeer peer;
  std::uint64_t last_sequence = 0;
  std::atomic<std::size_t> under_way{0};
};

void send_reply(Guest& guest, std::uint64_t sequence, Result<ChannelReply> reply) {
  if (!reply.ok()) {
    return guest.connection->send(wire::encode_reply(reply.error(), sequence));
  }
  auto message = wire::encode_reply(std::move(reply.value().json), sequence);
  guest.connection->send(std::move(message), std::move(reply.value().descriptors));
}

bool push_event(Guest& guest, const std::string& event_json) {
  if (guest.connection->send_queue_bytes() > kEventQueueBytesMax) return false;
  auto message = wire::encode_event(event_json);
  if (message.ok()) guest.connection->send(std::move(message).value());
  return true;
}

// Everything below runs on the io thread, except construction and destruction.
class SocketRequestorServer : public RequestorServer {
 public:
  SocketRequestorServer(RequestorHandler& handler, std::unique_ptr<IoThread> io,
                        RequestorServerOptions options)
      : handler_(handler), options_(std::move(options)), io_(std::move(io)) {}

  Status listen() {
    ConnectionOptions connection;
    connection.send_queue_bytes_max = options_.send_queue_bytes_max;
    Status status = Ok{};
    io_->run([&] {
      const auto accept = [this](std::shared_ptr<Connection> c) { accepted(std::move(c)); };
      auto listener = options_.listen_elsewhere
                          ? options_.listen_elsewhere(*io_, connection, accept)
                          : Listener::start(*io_, options_.listen, connection, accept);
      if (listener.ok()) {
        listener_ = std::move(listener).value();
      } else {
        status = listener.error();
      }
    });
    return status;
  }

  ~SocketRequestorServer() override {
    io_->run([this] {
      listener_.reset();
      const Error end(Errc::disconnected, "the coordinator is ending");
      for (const auto& guest : guests_) {
        guest->connection->send(wire::encode(wire::Bye{end.what()}));
        guest->connection->close(end);
      }
    });
    io_->run([] {});  // what close() posted has run after this
    io_->stop();
  }

 private:
  void accepted(std::shared_ptr<Connection> connection) {
    auto timer = BootTimer::create(*io_);
    if (!timer.ok()) return refuse(*connection, timer.error());
    if (guests_.size() >= options_.connections_max) {
      return refuse(*connection, Error(Errc::limit_reached,
                                       std::to_string(guests_.size()) +
                                           " requestors are connected already; try again later"));
    }
    auto guest = std::make_shared<Guest>();
    guest->connection = std::move(connection);
    guest->limit = std::move(timer).value();
    guest->limit->arm(clock_.now() + options_.handshake_limit, [weak = std::weak_ptr(guest)] {
      if (auto late = weak.lock()) {
        refuse(*late->connection, Error(Errc::timed_out, "the handshake took too long"));
      }
    });
    guests_.insert(guest);
    guest->connection->start(
        [this, guest](const wire::RawMessage& message, const std::vector<Descriptor>&) {
          Status s = guest->greeted ? requested(guest, message) : greeted(guest, message);
          if (!s.ok()) refuse(*guest->connection, s.error());
        },
        [this, guest](const Error&) { closed(guest); });
  }

  Status greeted(const std::shared_ptr<Guest>& guest, const wire::RawMessage& message) {
    auto hello = wire::decode_hello(message);
    if (!hello.ok()) return hello.error();
    auto welcome = options_.same_machine
                       ? answer_hello(hello.value(), wire::Role::requestor, clock_)
                       : answer_far_hello(hello.value(), wire::Role::requestor, clock_);
    if (!welcome.ok()) return welcome.error();
    guest->peer = {next_connection(), guest->connection->peer(), hello.value().name};
    Status opened = handler_.connection_opened(
        guest->peer, [weak = std::weak_ptr(guest)](const std::string& event_json) {
          auto still = weak.lock();
          return still ? push_event(*still, event_json) : true;
        });
    if (!opened.ok()) return opened;
    guest->opened = true;
    guest->greeted = true;
    guest->limit->cancel();
    if (options_.large_requests) guest->connection->handshake_done();
    guest->connection->send(wire::encode(welcome.value()));
    return Ok{};
  }

  Status requested(const std::shared_ptr<Guest>& guest, const wire::RawMessage& message) {
    if (message.kind == wire::Kind::bye) {
      return Error(Errc::disconnected, "the requestor left");
    }
    if (message.kind != wire::Kind::request) {
      return Error(Errc::corrupt, "a requestor may not send " +
                                      std::string(wire::to_string(message.kind)) + " messages");
    }
    if (message.sequence <= guest->last_sequence) {
      return Error(Errc::corrupt, "a request's number is not larger than the one before");
    }
    guest->last_sequence = message.sequence;
    auto request = wire::decode_request(message);
    if (!request.ok()) {  // the frame was whole, so only this request is lost
      send_reply(*guest, message.sequence, request.error());
      return Ok{};
    }
    if (guest->under_way >= options_.requests_under_way_max) {
      send_reply(*guest, message.sequence,
                 Error(Errc::limit_reached,
                       std::to_string(guest->under_way) +
                           " requests of this connection are under way; wait for one"));
      return Ok{};
    }
    ++guest->under_way;
    dispatch(guest, message.sequence, std::move(request).value());
    return Ok{};
  }

  void dispatch(const std::shared_ptr<Guest>& guest, std::uint64_t sequence,
                wire::Request request) {
    auto answered = std::make_shared<std::atomic_flag>();
    handler_.handle(guest->peer.connection, std::move(request.method),
                    std::move(request.params_json),
                    [weak = std::weak_ptr(guest), sequence, answered](Result<ChannelReply> reply) {
                      if (answered->test_and_set()) return;  // the first answer stands
                      auto still = weak.lock();
                      if (!still) return;
                      --still->under_way;
                      send_reply(*still, sequence, std::move(reply));
                    });
  }

  void closed(const std::shared_ptr<Guest>& guest) {
    // Gone here, not with the guest: whoever sends it a late reply may outlive the event loop.
    guest->limit.reset();
    guests_.erase(guest);
    if (guest->opened) handler_.connection_closed(guest->peer.connection);
  }

  RequestorHandler& handler_;
  const RequestorServerOptions options_;
  const Clock& clock_ = system_clock();
  std::set<std::shared_ptr<Guest>> guests_;
  std::unique_ptr<IoThread> io_;
  std::unique_ptr<Listener> listener_;
};

}  // namespace

Result<std::unique_ptr<RequestorServer>> RequestorServer::start(RequestorHandler& handler,
                                                                RequestorServerOptions options) {
  auto io = IoThread::start("sf-requestors");
  if (!io.ok()) return io.error();
  auto server =
      std::make_unique<SocketRequestorServer>(handler, std::move(io).value(), std::move(options));
  if (Status s = server->listen(); !s.ok()) {
    return s.error().while_doing("listening for requestors");
  }
  return std::unique_ptr<RequestorServer>(std::move(server));
}

}  // namespace stillframe
