#include "writers/ese/writer/hosted_instance.hpp"

#include <set>
#include <utility>

#include <stillframe/writer_host.hpp>

#include "framework/base/path.hpp"
#include "writers/ese/backup/snapshot_session.hpp"

namespace stillframe::ese {

namespace {

InstancePlaces places_of(const InstanceOptions& options, const std::vector<BytePath>& databases) {
  InstancePlaces places;
  places.logs = options.logs;
  places.system = options.system.empty() ? options.logs : options.system;
  places.base = options.base;
  places.extensions = options.extensions;
  places.databases = databases;
  return places;
}

class HostedSnapshot final : public HostSnapshot {
 public:
  HostedSnapshot(std::shared_ptr<Instance> instance, SnapshotOptions options)
      : instance_(std::move(instance)), session_(std::move(options)) {}

  Status add(FreezableFiles& files) { return session_.add(*instance_, files); }
  Status freeze(std::chrono::milliseconds timeout) override { return session_.freeze(timeout); }
  Status thaw() override { return session_.thaw(); }
  Status truncate_log() override { return session_.truncate_log(true); }
  Status end() override { return session_.end(); }

 private:
  const std::shared_ptr<Instance> instance_;  // outlives the session below
  SnapshotSession session_;
};

}  // namespace

HostedInstance::HostedInstance(Files& files, InstanceOptions options,
                               const std::vector<BytePath>& databases)
    : files_(files), options_(std::move(options)), places_(places_of(options_, databases)) {}

void HostedInstance::set_options(InstanceOptions options) {
  options_ = std::move(options);
  places_ = places_of(options_, std::vector<BytePath>(databases()));
}

Status HostedInstance::open() {
  const std::lock_guard admin(admin_mutex_);
  const bool folders_were_ours = !folder_locks_.empty();
  Status opened = start();
  if (!opened.ok()) {
    database_locks_.clear();
    if (!folders_were_ours) folder_locks_.clear();
  }
  const std::lock_guard lock(mutex_);
  why_closed_ = opened;
  return opened;
}

Status HostedInstance::start() {
  if (get() != nullptr) return Ok{};
  if (Status s = lock(); !s.ok()) return s;
  if (Status gate = startup_gate(options_.logs); !gate.ok()) return gate;
  auto record = read_interlock(options_.logs);
  for (const BytePath& path : databases()) {  // recovery changes them
    if (!files_.exists(path)) continue;
    if (Status s = take_lock(path, database_locks_); !s.ok()) return s;
  }
  auto started = Instance::start(files_, options_);
  if (!started.ok()) return started.error();
  if (Status s = attach(*started.value()); !s.ok()) return s;
  if (record.ok()) {
    record.value().state = InterlockRecord::State::recovered;
    if (Status s = update_interlock(options_.logs, record.value()); !s.ok()) return s;
    if (Status s = remove_interlock(options_.logs); !s.ok()) return s;
  }
  const std::lock_guard lock(mutex_);
  instance_ = std::move(started).value();
  return Ok{};
}

Status HostedInstance::attach(Instance& instance) {
  for (const BytePath& path : databases()) {
    const bool there = files_.exists(path);
    // An empty one in its place would hide that it is lost.
    if (!there && instance.recovered()) {
      return Error(Errc::not_found,
                   "the database '" + escape_path(path) +
                       "' is not there, though logs are: restore it from a backup; if there never "
                       "was one, remove the logs in '" +
                       escape_path(options_.logs) + "' and open again");
    }
    const auto attached = there ? instance.attach_database(path) : instance.create_database(path);
    if (!attached.ok()) return attached.error();
    if (there) continue;
    if (Status s = take_lock(path, database_locks_); !s.ok()) return s;
  }
  return Ok{};
}

Status HostedInstance::take_lock(const BytePath& path, std::vector<PathLock>& locks) const {
  auto taken = PathLock::take(path);
  if (!taken.ok()) return taken.error();
  if (taken.value()) {
    locks.push_back(std::move(*taken.value()));
    return Ok{};
  }
  return Error(Errc::in_use, "'" + escape_path(path) +
                                 "' is used by a process that runs; end it, or let it take part "
                                 "itself");
}

Status HostedInstance::lock() {
  if (!folder_locks_.empty()) return Ok{};
  std::vector<PathLock> locks;
  for (const BytePath& folder : std::set<BytePath>{options_.logs, system()}) {
    if (Status s = take_lock(folder, locks); !s.ok()) return s;
  }
  folder_locks_ = std::move(locks);
  return Ok{};
}

Status HostedInstance::lock_folders() {
  const std::lock_guard admin(admin_mutex_);
  return lock();
}

void HostedInstance::let_go() {
  const std::lock_guard admin(admin_mutex_);
  {
    const std::lock_guard lock(mutex_);
    instance_.reset();
  }
  database_locks_.clear();
  folder_locks_.clear();
}

Status HostedInstance::close() {
  const std::lock_guard admin(admin_mutex_);
  std::shared_ptr<Instance> instance = get();
  if (instance == nullptr) return Ok{};
  if (Status s = instance->stop(); !s.ok()) return s;
  {
    const std::lock_guard lock(mutex_);
    instance_.reset();
  }
  database_locks_.clear();
  return Ok{};
}

std::shared_ptr<Instance> HostedInstance::get() const {
  const std::lock_guard lock(mutex_);
  return instance_;
}

Status HostedInstance::running() const {
  const std::lock_guard lock(mutex_);
  if (instance_ != nullptr) return Ok{};
  if (!why_closed_.ok()) return why_closed_.error().while_doing("opening it");
  return Error(Errc::writer_retryable, "it is offline for a restore");
}

// ---- Backup

Status HostedInstance::flush() {
  const std::shared_ptr<Instance> instance = get();
  return instance != nullptr ? instance->flush() : running();
}

Result<std::shared_ptr<HostSnapshot>> HostedInstance::begin_snapshot(SnapshotKind kind) {
  std::shared_ptr<Instance> instance = get();
  if (instance == nullptr) {
    return Error(Errc::writer_retryable, "it is offline for a restore");
  }
  SnapshotOptions options;
  options.logs_only = kind == SnapshotKind::logs || kind == SnapshotKind::log_copy;
  options.copy = kind == SnapshotKind::copy || kind == SnapshotKind::log_copy;
  options.continue_after_thaw = true;
  auto snapshot = std::make_shared<HostedSnapshot>(std::move(instance), std::move(options));
  if (Status s = snapshot->add(files_); !s.ok()) return s.error();
  return std::shared_ptr<HostSnapshot>(std::move(snapshot));
}

}  // namespace stillframe::ese
