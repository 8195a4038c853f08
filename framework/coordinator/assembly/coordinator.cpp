#include "framework/coordinator/assembly/coordinator.hpp"

#include <array>
#include <future>

#include <unistd.h>

#include "framework/coordinator/event_ids.hpp"
#include "framework/coordinator/service/coordinator_service.hpp"
#include "framework/io/file_lock.hpp"
#include "framework/sdk/local_writer_link.hpp"

namespace stillframe::coordinator {
namespace {

constexpr int kRuntimeThreads = 2;

class Assembled final : public Coordinator {
 public:
  explicit Assembled(CoordinatorOptions options)
      : options_(std::move(options)), events_(*options_.events) {}

  ~Assembled() override {
    close();
    for (const auto& link : local_links_) registry_.remove(link->instance());
    if (runtime_) runtime_->stop();
    // Providers' threads post to the journal's, and that one asks the service.
    pool_.stop();
    if (journal_worker_) journal_worker_->stop();
    if (files_worker_) files_worker_->stop();
    if (service_) service_->forget_sessions();
    local_links_.clear();
  }

  Status begin() {
    auto lock = FileLock::take(options_.state_dir + "/coordinator.lock",
                               "the state folder " + escape_path(options_.state_dir));
    if (!lock.ok()) return lock.error();
    lock_ = std::make_unique<FileLock>(std::move(lock).value());
    if (Status s = thaw_leftovers(); !s.ok()) return s;
    if (Status s = start_parts(); !s.ok()) return s;
    if (options_.add_providers) options_.add_providers(pool_);
    return release_orphans();
  }

  void close() override {
    if (service_) service_->close(options_.shutdown_patience);
  }

  Status add_writer(Writer& writer) override {
    WriterRunnerOptions runner;
    runner.hold_limit = options_.limits.hold;
    runner.lease = options_.limits.lease;
    auto link = link_locally(writer, std::move(runner));
    if (!link.ok()) return link.error();
    if (Status s = registry_.add(link.value()); !s.ok()) return s;
    const std::lock_guard lock(local_mutex_);
    local_links_.push_back(std::move(link).value());
    return Ok{};
  }

  Status add_writer(std::shared_ptr<WriterLink> link) override {
    const std::string name = link->identity().name;
    Status added = registry_.add(std::move(link));
    if (!added.ok())
      report(kEventWriterRefused, EventLevel::warning, added.error().what(), {{"writer", name}});
    return added;
  }

  Status add_provider(std::shared_ptr<Provider> provider) override {
    if (Status s = pool_.add_single(std::move(provider)); !s.ok()) return s;
    return release_orphans();
  }

  Status add_provider_again(const std::string& name) override {
    auto joined = pool_.add_again(name);
    if (!joined.ok()) return joined.error();
    if (!joined.value()) return Ok{};
    report(kEventProviderJoined, EventLevel::info, "provider " + name + " has joined",
           {{"provider", name}});
    return release_orphans();
  }

  bool holding() const override { return heartbeat_->beating(); }

  bool responds_within(Duration patience) override {
    auto answered = std::make_shared<std::promise<void>>();  // shared with a task that comes late
    runtime_->make_strand().post([answered] { answered->set_value(); });
    return answered->get_future().wait_for(patience) == std::future_status::ready;
  }

  WriterRegistry& writers() override { return registry_; }
  std::shared_ptr<RequestorHandler> requests() override { return service_; }

 private:
  // An earlier run may have died with file systems frozen; before anything else touches them.
  Status thaw_leftovers() {
    auto thawed = options_.thaw_leftovers ? options_.thaw_leftovers()
                                          : guard::thaw_recorded(options_.runtime_dir + "/held");
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
    auto files = Worker::start("sf-files");
    if (!files.ok()) return files.error();
    files_worker_ = std::move(files).value();
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
    registry_.on_left([this](const WriterLink& link, const Error& why) {
      report(kEventWriterLeft, EventLevel::info,
             "writer " + link.identity().name + " left: " + why.what(),
             {{"writer", link.identity().name}, {"instance", link.instance().to_string()}});
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
    services_.files_worker = files_worker_.get();
    services_.file_rules = options_.file_rules;
    services_.restore_roots = options_.restore_roots;
    services_.heartbeat = heartbeat_.get();
    services_.restore_claims = &restore_claims_;
    services_.events = &events_;
    services_.clock = &system_clock();
    if (options_.time_slept) services_.time_slept = options_.time_slept;
    if (options_.flush_volume) services_.flush_volume = options_.flush_volume;
    services_.look_at_volumes = options_.look_at_volumes
                                    ? options_.look_at_volumes
                                    : system_volumes({options_.runtime_dir, options_.state_dir});
    services_.exclude_from_snapshot = options_.exclude_from_snapshot;
    services_.limits = options_.limits;
    services_.copy_bytes_limit = options_.copy_bytes_limit;
    services_.host = this_host();
  }

  Status release_orphans() {
    std::promise<Status> answered;
    service_->release_orphans([&](const Status& status) { answered.set_value(status); });
    return answered.get_future().get();
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

  const CoordinatorOptions options_;
  EventSink& events_;
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
  std::unique_ptr<Worker> journal_worker_, files_worker_;
  ProviderPool pool_;
  std::shared_ptr<CoordinatorService> service_;  // shared with its channels
};

}  // namespace

std::string this_host() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "localhost";
  return name.data();
}

Result<std::unique_ptr<Coordinator>> Coordinator::start(CoordinatorOptions options) {
  auto coordinator = std::make_unique<Assembled>(std::move(options));
  if (Status s = coordinator->begin(); !s.ok()) return s.error();
  return std::unique_ptr<Coordinator>(std::move(coordinator));
}

}  // namespace stillframe::coordinator
