#include "writers/ese/backup/snapshot_session.hpp"

#include <algorithm>
#include <system_error>
#include <utility>

#include "writers/ese/format/ese_error.hpp"
#include "writers/ese/recovery/log_files.hpp"

namespace stillframe::ese {

namespace {

constexpr int kOutOfThreads = -103;

Generation one_before(Generation generation) {
  return Generation{static_cast<std::int32_t>(generation) - 1};
}

}  // namespace

SnapshotSession::~SnapshotSession() {
  (void)abort();
  if (timer_.joinable()) timer_.join();
}

SnapshotState SnapshotSession::state() const {
  const std::lock_guard lock(mutex_);
  return state_;
}

bool SnapshotSession::holds(const Instance& instance) const {
  const std::lock_guard lock(mutex_);
  return std::any_of(parts_.begin(), parts_.end(), [&](const Part& part) {
    return part.instance == &instance && part.hold != nullptr;
  });
}

void SnapshotSession::tell(EventLevel level, const std::string& what) const {
  for (const Part& part : parts_) {
    part.instance->events().tell(EngineEvent::snapshot_backup, level, what);
  }
  if (options_.tell) options_.tell(level, what);
}

Status SnapshotSession::check(SnapshotCall call) const {
  const auto err = snapshot_refusal(call, state_);
  if (!err) return Ok{};
  return ese_error(*err, "a snapshot session cannot do this now (" + std::string(name_of(call)) +
                             "): it is " + std::string(name_of(state_)));
}

Result<Lgpos> SnapshotSession::log_phase(Part& part, BackupPhase phase, const BackupInfo& info,
                                         Dbid database) {
  const BackupScope scope = backup_scope(options_.logs_only, !options_.copy);
  const BackupRecord2 record = backup_record(phase, BackupKind::os_snapshot, scope, info, database);
  LogStream& log = part.instance->log();
  const auto logged = log.append(encode_record(record, {Bytes{}}));
  if (!logged.ok()) return logged.error();
  if (Status s = log.make_durable(logged.value().at); !s.ok()) return s.error();
  return logged.value().at;
}

// ---- Beginning

Status SnapshotSession::add(Instance& instance, FreezableFiles& files) {
  const std::lock_guard lock(mutex_);
  if (Status s = check(SnapshotCall::add); !s.ok()) return s;
  Part part{&instance, &files};
  if (auto logged = log_phase(part, BackupPhase::begin, {}); !logged.ok()) return logged.error();
  parts_.push_back(std::move(part));
  instance.events().tell(EngineEvent::snapshot_backup, EventLevel::info,
                         "a snapshot backup has begun");
  return Ok{};
}

Status SnapshotSession::freeze(std::chrono::milliseconds timeout,
                               const std::function<void()>& before) {
  const std::lock_guard lock(mutex_);
  if (Status s = check(SnapshotCall::freeze); !s.ok()) return s;
  Status held = Ok{};
  for (Part& part : parts_) {
    held = hold(part);
    if (!held.ok()) break;
  }
  if (held.ok()) {
    if (before) before();
    for (Part& part : parts_) part.files->freeze();
    state_ = SnapshotState::frozen;
    held = start_timer(timeout);
    if (held.ok()) {
      tell(EventLevel::info, "the files are held for a snapshot");
      return held;
    }
    release_files();
    state_ = SnapshotState::prepared;
  }
  for (Part& part : parts_) let_go(part);
  return held.error().while_doing("freezing");
}

void SnapshotSession::let_go(Part& part) {
  part.hold.reset();
  part.info = {};
  part.remove = {};
}

Status SnapshotSession::hold(Part& part) {
  auto held = part.instance->hold_for_backup();
  if (!held.ok()) {
    if (!is(held.error(), EseErr::backup_in_progress)) return held.error();
    return ese_error(EseErr::os_snapshot_not_allowed, held.error().what());
  }
  part.hold = std::make_unique<BackupHold>(std::move(held).value());
  if (options_.logs_only) {
    if (Status s = check_full_snapshots(part); !s.ok()) return s;
  }
  return prepare_logs(part);
}

Status SnapshotSession::check_full_snapshots(const Part& part) const {
  if (part.circular()) {
    return ese_error(EseErr::invalid_backup,
                     "with circular logging older logs are gone, so a snapshot of logs is worth "
                     "nothing: make a full one");
  }
  for (const InstanceDatabase* database : part.hold->databases()) {
    const DatabaseHeader header = database->header();
    const bool snapshot = header.full_kind == BackupKind::os_snapshot;
    if (snapshot && header.full_previous.low != Generation::none) continue;
    return ese_error(EseErr::missing_full_backup,
                     "'" + escape_path(database->path()) +
                         "' has no full snapshot that this one could go on from; make a full one");
  }
  return Ok{};
}

// Every log of the set is a finished one; what is logged from here on is of the next generation,
// which is in the snapshot too as far as it is durable then.
Status SnapshotSession::prepare_logs(Part& part) {
  Instance& instance = *part.instance;
  part.info.time = instance.options().clock();
  const auto mark = log_phase(part, BackupPhase::prepare_logs, {});
  if (!mark.ok()) return mark.error();
  if (Status s = instance.log().roll(); !s.ok()) return s;
  const auto archived =
      archived_logs(instance.files(), instance.options().logs, instance.options().base);
  if (!archived.ok()) return archived.error();
  LogSituation situation;
  situation.logs_only = options_.logs_only;
  situation.needed_from = situation.checkpoint = part.hold->kept_from();
  situation.current = instance.log().header().fields.generation;
  situation.oldest = archived.value().empty() ? situation.current : archived.value().begin()->first;
  for (const InstanceDatabase* database : part.hold->databases()) {
    const DatabaseHeader header = database->header();
    situation.databases.push_back(
        {database->path(), header.full_previous.high, header.incremental_previous.high, true});
  }
  const auto logs = plan_backup_logs(situation);
  if (!logs.ok()) return logs.error();
  part.info.mark = mark.value();
  part.info.low = logs.value().copy.first;
  part.info.high = one_before(logs.value().copy.end);
  part.remove = logs.value().remove;
  return Ok{};
}

// ---- The timeout

Status SnapshotSession::start_timer(std::chrono::milliseconds timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  try {
    timer_ = std::thread([this, deadline] { time_out_at(deadline); });
  } catch (const std::system_error& cause) {
    return Error(Errc::out_of_resources,
                 std::string("nobody could end the freeze in time: ") + cause.what(),
                 kOutOfThreads);
  }
  return Ok{};
}

void SnapshotSession::time_out_at(std::chrono::steady_clock::time_point deadline) {
  std::unique_lock lock(mutex_);
  changed_.wait_until(lock, deadline, [this] { return state_ != SnapshotState::frozen; });
  if (state_ != SnapshotState::frozen) return;
  release_files();
  for (Part& part : parts_) let_go(part);
  state_ = SnapshotState::timed_out;
  changed_.notify_all();
  tell(EventLevel::error, "a freeze took too long and was ended: its snapshot is worth nothing");
}

void SnapshotSession::release_files() {
  for (Part& part : parts_) part.files->thaw();
}

// ---- After the snapshot

Status SnapshotSession::thaw() {
  std::thread timer;
  Status thawed = Ok{};
  {
    const std::lock_guard lock(mutex_);
    thawed = check(SnapshotCall::thaw);
    if (state_ == SnapshotState::frozen) {
      release_files();
      state_ = SnapshotState::thawed;
      tell(EventLevel::info, "the files are held no longer");
      changed_.notify_all();
      if (!options_.continue_after_thaw) (void)end_all();
    } else if (state_ == SnapshotState::timed_out && !options_.continue_after_thaw) {
      abort_all();
    }
    if (state_ != SnapshotState::frozen) timer = take_timer();
  }
  if (timer.joinable()) timer.join();
  return thawed;
}

Status SnapshotSession::truncate_log(bool all_databases, const Instance* only) {
  const std::lock_guard lock(mutex_);
  if (Status s = check(SnapshotCall::truncate_log); !s.ok()) return s;
  if (options_.copy) {
    return ese_error(EseErr::os_snapshot_invalid_sequence, "a copy keeps every log");
  }
  Status first = Ok{};
  bool found = false;
  for (Part& part : parts_) {
    if (only != nullptr && part.instance != only) continue;
    found = true;
    if (!all_databases) {
      tell(EventLevel::warning, "no log goes: databases of an instance are not in its snapshot");
      continue;
    }
    if (Status s = truncate(part); !s.ok() && first.ok()) first = s;
  }
  if (only != nullptr && !found) {
    return ese_error(EseErr::invalid_parameter, "the instance is not part of the snapshot");
  }
  state_ = SnapshotState::truncated;
  return first;
}

Status SnapshotSession::truncate(Part& part) {
  if (part.circular() || part.remove.empty()) return Ok{};
  const BackupInfo range{part.info.mark, part.info.time, part.remove.first,
                         one_before(part.remove.end)};
  if (auto logged = log_phase(part, BackupPhase::truncate, range); !logged.ok()) {
    return logged.error();
  }
  const auto removed = part.instance->log().remove_below(part.remove.end);
  if (!removed.ok()) return removed.error().while_doing("removing logs that are in a snapshot");
  part.instance->events().tell(
      EngineEvent::snapshot_backup, EventLevel::info,
      std::to_string(removed.value()) + " logs that are in a snapshot were removed");
  return Ok{};
}

// ---- Ending

Status SnapshotSession::end() {
  const std::lock_guard lock(mutex_);
  if (Status s = check(SnapshotCall::end); !s.ok()) return s;
  return end_all();
}

Status SnapshotSession::end_all() {
  for (Part& part : parts_) {
    if (part.hold != nullptr) remember(part);
    finish(part, false);
  }
  tell(EventLevel::info, "the snapshot backup has ended");
  parts_.clear();
  state_ = SnapshotState::ended;
  changed_.notify_all();
  return Ok{};
}

// The log first, so that redo gives a header that was not written what it lacks.
void SnapshotSession::remember(Part& part) {
  const BackupScope scope = backup_scope(options_.logs_only, !options_.copy);
  for (InstanceDatabase* database : part.hold->databases()) {
    const auto logged = log_phase(part, BackupPhase::update, part.info, database->id());
    Status done = logged.ok() ? Status(Ok{}) : Status(logged.error());
    if (done.ok()) {
      done = database->remember_backup(backup_record(BackupPhase::update, BackupKind::os_snapshot,
                                                     scope, part.info, database->id()));
    }
    if (done.ok()) continue;
    tell(EventLevel::warning, "'" + escape_path(database->path()) +
                                  "' does not remember this snapshot: " + done.error().what());
  }
}

void SnapshotSession::finish(Part& part, bool aborted) {
  for (const BackupPhase phase : {BackupPhase::abort, BackupPhase::stop}) {
    if (phase == BackupPhase::abort && !aborted) continue;
    const auto logged = log_phase(part, phase, part.info);
    if (logged.ok()) continue;
    tell(EventLevel::warning,
         "the log does not say that the snapshot ended: " + logged.error().what());
  }
  let_go(part);
}

Status SnapshotSession::abort() {
  std::thread timer;
  {
    const std::lock_guard lock(mutex_);
    if (Status s = check(SnapshotCall::abort); !s.ok()) return s;
    abort_all();
    timer = take_timer();
  }
  if (timer.joinable()) timer.join();
  return Ok{};
}

void SnapshotSession::abort_all() {
  if (state_ == SnapshotState::frozen) release_files();
  for (Part& part : parts_) finish(part, true);
  tell(EventLevel::warning, "the snapshot backup was given up");
  parts_.clear();
  state_ = SnapshotState::ended;
  changed_.notify_all();
}

void SnapshotSession::leave(const Instance& instance) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return state_ != SnapshotState::frozen; });
  for (auto part = parts_.begin(); part != parts_.end(); ++part) {
    if (part->instance != &instance) continue;
    finish(*part, true);
    parts_.erase(part);
    return;
  }
}

}  // namespace stillframe::ese
