#include "writers/ese/engine/log_stream.hpp"

#include <algorithm>
#include <utility>

#include "framework/base/check.hpp"
#include "writers/ese/format/ese_error.hpp"

namespace stillframe::ese {

namespace {

constexpr std::uint32_t kSegmentsMin = 4;  // header, two of data, and the room for a copy
constexpr std::uint32_t kSegmentsMax = 0xFFFF;
constexpr std::size_t kSegmentsToClose = 8;
constexpr Generation kGenerationLast{0x7FFFFFF0};

LogFileHeader first_header(const LogStreamOptions& options, const Signature& sequence,
                           LogTime now) {
  LogFileHeader header;
  LogHeader& h = header.fields;
  h.generation = Generation{1};
  h.segment_bytes = kLogSegmentBytes;
  h.header_segments = 1;
  h.file_segments = static_cast<std::uint16_t>(options.file_bytes / kLogSegmentBytes);
  h.page_bytes = options.page_bytes;
  h.created = now;
  h.major = 8;
  h.minor = 4000;
  h.update_major = 5;
  h.update_minor = 16;
  h.log = sequence;
  h.environment.log_file_segments = h.file_segments;
  h.file_type = FileType::log;
  return header;
}

void set_circular(LogHeader& header, bool circular) {
  constexpr unsigned kBoth = LogHeader::kCircular | LogHeader::kCircularHistory;
  const unsigned others = header.flags & ~unsigned{LogHeader::kCircular};
  header.flags = static_cast<std::uint8_t>(circular ? others | kBoth : others);
}

// Writes that lie behind each other as one.
std::vector<LogWrite> joined(LogWriteStep step) {
  std::vector<LogWrite> writes;
  for (LogWrite& write : step) {
    const bool adjoins =
        !writes.empty() && writes.back().offset + writes.back().bytes.size() == write.offset;
    if (!adjoins) {
      writes.push_back(std::move(write));
      continue;
    }
    auto& bytes = writes.back().bytes;
    bytes.insert(bytes.end(), write.bytes.begin(), write.bytes.end());
  }
  return writes;
}

Error cannot_continue(const std::string& why) {
  return ese_error(EseErr::log_corrupted, "the log cannot be continued: " + why);
}

}  // namespace

LogStream::LogStream(Files& files, LogStreamOptions options, LogHost& host, Clock clock)
    : options_(std::move(options)),
      directory_(files, options_.directory),
      host_(host),
      clock_(std::move(clock)) {}

Result<std::unique_ptr<LogStream>> LogStream::begin(Files& files, LogStreamOptions options,
                                                    const Signature& sequence, LogHost& host,
                                                    Clock clock) {
  const std::uint32_t segments = options.file_bytes / kLogSegmentBytes;
  if (segments < kSegmentsMin || segments > kSegmentsMax) {
    return Error(Errc::invalid_argument, "a log of " + std::to_string(options.file_bytes) +
                                             " bytes has too few or too many segments of 4096");
  }
  std::unique_ptr<LogStream> log(new LogStream(files, std::move(options), host, std::move(clock)));
  if (Status s = log->start_first(sequence); !s.ok()) {
    return s.error().while_doing("beginning a log sequence");
  }
  return log;
}

Result<std::unique_ptr<LogStream>> LogStream::resume(Files& files, LogStreamOptions options,
                                                     const LogStreamEnd& end, LogHost& host,
                                                     Clock clock) {
  std::unique_ptr<LogStream> log(new LogStream(files, std::move(options), host, std::move(clock)));
  if (Status s = log->start_behind(end); !s.ok()) {
    return s.error().while_doing("continuing the log");
  }
  return log;
}

Result<std::unique_ptr<LogStream>> LogStream::follow(Files& files, LogStreamOptions options,
                                                     const LogFileHeader& last,
                                                     std::uint64_t checksums, LogHost& host,
                                                     Clock clock) {
  std::unique_ptr<LogStream> log(new LogStream(files, std::move(options), host, std::move(clock)));
  if (Status s = log->begin_behind(last, checksums); !s.ok()) {
    return s.error().while_doing("continuing the log elsewhere");
  }
  return log;
}

Status LogStream::start_first(const Signature& sequence) {
  auto chain = directory_.chain();
  if (!chain.ok()) return chain.error();
  if (!chain.value().logs.empty()) {
    return Error(Errc::already_exists, "'" + escape_path(options_.directory.path) +
                                           "' has logs of the sequence '" +
                                           options_.directory.base + "'; recover from them first");
  }
  LogFileHeader header = first_header(options_, sequence, clock_());
  set_circular(header.fields, options_.circular);
  header.attachments = host_.attachments();
  const auto encoded = encode_log_header(header);
  if (!encoded.ok()) return encoded.error();
  if (Status s = directory_.fill_reserves(header.fields.file_bytes()); !s.ok()) return s;
  auto file = directory_.prepare(header.fields.file_bytes());
  if (!file.ok()) return file.error();
  if (Status s = file.value()->write(0, encoded.value()); !s.ok()) return s;
  if (Status s = file.value()->sync(); !s.ok()) return s;
  if (Status s = directory_.name_current(); !s.ok()) return s;
  begin_generation(std::move(file).value(), std::move(header));
  return host_.begun(header_.fields.generation, header_.fields.created);
}

Status LogStream::start_behind(const LogStreamEnd& end) {
  auto listed = directory_.chain();
  if (!listed.ok()) return listed.error();
  const LogChain& chain = listed.value();
  if (!chain.whole()) return chain.findings.front().error();
  if (chain.logs.empty() || chain.newest() != end.last) {
    return cannot_continue("its newest generation is not the last that was read");
  }
  if (end.torn && end.torn->generation != end.last) {
    return cannot_continue("the record at " + to_text(*end.torn) + " has no end");
  }
  if (chain.logs.back().header.fields.framing() != LogFraming::segments) {
    return Error(Errc::not_supported,
                 "log '" + chain.logs.back().file +
                     "' is of Windows 7 or older; its databases can be recovered, and then need a "
                     "new log sequence");
  }
  const bool archived = chain.logs.back().name.kind == LogFileKind::archived;
  Status done = archived ? finish_roll(chain, end) : repair_current(chain.logs.back(), end);
  if (!done.ok()) return done;
  if (Status s = directory_.fill_reserves(header_.fields.file_bytes()); !s.ok()) return s;
  return host_.begun(header_.fields.generation, header_.fields.created);
}

Status LogStream::repair_current(const ChainLog& current, const LogStreamEnd& end) {
  auto log = directory_.read(current, {});
  if (!log.ok()) return log.error();
  auto file = directory_.open_current();
  if (!file.ok()) return file.error();
  const auto size = file.value()->size();
  if (!size.ok()) return size.error();
  const std::uint64_t whole = current.header.fields.file_bytes();
  if (size.value() < whole) {
    if (Status s = file.value()->resize(whole); !s.ok()) return s;
  }
  LogTailRepair repair = plan_tail_repair(log.value(), end.torn);
  begin_generation(std::move(file).value(), current.header);
  if (Status s = write_steps(std::move(repair.steps)); !s.ok()) return s;
  writer_.emplace(current.generation(), current.header.fields.file_segments, repair.begin,
                  repair.checksums);
  durable_ = writer_->position();
  publish_end();
  directory_.forget_temporary();  // the roll it was for had not begun
  return Ok{};
}

// The newest log has its archived name already, and was finished before it got that.
Status LogStream::finish_roll(const LogChain& chain, const LogStreamEnd& end) {
  if (end.torn) return cannot_continue("a finished generation ends within a record");
  auto log = directory_.read(chain.logs.back(), {.complete = true});
  if (!log.ok()) return log.error();
  header_ = chain.logs.back().header;
  const auto follows = [&](const ChainLog& next) {
    return !check_follows(chain.logs.back(), next, log.value().checksums());
  };
  const auto ready = std::find_if(chain.temporaries.begin(), chain.temporaries.end(), follows);
  LogFileHeader header;
  if (ready != chain.temporaries.end()) {
    header = ready->header;
  } else {
    auto next = prepare_next(LogRoom::reserve);
    if (!next.ok()) return next.error();
    auto written = write_next_header(next.value(), log.value().checksums());
    if (!written.ok()) return written.error();
    header = std::move(written).value();
  }
  return take_temporary(std::move(header));
}

Status LogStream::take_temporary(LogFileHeader header) {
  if (Status s = directory_.name_current(); !s.ok()) return s;
  auto file = directory_.open_current();
  if (!file.ok()) return file.error();
  begin_generation(std::move(file).value(), std::move(header));
  return Ok{};
}

Status LogStream::begin_behind(const LogFileHeader& last, std::uint64_t checksums) {
  header_ = last;
  auto next = prepare_next(LogRoom::reserve);
  if (!next.ok()) return next.error();
  auto written = write_next_header(next.value(), checksums);
  if (!written.ok()) return written.error();
  if (Status s = take_temporary(std::move(written).value()); !s.ok()) return s;
  if (Status s = directory_.fill_reserves(header_.fields.file_bytes()); !s.ok()) return s;
  return host_.begun(header_.fields.generation, header_.fields.created);
}

void LogStream::begin_generation(std::unique_ptr<File> file, LogFileHeader header) {
  file_ = std::move(file);
  header_ = std::move(header);
  writer_.emplace(header_.fields.generation, header_.fields.file_segments);
  // Another engine may have made the reserve.
  if ((header_.fields.flags & LogHeader::kFromReserve) != 0) writer_->distrust_file();
  durable_ = writer_->position();
  kept_open_ = 0;
  publish_end();
}

Result<AppendedRecord> LogStream::append(Bytes record, LogRoom room, const Noted& noted) {
  Lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [&] { return !rolling_; });
    if (failure_) return *failure_;
    if (!writer_->fits_empty(record.size())) {
      return ese_error(EseErr::record_too_big, "a log record of " + std::to_string(record.size()) +
                                                   " bytes fits no generation of this log; make "
                                                   "its files larger");
    }
    const LogTime now = writer_->opens_segment(record.size()) ? clock_() : LogTime{};
    if (auto appended = writer_->append(record, now)) {
      publish_end();
      ++stats_.records;
      if (noted) noted(appended->at);
      return *appended;
    }
    if (Status s = roll(lock, room); !s.ok()) return s.error();
  }
}

