#include <array>
#include <future>

#include <unistd.h>

#include <stillframe/embedded.hpp>

#include "framework/base/json_lines_event_sink.hpp"
#include "framework/coordinator/embedded/builtin_providers.hpp"
#include "framework/coordinator/embedded/directories.hpp"
#include "framework/coordinator/embedded/start_embedded.hpp"
#include "framework/coordinator/event_ids.hpp"
#include "framework/coordinator/service/coordinator_service.hpp"
#include "framework/providers/guard/held_record.hpp"
#include "framework/sdk/local_writer_link.hpp"
#include "framework/transport/requestor_server.hpp"
#include "framework/transport/writer_server.hpp"

namespace stillframe {
namespace coordinator {
namespace {

constexpr const char* kVersion = "0.1.0";
constexpr int kRuntimeThreads = 2;

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

std::string host_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "localhost";
  return name.data();
}

// Does not own what the caller keeps.
std::shared_ptr<Provider> borrow(Provider& provider) {
  return std::shared_ptr<Provider>(&provider, [](Provider*) {});
}

// A channel whose requests are refused, not lost, when the coordinator goes first.
class OwningChannel final : public RequestorChannel {
 public:
  OwningChannel(std::shared_ptr<CoordinatorService> service, std::string name)
      : service_(std::move(service)), channel_(connect_locally(*service_, std::move(name))) {}

  Result<ChannelReply> call(std::string_view method, std::string_view params_json) override {
    return channel_->call(method, params_json);
  }
  void on_event(EventHandler handler) override { channel_->on_event(std::move(handler)); }
  void close() override { channel_->close(); }

 private:
  std::shared_ptr<CoordinatorService> service_;
  std::unique_ptr<RequestorChannel> channel_;
};

class Embedded final : public EmbeddedCoordinator {
 public:
  Embedded(EmbeddedOptions options, EmbeddedSeams seams)
      : options_(std::move(options)), seams_(std::move(seams)), events_(options_.on_event) {}

  ~Embedded() override { stop(); }

  Status begin() {
    if (Status s = prepare_directories(options_); !s.ok()) return s;
    auto lock = FileLock::take(options_.state_dir + "/coordinator.lock",
                               "the state folder " + escape_path(options_.state_dir));
    if (!lock.ok()) return lock.error();
    lock_ = std::make_unique<FileLock>(std::move(lock).value());
    if (Status s = thaw_leftovers(); !s.ok()) return s;
    if (Status s = start_parts(); !s.ok()) return s;
    add_providers(pool_, options_, seams_.builtin_providers, events_, services_.host);
    if (Status s = release_orphans(); !s.ok()) return s;
    return listen();
  }

  Status add_writer(Writer& writer) override {
    WriterRunnerOptions runner;
    runner.hold_limit = Duration(options_.hold_limit);
    runner.lease = Duration(options_.lease);
    auto link = link_locally(writer, std::move(runner));
    if (!link.ok()) return link.error();
    if (Status s = registry_.add(link.value()); !s.ok()) return s;
    const std::lock_guard lock(local_mutex_);
    local_links_.push_back(std::move(link).value());
    return Ok{};
  }

  Status add_provider(Provider& provider) override {
    if (Status s = pool_.add_single(borrow(provider)); !s.ok()) return s;
    return release_orphans();
  }

  Status wait_writers(std::size_t count, std::chrono::milliseconds for_at_most) override {
    return registry_.wait(count, for_at_most);
  }
  Status wait_writers(const std::vector<std::string>& names,
                      std::chrono::milliseconds for_at_most) override {
    return registry_.wait(names, for_at_most);
  }

  std::unique_ptr<RequestorChannel> connect(std::string requestor_name) override {
    return std::make_unique<OwningChannel>(service_, std::move(requestor_name));
  }

 private:
  // An earlier run may have died with file systems frozen; before anything else touches them.
  Status thaw_leftovers() {
    auto thawed = guard::thaw_recorded(options_.runtime_dir + "/held");
    if (!thawed.ok()) return thawed.error().while_doing("thawing what an earlier run left frozen");
    for (const auto& entry : thawed.value()) {
      const bool failed = entry.outcome == guard::RecordedThaw::Outcome::failed;
      if (entry.outcome != guard::RecordedThaw::Outcome::thawed && !failed) continue;
      report(
          kEventRecoveredThaw, failed ? EventLevel::error : EventLevel::warning,
          (failed ? "a file system may still be frozen: " : "thawed a file system: ") +
              entry.message,
          {{"mount_point", escape_path(entry.mount_point)}, {"record", escape_path(entry.record)}});
    }
    return Ok{};
  }

