#include <stillframe/embedded.hpp>

#include "framework/base/json_lines_event_sink.hpp"
#include "framework/coordinator/assembly/built_in_providers.hpp"
#include "framework/coordinator/assembly/coordinator.hpp"
#include "framework/coordinator/assembly/directories.hpp"
#include "framework/coordinator/embedded/start_embedded.hpp"
#include "framework/transport/requestor_server.hpp"
#include "framework/transport/writer_server.hpp"

namespace stillframe {
namespace coordinator {
namespace {

class CallbackEventSink final : public EventSink {
 public:
  explicit CallbackEventSink(std::function<void(std::string_view)> callback)
      : callback_(std::move(callback)) {}
  void emit(const EventRecord& event) override {
    if (callback_) callback_(to_json_line(event));
  }

 private:
  const std::function<void(std::string_view)> callback_;
};

// Does not own what the caller keeps.
std::shared_ptr<Provider> borrow(Provider& provider) {
  return std::shared_ptr<Provider>(&provider, [](Provider*) {});
}

// A channel whose requests are refused, not lost, when the coordinator goes first.
class OwningChannel final : public RequestorChannel {
 public:
  OwningChannel(std::shared_ptr<RequestorHandler> service, std::string name)
      : service_(std::move(service)), channel_(connect_locally(*service_, std::move(name))) {}

  Result<ChannelReply> call(std::string_view method, std::string_view params_json) override {
    return channel_->call(method, params_json);
  }
  void on_event(EventHandler handler) override { channel_->on_event(std::move(handler)); }
  void close() override { channel_->close(); }

 private:
  std::shared_ptr<RequestorHandler> service_;
  std::unique_ptr<RequestorChannel> channel_;
};

ProviderSetup provider_setup(const EmbeddedOptions& options, bool builtin, EventSink& events) {
  ProviderSetup setup;
  setup.environment.state_directory = options.state_dir;
  setup.environment.runtime_directory = options.runtime_dir;
  setup.environment.events = &events;
  setup.environment.host = this_host();
  setup.environment.copy_bytes_max = options.copy_bytes_limit;
  setup.environment.commit_max = options.commit_limit;
  setup.environment.lease = options.lease;
  setup.builtin = builtin;
  setup.make = options.providers_in_process
                   ? providers_in_process(setup.environment)
                   : hosted_providers(setup.environment, options.helper_dir);
  setup.command_files = options.command_providers;
  return setup;
}

class Embedded final : public EmbeddedCoordinator {
 public:
  explicit Embedded(EmbeddedOptions options)
      : options_(std::move(options)), events_(options_.on_event) {}

  // Sessions first, while everything they end with is still there.
  ~Embedded() override {
    if (coordinator_) coordinator_->close();
    writer_server_.reset();
  }

  Status begin(EmbeddedSeams seams) {
    Directories directories{options_.state_dir, options_.runtime_dir};
    if (Status s = prepare_directories(directories); !s.ok()) return s;
    options_.state_dir = directories.state;
    options_.runtime_dir = directories.runtime;
    CoordinatorOptions parts;
    parts.state_dir = options_.state_dir;
    parts.runtime_dir = options_.runtime_dir;
    parts.events = &events_;
    parts.limits = seams.limits;
    parts.limits.hold = Duration(options_.hold_limit);
    parts.limits.commit = Duration(options_.commit_limit);
    parts.limits.lease = Duration(options_.lease);
    parts.copy_bytes_limit = options_.copy_bytes_limit;
    parts.exclude_from_snapshot = std::move(seams.exclude_from_snapshot);
    parts.look_at_volumes = std::move(seams.look_at_volumes);
    parts.time_slept = std::move(seams.time_slept);
    parts.file_rules = std::move(seams.file_rules);
    parts.shutdown_patience = seams.shutdown_patience;
    parts.add_providers = [setup = provider_setup(options_, seams.builtin_providers, events_)](
                              ProviderPool& pool) { add_providers(pool, setup); };
    auto coordinator = Coordinator::start(std::move(parts));
    if (!coordinator.ok()) return coordinator.error();
    coordinator_ = std::move(coordinator).value();
    return listen();
  }

  Status add_writer(Writer& writer) override { return coordinator_->add_writer(writer); }
  Status add_provider(Provider& provider) override {
    return coordinator_->add_provider(borrow(provider));
  }

  Status wait_writers(std::size_t count, std::chrono::milliseconds for_at_most) override {
    return coordinator_->writers().wait(count, for_at_most);
  }
  Status wait_writers(const std::vector<std::string>& names,
                      std::chrono::milliseconds for_at_most) override {
    return coordinator_->writers().wait(names, for_at_most);
  }

  std::unique_ptr<RequestorChannel> connect(std::string requestor_name) override {
    return std::make_unique<OwningChannel>(coordinator_->requests(), std::move(requestor_name));
  }

 private:
  Status listen() {
    if (options_.socket_dir.empty()) return Ok{};
    WriterServerOptions server;
    server.listen.socket_path = options_.socket_dir + "/writer.sock";
    auto started = WriterServer::start(server, [this](std::shared_ptr<WriterLink> link) {
      (void)coordinator_->add_writer(std::move(link));  // a refusal is an event
    });
    if (!started.ok()) return started.error();
    writer_server_ = std::move(started).value();
    return Ok{};
  }

  EmbeddedOptions options_;
  CallbackEventSink events_;
  std::unique_ptr<Coordinator> coordinator_;
  std::unique_ptr<WriterServer> writer_server_;
};

}  // namespace

Result<std::unique_ptr<EmbeddedCoordinator>> start_embedded(EmbeddedOptions options,
                                                            EmbeddedSeams seams) {
  auto embedded = std::make_unique<Embedded>(std::move(options));
  if (Status s = embedded->begin(std::move(seams)); !s.ok())
    return s.error().while_doing("starting a coordinator");
  return std::unique_ptr<EmbeddedCoordinator>(std::move(embedded));
}

}  // namespace coordinator

Result<std::unique_ptr<EmbeddedCoordinator>> EmbeddedCoordinator::start(EmbeddedOptions options) {
  return coordinator::start_embedded(std::move(options), {});
}

}  // namespace stillframe
