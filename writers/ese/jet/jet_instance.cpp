#include "writers/ese/jet/jet_instance.hpp"

#include <map>
#include <utility>

#include "framework/base/path.hpp"
#include "framework/io/file.hpp"
#include "writers/ese/backup/directory_restore.hpp"
#include "writers/ese/interlock/registered_start.hpp"
#include "writers/ese/interlock/restore_interlock.hpp"
#include "writers/ese/jet/progress.hpp"
#include "writers/ese/recovery/log_files.hpp"

namespace stillframe::ese::jet {

namespace {

constexpr JET_GRBIT kInitBits = JET_bitReplayIgnoreMissingDB | JET_bitReplayMissingMapEntryDB |
                                JET_bitLogStreamMustExist | JET_bitReplayIgnoreLostLogs |
                                JET_bitSkipLostLogsEvent;
constexpr JET_GRBIT kInitBitsKnown = 0x7FFD;

Error is_in_state(JET_ERR number, const char* what) {
  return jet_error(number, std::string("the instance ") + what);
}

Status check_bits(JET_GRBIT grbit) {
  if ((grbit & ~kInitBitsKnown) != 0) {
    return jet_error(JET_errInvalidGrbit, "JetInit was given options that do not exist");
  }
  if ((grbit & ~kInitBits) == 0) return Ok{};
  return jet_error(JET_errFeatureNotAvailable,
                   "of JetInit's options those that recover in part are not offered");
}

Status check_stream(Files& files, const InstanceOptions& options, JET_GRBIT grbit) {
  if ((grbit & JET_bitLogStreamMustExist) == 0) return Ok{};
  const auto found = read_log_set(files, options.logs, options.base);
  if (!found.ok()) return found.error();
  if (!found.value().chain.logs.empty() || !found.value().bad.empty()) return Ok{};
  return jet_error(JET_errMissingLogFile,
                   "'" + escape_path(options.logs) + "' has no logs, and may not get new ones");
}

void tell(const InitRequest& request, JET_SNT what, std::uint32_t percent) {
  if (!request.tell) return;
  JET_SNPROG progress{sizeof(JET_SNPROG), percent, 100};
  request.tell(what, progress);
}

// Without a map every database is where the log says.
DatabasePlaces places_of(const InitRequest& request) {
  if (request.map.empty()) return DatabasePlaces::where_logged();
  DatabasePlaces places;
  places.as_logged = (request.grbit & JET_bitReplayMissingMapEntryDB) != 0;
  places.named_only = !places.as_logged;
  for (const RestoredPath& moved : request.map) {
    if (!moved.logged.empty()) places.by_path[moved.logged] = moved.file;
    places.by_signature.push_back(moved.file);
  }
  return places;
}

void take_request(InstanceOptions& options, const InitRequest& request) {
  options.accept_lost_commits = (request.grbit & JET_bitReplayIgnoreLostLogs) != 0;
  options.tell_lost_commits = (request.grbit & JET_bitSkipLostLogsEvent) == 0;
  options.databases = places_of(request);
  options.missing = (request.grbit & JET_bitReplayIgnoreMissingDB) != 0 ? MissingDatabases::ignored
                                                                        : MissingDatabases::refused;
  options.progress = [request](std::string_view what, std::uint64_t done, std::uint64_t total) {
    if (what != "replaying" || done == 0) return;
    tell(request, JET_sntProgress, static_cast<std::uint32_t>(done * 100 / total));
  };
}

// Databases that are changed before anybody attaches them. What is not there yet nobody has.
class ClaimedDatabases {
 public:
  Status claim(const BytePath& path) {
    const BytePath database = tidy_path(path);
    if (held_.contains(database) || !exists(database)) return Ok{};
    auto held = PathLock::take(database, JET_errDatabaseSharingViolation);
    if (!held.ok()) return held.error();
    held_.emplace(database, std::move(held).value());
    return Ok{};
  }

