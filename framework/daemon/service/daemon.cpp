#include "framework/daemon/service/daemon.hpp"

#include <mutex>

#include <unistd.h>

#include "framework/coordinator/assembly/built_in_providers.hpp"
#include "framework/coordinator/assembly/coordinator.hpp"
#include "framework/coordinator/assembly/directories.hpp"
#include "framework/coordinator/runtime/worker.hpp"
#include "framework/daemon/access/access_handler.hpp"
#include "framework/daemon/config/config_changes.hpp"
#include "framework/daemon/doctor/doctor_handler.hpp"
#include "framework/daemon/hosts/host_starter.hpp"
#include "framework/daemon/hosts/hosts_handler.hpp"
#include "framework/daemon/observe/event_ids.hpp"
#include "framework/daemon/observe/metrics_server.hpp"
#include "framework/daemon/observe/observe_handler.hpp"
#include "framework/daemon/remote/remote_events.hpp"
#include "framework/daemon/remote/remote_service.hpp"
#include "framework/daemon/service/brokered.hpp"
#include "framework/daemon/service/writer_files.hpp"
#include "framework/lists/machine_lists.hpp"
#include "framework/transport/requestor_server.hpp"
#include "framework/transport/writer_server.hpp"

namespace stillframe::daemon {
namespace {

using coordinator::Coordinator;
using coordinator::CoordinatorOptions;
using coordinator::ProviderSetup;

constexpr unsigned kOpenMode = 0666, kOwnMode = 0600;

class RunningDaemon final : public Daemon {
 public:
  RunningDaemon(DaemonConfig config, ConfigOrigin origin, EventHub& events, const Metrics& metrics)
      : config_(std::move(config)),
        origin_(std::move(origin)),
        events_(events),
        metrics_(metrics),
        policy_(AccessPolicy(::geteuid(), config_.allow)) {}

  // Sessions first, while the writers they thaw are still connected.
  ~RunningDaemon() override {
    report(kEventStopping, EventLevel::info, "stillframed is stopping");
    if (coordinator_) coordinator_->close();
    remote_.reset();
    requestor_server_.reset();
    status_server_.reset();
    joiner_.reset();
    writer_server_.reset();  // the links it made tell the coordinator's registry of their end
    coordinator_.reset();    // its providers go before whoever watches them
    hosts_.reset();
  }

  Status begin(ActivatedSockets& sockets) {
    coordinator::Directories directories{config_.state_dir, config_.runtime_dir};
    if (Status s = coordinator::prepare_directories(directories, 0755); !s.ok()) return s;
    state_dir_ = directories.state;
    runtime_dir_ = directories.runtime;
    socket_dir_ = config_.socket_dir.empty() ? runtime_dir_ : config_.socket_dir;
    if (!config_.broker.empty()) {
      BrokerClientOptions broker;
      broker.socket = config_.broker;
      broker_ = BrokerClient::create(broker);
    }
    if (Status s = start_hosts(); !s.ok()) return s;
    auto coordinator = Coordinator::start(coordinator_options());
    if (!coordinator.ok()) return coordinator.error();
    coordinator_ = std::move(coordinator).value();
    requests_ = coordinator_->requests();
    auto joiner = coordinator::Worker::start("sf-join");
    if (!joiner.ok()) return joiner.error();
    joiner_ = std::move(joiner).value();
    hosts_handler_ = std::make_unique<HostsHandler>(
        *requests_, *hosts_, [this](const std::string& name, std::function<void(Status)> done) {
          joiner_->post([this, name, done] { done(coordinator_->add_provider_again(name)); });
        });
    auto observed = ObserveHandler::make(*hosts_handler_, events_, metrics_, coordinator::kVersion);
    if (!observed.ok()) return observed.error();
    observe_handler_ = std::move(observed).value();
    if (Status s = prepare_doctor(); !s.ok()) return s;
    serve_metrics();
    if (Status s = listen_for_writers(sockets); !s.ok()) return s;
    if (Status s = listen_for_requestors(sockets); !s.ok()) return s;
    serve_remotes();
    if (const auto left = sockets.left(); !left.empty())
      return Error(Errc::invalid_argument, "the service manager handed over a socket named '" +
                                               left.front() + "'; there are " + kWriterSocket +
                                               ", " + kRequestorSocket + " and " + kStatusSocket);
    report(kEventStarted, EventLevel::info,
           "stillframed " + std::string(coordinator::kVersion) + " serves in " +
               escape_path(socket_dir_),
           {{"version", coordinator::kVersion}, {"pid", std::to_string(::getpid())}});
    return Ok{};
  }

  void reload(DaemonConfig next) override {
    const auto restart = needs_restart(config_, next);
    policy_.set(AccessPolicy(::geteuid(), next.allow));
    const bool remote_follows = reload_remote(next.remote);
    events_.reopen_files();
    hosts_->reload(next.hosts);
    {
      const std::lock_guard lock(config_mutex_);
      config_.allow = std::move(next.allow);
      config_.hosts = std::move(next.hosts);
      if (remote_follows) config_.remote.tls = next.remote.tls;
    }
    report(kEventReloaded, EventLevel::info, "the configuration was read again");
    for (const std::string& key : restart)
      report(kEventNeedsRestart, EventLevel::warning,
             "'" + key + "' changed; it counts from the next start of stillframed on",
             {{"key", key}});
  }

