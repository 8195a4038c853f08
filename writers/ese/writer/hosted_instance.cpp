#include "writers/ese/writer/hosted_instance.hpp"

#include <set>
#include <utility>

#include <stillframe/writer_host.hpp>

#include "framework/base/path.hpp"
#include "writers/ese/backup/snapshot_session.hpp"
#include "writers/ese/writer/relocated_restore.hpp"

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

class HostedStream final : public HostStream {
 public:
  HostedStream(std::shared_ptr<Instance> instance, const StreamingBackupOptions& options)
      : instance_(std::move(instance)), backup_(*instance_, options) {}

  Status begin(StreamKind kind) {
    const bool logs = kind == StreamKind::logs;
    if (Status s = backup_.begin(logs ? BackupContents::logs_only : BackupContents::full); !s.ok())
      return s;
    if (logs) return Ok{};
    const auto paths = backup_.attach_info();
    return paths.ok() ? Status(Ok{}) : Status(paths.error());
  }
  Result<std::uint64_t> open(const BytePath& path) override {
    const auto opened = backup_.open(path);
    if (!opened.ok()) return opened.error();
    file_ = opened.value().file;
    return opened.value().bytes;
  }
  Result<std::size_t> read(MutableBytes into) override { return backup_.read(file_, into); }
  Status close() override { return backup_.close(file_); }
  Result<std::vector<BytePath>> logs() override {
    auto logs = backup_.log_info();
    if (!logs.ok()) return logs.error();
    return std::move(logs).value().files;
  }
  Status truncate() override { return backup_.truncate_log(); }
  Status end() override { return backup_.end(); }

 private:
  const std::shared_ptr<Instance> instance_;  // outlives the backup below
  StreamingBackup backup_;
  BackupFile file_{};
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
  for (const BytePath& path : databases()) {  // recovery changes them
    if (!files_.exists(path)) continue;
    if (Status s = take_lock(path, database_locks_); !s.ok()) return s;
  }
  // Before the gate takes the record for done: a start that is stopped in here is begun again.
  if (Status s = finish_restored(files_, places_); !s.ok()) return s;
  if (Status gate = startup_gate(options_.logs); !gate.ok()) return gate;
  auto record = read_interlock(options_.logs);
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

// Locked like any instance: what were ours after all would be in use.
Status HostedInstance::recover_copy(const InstancePlaces& there) {
  std::vector<PathLock> locks;
  std::set<BytePath> paths{there.logs, there.system};
  paths.insert(there.databases.begin(), there.databases.end());
  for (const BytePath& path : paths) {
    if (Status s = take_lock(path, locks); !s.ok()) return s;
  }
  InstanceOptions options = options_;
  options.logs = there.logs;
  options.system = there.system;
  options.databases = DatabasePlaces();
  options.databases.named_only = true;
  for (std::size_t i = 0; i < there.databases.size(); ++i) {
    options.databases.by_path[places_.databases[i]] = there.databases[i];
  }
  options.databases.by_signature = there.databases;
  options.missing = MissingDatabases::ignored;
  options.gate = nullptr;
  options.events = nullptr;
  options.background_pause = std::chrono::milliseconds(0);
  auto recovered = Instance::start(files_, options);
  if (!recovered.ok()) return recovered.error();
  return recovered.value()->stop();
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

Result<std::unique_ptr<HostStream>> HostedInstance::begin_stream(StreamKind kind) {
  std::shared_ptr<Instance> instance = get();
  if (instance == nullptr) {
    return Error(Errc::writer_retryable, "it is offline for a restore");
  }
  auto stream = std::make_unique<HostedStream>(std::move(instance), streaming_);
  if (Status s = stream->begin(kind); !s.ok()) return s.error();
  return std::unique_ptr<HostStream>(std::move(stream));
}

}  // namespace stillframe::ese
