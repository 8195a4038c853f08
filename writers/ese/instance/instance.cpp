#include "writers/ese/instance/instance.hpp"

#include <algorithm>
#include <utility>

#include "writers/ese/format/ese_error.hpp"
#include "writers/ese/format/record_transaction.hpp"

namespace stillframe::ese {

namespace {

// Below are those of the engine itself, one for each database.
constexpr std::uint16_t kSessionFirst = 0x100, kSessionLast = 0xFFF0;

}  // namespace

// ---- Sessions

Session::Session(Session&& other) noexcept
    : instance_(std::exchange(other.instance_, nullptr)), id_(other.id_) {}

Session::~Session() {
  if (instance_ == nullptr) return;
  const std::lock_guard lock(instance_->sessions_mutex_);
  instance_->sessions_.erase(id_);
}

std::unique_ptr<OpenTransaction> Session::begin() {
  instance_->make_room_for_versions();
  return std::make_unique<OpenTransaction>(instance_->transactions_, *instance_->log_, id_);
}

Result<Session> Instance::open_session() {
  const std::lock_guard lock(sessions_mutex_);
  for (std::uint16_t number = kSessionFirst; number < kSessionLast; ++number) {
    if (sessions_.insert(Procid{number}).second) return Session(*this, Procid{number});
  }
  return Error(Errc::limit_reached, "all session numbers are in use; close some");
}

// ---- The instance

Instance::Instance(Files& files, InstanceOptions options)
    : files_(files),
      options_(std::move(options)),
      events_(options_.events, options_.logs),
      versions_(options_.version_bytes),
      checkpoint_writer_(files, options_.system.empty() ? options_.logs : options_.system,
                         checkpoint_name(options_.base, options_.extensions)),
      background_([this] {
        log_->prepare_ahead();
        return maintain();
      }) {
  attachments_.on_begun([this](Generation generation) {
    const std::string number = std::to_string(static_cast<std::int32_t>(generation));
    events_.tell(EngineEvent::log_begun, EventLevel::info, "log generation " + number + " begins",
                 {{"generation", number}});
  });
}

Result<std::unique_ptr<Instance>> Instance::start(Files& files, InstanceOptions options) {
  if (options.clock == nullptr) options.clock = log_time_now;
  if (options.random == nullptr) options.random = random_number;
  std::unique_ptr<Instance> instance(new Instance(files, std::move(options)));
  if (const Status started = instance->start_up(); !started.ok()) {
    const Error why = started.error().while_doing("starting the instance of '" +
                                                  escape_path(instance->options_.logs) + "'");
    instance->events_.tell(EngineEvent::start_failed, EventLevel::error, why.what());
    return why;
  }
  instance->tell_start();
  if (instance->options_.background_pause.count() > 0) {
    instance->background_.start(instance->options_.background_pause);
  }
  return instance;
}

Status Instance::start_up() {
  if (Status s = pass_gate(); !s.ok()) return s;
  if (Status s = continue_log(); !s.ok()) return s;
  if (Status s = begin_run(); !s.ok()) return s;
  return leave_gate();
}

void Instance::tell_start() const {
  const RedoCounts counts = recovered_ ? recovered_->counts : RedoCounts{};
  if (counts.changes + counts.already + counts.undone > 0) {
    events_.tell(
        EngineEvent::recovered, EventLevel::info,
        "recovered: " + std::to_string(counts.changes) + " changes were carried out, " +
            std::to_string(counts.undone) + " were taken back",
        {{"changes", std::to_string(counts.changes)}, {"undone", std::to_string(counts.undone)}});
  }
  if (recovered_ && recovered_->plan.commits_lost && options_.tell_lost_commits) {
    const std::string last = std::to_string(static_cast<std::int32_t>(recovered_->plan.last));
    events_.tell(
        EngineEvent::commits_lost, EventLevel::warning,
        "committed transactions are lost: the last log that is there is generation " + last,
        {{"generation", last}});
  }
  events_.tell(EngineEvent::started, EventLevel::info, "the instance runs");
}

Instance::~Instance() {
  background_.stop();
}

// First the pages, in the order in which they can be found again: what is not in the file by then
// keeps the checkpoint back.
Status Instance::stop() {
  const auto no_backup = [this] { return check_no_backup("the end of the instance"); };
  {
    const std::lock_guard admin(admin_mutex_);
    if (Status s = no_backup(); !s.ok()) return s;
  }
  background_.stop();
  const std::lock_guard admin(admin_mutex_);
  if (Status s = no_backup(); !s.ok()) return s;
  const Status stopped = stop_all();
  if (stopped.ok()) events_.tell(EngineEvent::stopped, EventLevel::info, "the instance has ended");
  return stopped;
}

Status Instance::stop_all() {
  const bool tables = std::any_of(databases_.begin(), databases_.end(),
                                  [](const auto& each) { return each->catalog().in_use(); });
  if (!broken_.empty()) {
    return Error(Errc::wrong_state,
                 "a database could not be opened or detached: only a new start can tell its state");
  }
  if (tables || transactions_.open() > 0) {
    return Error(Errc::in_use, "transactions or tables are open; end them before the instance");
  }
  if (Status s = clean_up(); !s.ok()) return s;
  if (Status s = shut_down_databases(); !s.ok()) {
    return s.error().while_doing("shutting databases down");
  }
  return end_run();
}

Status Instance::shut_down_databases() {
  if (databases_.empty()) return Ok{};
  if (Status s = cache_->write_changed(); !s.ok()) return s;
  if (Status s = sync_databases(); !s.ok()) return s;
  const auto marked =
      log_->append(encode_record(BareRecord{RecordType::shutdown_mark}), LogRoom::reserve);
  if (!marked.ok()) return marked.error();
  if (Status s = log_->make_durable(marked.value().at); !s.ok()) return s;
  for (const auto& database : databases_) {
    database->close_contents();
    if (Status s = database->become_clean(marked.value().at, options_.clock()); !s.ok()) return s;
    if (Status s = remove_shelter(files_, database->path()); !s.ok()) return s;
  }
  return Ok{};
}

// The record stands alone in its segment, so that no rewriting of others can tear it.
Status Instance::end_run() {
  QuitRecord2 quit;
  quit.position = run_begun_;
  quit.redo_from = attachments_.checkpoint();
  quit.time = options_.clock();
  if (Status s = log_->begin_segment(); !s.ok()) return s;
  const auto ended = log_->append(encode_record(quit), LogRoom::reserve, [this](Lgpos at) {
    for (const auto& database : databases_) attachments_.detach(database->id(), at);
  });
  if (!ended.ok()) return ended.error();
  if (Status s = log_->make_durable(ended.value().at); !s.ok()) return s;
  for (const auto& database : databases_) attachments_.settle_detached(database->id());
  databases_.clear();
  log_->forget_prepared();
  return write_checkpoint(ended.value().at, true);
}

}  // namespace stillframe::ese