 private:
  std::map<BytePath, PathLock> held_;
};

}  // namespace

// ---- Calls inside

InstanceUse::InstanceUse(std::shared_ptr<JetInstance> instance)
    : instance_(std::move(instance)), inside_(instance_->calls_, std::defer_lock) {}

// Who ends the instance says so first and then waits for those inside: trying suffices, and a call
// that finds the lock taken has come too late.
Result<InstanceUse> InstanceUse::enter(std::shared_ptr<JetInstance> instance) {
  InstanceUse use(std::move(instance));
  JetInstance& its = *use.instance_;
  if (its.stopped_) {
    return is_in_state(JET_errClientRequestToStopJetService, "was told to stop its service");
  }
  using State = JetInstance::State;
  if (its.state_ == State::running) use.inside_.lock();
  switch (its.state_.load()) {
    case State::running:
      if (use.inside_.owns_lock()) return use;
      break;
    case State::terminating:
      return is_in_state(JET_errTermInProgress, "is being ended");
    case State::restoring:
      return is_in_state(JET_errRestoreInProgress, "is being restored");
    case State::created:
    case State::starting:
    case State::ended:
      break;
  }
  return is_in_state(JET_errNotInitialized, "does not run; call JetInit");
}

Result<InstanceUse> InstanceUse::enter_for_backup(std::shared_ptr<JetInstance> instance) {
  if (instance->state_ == JetInstance::State::starting) {
    return is_in_state(JET_errBackupNotAllowedYet,
                       "is starting, and is not backed up before it "
                       "runs");
  }
  return enter(std::move(instance));
}

// ---- Beginning

Status JetInstance::check_can_start() const {
  switch (state_.load()) {
    case State::created:
      return Ok{};
    case State::restoring:
      return is_in_state(JET_errRestoreInProgress, "is being restored");
    case State::starting:
      return is_in_state(JET_errInitInProgress, "is starting");
    case State::running:
      return is_in_state(JET_errAlreadyInitialized, "runs already");
    case State::terminating:
      return is_in_state(JET_errTermInProgress, "is being ended");
    case State::ended:
      return is_in_state(JET_errInvalidParameter, "has ended");
  }
  return Ok{};
}

// Asked after the state stood in the way, which may be over by now.
Error JetInstance::cannot_start() const {
  const Status now = check_can_start();
  return now.ok() ? is_in_state(JET_errRestoreInProgress, "was being restored") : now.error();
}

Status JetInstance::take_folders() {
  const BytePath logs = absolute_path(parameters_.text(JET_paramLogFilePath));
  const BytePath system = absolute_path(parameters_.text(JET_paramSystemPath));
  auto held = PathLock::take(logs, JET_errLogFilePathInUse);
  if (!held.ok()) return held.error();
  logs_lock_ = std::move(held).value();
  if (system == logs) return Ok{};
  held = PathLock::take(system, JET_errSystemPathInUse);
  if (!held.ok()) return held.error();
  system_lock_ = std::move(held).value();
  return Ok{};
}

Answer JetInstance::start(const Parameters& process, const InitRequest& request) {
  State created = State::created;
  if (!state_.compare_exchange_strong(created, State::starting)) {
    return cannot_start();
  }
  const auto fail = [&](const Error& why) -> Answer {
    // Whoever still knows the instance does not keep its folders.
    logs_lock_ = PathLock();
    system_lock_ = PathLock();
    state_ = State::ended;
    tell(request, JET_sntFail, 0);
    return why;
  };
  if (!request.arguments.ok()) return fail(request.arguments.error());
  if (Status s = check_bits(request.grbit); !s.ok()) return fail(s.error());
  if (Status s = prepare_folders(parameters_); !s.ok()) return fail(s.error());
  if (Status s = take_folders(); !s.ok()) return fail(s.error());
  InstanceOptions options = options_from(parameters_, process);
  take_request(options, request);
  files_ = posix_files();
  if (Status s = check_stream(*files_, options, request.grbit); !s.ok()) return fail(s.error());
  ClaimedDatabases claimed;
  const auto claim = [&claimed](const BytePath& database) { return claimed.claim(database); };
  for (const RestoredPath& moved : request.map) {
    if (Status s = claim(moved.file); !s.ok()) return fail(s.error());
  }
  RegisteredStart gate(claim);
  options.gate = &gate;
  tell(request, JET_sntBegin, 0);
  freezable_ = std::make_unique<FreezableFiles>(*files_);
  auto started = Instance::start(*freezable_, std::move(options));
  if (!started.ok()) return fail(started.error());
  tell(request, JET_sntComplete, 100);
  engine_ = std::move(started).value();
  databases_ = std::make_unique<Databases>(*engine_);
  {
    const std::lock_guard lock(backups_mutex_);
    backups_ = std::make_unique<JetBackups>(*engine_);
  }
  state_ = State::running;
  const auto& recovered = engine_->recovered();
  return recovered && recovered->plan.commits_lost ? Answer(JET_ERR{JET_wrnCommittedLogFilesLost})
                                                   : success();
}

// ---- Restoring

Answer JetInstance::restore(const Parameters& process, const RestoreRequest& request) {
  State created = State::created;
  if (!state_.compare_exchange_strong(created, State::restoring)) return cannot_start();
  const Status done = restore_here(process, request);
  logs_lock_ = PathLock();
  system_lock_ = PathLock();
  state_ = State::created;
  return answer_of(done);
}

Status JetInstance::restore_here(const Parameters& process, const RestoreRequest& request) {
  if (Status s = prepare_folders(parameters_); !s.ok()) {
    return jet_error(JET_errInvalidPath, "a restore needs its folders: " + s.error().what());
  }
  if (Status s = take_folders(); !s.ok()) return s;
  const auto files = posix_files();
  const InstanceOptions options = options_from(parameters_, process);
  if (Status s = check_no_restore(*files, options.logs); !s.ok()) return s;
  ClaimedDatabases replaced;
  DirectoryRestore how;
  how.directory = request.directory;
  how.destination = request.destination;
  how.progress = progress_for(request.progress, JET_snpRestore);
  how.claim_place = [&replaced](const BytePath& place) { return replaced.claim(place); };
  const auto restored = restore_from_directory(*files, options, how);
  return restored.ok() ? Status(Ok{}) : Status(restored.error());
}

// ---- Ending

Status JetInstance::check_no_backup() const {
  const std::lock_guard lock(backups_mutex_);
  if (backups_ == nullptr) return Ok{};
  const auto snapshot = snapshot_.lock();
  const bool held = snapshot != nullptr && snapshot->holds(*engine_);
  if (!held && !backups_->running()) return Ok{};
  return is_in_state(JET_errBackupInProgress,
                     "is being backed up; end the backup, or terminate with JET_bitTermStopBackup");
}

void JetInstance::stop_backup() {
  const std::lock_guard lock(backups_mutex_);
  if (backups_ != nullptr) backups_->stop();
}

bool JetInstance::join_snapshot(const std::shared_ptr<SnapshotSession>& session) {
  const std::lock_guard lock(backups_mutex_);
  const auto other = snapshot_.lock();
  if (other != nullptr && other->state() != SnapshotState::ended) return false;
  snapshot_ = session;
  return true;
}

void JetInstance::leave_snapshot(const SnapshotSession& session) {
  const std::lock_guard lock(backups_mutex_);
  if (snapshot_.lock().get() == &session) snapshot_.reset();
}

// What is frozen cannot end before it is let go; and what has ended remembers nothing.
void JetInstance::leave_snapshots() {
  std::shared_ptr<SnapshotSession> session;
  {
    const std::lock_guard lock(backups_mutex_);
    session = snapshot_.lock();
  }
  if (session != nullptr && engine_ != nullptr) session->leave(*engine_);
}

Status JetInstance::close_for_term(WithBackup with_backup) {
  const bool refuse = with_backup == WithBackup::refuse;
  if (refuse) {
    // Before anything, since a backup inside one call would be waited for.
    if (Status s = check_no_backup(); !s.ok()) return s;
  }
  for (;;) {
    State now = state_.load();
    if (now == State::starting) return is_in_state(JET_errInitInProgress, "is starting");
    if (now == State::restoring) {
      return is_in_state(JET_errRestoreInProgress, "is being restored");
    }
    if (now == State::terminating) return is_in_state(JET_errTermInProgress, "is being ended");
    if (now == State::ended) return is_in_state(JET_errInvalidParameter, "has ended");
    if (!state_.compare_exchange_strong(now, State::terminating)) continue;
    before_term_ = now;
    if (!refuse) stop_backup();
    const std::unique_lock nobody_inside(calls_);
    Status alone = refuse ? check_no_backup() : Status(Ok{});
    if (!alone.ok()) reopen();
    return alone;
  }
}

void JetInstance::reopen() {
  state_ = before_term_;
}

Answer JetInstance::end(bool dirty) {
  leave_snapshots();
  {
    const std::lock_guard lock(backups_mutex_);
    backups_.reset();
  }
  Status stopped = Ok{};
  if (engine_ != nullptr && !dirty) stopped = engine_->stop();
  const bool ran = engine_ != nullptr;
  databases_.reset();
  engine_.reset();
  freezable_.reset();
  files_.reset();
  logs_lock_ = PathLock();
  system_lock_ = PathLock();
  state_ = State::ended;
  if (!stopped.ok()) return stopped.error();
  if (dirty && ran) return JET_ERR{JET_errDirtyShutdown};
  return success();
}

}  // namespace stillframe::ese::jet