  Status start_parts() {
    auto journal = Journal::open(options_.state_dir + "/journal.sqlite");
    if (!journal.ok()) return journal.error();
    journal_ = std::move(journal).value();
    auto runtime = Runtime::start(kRuntimeThreads);
    if (!runtime.ok()) return runtime.error();
    runtime_ = std::move(runtime).value();
    auto worker = Worker::start("sf-journal");
    if (!worker.ok()) return worker.error();
    journal_worker_ = std::move(worker).value();
    auto heartbeat = Heartbeat::start();
    if (!heartbeat.ok()) return heartbeat.error();
    heartbeat_ = std::move(heartbeat).value();
    auto turns = TurnDesk::make(*runtime_, options_.runtime_dir);
    if (!turns.ok()) return turns.error();
    turns_ = std::move(turns).value();
    fill_services();
    auto service = CoordinatorService::make(services_, kVersion);
    if (!service.ok()) return service.error();
    service_ = std::move(service).value();
    registry_.on_registered([this](const std::shared_ptr<WriterLink>& link) {
      report(kEventWriterRegistered, EventLevel::info,
             "writer " + link->identity().name + " registered",
             {{"writer", link->identity().name}, {"instance", link->instance().to_string()}});
      service_->writer_registered(link);
    });
    return Ok{};
  }

  void fill_services() {
    services_.runtime = runtime_.get();
    services_.writers = &registry_;
    services_.providers = &pool_;
    services_.turns = turns_.get();
    services_.journal = journal_.get();
    services_.journal_worker = journal_worker_.get();
    services_.heartbeat = heartbeat_.get();
    services_.restore_claims = &restore_claims_;
    services_.events = &events_;
    services_.clock = &system_clock();
    if (seams_.time_slept) services_.time_slept = seams_.time_slept;
    services_.look_at_volumes = seams_.look_at_volumes
                                    ? seams_.look_at_volumes
                                    : system_volumes({options_.runtime_dir, options_.state_dir});
    services_.exclude_from_snapshot = seams_.exclude_from_snapshot;
    services_.limits = seams_.limits;
    services_.limits.hold = Duration(options_.hold_limit);
    services_.limits.commit = Duration(options_.commit_limit);
    services_.limits.lease = Duration(options_.lease);
    services_.copy_bytes_limit = options_.copy_bytes_limit;
    services_.host = host_name();
  }

  Status release_orphans() {
    std::promise<Status> answered;
    service_->release_orphans([&](const Status& status) { answered.set_value(status); });
    return answered.get_future().get();
  }

  Status listen() {
    if (options_.socket_dir.empty()) return Ok{};
    WriterServerOptions server;
    server.listen.socket_path = options_.socket_dir + "/writer.sock";
    auto started = WriterServer::start(server, [this](std::shared_ptr<WriterLink> link) {
      const std::string name = link->identity().name;
      const Status added = registry_.add(std::move(link));
      if (!added.ok())
        report(kEventWriterRefused, EventLevel::warning, added.error().what(), {{"writer", name}});
    });
    if (!started.ok()) return started.error();
    writer_server_ = std::move(started).value();
    return Ok{};
  }

  // Sessions first, while everything they end with is still there; then writers, then threads.
  void stop() {
    if (service_) service_->close(seams_.shutdown_patience);
    writer_server_.reset();
    for (const auto& link : local_links_) registry_.remove(link->instance());
    if (runtime_) runtime_->stop();
    // Providers' threads post to the journal's, and that one asks the service.
    pool_.stop();
    if (journal_worker_) journal_worker_->stop();
    if (service_) service_->forget_sessions();
    local_links_.clear();
  }

  void report(int id, EventLevel level, std::string message,
              std::map<std::string, std::string> fields) {
    EventRecord event;
    event.id = id;
    event.source = "coordinator";
    event.level = level;
    event.message = std::move(message);
    event.fields = std::move(fields);
    event.when = system_clock().wall_now();
    events_.emit(event);
  }

  EmbeddedOptions options_;
  const EmbeddedSeams seams_;
  CallbackEventSink events_;
  std::unique_ptr<FileLock> lock_;
  Services services_;
  std::unique_ptr<Journal> journal_;
  std::unique_ptr<Runtime> runtime_;
  std::unique_ptr<TurnDesk> turns_;
  std::unique_ptr<Heartbeat> heartbeat_;
  RestoreClaims restore_claims_;
  WriterRegistry registry_;
  std::mutex local_mutex_;
  std::vector<std::shared_ptr<WriterLink>> local_links_;  // shared with registry and sessions
  std::unique_ptr<Worker> journal_worker_;
  ProviderPool pool_;
  std::shared_ptr<CoordinatorService> service_;  // shared with its channels
  std::unique_ptr<WriterServer> writer_server_;
};

}  // namespace

Result<std::unique_ptr<EmbeddedCoordinator>> start_embedded(EmbeddedOptions options,
                                                            EmbeddedSeams seams) {
  auto embedded = std::make_unique<Embedded>(std::move(options), std::move(seams));
  if (Status s = embedded->begin(); !s.ok()) return s.error().while_doing("starting a coordinator");
  return std::unique_ptr<EmbeddedCoordinator>(std::move(embedded));
}

}  // namespace coordinator

Result<std::unique_ptr<EmbeddedCoordinator>> EmbeddedCoordinator::start(EmbeddedOptions options) {
  return coordinator::start_embedded(std::move(options), {});
}

}  // namespace stillframe
