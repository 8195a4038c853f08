#include "writers/ese/backup/streaming_backup.hpp"

#include <algorithm>
#include <utility>

#include "framework/base/path.hpp"
#include "writers/ese/format/ese_error.hpp"
#include "writers/ese/recovery/log_files.hpp"

namespace stillframe::ese {

namespace {

constexpr std::size_t kReadAlignment = 4096, kFirstReadPages = 3;

}  // namespace

StreamingBackup::StreamingBackup(Instance& instance, StreamingBackupOptions options)
    : instance_(instance), options_(std::move(options)) {}

StreamingBackup::~StreamingBackup() {
  const std::lock_guard lock(mutex_);
  if (run_) finish(true);
}

BackupState StreamingBackup::state() const {
  const std::lock_guard lock(mutex_);
  return run_ ? run_->state : BackupState::none;
}

void StreamingBackup::tell(EventLevel level, const std::string& what) const {
  instance_.events().tell(EngineEvent::streaming_backup, level, what);
  if (options_.tell) options_.tell(level, what);
}

std::optional<Error> StreamingBackup::refusal(BackupCall call) const {
  BackupFacts facts;
  facts.stopped = stopped_;
  if (run_) {
    facts.state = run_->state;
    facts.logs_only = run_->logs_only();
    facts.file_open = run_->open.has_value();
  }
  const auto err = backup_refusal(call, facts);
  if (!err) return std::nullopt;
  return ese_error(*err, "a backup cannot do this now (" + std::string(name_of(call)) +
                             "): " + std::string(name_of(facts.state)) +
                             (facts.file_open ? ", with a file open" : "") +
                             (facts.stopped ? ", and it was asked to stop: end it" : ""));
}

// ---- Beginning

Status StreamingBackup::begin(BackupContents contents) {
  const std::lock_guard lock(mutex_);
  const bool logs_only = contents == BackupContents::logs_only;
  if (const auto failure = instance_.log().failure()) return *failure;
  if (logs_only && instance_.options().circular) {
    return ese_error(EseErr::invalid_backup,
                     "with circular logging older logs are gone, so a backup of logs is worth "
                     "nothing: make a full one");
  }
  if (const auto refused = refusal(BackupCall::begin)) return *refused;
  auto hold = instance_.hold_for_backup();
  if (!hold.ok()) return hold.error();
  if (logs_only) {
    if (Status s = check_full_backups(hold.value()); !s.ok()) return s;
  }
  Run run{std::move(hold).value(), contents, {}, {}, {}, {}, {}, false, BackupState::databases, {}};
  if (logs_only) {
    run.state = BackupState::logs;
  } else {
    const auto oldest = oldest_for_recovery();
    if (!oldest.ok()) return oldest.error();
    run.info.low = oldest.value();
  }
  for (InstanceDatabase* database : run.hold.databases()) run.parts.push_back({database});
  run.info.time = instance_.options().clock();
  stopped_ = false;
  run_.emplace(std::move(run));
  const auto mark = log_phase(BackupPhase::begin, run_->info);
  if (!mark.ok()) {
    run_.reset();
    return mark.error();
  }
  run_->info.mark = mark.value();
  tell(EventLevel::info, std::string("a ") + (logs_only ? "log" : "full") + " backup has begun");
  return Ok{};
}

Status StreamingBackup::check_full_backups(const BackupHold& hold) const {
  for (const InstanceDatabase* database : hold.databases()) {
    const DatabaseHeader header = database->header();
    const bool streamed = header.full_kind == BackupKind::streaming;
    if (header.full_previous.low != Generation::none && streamed) continue;
    return ese_error(EseErr::missing_full_backup,
                     quoted_path(database->path()) +
                         (streamed ? " has no full backup that this one could go on from"
                                   : " has its full backup from a snapshot, which this one cannot "
                                     "go on from") +
                         "; make a full one");
  }
  return Ok{};
}

// By the file: what it says is what a recovery of the copies can count on.
Result<Generation> StreamingBackup::oldest_for_recovery() const {
  const InstanceOptions& options = instance_.options();
  const BytePath& directory = options.system.empty() ? options.logs : options.system;
  const auto found = read_checkpoint_of(instance_.files(), directory, options.base);
  if (!found) {
    return ese_error(EseErr::checkpoint_file_not_found,
                     quoted_path(directory) +
                         " has no checkpoint, so nobody can tell which logs a "
                         "backup needs; restart the instance");
  }
  if (!found->ok()) return found->error();
  const CheckpointFields& fields = found->value().checkpoint.fields;
  if (fields.log == instance_.log().header().fields.log) return fields.checkpoint.generation;
  return ese_error(EseErr::checkpoint_corrupt, "the checkpoint in " + quoted_path(directory) +
                                                   " is of another sequence of logs");
}

Result<Lgpos> StreamingBackup::log_phase(BackupPhase phase, const BackupInfo& info, Dbid database) {
  const BackupRecord2 record = backup_record(phase, BackupKind::streaming, scope(), info, database);
  const auto logged = instance_.log().append(encode_record(record, {Bytes{}}));
  if (!logged.ok()) return logged.error();
  if (Status s = instance_.log().make_durable(logged.value().at); !s.ok()) return s.error();
  return logged.value().at;
}

BackupScope StreamingBackup::scope() const {
  return backup_scope(run_->logs_only(), run_->truncated);
}

// ---- Files

Result<std::vector<BytePath>> StreamingBackup::attach_info() {
  const std::lock_guard lock(mutex_);
  if (const auto refused = refusal(BackupCall::attach_info)) return *refused;
  std::vector<BytePath> paths;
  for (const Part& part : run_->parts) paths.push_back(part.database->path());
  return paths;
}

StreamingBackup::Part* StreamingBackup::find_part(const BytePath& path) {
  if (!run_) return nullptr;
  const auto found = std::find_if(run_->parts.begin(), run_->parts.end(), [&](const Part& part) {
    return tidy_path(part.database->path()) == tidy_path(path);
  });
  return found == run_->parts.end() ? nullptr : &*found;
}

Result<StreamingBackup::Opened> StreamingBackup::open(const BytePath& path) {
  const std::lock_guard lock(mutex_);
  Part* part = find_part(path);
  const BackupCall call = part != nullptr ? BackupCall::open_database : BackupCall::open_other;
  if (const auto refused = refusal(call)) return *refused;
  if (path.empty()) return ese_error(EseErr::invalid_parameter, "a file without a name");
  if (run_->open) {
    return ese_error(EseErr::out_of_memory, quoted_path(path) +
                                                " has to wait: a backup has one file "
                                                "open at a time; close the other one");
  }
  auto opened = open_file(path, part);
  if (!opened.ok()) {
    const Error failed =
        opened.error().while_doing("opening " + quoted_path(path) + " for a backup");
    return run_->state == BackupState::logs ? give_up(failed) : failed;
  }
  run_->open.emplace(std::move(opened).value());
  run_->number = BackupFile{++opened_};
  const std::uint64_t bytes =
      std::visit([](const auto& file) { return file.bytes(); }, *run_->open);
  return Opened{run_->number, bytes};
}

Result<StreamingBackup::Open> StreamingBackup::open_file(const BytePath& path, Part* part) {
  if (part != nullptr) {
    part->copied = false;
    auto copy = DatabaseCopy::open(*part->database, instance_.log(), run_->info);
    return copy.ok() ? Result<Open>(Open(std::move(copy).value())) : copy.error();
  }
  std::optional<Generation> generation;
  for (const auto& [number, file] : run_->archived) {
    if (tidy_path(file) == tidy_path(path)) generation = number;
  }
  auto copy = LogCopy::open(instance_.files(), path, generation);
  return copy.ok() ? Result<Open>(Open(std::move(copy).value())) : copy.error();
}

Status StreamingBackup::check_buffer(MutableBytes into) const {
  const std::size_t page = instance_.options().page_bytes;
  const bool aligned = reinterpret_cast<std::uintptr_t>(into.data()) % kReadAlignment == 0;
  const auto* database = std::get_if<DatabaseCopy>(&*run_->open);
  const bool first = database != nullptr && !database->begun();
  if (aligned && into.size() % page == 0 && (!first || into.size() >= kFirstReadPages * page)) {
    return Ok{};
  }
  return ese_error(EseErr::invalid_parameter,
                   "a backup reads into memory that begins at a multiple of 4096 and is some pages "
                   "long, three the first time");
}

// Of a stop that comes first nobody has to wait for the rest.
Status StreamingBackup::pause(int attempt) {
  std::unique_lock lock(stop_mutex_);
  stop_changed_.wait_for(lock, options_.retry_pause * attempt, [this] { return stopped_.load(); });
  if (!stopped_) return Ok{};
  return ese_error(EseErr::backup_abort_by_server,
                   "the backup was asked to stop while it read a "
                   "damaged page again");
}

ReadRetries StreamingBackup::retries() {
  return {[this](int attempt) { return pause(attempt); },
          [this](Pgno pgno, int attempt) {
            tell(EventLevel::warning, "page " + std::to_string(static_cast<std::uint32_t>(pgno)) +
                                          " could be read only after " + std::to_string(attempt) +
                                          " more tries");
          }};
}

Result<std::size_t> StreamingBackup::read(BackupFile file, MutableBytes into) {
  const std::lock_guard lock(mutex_);
  if (const auto refused = refusal(BackupCall::read)) return *refused;
  if (!run_->open || file != run_->number) {
    return ese_error(EseErr::invalid_parameter, "the backup has no such file open");
  }
  if (Status s = check_buffer(into); !s.ok()) return s.error();
  auto* database = std::get_if<DatabaseCopy>(&*run_->open);
  auto some = database != nullptr ? database->read(into, retries())
                                  : std::get<LogCopy>(*run_->open).read(into);
  if (some.ok()) return some;
  if (run_->state == BackupState::logs) return give_up(some.error());
  tell(EventLevel::error, quoted_path(database->database().path()) +
                              " is not part of the backup: " + some.error().what());
  run_->open.reset();
  return some;
}

Status StreamingBackup::close(BackupFile file) {
  const std::lock_guard lock(mutex_);
  if (const auto refused = refusal(BackupCall::close)) return *refused;
  if (!run_->open || file != run_->number) {
    return ese_error(EseErr::invalid_parameter, "the backup has no such file open");
  }
  bool complete = false;
  if (const auto* database = std::get_if<DatabaseCopy>(&*run_->open)) {
    complete = database->complete();
    find_part(database->database().path())->copied = complete;
  } else {
    const auto& log = std::get<LogCopy>(*run_->open);
    complete = log.complete();
    if (complete && log.generation()) run_->copied.insert(*log.generation());
  }
  if (!complete) tell(EventLevel::warning, "a file was closed before all of it was read");
  run_->open.reset();
  return Ok{};
}

// ---- Stopping

void StreamingBackup::stop() {
  {
    const std::lock_guard lock(stop_mutex_);
    stopped_ = true;
  }
  stop_changed_.notify_all();
}

// What cannot be logged any more does not matter: the log has a beginning without an end then, as
// after a crash.
Error StreamingBackup::give_up(const Error& cause) {
  tell(EventLevel::error, "the backup has failed: " + cause.what());
  finish(true);
  return cause;
}

void StreamingBackup::finish(bool aborted) {
  run_->open.reset();
  const BackupInfo info = stamp();
  Status logged = Ok{};
  if (aborted) {
    const auto at = log_phase(BackupPhase::abort, info);
    if (!at.ok()) logged = at.error();
  }
  const auto at = log_phase(BackupPhase::stop, info);
  if (!at.ok()) logged = at.error();
  if (!logged.ok()) {
    tell(EventLevel::warning,
         "the log does not say that the backup ended: " + logged.error().what());
  }
  run_.reset();
}

}  // namespace stillframe::ese
