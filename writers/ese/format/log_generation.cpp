#include "writers/ese/format/log_generation.hpp"

#include <algorithm>
#include <utility>

#include "framework/base/check.hpp"
#include "writers/ese/format/ese_error.hpp"
#include "writers/ese/format/log_ranges.hpp"
#include "writers/ese/format/log_segment_scan.hpp"
#include "writers/ese/format/log_segments.hpp"

namespace stillframe::ese {

namespace {

bool is_padding(RecordType type) {
  return type == RecordType::nop || type == RecordType::nop2;
}

Status check_complete(const LogGeneration& log) {
  const bool ranges = log.header().fields.framing() == LogFraming::ranges;
  if (log.end() == LogEnd::full || (log.end() != LogEnd::torn && !ranges)) return Ok{};
  return ese_error(EseErr::log_corrupted,
                   "log '" + log.file() + "' ends at " + to_text(log.end_position()) +
                       " although a newer one was begun; get the file again from where it was "
                       "copied, or recover without it and the ones that follow");
}

}  // namespace

std::string_view to_string(LogEnd end) noexcept {
  switch (end) {
    case LogEnd::full:
      return "full";
    case LogEnd::unused:
      return "unused";
    case LogEnd::shadow:
      return "shadow";
    case LogEnd::restored:
      return "restored";
    case LogEnd::torn:
      return "torn";
  }
  return "unknown";
}

Result<LogGeneration> LogGeneration::read(std::vector<std::byte> bytes, std::string file,
                                          const LogReadRules& rules) {
  auto header = decode_log_header(bytes, file);
  if (!header.ok()) return header.error();
  LogGeneration log;
  log.file_ = std::move(file);
  log.header_ = std::move(header).value();
  log.bytes_ = std::move(bytes);
  const bool segments = log.header_.fields.framing() == LogFraming::segments;
  const Status scanned = segments ? SegmentScan(log, rules).run() : RangeScan(log, rules).run();
  if (!scanned.ok()) return scanned.error();
  if (rules.complete) {
    if (Status s = check_complete(log); !s.ok()) return s.error();
  }
  return log;
}

std::size_t LogGeneration::room() const {
  const std::size_t behind = header_.fields.file_segments - std::size_t{1};
  return (behind - std::min<std::size_t>(behind, end_position_.isec)) * kSegmentRecordBytes;
}

// The first record of a segment is known by 0; the old framing has no segment headers, and there
// every position is what it is.
Lgpos LogGeneration::position(const RecordRun& run, std::size_t within) const {
  const std::size_t each = header_.fields.segment_bytes;
  const std::size_t at = run.offset + within;
  const bool first = header_.fields.framing() == LogFraming::segments && within == 0;
  return {static_cast<std::uint16_t>(first ? 0 : at % each), static_cast<std::uint16_t>(at / each),
          generation()};
}

bool LogGeneration::has_segment(std::uint16_t isec) const {
  return (isec + std::size_t{1}) * header_.fields.segment_bytes <= bytes_.size();
}

Bytes LogGeneration::segment(std::uint16_t isec) const {
  const std::size_t each = header_.fields.segment_bytes;
  STILLFRAME_CHECK(has_segment(isec), "no such segment");
  return Bytes(bytes_).subspan(isec * each, each);
}

Lgpos RawRecords::position() const {
  const auto& runs = generation_->runs();
  if (run_ >= runs.size()) return generation_->end_position();
  const RecordRun& run = runs[run_];
  if (within_ < run.bytes) return generation_->position(run, within_);
  return run_ + 1 < runs.size() ? generation_->position(runs[run_ + 1], 0)
                                : generation_->end_position();
}

Result<std::optional<RawRecord>> RawRecords::next() {
  for (; run_ < generation_->runs().size(); ++run_, within_ = 0) {
    const RecordRun& run = generation_->runs()[run_];
    while (within_ < run.bytes) {
      const Bytes rest = generation_->bytes_of(run).subspan(within_);
      const RecordSpan span = measure_record(rest);
      const Lgpos at = generation_->position(run, within_);
      if (span.read == RecordRead::cut && run.torn) {
        if (run_ + 1 == generation_->runs().size()) torn_ = at;
        break;
      }
      if (span.read != RecordRead::whole) {
        return record_error(span.read, rest, generation_->file(), at);
      }
      within_ += span.bytes;
      const RawRecord record{at, rest.first(span.bytes)};
      if (!is_padding(record.type())) return std::optional<RawRecord>(record);
      padding_ += span.bytes;
    }
  }
  return std::optional<RawRecord>();
}

}  // namespace stillframe::ese