Status LogStream::make_durable(Lgpos at) {
  Lock lock(mutex_);
  for (;;) {
    if (at < durable_ || durable_ == end()) return Ok{};
    if (failure_) return *failure_;
    if (writing_) {
      changed_.wait(lock);
      continue;
    }
    if (Status s = flush(lock); !s.ok()) return s;
  }
}

// A segment whose beginning is durable already is closed by the next flush: leaving it open again
// would take a second sync, because its copy may be replaced only after itself. So does one at the
// end of much, where what closing it wastes does not count.
Status LogStream::flush(Lock& lock) {
  const Lgpos before = writer_->position();
  const bool again = kept_open_ != 0 && before.isec == kept_open_ && before.ib != 0;
  const bool much = writer_->segments_to_flush() >= kSegmentsToClose;
  const FlushMode mode = again || much ? FlushMode::close : FlushMode::keep_open;
  std::vector<LogWriteStep> steps = writer_->flush(mode);
  const Lgpos until = writer_->position();
  kept_open_ = mode == FlushMode::keep_open && until.ib != 0 ? until.isec : std::uint16_t{0};
  publish_end();
  writing_ = true;
  ++stats_.flushes;
  lock.unlock();
  Status written = write_steps(std::move(steps));
  lock.lock();
  writing_ = false;
  changed_.notify_all();
  if (!written.ok()) return fail(written.error());
  durable_ = until;
  return Ok{};
}

