#include "framework/daemon/remote/remote_service.hpp"

#include <atomic>

#include "framework/daemon/remote/mover_handler.hpp"
#include "framework/daemon/remote/remote_events.hpp"
#include "framework/remote/tls_listener.hpp"
#include "framework/transport/requestor_server.hpp"

namespace stillframe::daemon {
namespace {

constexpr std::chrono::seconds kBetweenRefusals{1};

// One event a second at most: a flood must not fill the log too.
class Refusals {
 public:
  explicit Refusals(EventSink& events) : events_(events) {}

  // The listener's thread only.
  void note(const std::string& address, const Error& why) {
    const BootTime now = system_clock().now();
    if (last_ && now - *last_ < kBetweenRefusals) {
      ++untold_;
      return;
    }
    last_ = now;
    EventRecord event;
    event.id = kEventRemoteTurnedAway;
    event.source = "remote";
    event.level = EventLevel::warning;
    event.message = "a connection from " + address + " was turned away: " + why.what();
    event.fields = {{"address", address}, {"outcome", std::string(to_string(why.code()))}};
    if (untold_ != 0) event.fields["untold"] = std::to_string(untold_);
    untold_ = 0;
    event.when = system_clock().wall_now();
    events_.emit(event);
  }

 private:
  EventSink& events_;
  std::optional<BootTime> last_;
  std::size_t untold_ = 0;
};

class RunningRemoteService final : public RemoteService {
 public:
  RunningRemoteService(RemoteServiceOptions options, RequestorHandler& next,
                       const SharedPolicy& policy, EventSink& events)
      : options_(std::move(options)),
        policy_(policy),
        refusals_(events),
        movers_(next, registry_, events, {options_.helper_dir, options_.settings.ticket}),
        door_(movers_, policy, events) {}

  Status begin() {
    const RemoteSettings& settings = options_.settings;
    auto context = serving_context(settings.tls);
    if (!context.ok()) return context.error();
    TlsListenOptions listen;
    listen.address = *settings.listen;
    listen.handshake_limit = settings.handshake;
    auto listener = TlsListener::start(
        listen, context.value(),
        [this](const MoverName& name, Descriptor socket) {
          const std::string address = peer_address(socket.get());
          if (Status s = registry_.deliver(name, std::move(socket)); !s.ok())
            refusals_.note(address, s.error());
        },
        [this](const std::string& address, const Error& why) { refusals_.note(address, why); });
    if (!listener.ok()) return listener.error();
    listener_ = std::move(listener).value();
    return serve();
  }

  std::uint16_t port() const override { return listener_->port(); }

  Status reload(const RemoteSettings& settings) override {
    movers_.stop_unless([this](const PeerCredentials& peer) {
      return policy_.get()->check(peer, Right::backup).ok();
    });
    auto context = serving_context(settings.tls);
    if (!context.ok()) return context.error();
    listener_->use(context.value());
    return Ok{};
  }

 private:
  Status serve() {
    RequestorServerOptions options;
    options.connections_max = options_.settings.connections_max;
    options.handshake_limit = options_.settings.handshake;
    options.same_machine = false;
    options.listen_elsewhere =
        [this](IoThread& io, ConnectionOptions connection,
               Listener::AcceptedHandler accepted) -> Result<std::unique_ptr<Listener>> {
      return listener_->control_connections(io, connection, std::move(accepted));
    };
    auto server = RequestorServer::start(door_, options);
    if (!server.ok()) return server.error();
    server_ = std::move(server).value();
    return Ok{};
  }

  const RemoteServiceOptions options_;
  const SharedPolicy& policy_;
  Refusals refusals_;
  MoverRegistry registry_;
  MoverHandler movers_;
  AccessHandler door_;
  std::unique_ptr<TlsListener> listener_;
  std::unique_ptr<RequestorServer> server_;  // goes first: its connections are the door's
};

}  // namespace

Result<std::unique_ptr<RemoteService>> RemoteService::start(RemoteServiceOptions options,
                                                            RequestorHandler& next,
                                                            const SharedPolicy& policy,
                                                            EventSink& events) {
  auto service = std::make_unique<RunningRemoteService>(std::move(options), next, policy, events);
  if (Status s = service->begin(); !s.ok()) return s.error();
  return std::unique_ptr<RemoteService>(std::move(service));
}

}  // namespace stillframe::daemon
