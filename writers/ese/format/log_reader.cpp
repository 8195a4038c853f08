#include "writers/ese/format/log_reader.hpp"

#include <utility>

#include "writers/ese/format/ese_error.hpp"
#include "writers/ese/format/record_transaction.hpp"
#include "writers/ese/format/small_types.hpp"

namespace stillframe::ese {

namespace {

Error bad_pieces(const LogGeneration& log, Lgpos at, const char* why) {
  return ese_error(EseErr::log_corrupted,
                   "log '" + log.file() + "': the record in pieces at " + to_text(at) + " " + why);
}

// A recovery goes on behind the pieces of a record whose rest was never written.
bool follows_crash(RecordType type) {
  return type == RecordType::recovery_undo || type == RecordType::recovery_undo2 ||
         type == RecordType::init || type == RecordType::init2;
}

}  // namespace

LogReader::LogReader(Open open, Generation first, Generation last, Lgpos from, Done done)
    : open_(std::move(open)), done_(std::move(done)), next_(first), last_(last), from_(from) {}

LogReader::~LogReader() {
  give_away();
}

void LogReader::give_away() {
  if (log_ && done_ && !failed_) done_(std::move(*log_));
}

void LogReader::remember_before() {
  const bool segments = log_->header().fields.framing() == LogFraming::segments;
  before_ = Before{{log_->file(), {}, log_->header()},
                   log_->checksums(),
                   log_->room(),
                   segments && log_->end() != LogEnd::full};
}

// False when there is no further generation.
Result<bool> LogReader::open_next() {
  if (next_ > last_) return false;
  if (log_) remember_before();
  auto log = open_(next_, next_ == last_);
  if (!log.ok()) return log.error();
  give_away();
  log_ = std::move(log).value();
  records_.emplace(*log_);
  next_ = generation_after(next_);
  end_.last = log_->generation();
  end_.end = log_->end();
  end_.abandoned = log_->abandoned();
  if (before_) {
    const ChainLog now{log_->file(), {}, log_->header()};
    if (const auto found = check_follows(before_->log, now, before_->checksums)) {
      return found->error();
    }
  }
  return true;
}

// A generation is left early only for a record that does not fit into its rest, which is then the
// first of the next one.
Status LogReader::check_early_end(const RawRecord& first) {
  if (!before_) return Ok{};
  const Before before = *std::exchange(before_, std::nullopt);
  const std::size_t needed = first.type() == RecordType::fragment_begin
                                 ? decode_record<FragmentBeginRecord>(first.bytes).fixed.whole_bytes
                                 : first.bytes.size();
  if (!before.early || needed > before.room) return Ok{};
  return ese_error(EseErr::log_corrupted,
                   "log '" + before.log.file + "' ends early although the record at " +
                       to_text(first.at) + " would have fitted in; its last segments are lost");
}

Result<std::optional<RawRecord>> LogReader::next_raw() {
  for (;;) {
    if (records_) {
      auto raw = records_->next();
      if (!raw.ok()) return raw;
      if (raw.value()) {
        if (Status s = check_early_end(*raw.value()); !s.ok()) return s.error();
        return raw;
      }
      if (records_->torn_record()) end_.torn = records_->torn_record();
      if (end_.torn && next_ <= last_) {
        return bad_pieces(*log_, *end_.torn, "is cut although a newer generation follows");
      }
    }
    auto opened = open_next();
    if (!opened.ok()) return opened.error();
    if (!opened.value()) return std::optional<RawRecord>();
  }
}

Status LogReader::begin_pieces(const RawRecord& raw) {
  if (pieces_) return bad_pieces(*log_, pieces_->at, "is followed by another");
  const auto record = decode_record<FragmentBeginRecord>(raw.bytes);
  const Bytes piece = record.parts[0];
  if (record.fixed.whole_bytes > kRecordBytesMax || record.fixed.whole_bytes <= piece.size()) {
    return bad_pieces(*log_, raw.at, "has an impossible length");
  }
  pieces_ = Pieces{raw.at, record.fixed.whole_bytes, {piece.begin(), piece.end()}};
  return Ok{};
}

// True when the record is whole now.
Result<bool> LogReader::add_piece(const RawRecord& raw) {
  if (!pieces_) return bad_pieces(*log_, raw.at, "has no beginning");
  const Bytes piece = decode_record<FragmentRecord>(raw.bytes).parts[0];
  if (piece.size() > pieces_->whole - pieces_->bytes.size()) {
    return bad_pieces(*log_, pieces_->at, "has longer pieces than it says");
  }
  pieces_->bytes.insert(pieces_->bytes.end(), piece.begin(), piece.end());
  return pieces_->bytes.size() == pieces_->whole;
}

Status LogReader::check_whole() const {
  const RecordSpan span = measure_record(pieces_->bytes);
  if (span.read != RecordRead::whole) {
    return record_error(span.read, pieces_->bytes, log_->file(), pieces_->at);
  }
  if (span.bytes == pieces_->bytes.size()) return Ok{};
  return bad_pieces(*log_, pieces_->at, "is longer than the record in it");
}

Result<std::optional<LogRecord>> LogReader::fail(const Error& error) {
  failed_ = error;
  return error;
}

Result<std::optional<LogRecord>> LogReader::finish() {
  if (pieces_) end_.torn = pieces_->at;
  if (log_) end_.position = end_.torn ? *end_.torn : log_->end_position();
  pieces_.reset();
  return std::optional<LogRecord>();
}

Result<std::optional<LogRecord>> LogReader::next() {
  if (failed_) return *failed_;
  for (;;) {
    auto raw = next_raw();
    if (!raw.ok()) return fail(raw.error());
    if (!raw.value()) return finish();
    const RawRecord& record = *raw.value();
    Lgpos at = record.at;
    Bytes bytes = record.bytes;
    if (record.type() == RecordType::fragment_begin) {
      if (Status s = begin_pieces(record); !s.ok()) return fail(s.error());
      continue;
    }
    if (record.type() == RecordType::fragment) {
      const auto done = add_piece(record);
      if (!done.ok()) return fail(done.error());
      if (!done.value()) continue;
      if (Status s = check_whole(); !s.ok()) return fail(s.error());
      at = pieces_->at;
      whole_ = std::move(pieces_->bytes);
      bytes = whole_;
      pieces_.reset();
    } else if (pieces_ && follows_crash(record.type())) {
      pieces_.reset();
    } else if (pieces_) {
      return fail(bad_pieces(*log_, pieces_->at, "is broken by another record"));
    }
    if (at < from_) continue;
    return std::optional(
        LogRecord{at, records_->position(), bytes, log_->header().fields.page_size()});
  }
}

}  // namespace stillframe::ese
