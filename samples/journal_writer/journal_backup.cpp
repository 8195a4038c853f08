#include "samples/journal_writer/journal_backup.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace journal {
namespace {

// Made once with uuidgen; it names the application for ever.
const WriterClassId kClass = WriterClassId::parse("6f0e2f2c-6d3b-4c55-9a54-0f1f9f3b7a10").value();
const ComponentName kComponent{"", "journal"};

// Says when a verb begins and ends, whichever way it ends.
class Observed {
 public:
  Observed(const std::function<void(std::string_view)>& observe, std::string verb)
      : observe_(observe), verb_(std::move(verb)) {
    if (observe_) observe_(verb_);
  }
  ~Observed() {
    if (observe_) observe_(verb_ + " done");
  }

 private:
  const std::function<void(std::string_view)>& observe_;
  const std::string verb_;
};

bool is_incremental(BackupType type) {
  return type == BackupType::incremental || type == BackupType::log;
}

std::string stamp_file(const Place& place) {
  return place.dir + "/last_backup";
}

std::string read_stamp(const Place& place) {
  std::ifstream in(stamp_file(place));
  std::string stamp;
  std::getline(in, stamp);
  return stamp;
}

// New file, sync, rename, sync: after a crash there is the old stamp or the new.
Status write_stamp(const Place& place, const std::string& stamp) {
  const std::string target = stamp_file(place), temporary = target + ".new";
  const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  const int directory = ::open(place.dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool done = fd >= 0 && directory >= 0 &&
                    ::write(fd, stamp.data(), stamp.size()) == static_cast<ssize_t>(stamp.size()) &&
                    fsync(fd) == 0 && rename(temporary.c_str(), target.c_str()) == 0 &&
                    fsync(directory) == 0;
  const int why = errno;
  if (fd >= 0) ::close(fd);
  if (directory >= 0) ::close(directory);
  if (done) return Ok{};
  return Error(Errc::io, "cannot write '" + target + "': " + std::strerror(why));
}

// Replays what the registration promised. The journal's own open() does the work; here it is
// checked that every log generation the backup needs has come back.
Status hard_recovery(const Place& place, const InterlockRecord& record) {
  auto generations = log_generations(place);
  if (!generations.ok()) return generations.error();
  const auto& present = generations.value();
  for (std::uint64_t needed = record.registration.low; needed <= record.registration.high;
       ++needed) {
    if (!std::binary_search(present.begin(), present.end(), needed)) {
      return Error(Errc::recovery_failed, "log generation " + std::to_string(needed) +
                                              " did not come back; restore again");
    }
  }
  return Ok{};
}

}  // namespace

// ---- JournalSlot

Status JournalSlot::open() {
  if (Status gate = startup_gate(place_.dir); !gate.ok()) return gate;
  auto record = read_interlock(place_.dir);
  const bool restored = record.ok() && record.value().state == InterlockRecord::State::copied;
  if (restored) {
    if (Status s = hard_recovery(place_, record.value()); !s.ok()) return s;
  }
  auto journal = Journal::open(place_);
  if (!journal.ok()) return journal.error();
  if (record.ok()) {
    record.value().state = InterlockRecord::State::recovered;
    if (Status s = update_interlock(place_.dir, record.value()); !s.ok()) return s;
    if (Status s = remove_interlock(place_.dir); !s.ok()) return s;
  }
  const std::lock_guard lock(mutex_);
  journal_ = std::move(journal).value();
  return Ok{};
}

void JournalSlot::close() {
  const std::lock_guard lock(mutex_);
  journal_ = nullptr;
}

std::shared_ptr<Journal> JournalSlot::get() const {
  const std::lock_guard lock(mutex_);
  return journal_;
}

// ---- who it is

JournalWriter::JournalWriter(JournalSlot& slot, std::string instance_name,
                             std::function<void(std::string_view)> observe)
    : slot_(slot), instance_name_(std::move(instance_name)), observe_(std::move(observe)) {}

WriterIdentity JournalWriter::identity() const {
  WriterIdentity identity;
  identity.class_id = kClass;
  identity.name = "Journal";
  identity.instance_name = instance_name_;
  identity.version = {1, 0};
  identity.source = SourceType::transacted_db;
  identity.level = FreezeLevel::back_end;
  identity.capabilities.add(Capability::streaming)
      .add(Capability::logs)
      .add(Capability::restore_events)
      .add(Capability::staged_restore)
      .add(Capability::verify);
  return identity;
}

Result<WriterMetadata> JournalWriter::identify(const CallContext&) {
  const Observed observed(observe_, "identify");
  FileSet data;
  data.path = slot_.place().data_dir();
  data.pattern = "entries.dat";
  data.mask.bits = TypeMask::kFullRequired | TypeMask::kDifferentialRequired |
                   TypeMask::kFullSnapshot | TypeMask::kDifferentialSnapshot;
  FileSet logs;
  logs.path = slot_.place().log_dir();
  logs.pattern = "*.log";
  logs.is_log = true;

  Component component;
  component.type = ComponentType::database;
  component.name = kComponent;
  component.caption = "Journal of " + instance_name_;
  component.files = {data, logs};

  WriterMetadata metadata;
  metadata.components = {component};
  metadata.restore.method = RestoreMethod::restore_if_can_replace;
  metadata.schema.bits = BackupSchema::kCopy | BackupSchema::kIncremental | BackupSchema::kLog |
                         BackupSchema::kTimestamped;
  return metadata;
}

Result<std::shared_ptr<Journal>> JournalWriter::running() const {
  auto journal = slot_.get();
  if (journal) return journal;
  return Error(Errc::writer_retryable, "journal '" + instance_name_ + "' is offline for a restore");
}

// ---- backup

Status JournalWriter::prepare_backup(const CallContext& call, BackupView& backup) {
  const Observed observed(observe_, "prepare_backup");
  auto journal = running();
  if (!journal.ok()) return journal.error();
  Backup mine;
  mine.type = backup.type;
  for (const BackupComponent& component : backup.components) {
    if (!is_incremental(backup.type)) continue;
    // Logs before the base are gone, so an increment of anything older has a hole.
    if (!component.base || component.base->stamp != read_stamp(slot_.place())) {
      return Error(Errc::chain_broken, "the newest backup of journal '" + instance_name_ +
                                           "' is not the one this increment builds on; take a full "
                                           "backup");
    }
  }
  if (Status s = journal.value()->checkpoint(); !s.ok()) return s;
  // A streaming backup takes the data file as it is now and the logs when it asks for them. The
  // stamp has to be known before either, so it names the session.
  mine.stamp = call.session.to_string();
  for (BackupComponent& component : backup.components) component.stamp = mine.stamp;
  backups_[call.session] = std::move(mine);
  return Ok{};
}

// Every log up to the closed generation is whole and will be in the backup.
Status JournalWriter::close_generation(const SessionId& session) {
  auto journal = running();
  if (!journal.ok()) return journal.error();
  auto closed = journal.value()->roll();
  if (!closed.ok()) return closed.error();
  backups_[session].closed_generation = closed.value();
  return Ok{};
}

Status JournalWriter::prepare_snapshot(const CallContext& call, const SnapshotSetView&) {
  const Observed observed(observe_, "prepare_snapshot");
  return close_generation(call.session);
}

Status JournalWriter::freeze(const CallContext& call) {
  const Observed observed(observe_, "freeze");
  auto journal = running();
  if (!journal.ok()) return journal.error();
  held_ = journal.value();
  held_for_ = call.session;
  held_->hold();  // each put() is synced before it returns: nothing is left to flush
  return Ok{};
}

Result<HoldStatement> JournalWriter::thaw(const CallContext&) {
  const Observed observed(observe_, "thaw");
  HoldStatement statement;
  statement.unbroken = held_ != nullptr;
  if (held_ == nullptr) statement.broken_because = "the journal was not held";
  if (held_) held_->release();
  held_ = nullptr;
  return statement;
}

Status JournalWriter::post_snapshot(const CallContext&, const SnapshotSetView&, BackupView&) {
  const Observed observed(observe_, "post_snapshot");
  return Ok{};
}

Status JournalWriter::backup_complete(const CallContext& call, const BackupView& backup,
                                      const Receipt&) {
  const Observed observed(observe_, "backup_complete");
  const auto mine = backups_.find(call.session);
  const bool all =
      std::all_of(backup.components.begin(), backup.components.end(),
                  [](const BackupComponent& component) { return component.succeeded; });
  const bool counts = backup.type != BackupType::copy && backup.type != BackupType::other;
  if (mine == backups_.end() || !all || !counts) return Ok{};
  return write_stamp(slot_.place(), mine->second.stamp);
}

void JournalWriter::abort(const CallContext& call) {
  const Observed observed(observe_, "abort");
  // Another session may hold by now: its hold is not this one's to end.
  if (held_ && held_for_ == call.session) {
    held_->release();
    held_ = nullptr;
  }
  backups_.erase(call.session);
}

void JournalWriter::shutdown(const CallContext& call, const SetId&) {
  const Observed observed(observe_, "shutdown");
  backups_.erase(call.session);
}

// ---- streaming and logs

Result<StreamInfo> JournalWriter::open_stream(const CallContext&, const StreamRequest& request) {
  const Observed observed(observe_, "open_stream");
  const Place& place = slot_.place();
  const bool ours = request.file.starts_with(place.data_dir() + "/") ||
                    request.file.starts_with(place.log_dir() + "/");
  if (!ours || request.file.find("/../") != std::string::npos) {
    return Error(Errc::invalid_argument, "'" + request.file + "' is no file of the journal");
  }
  Stream stream;
  struct stat info {};
  stream.fd = ::open(request.file.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  if (stream.fd < 0 || fstat(stream.fd, &info) != 0) {
    if (stream.fd >= 0) ::close(stream.fd);
    return Error(Errc::not_found, "cannot open '" + request.file + "': " + std::strerror(errno));
  }
  // Both kinds of file only grow: what is there now is whole, what comes later is in a later log.
  stream.left = static_cast<std::uint64_t>(info.st_size);
  const std::uint64_t handle = next_stream_++;
  streams_[handle] = stream;
  return StreamInfo{handle, stream.left, 1};
}

Result<std::size_t> JournalWriter::read(const CallContext&, std::uint64_t handle,
                                        std::span<std::byte> buffer) {
  const auto found = streams_.find(handle);
  if (found == streams_.end()) return Error(Errc::invalid_argument, "no such stream");
  Stream& stream = found->second;
  const std::size_t want = std::min<std::uint64_t>(buffer.size(), stream.left);
  std::size_t done = 0;
  while (done < want) {
    const ssize_t got = ::read(stream.fd, buffer.data() + done, want - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Error(Errc::io, std::string("cannot read: ") + std::strerror(errno));
    if (got == 0) return Error(Errc::truncated, "the file became shorter while it was read");
    done += static_cast<std::size_t>(got);
  }
  stream.left -= done;
  return done;
}

Status JournalWriter::close(const CallContext&, std::uint64_t handle) {
  const Observed observed(observe_, "close");
  const auto found = streams_.find(handle);
  if (found == streams_.end()) return Ok{};
  ::close(found->second.fd);
  streams_.erase(found);
  return Ok{};
}

Result<LogList> JournalWriter::list_logs(const CallContext& call, const ComponentName&) {
  const Observed observed(observe_, "list_logs");
  if (Status s = close_generation(call.session); !s.ok()) return s.error();
  auto generations = log_generations(slot_.place());
  if (!generations.ok()) return generations.error();
  LogList list;
  list.low = 1;
  list.high = 0;
  for (const std::uint64_t generation : generations.value()) {
    if (generation > backups_[call.session].closed_generation) continue;
    if (list.files.empty()) list.low = generation;
    list.high = generation;
    list.files.push_back({slot_.place().log_file(generation), generation, true});
  }
  return list;
}

Status JournalWriter::truncate_logs(const CallContext& call, const ComponentName&, const Receipt&) {
  const Observed observed(observe_, "truncate_logs");
  const auto mine = backups_.find(call.session);
  if (mine == backups_.end()) {
    return Error(Errc::wrong_state, "this run of the journal knows nothing of that backup");
  }
  if (mine->second.type == BackupType::copy) return Ok{};
  auto journal = running();
  if (!journal.ok()) return journal.error();
  return journal.value()->remove_logs_through(mine->second.closed_generation);
}

// ---- restore

Status JournalWriter::pre_restore(const CallContext&, RestoreView&) {
  const Observed observed(observe_, "pre_restore");
  slot_.close();
  return Ok{};
}

Status JournalWriter::restore_prepare(const CallContext&, const RestoreAuthority& authority) {
  const Observed observed(observe_, "restore_prepare");
  const bool expires = authority.expires != WallTime();
  if (expires && authority.expires <= system_clock().wall_now()) {
    return Error(Errc::access_denied, "the restore authority has expired; ask for a new one");
  }
  return Ok{};
}

Result<std::vector<RestoreLocation>> JournalWriter::restore_locations(
    const CallContext&, const ComponentName& component) {
  const Observed observed(observe_, "restore_locations");
  const Place& place = slot_.place();
  return std::vector<RestoreLocation>{{component, "database", place.data_dir()},
                                      {component, "log", place.log_dir()},
                                      {component, "checkpoint", place.data_dir()},
                                      {component, "interlock", place.dir}};
}

Status JournalWriter::restore_register(const CallContext& call, const RestoreAuthority&,
                                       const RestoreRegistration& registration) {
  const Observed observed(observe_, "restore_register");
  InterlockRecord record;
  record.session = call.session;
  record.target = "journal '" + instance_name_ + "'";
  record.registration = registration;
  record.since = system_clock().wall_now();
  return register_interlock(slot_.place().dir, record);
}

Status JournalWriter::restore_complete(const CallContext&, const ComponentName&,
                                       const Status& copied) {
  const Observed observed(observe_, "restore_complete");
  auto record = read_interlock(slot_.place().dir);
  if (!record.ok()) return record.error();
  record.value().state =
      copied.ok() ? InterlockRecord::State::copied : InterlockRecord::State::failed;
  if (!copied.ok()) record.value().failure = copied.error().what();
  return update_interlock(slot_.place().dir, record.value());
}

Status JournalWriter::post_restore(const CallContext&, const RestoreView& restore) {
  const Observed observed(observe_, "post_restore");
  for (const BackupComponent& component : restore.components) {
    // More increments follow: recovery waits for the last.
    if (component.restore && component.restore->additional_restores) return Ok{};
  }
  return slot_.open();
}

void JournalWriter::restore_end(const CallContext&) {
  const Observed observed(observe_, "restore_end");
  // A restore that never got to register leaves the journal as it was: carry on.
  if (!slot_.get()) (void)slot_.open();
}

Result<VerifyReport> JournalWriter::verify(const CallContext&, const VerifyRequest& request) {
  const Observed observed(observe_, "verify");
  Place there;
  there.dir = request.root;
  auto last = inspect(there);
  if (!last.ok()) return VerifyReport{VerifyVerdict::damaged, last.error().what()};
  return VerifyReport{VerifyVerdict::good, "entries 1 to " + std::to_string(last.value())};
}

}  // namespace journal