  bool healthy(std::chrono::milliseconds patience) override {
    return coordinator_->holding() || coordinator_->responds_within(patience);
  }

 private:
  CoordinatorOptions coordinator_options() {
    CoordinatorOptions options;
    options.state_dir = state_dir_;
    options.runtime_dir = runtime_dir_;
    options.events = &events_;
    options.limits.hold = config_.hold;
    options.limits.commit = config_.commit;
    options.limits.lease = config_.lease;
    options.copy_bytes_limit = config_.copy_bytes;
    options.exclude_from_snapshot = kExcludeFromSnapshotFolder;
    options.restore_roots = config_.restore_roots;
    options.file_rules = writer_file_rules(policy_, broker_.get(), events_);
    if (broker_) use_broker(options, *broker_);
    options.add_providers = [setup = provider_setup()](coordinator::ProviderPool& pool) {
      coordinator::add_providers(pool, setup);
    };
    return options;
  }

  ProviderSetup provider_setup() {
    ProviderSetup setup;
    setup.environment.state_directory = state_dir_;
    setup.environment.runtime_directory = runtime_dir_;
    setup.environment.events = &events_;
    setup.environment.host = coordinator::this_host();
    setup.environment.copy_bytes_max = config_.copy_bytes;
    setup.environment.commit_max = config_.commit;
    setup.environment.lease = config_.lease;
    setup.builtin = config_.builtin_providers;
    if (broker_) {
      setup.make = brokered_providers(setup.environment, *broker_);
      for (const BytePath& file : config_.command_providers)
        setup.more.emplace_back(escape_path(file),
                                [make = setup.make, file] { return make("command:" + file); });
    } else {
      setup.make = coordinator::hosted_providers(setup.environment, config_.helper_dir);
      setup.command_files = config_.command_providers;
    }
    for (const HostSpec& host : config_.hosts)
      if (host.kind == HostKind::plugin_provider)
        setup.more.emplace_back(host.name, [this, name = host.name] { return plugin(name); });
    return setup;
  }

  Result<std::shared_ptr<Provider>> plugin(const std::string& name) {
    auto provider = hosts_->provider(name);
    if (!provider.ok()) return provider.error();
    return std::shared_ptr<Provider>(std::move(provider).value());
  }

  Status start_hosts() {
    HostSupervisorOptions options;
    options.state_dir = state_dir_;
    options.stop_patience = config_.hold + std::chrono::seconds(5);
    options.provider_timeouts.commit = config_.commit;
    options.provider_timeouts.lease = config_.lease;
    options.events = &events_;
    HostStarterOptions direct;
    direct.helper_dir = config_.helper_dir;
    direct.socket_dir = socket_dir_;
    auto hosts = HostSupervisor::start(
        config_.hosts, broker_ ? brokered_starter(*broker_) : direct_starter(direct), options);
    if (!hosts.ok()) return hosts.error();
    hosts_ = std::move(hosts).value();
    return Ok{};
  }

  // Nobody's backup shall fail because a port is taken.
  void serve_metrics() {
    if (!config_.observe.metrics) return;
    auto server =
        MetricsServer::start(*config_.observe.metrics, [this] { return metrics_.text(); });
    if (server.ok()) {
      metrics_server_ = std::move(server).value();
    } else {
      report(kEventMetricsListenFailed, EventLevel::error,
             "metrics are not served: " + server.error().what());
    }
  }

  // No more than a metrics port does this keep local backups from working.
  void serve_remotes() {
    if (!config_.remote.listen) return;
    auto service = RemoteService::start({config_.remote, config_.helper_dir}, *observe_handler_,
                                        policy_, events_);
    RemoteAddress address = *config_.remote.listen;
    if (service.ok()) address.port = service.value()->port();
    const std::string where = to_string(address);
    if (service.ok()) {
      remote_ = std::move(service).value();
      report(kEventRemoteListens, EventLevel::info, "other machines are served on " + where,
             {{"address", where}}, "remote");
    } else {
      report(kEventRemoteNotServed, EventLevel::error,
             "other machines are not served on " + where + ": " + service.error().what(),
             {{"address", where}}, "remote");
    }
  }

  // Whether what `next` says of certificates counts now.
  bool reload_remote(const RemoteSettings& next) {
    if (!remote_) return true;
    const Status read = remote_->reload(next);
    if (!read.ok())
      report(kEventRemoteNotReloaded, EventLevel::error,
             "the certificates for other machines were not read again, those read before stay: " +
                 read.error().what(),
             {}, "remote");
    return read.ok();
  }