// Only by the thread that set writing_, or before there are others.
Status LogStream::write_steps(std::vector<LogWriteStep> steps) {
  std::uint64_t bytes = 0;
  for (LogWriteStep& step : steps) {
    for (const LogWrite& write : joined(std::move(step))) {
      if (Status s = file_->write(write.offset, write.bytes); !s.ok()) return s;
      bytes += write.bytes.size();
    }
    if (Status s = file_->sync(); !s.ok()) return s;
  }
  const std::lock_guard lock(mutex_);
  stats_.syncs += steps.size();
  stats_.bytes_written += bytes;
  return Ok{};
}

Error LogStream::fail(const Error& cause) {
  if (!failure_) {
    failure_ = ese_error(EseErr::log_write_fail,
                         "the log takes no more records since a write failed: " + cause.what() +
                             "; what was durable is safe: restart the instance, which recovers it");
  }
  changed_.notify_all();
  return *failure_;
}

Status LogStream::roll() {
  Lock lock(mutex_);
  changed_.wait(lock, [&] { return !rolling_; });
  if (failure_) return *failure_;
  return roll(lock, LogRoom::normal);
}

Status LogStream::roll(Lock& lock, LogRoom room) {
  if (header_.fields.generation >= kGenerationLast) {
    return ese_error(EseErr::log_sequence_end,
                     "generation numbers are used up; shut down cleanly, back up, remove the logs");
  }
  // Commits may go on while the next file is made: what they wait for is in this one.
  rolling_ = true;
  changed_.wait(lock, [&] { return !preparing_; });
  auto ready = std::exchange(prepared_, std::nullopt);
  lock.unlock();
  auto next = ready ? Result<Prepared>(std::move(*ready)) : prepare_next(room);
  lock.lock();
  Status done = next.ok() ? finish_generation(lock) : Status(next.error());
  if (done.ok()) {
    const std::uint64_t checksums = writer_->checksums();
    lock.unlock();
    auto header = write_next_header(next.value(), checksums);
    Status swung = header.ok() ? swing_to(header.value()) : Status(header.error());
    lock.lock();
    if (!header.ok()) done = header.error();  // the old names still stand: it can be tried again
    if (header.ok() && !swung.ok()) done = fail(swung.error());
    if (done.ok()) begin_generation(std::move(next.value().file), std::move(header).value());
    writing_ = false;
  }
  rolling_ = false;
  changed_.notify_all();
  return done;
}

