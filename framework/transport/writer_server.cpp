#include "framework/transport/writer_server.hpp"

#include <map>
#include <set>

#include "framework/transport/boot_timer.hpp"
#include "framework/transport/handshake.hpp"
#include "framework/transport/listener.hpp"
#include "framework/transport/writer_peer.hpp"

namespace stillframe {
namespace {

// Everything below runs on the io thread, except construction and destruction.
class SocketWriterServer : public WriterServer {
 public:
  SocketWriterServer(std::unique_ptr<IoThread> io, WriterServerOptions options,
                     RegisteredHandler registered)
      : options_(std::move(options)), registered_(std::move(registered)), io_(std::move(io)) {}

  Status listen() {
    ConnectionOptions connection;
    connection.send_queue_bytes_max = options_.send_queue_bytes_max;
    connection.message_bytes_max = options_.message_bytes_max;
    Status status = Ok{};
    io_->run([&] {
      auto listener =
          Listener::start(*io_, options_.listen, connection,
                          [this](std::shared_ptr<Connection> c) { accepted(std::move(c)); });
      if (listener.ok()) {
        listener_ = std::move(listener).value();
      } else {
        status = listener.error();
      }
    });
    return status;
  }

  ~SocketWriterServer() override {
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
  enum class Stage { hello, registration, ready };

  // One connection. Shared by the server and the connection's handlers.
  struct Guest {
    std::shared_ptr<Connection> connection;
    std::unique_ptr<BootTimer> limit;
    Stage stage = Stage::hello;
    BootTime welcomed;
    std::uint32_t protocol = wire::kProtocolMin;
    std::shared_ptr<WriterPeer> peer;  // once it is ready
  };
  using Name = std::pair<WriterClassId, std::string>;

  void accepted(std::shared_ptr<Connection> connection) {
    auto timer = BootTimer::create(*io_);
    if (!timer.ok()) return refuse(*connection, timer.error());
    if (guests_.size() >= options_.connections_max) {
      return refuse(*connection, Error(Errc::limit_reached,
                                       std::to_string(guests_.size()) +
                                           " writers are connected already; raise the limit"));
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
        [this, guest](wire::RawMessage message, std::vector<Descriptor> descriptors) {
          received(guest, message, std::move(descriptors));
        },
        [this, guest](const Error& why) { closed(guest, why); });
  }

  void received(const std::shared_ptr<Guest>& guest, const wire::RawMessage& message,
                std::vector<Descriptor> descriptors) {
    Status s = Ok{};
    switch (guest->stage) {
      case Stage::hello:
        s = greeted(*guest, message);
        break;
      case Stage::registration:
        s = registering(*guest, message);
        break;
      case Stage::ready:
        s = guest->peer->received(message, std::move(descriptors));
        break;
    }
    if (!s.ok()) refuse(*guest->connection, s.error());
  }

  Status greeted(Guest& guest, const wire::RawMessage& message) {
    auto hello = wire::decode_hello(message);
    if (!hello.ok()) return hello.error();
    auto welcome = answer_hello(hello.value(), wire::Role::writer, clock_);
    if (!welcome.ok()) return welcome.error();
    guest.welcomed = welcome.value().clock.boot;
    guest.protocol = welcome.value().protocol;
    guest.stage = Stage::registration;
    guest.connection->handshake_done();
    guest.connection->send(wire::encode(welcome.value()));
    return Ok{};
  }

  Status registering(Guest& guest, const wire::RawMessage& message) {
    auto wanted = wire::decode_register(message);
    if (!wanted.ok()) return wanted.error();
    wire::RegisterWriter& writer = wanted.value();
    if (Status s = check_identity(writer); !s.ok()) return s;
    if (options_.admit_writer) {
      Status s = options_.admit_writer(guest.connection->peer(), writer.identity);
      if (!s.ok()) return s;
    }
    // Written after it had read the welcome: now the comparison is exact on this side too.
    Status clocks = wire::compare_clocks(wire::sample_clock(clock_), writer.clock, guest.welcomed,
                                         clock_.now());
    if (!clocks.ok()) return clocks;
    const Name name{writer.identity.class_id, writer.identity.instance_name};
    if (Status s = make_way(name); !s.ok()) return s;

    guest.peer = std::make_shared<WriterPeer>(guest.connection, writer.identity, writer.instance,
                                              guest.protocol);
    guest.stage = Stage::ready;
    guest.limit->cancel();
    names_[name] = guest.peer;
    registered_(guest.peer);
    guest.peer->open();  // so whoever knows that it is registered is found by everybody
    return Ok{};
  }

  static Status check_identity(const wire::RegisterWriter& writer) {
    if (writer.identity.class_id.is_nil() || writer.instance.is_nil()) {
      return Error(Errc::invalid_argument, "a writer needs a class id and an instance id");
    }
    if (writer.identity.name.empty()) {
      return Error(Errc::invalid_argument, "a writer needs a name");
    }
    return Ok{};
  }

  // A name is taken while its owner lives. An owner that died but whose end has not been noticed
  // yet goes at once.
  Status make_way(const Name& name) {
    const auto it = names_.find(name);
    if (it == names_.end()) return Ok{};
    const auto older = it->second;
    if (older->alive()) {
      return Error(Errc::already_exists,
                   "writer '" + older->identity().name + "'" +
                       (name.second.empty() ? "" : " instance '" + name.second + "'") +
                       " is registered already, by process " +
                       std::to_string(older->process().pid) +
                       "; give this one an instance name of its own");
    }
    const Error why(Errc::disconnected, "its process ended");
    names_.erase(it);
    older->close(why);
    older->gone(why);
    return Ok{};
  }

  void closed(const std::shared_ptr<Guest>& guest, const Error& why) {
    guest->limit.reset();
    guests_.erase(guest);
    if (!guest->peer) return;
    const auto& identity = guest->peer->identity();
    const auto it = names_.find({identity.class_id, identity.instance_name});
    if (it != names_.end() && it->second == guest->peer) names_.erase(it);
    guest->peer->gone(why);
  }

  const WriterServerOptions options_;
  const RegisteredHandler registered_;
  const Clock& clock_ = system_clock();
  std::set<std::shared_ptr<Guest>> guests_;
  std::map<Name, std::shared_ptr<WriterPeer>> names_;
  std::unique_ptr<IoThread> io_;
  std::unique_ptr<Listener> listener_;
};

}  // namespace

Result<std::unique_ptr<WriterServer>> WriterServer::start(WriterServerOptions options,
                                                          RegisteredHandler registered) {
  auto io = IoThread::start("sf-writers");
  if (!io.ok()) return io.error();
  auto server = std::make_unique<SocketWriterServer>(std::move(io).value(), std::move(options),
                                                     std::move(registered));
  if (Status s = server->listen(); !s.ok()) return s.error().while_doing("listening for writers");
  return std::unique_ptr<WriterServer>(std::move(server));
}

}  // namespace stillframe
