#include "writers/ese/writer/ese_writer.hpp"

#include <algorithm>
#include <utility>

#include <stillframe/writer_host.hpp>

#include "framework/base/path.hpp"
#include "writers/ese/format/ese_error.hpp"
#include "writers/ese/recovery/log_files.hpp"
#include "writers/ese/writer/newest_backup.hpp"
#include "writers/ese/writer/snapshot_recovery.hpp"

namespace stillframe::ese {

namespace {

// Made once with uuidgen.
const WriterClassId kEseClass =
    WriterClassId::parse("5f1b7f0a-6f0c-4d58-9f7c-2d3c61f0a9e4").value();
// A freeze that nobody ends does so by itself. The SDK's own limit is the same, and comes first
// where somebody lowered it.
constexpr std::chrono::milliseconds kFreezeTimeout{60'000};

// A session that streams does something more often; one whose coordinator died never does.
constexpr Duration kStreamForgotten = std::chrono::minutes(10);

bool of_logs_alone(BackupType type) {
  return type == BackupType::incremental || type == BackupType::differential ||
         type == BackupType::log;
}

// No log goes, and what is backed up next goes on from where this one did.
bool keeps_logs(BackupType type) {
  return type == BackupType::copy || type == BackupType::differential || type == BackupType::other;
}

SnapshotKind kind_of(BackupType type) {
  if (of_logs_alone(type)) return keeps_logs(type) ? SnapshotKind::log_copy : SnapshotKind::logs;
  return keeps_logs(type) ? SnapshotKind::copy : SnapshotKind::full;
}

LogList no_logs() {
  LogList none;
  none.low = 1;
  return none;
}

// The first log that a recovery would read; without a checkpoint it reads all.
Generation needed_from(Files& files, const InstancePlaces& places) {
  const auto found = read_checkpoint_of(files, places.system, places.base);
  if (!found || !found->ok()) return Generation::none;
  return found->value().checkpoint.fields.checkpoint.generation;
}

// Somebody else's backup ends sooner or later.
Status worth_another_try(const Status& status) {
  const bool another = !status.ok() && (is(status.error(), EseErr::os_snapshot_not_allowed) ||
                                        is(status.error(), EseErr::backup_in_progress));
  if (!another) return status;
  return Error(Errc::writer_retryable, status.error().what());
}

}  // namespace

ComponentName log_stream_component() {
  return {"", "Instance"};
}

ComponentName logs_component() {
  return {log_stream_component().name, "Logs"};
}

ComponentName component_of(const BytePath& database) {
  return {log_stream_component().name, last_component(database)};
}

BytePath log_pattern(const InstancePlaces& places) {
  return places.base + (places.extensions == LogExtensions::log_chk ? "*.log" : "*.jtx");
}

// ---- Who it is

WriterIdentity EseWriter::identity() const {
  WriterIdentity identity;
  identity.class_id = kEseClass;
  identity.name = "Extensible Storage Engine";
  identity.instance_name = instance_name_;
  identity.version = {1, 0};
  identity.source = SourceType::transacted_db;
  identity.level = FreezeLevel::back_end;
  identity.capabilities.add(Capability::streaming)
      .add(Capability::logs)
      .add(Capability::restore_events)
      .add(Capability::staged_restore);
  return identity;
}

Result<WriterMetadata> EseWriter::identify(const CallContext&) {
  const InstancePlaces& places = host_.places();
  Component stream;
  stream.type = ComponentType::database;
  stream.name = log_stream_component();
  stream.caption = "Logs and databases of " + instance_name_;
  stream.rollback_recovery = true;
  FileSet log_files;
  log_files.path = places.logs;
  log_files.pattern = log_pattern(places);
  log_files.is_log = true;
  Component logs;
  logs.type = ComponentType::database;
  logs.name = logs_component();
  logs.caption = "Logs of " + instance_name_;
  logs.selectable_for_backup = false;
  logs.selectable_for_restore = true;
  logs.files = {log_files};

  WriterMetadata metadata;
  metadata.components = {stream, logs};
  for (const BytePath& path : host_.places().databases) {
    FileSet data;
    data.path = parent_path(path);
    data.pattern = last_component(path);
    data.mask.bits = TypeMask::kFullRequired | TypeMask::kFullSnapshot;
    Component database;
    database.type = ComponentType::database;
    database.name = component_of(path);
    database.caption = escape_path(path);
    database.selectable_for_backup = false;
    database.selectable_for_restore = true;
    database.files = {data};
    metadata.components.push_back(std::move(database));
  }
  metadata.restore.method = RestoreMethod::restore_if_can_replace;
  // An incremental backup cuts the logs that a differential one after it would have to have.
  metadata.schema.bits = BackupSchema::kCopy | BackupSchema::kIncremental |
                         BackupSchema::kDifferential |
                         BackupSchema::kExclusiveIncrementalDifferential | BackupSchema::kLog |
                         BackupSchema::kTimestamped | BackupSchema::kNewTarget;
  return metadata;
}

Status EseWriter::check_running() const {
  const Status runs = host_.running();
  if (runs.ok()) return runs;
  return runs.error().while_doing("asking instance '" + instance_name_ + "'");
}

// ---- Backup

Status EseWriter::prepare_backup(const CallContext& call, BackupView& backup) {
  if (Status s = check_running(); !s.ok()) return s.error();
  const std::string newest = read_stamp(host_.files(), host_.places());
  for (const BackupComponent& component : backup.components) {
    if (!of_logs_alone(backup.type) || !component.base) continue;
    if (component.base->stamp == newest) continue;
    // Logs before the newest backup are gone, so an increment of another one has a hole.
    return Error(Errc::chain_broken, "the newest backup of '" + instance_name_ +
                                         "' is not the one that this increment builds on; take a "
                                         "full backup");
  }
  if (Status s = host_.flush(); !s.ok()) return s;
  for (BackupComponent& component : backup.components) {
    component.stamp = call.session.to_string();
  }
  Backup mine;
  mine.type = backup.type;
  backups_[call.session] = std::move(mine);
  return Ok{};
}

Status EseWriter::prepare_snapshot(const CallContext& call, const SnapshotSetView&) {
  if (Status s = check_running(); !s.ok()) return s.error();
  give_up_others(call.session);
  Backup& mine = backups_[call.session];
  mine.stream.reset();
  auto begun = host_.begin_snapshot(kind_of(mine.type));
  if (!begun.ok()) return worth_another_try(begun.error());
  mine.snapshot = std::move(begun).value();
  return Ok{};
}

// One whose snapshot is only copied still, or that nobody ends any more: its copy stays good, and
// it may cut no logs. What is still streamed is not: the engine says that it is in the way.
void EseWriter::give_up_others(const SessionId& session) {
  const BootTime now = system_clock().now();
  for (auto& [other, backup] : backups_) {
    if (other == session) continue;
    backup.snapshot.reset();
    if (backup.stream != nullptr && now - backup.stream->last_used() > kStreamForgotten) {
      backup.stream.reset();
    }
  }
}

Status EseWriter::freeze(const CallContext& call) {
  const auto mine = backups_.find(call.session);
  if (mine == backups_.end() || mine->second.snapshot == nullptr) {
    return Error(Errc::wrong_state, "freeze() without prepare_snapshot()");
  }
  const Status frozen = mine->second.snapshot->freeze(kFreezeTimeout);
  if (frozen.ok()) {
    const std::lock_guard lock(held_mutex_);
    held_ = mine->second.snapshot;
    held_for_ = call.session;
  }
  return worth_another_try(frozen);
}

std::shared_ptr<HostSnapshot> EseWriter::take_held(const SessionId& session) {
  const std::lock_guard lock(held_mutex_);
  return held_for_ == session ? std::exchange(held_, nullptr) : nullptr;
}

Result<HoldStatement> EseWriter::thaw(const CallContext& call) {
  HoldStatement statement;
  const std::shared_ptr<HostSnapshot> held = take_held(call.session);
  if (held == nullptr) {
    statement.broken_because = "nothing was held";
    return statement;
  }
  const Status thawed = held->thaw();
  statement.unbroken = thawed.ok();
  if (!thawed.ok()) statement.broken_because = thawed.error().what();
  return statement;
}

// A snapshot for a backup stays as it is, so that increments fit.
Status EseWriter::post_snapshot(const CallContext&, const SnapshotSetView& set, BackupView&) {
  if (!set.for_rollback) return Ok{};
  Status recovered = recover_in_snapshot(host_, set);
  if (recovered.ok()) return recovered;
  return recovered.error().while_doing("recovering '" + instance_name_ + "' in the snapshot");
}

Status EseWriter::backup_complete(const CallContext& call, const BackupView& backup,
                                  const Receipt&) {
  const auto mine = backups_.find(call.session);
  if (mine == backups_.end()) return Ok{};
  if (mine->second.snapshot == nullptr && mine->second.stream == nullptr) return Ok{};
  mine->second.published =
      std::all_of(backup.components.begin(), backup.components.end(),
                  [](const BackupComponent& component) { return component.succeeded; });
  return Ok{};
}

// The databases remember it; of a copy only that it was made.
Status EseWriter::end(Backup& backup) {
  if (backup.snapshot == nullptr && backup.stream == nullptr) return Ok{};
  if (std::exchange(backup.ended, true)) return Ok{};
  return backup.stream != nullptr ? backup.stream->end() : backup.snapshot->end();
}

void EseWriter::abort(const CallContext& call) {
  (void)take_held(call.session);
  backups_.erase(call.session);  // its snapshot is aborted, and lets go what it holds
}

void EseWriter::shutdown(const CallContext& call, const SetId&) {
  const auto mine = backups_.find(call.session);
  if (mine == backups_.end()) return;
  (void)take_held(call.session);
  if (mine->second.published) (void)end(mine->second);
  backups_.erase(mine);
}

// ---- Streams

// Databases are opened first, so their backup has begun; one of logs begins by asking for them.
bool EseWriter::streams(const Backup& backup) {
  if (backup.snapshot != nullptr) return false;
  return backup.stream != nullptr || of_logs_alone(backup.type);
}

Result<BackupStream*> EseWriter::stream_of(const SessionId& session) {
  const auto mine = backups_.find(session);
  if (mine == backups_.end() || mine->second.snapshot != nullptr || mine->second.ended) {
    return Error(Errc::wrong_state,
                 "a backup streams between its prepare_backup() and its end, and without a "
                 "snapshot");
  }
  if (mine->second.stream == nullptr) {
    give_up_others(session);
    const StreamKind kind = of_logs_alone(mine->second.type) ? StreamKind::logs : StreamKind::full;
    auto begun = BackupStream::begin(host_, kind);
    if (!begun.ok()) return worth_another_try(begun.error()).error();
    mine->second.stream = std::move(begun).value();
  }
  return mine->second.stream.get();
}

Result<StreamInfo> EseWriter::open_stream(const CallContext& call, const StreamRequest& request) {
  if (Status s = check_running(); !s.ok()) return s.error();
  const auto stream = stream_of(call.session);
  return stream.ok() ? stream.value()->open(++streams_opened_, request.file) : stream.error();
}

Result<std::size_t> EseWriter::read(const CallContext& call, std::uint64_t handle,
                                    std::span<std::byte> buffer) {
  const auto mine = backups_.find(call.session);
  if (mine != backups_.end() && mine->second.stream != nullptr) {
    return mine->second.stream->read(handle, buffer);
  }
  return Error(Errc::cancelled, "the backup that this was streamed for has ended");
}

Status EseWriter::close(const CallContext& call, std::uint64_t handle) {
  const auto mine = backups_.find(call.session);
  if (mine == backups_.end() || mine->second.stream == nullptr) return Ok{};
  return mine->second.stream->close(handle);
}

// ---- Logs

Result<LogList> EseWriter::list_logs(const CallContext& call, const ComponentName& component) {
  if (Status s = check_running(); !s.ok()) return s.error();
  if (const auto mine = backups_.find(call.session);
      mine != backups_.end() && streams(mine->second)) {
    // Each file once, as part of the component that it is in.
    if (component != logs_component()) return no_logs();
    auto stream = stream_of(call.session);
    return stream.ok() ? stream.value()->logs() : stream.error();
  }
  const InstancePlaces& places = host_.places();
  const auto logs = archived_logs(host_.files(), places.logs, places.base);
  if (!logs.ok()) return logs.error();
  const Generation needed = needed_from(host_.files(), places);
  LogList list;
  list.low = 1;
  for (const auto& [generation, path] : logs.value()) {
    if (list.files.empty()) list.low = static_cast<std::uint64_t>(generation);
    list.high = static_cast<std::uint64_t>(generation);
    list.files.push_back({path, list.high, generation >= needed});
  }
  return list;
}

// The log stream is one, so the first component that is told speaks for all.
Status EseWriter::truncate_logs(const CallContext& call, const ComponentName&, const Receipt&) {
  const auto mine = backups_.find(call.session);
  if (mine == backups_.end() || !mine->second.published) {
    return Error(Errc::wrong_state, "'" + instance_name_ +
                                        "' knows of no backup whose files are "
                                        "all stored; its logs stay");
  }
  if (mine->second.ended || keeps_logs(mine->second.type)) return Ok{};
  if (mine->second.snapshot == nullptr && mine->second.stream == nullptr) {
    return Error(Errc::wrong_state, "another backup of '" + instance_name_ + "' was begun since");
  }
  const Status stamped = write_stamp(host_.files(), host_.places(), call.session.to_string());
  if (!stamped.ok()) return stamped;
  const Status cut = mine->second.stream != nullptr ? mine->second.stream->truncate()
                                                    : mine->second.snapshot->truncate_log();
  if (!cut.ok()) return cut;
  return end(mine->second);
}

}  // namespace stillframe::ese