// After a crash there is a temporary log without a header, which the next start removes.
void LogStream::prepare_ahead() {
  Lock lock(mutex_);
  const bool soon = 2U * writer_->position().isec > header_.fields.file_segments;
  if (!soon || rolling_ || preparing_ || prepared_ || failure_) return;
  preparing_ = true;
  lock.unlock();
  auto next = prepare_next(LogRoom::normal);
  lock.lock();
  preparing_ = false;
  if (next.ok()) prepared_ = std::move(next).value();
  changed_.notify_all();
}

void LogStream::forget_prepared() {
  Lock lock(mutex_);
  changed_.wait(lock, [&] { return !rolling_ && !preparing_; });
  if (!prepared_) return;
  prepared_.reset();
  directory_.forget_temporary();
}

// All of it durable, and full: a reader takes a generation that ends early for damage unless the
// record it was left for comes next, and after a crash another one may. Leaves writing_ set.
Status LogStream::finish_generation(Lock& lock) {
  changed_.wait(lock, [&] { return !writing_; });
  if (failure_) return *failure_;
  while (writer_->pad_segment(clock_())) {
  }
  std::vector<LogWriteStep> steps = writer_->flush(FlushMode::close);
  publish_end();
  writing_ = true;
  ++stats_.flushes;
  lock.unlock();
  Status written = write_steps(std::move(steps));
  lock.lock();
  if (!written.ok()) {
    writing_ = false;
    return fail(written.error());
  }
  durable_ = writer_->position();
  return Ok{};
}

Status LogStream::begin_segment() {
  Lock lock(mutex_);
  changed_.wait(lock, [&] { return !rolling_; });
  if (failure_) return *failure_;
  if (writer_->position().ib == 0) return Ok{};
  (void)writer_->pad_segment(clock_());
  publish_end();
  return Ok{};
}

// Normal records may not use up what the run's end may need, so missing reserves come first.
Result<LogStream::Prepared> LogStream::prepare_next(LogRoom room) {
  const std::uint64_t bytes = header_.fields.file_bytes();
  if (room == LogRoom::normal) {
    if (Status s = directory_.fill_reserves(bytes); !s.ok()) return s.error();
  }
  auto file = directory_.prepare(bytes);
  if (file.ok()) return Prepared{std::move(file).value(), false};
  if (room == LogRoom::normal || !is(file.error(), EseErr::log_disk_full)) return file.error();
  auto reserve = directory_.prepare_from_reserve(bytes);
  if (reserve.ok()) return Prepared{std::move(reserve).value(), true};
  return reserve.error().code() == Errc::not_found ? file.error() : reserve.error();
}

Result<LogFileHeader> LogStream::write_next_header(const Prepared& next, std::uint64_t checksums) {
  LogFileHeader header =
      next_log_header(header_, checksums, clock_(), host_.checkpoint(), host_.attachments());
  set_circular(header.fields, options_.circular);
  if (next.from_reserve) header.fields.flags |= LogHeader::kFromReserve;
  const auto encoded = encode_log_header(header);
  if (!encoded.ok()) return encoded.error();
  if (Status s = next.file->write(0, encoded.value()); !s.ok()) return s.error();
  if (Status s = next.file->sync(); !s.ok()) return s.error();
  return header;
}

Status LogStream::swing_to(const LogFileHeader& header) {
  if (Status s = directory_.archive_current(header_.fields.generation); !s.ok()) return s;
  if (Status s = directory_.name_current(); !s.ok()) return s;
  return host_.begun(header.fields.generation, header.fields.created);
}

Result<std::size_t> LogStream::remove_below(Generation oldest_needed) {
  const Generation current = header().fields.generation;
  return directory_.remove_below(std::min(oldest_needed, current));
}

Lgpos LogStream::end() const noexcept {
  const std::uint64_t word = end_.load(std::memory_order_acquire);
  return {static_cast<std::uint16_t>(word), static_cast<std::uint16_t>(word >> 16),
          Generation{static_cast<std::int32_t>(word >> 32)}};
}

void LogStream::publish_end() {
  const Lgpos at = writer_->position();
  const auto generation = static_cast<std::uint32_t>(at.generation);
  end_.store(std::uint64_t{generation} << 32 | std::uint64_t{at.isec} << 16 | at.ib,
             std::memory_order_release);
}

Lgpos LogStream::durable() const {
  const std::lock_guard lock(mutex_);
  return durable_;
}

std::optional<Error> LogStream::failure() const {
  const std::lock_guard lock(mutex_);
  return failure_;
}

LogFileHeader LogStream::header() const {
  const std::lock_guard lock(mutex_);
  return header_;
}

LogStreamStats LogStream::stats() const {
  const std::lock_guard lock(mutex_);
  return stats_;
}

}  // namespace stillframe::ese
