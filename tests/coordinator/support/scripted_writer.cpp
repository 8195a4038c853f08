#include "tests/coordinator/support/scripted_writer.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <thread>

namespace stillframe::tests {

ScriptedWriter::ScriptedWriter(ScriptedWriterOptions options, Hook hook)
    : options_(std::move(options)), hook_(std::move(hook)) {}

Status ScriptedWriter::enter(const std::string& verb, const CallContext& call) {
  {
    const std::lock_guard lock(mutex_);
    verbs_.push_back(verb);
  }
  if (options_.log) options_.log(options_.name, verb);
  return hook_ ? hook_(verb, call) : Status(Ok{});
}

WriterIdentity ScriptedWriter::identity() const {
  WriterIdentity identity;
  UuidBytes bytes{};
  for (std::size_t i = 0; i < options_.name.size(); ++i)
    bytes[i % 16] = static_cast<std::uint8_t>(bytes[i % 16] * 31 + options_.name[i] + 1);
  identity.class_id = WriterClassId(bytes);
  identity.name = options_.name;
  identity.instance_name = options_.name + "-1";
  identity.version = {1, 0};
  identity.level = options_.level;
  identity.capabilities.bits = options_.capability_bits;
  return identity;
}

Result<WriterMetadata> ScriptedWriter::identify(const CallContext& call) {
  if (Status s = enter("identify", call); !s.ok()) return s.error();
  WriterMetadata metadata;
  metadata.identity = identity();
  metadata.schema.bits = options_.schema_bits;
  for (const auto& name : options_.component_names) {
    Component& component = metadata.components.emplace_back();
    component.type = ComponentType::database;
    component.name.name = name;
    component.selectable_for_restore = true;
    FileSet& files = component.files.emplace_back();
    files.path = options_.directory;
    if (options_.component_names.size() > 1) files.path += "/" + name;
    files.pattern = "*";
    files.recursive = true;
  }
  if (edit_metadata) edit_metadata(metadata);
  return metadata;
}

Status ScriptedWriter::prepare_backup(const CallContext& call, BackupView& backup) {
  if (Status s = enter("prepare_backup", call); !s.ok()) return s;
  if (edit_in_prepare) edit_in_prepare(backup);
  return Ok{};
}

Status ScriptedWriter::prepare_snapshot(const CallContext& call, const SnapshotSetView&) {
  return enter("prepare_snapshot", call);
}

Status ScriptedWriter::freeze(const CallContext& call) {
  if (Status s = enter("freeze", call); !s.ok()) return s;
  const std::lock_guard lock(mutex_);
  frozen_ = true;
  return Ok{};
}

Result<HoldStatement> ScriptedWriter::thaw(const CallContext& call) {
  Status s = enter("thaw", call);
  const std::lock_guard lock(mutex_);
  HoldStatement statement;
  statement.unbroken = frozen_;
  if (!frozen_) statement.broken_because = "was not frozen";
  frozen_ = false;
  if (!s.ok()) return s.error();
  return statement;
}

Status ScriptedWriter::post_snapshot(const CallContext& call, const SnapshotSetView&,
                                     BackupView& backup) {
  if (Status s = enter("post_snapshot", call); !s.ok()) return s;
  if (edit_in_post_snapshot) edit_in_post_snapshot(backup);
  return post_snapshot_answer;
}

Status ScriptedWriter::backup_complete(const CallContext& call, const BackupView& backup,
                                       const Receipt&) {
  {
    const std::lock_guard lock(mutex_);
    completed_ = backup.components;
  }
  return enter("backup_complete", call);
}

void ScriptedWriter::abort(const CallContext& call) {
  (void)enter("abort", call);
  const std::lock_guard lock(mutex_);
  frozen_ = false;
}

void ScriptedWriter::shutdown(const CallContext& call, const SetId&) {
  (void)enter("shutdown", call);
}

Result<StreamInfo> ScriptedWriter::open_stream(const CallContext& call, const StreamRequest&) {
  if (Status s = enter("open_stream", call); !s.ok()) return s.error();
  const std::lock_guard lock(mutex_);
  stream_left_ = 100'000;
  StreamInfo info;
  info.handle = 7;
  info.size = stream_left_;
  return info;
}

Result<std::size_t> ScriptedWriter::read(const CallContext&, std::uint64_t,
                                         std::span<std::byte> buffer) {
  const std::lock_guard lock(mutex_);
  const std::size_t n = std::min(buffer.size(), stream_left_);
  std::memset(buffer.data(), 's', n);
  stream_left_ -= n;
  return n;
}

Status ScriptedWriter::close(const CallContext& call, std::uint64_t) {
  return enter("close", call);
}

Result<LogList> ScriptedWriter::list_logs(const CallContext& call, const ComponentName&) {
  if (Status s = enter("list_logs", call); !s.ok()) return s.error();
  LogList logs;
  logs.low = 3;
  logs.high = 4;
  return logs;
}

Status ScriptedWriter::truncate_logs(const CallContext& call, const ComponentName&,
                                     const Receipt&) {
  return enter("truncate_logs", call);
}

Status ScriptedWriter::pre_restore(const CallContext& call, RestoreView& restore) {
  if (Status s = enter("pre_restore", call); !s.ok()) return s;
  for (auto& component : restore.components)
    if (component.restore) component.restore->metadata = "taken offline";
  return Ok{};
}

Status ScriptedWriter::restore_prepare(const CallContext& call, const RestoreAuthority&) {
  return enter("restore_prepare", call);
}

Result<std::vector<RestoreLocation>> ScriptedWriter::restore_locations(
    const CallContext& call, const ComponentName& component) {
  if (Status s = enter("restore_locations", call); !s.ok()) return s.error();
  RestoreLocation location;
  location.component = component;
  location.what = "database";
  location.path = options_.directory;
  return std::vector<RestoreLocation>{location};
}

Status ScriptedWriter::restore_register(const CallContext& call, const RestoreAuthority&,
                                        const RestoreRegistration&) {
  return enter("restore_register", call);
}

Status ScriptedWriter::restore_complete(const CallContext& call, const ComponentName&,
                                        const Status& copied) {
  return enter(copied.ok() ? "restore_complete" : "restore_complete(failure)", call);
}

Status ScriptedWriter::post_restore(const CallContext& call, const RestoreView& restore) {
  {
    const std::lock_guard lock(mutex_);
    post_restores_.push_back(restore);
  }
  return enter("post_restore", call);
}

void ScriptedWriter::restore_end(const CallContext& call) {
  (void)enter("restore_end", call);
}

std::vector<std::string> ScriptedWriter::verbs() const {
  const std::lock_guard lock(mutex_);
  return verbs_;
}

std::size_t ScriptedWriter::count(const std::string& verb) const {
  const std::lock_guard lock(mutex_);
  return static_cast<std::size_t>(std::count(verbs_.begin(), verbs_.end(), verb));
}

bool ScriptedWriter::frozen() const {
  const std::lock_guard lock(mutex_);
  return frozen_;
}

std::vector<BackupComponent> ScriptedWriter::completed() const {
  const std::lock_guard lock(mutex_);
  return completed_;
}

std::vector<RestoreView> ScriptedWriter::post_restores() const {
  const std::lock_guard lock(mutex_);
  return post_restores_;
}

bool ScriptedWriter::wait_for(const std::string& verb, std::size_t times) const {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (count(verb) < times) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

bool ScriptedWriter::wait_thawed() const {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (frozen()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

}  // namespace stillframe::tests