  // It looks at this machine, so requestors on others do not get to it.
  Status prepare_doctor() {
    DoctorOptions options;
    options.folders = {state_dir_, runtime_dir_, socket_dir_};
    options.config_file = origin_.file;
    options.written = origin_.read_again;
    options.running = [this] {
      const std::lock_guard lock(config_mutex_);
      return config_;
    };
    auto doctor = DoctorHandler::make(*observe_handler_, events_.ring(), std::move(options));
    if (!doctor.ok()) return doctor.error();
    doctor_handler_ = std::move(doctor).value();
    return Ok{};
  }

  ListenOptions listen_options(ActivatedSockets& sockets, const char* name) {
    ListenOptions options;
    options.socket_path = socket_dir_ + "/" + name;
    options.socket_mode = config_.open_to_all ? kOpenMode : kOwnMode;
    options.directory_mode = 0755;
    if (Descriptor given = sockets.take(name); given.valid())
      options.inherited = std::make_shared<const Descriptor>(std::move(given));
    return options;
  }

  Status listen_for_writers(ActivatedSockets& sockets) {
    WriterServerOptions options;
    options.listen = listen_options(sockets, kWriterSocket);
    options.message_bytes_max = config_.writer_message_bytes;
    options.listen.admit = [this](const PeerCredentials& peer) {
      return policy_.get()->check(peer, Right::register_);
    };
    options.admit_writer = [this](const PeerCredentials& peer, const WriterIdentity& writer) {
      Status allowed = policy_.get()->check_writer(peer, writer);
      if (!allowed.ok())
        report(kEventDenied, EventLevel::warning, allowed.error().what(),
               {{"method", "register"},
                {"writer", writer.name},
                {"uid", std::to_string(peer.uid)},
                {"pid", std::to_string(peer.pid)},
                {"outcome", "access_denied"}},
               "audit");
      return allowed;
    };
    auto server = WriterServer::start(options, [this](std::shared_ptr<WriterLink> link) {
      (void)coordinator_->add_writer(std::move(link));  // a refusal is an event
    });
    if (!server.ok()) return server.error();
    writer_server_ = std::move(server).value();
    return Ok{};
  }

  Status listen_for_requestors(ActivatedSockets& sockets) {
    const auto serve = [&](const char* name, Rights ceiling, std::unique_ptr<AccessHandler>& door,
                           std::unique_ptr<RequestorServer>& server) -> Status {
      door = std::make_unique<AccessHandler>(*doctor_handler_, policy_, events_, ceiling);
      RequestorServerOptions options;
      options.listen = listen_options(sockets, name);
      auto started = RequestorServer::start(*door, options);
      if (!started.ok()) return started.error();
      server = std::move(started).value();
      return Ok{};
    };
    if (Status s = serve(kStatusSocket, Right::look, status_door_, status_server_); !s.ok())
      return s;
    return serve(kRequestorSocket, Rights::all(), requestor_door_, requestor_server_);
  }

  void report(int id, EventLevel level, std::string message,
              std::map<std::string, std::string> fields = {}, const char* source = "stillframed") {
    EventRecord event;
    event.id = id;
    event.source = source;
    event.level = level;
    event.message = std::move(message);
    event.fields = std::move(fields);
    event.when = system_clock().wall_now();
    events_.emit(event);
  }

  std::mutex config_mutex_;  // for changes, and for looks from other threads
  DaemonConfig config_;
  const ConfigOrigin origin_;
  EventHub& events_;
  const Metrics& metrics_;
  std::unique_ptr<MetricsServer> metrics_server_;
  SharedPolicy policy_;
  BytePath state_dir_, runtime_dir_, socket_dir_;
  std::unique_ptr<BrokerClient> broker_;   // before whoever uses it
  std::unique_ptr<HostSupervisor> hosts_;  // before the providers it watches
  // Before the coordinator, whose last replies come through them.
  std::unique_ptr<HostsHandler> hosts_handler_;
  std::unique_ptr<ObserveHandler> observe_handler_;
  std::unique_ptr<DoctorHandler> doctor_handler_;
  std::unique_ptr<AccessHandler> requestor_door_, status_door_;
  std::unique_ptr<Coordinator> coordinator_;
  std::unique_ptr<coordinator::Worker> joiner_;  // starts providers that are to join
  std::shared_ptr<RequestorHandler> requests_;   // the coordinator shares it with every channel
  std::unique_ptr<WriterServer> writer_server_;
  std::unique_ptr<RequestorServer> requestor_server_, status_server_;
  std::unique_ptr<RemoteService> remote_;
};

}  // namespace

Result<std::unique_ptr<Daemon>> Daemon::start(DaemonConfig config, ConfigOrigin origin,
                                              ActivatedSockets& sockets, EventHub& events,
                                              const Metrics& metrics) {
  auto daemon =
      std::make_unique<RunningDaemon>(std::move(config), std::move(origin), events, metrics);
  if (Status s = daemon->begin(sockets); !s.ok())
    return s.error().while_doing("starting stillframed");
  return std::unique_ptr<Daemon>(std::move(daemon));
}

}  // namespace stillframe::daemon
