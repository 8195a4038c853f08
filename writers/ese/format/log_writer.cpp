#include "writers/ese/format/log_writer.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "framework/base/check.hpp"
#include "writers/ese/format/layout.hpp"
#include "writers/ese/format/record_transaction.hpp"

namespace stillframe::ese {

namespace {

// Shorter records are never cut, and shorter rests of a segment hold no piece.
constexpr std::size_t kPieceRoomMin = 32;
constexpr std::size_t kFirstPieceRoom = kSegmentRecordBytes - FragmentBeginRecord::kBytes;
constexpr std::size_t kPieceRoom = kSegmentRecordBytes - FragmentRecord::kBytes;
constexpr std::size_t kStepSegmentsMax = LogReadRules{}.write_segments_max;
constexpr std::size_t kLongStepSegmentsMax = LogReadRules{}.held_back_segments_max;

std::uint64_t offset_of(std::uint32_t isec) {
  return isec * std::uint64_t{kLogSegmentBytes};
}

std::uint32_t pieces_for(std::size_t bytes) {
  return static_cast<std::uint32_t>((bytes + kPieceRoom - 1) / kPieceRoom);
}

}  // namespace

LogSegmentWriter::LogSegmentWriter(Generation generation, std::uint16_t file_segments,
                                   std::uint16_t begin, std::uint64_t checksums)
    : generation_(generation),
      file_segments_(file_segments),
      next_isec_(begin),
      // What was read and repaired may have left a copy there.
      zeros_from_(static_cast<std::uint16_t>(begin + (begin > 1 ? 1 : 0))),
      checksums_(checksums) {
  STILLFRAME_CHECK(begin >= 1 && begin < file_segments, "a log begins behind its header");
}

std::size_t LogSegmentWriter::room() const noexcept {
  return segments_.empty() ? 0 : kLogSegmentBytes - segments_.back().used;
}

// The last segment of the file is for the copy of the one before.
std::uint32_t LogSegmentWriter::segments_left() const noexcept {
  return file_segments_ - 1u - std::min<std::uint32_t>(next_isec_, file_segments_ - 1u);
}

std::uint32_t LogSegmentWriter::new_segments_for(std::size_t record_bytes) const noexcept {
  if (record_bytes <= room()) return 0;
  if (record_bytes <= kPieceRoomMin) return 1;
  if (room() >= kPieceRoomMin) {
    return pieces_for(record_bytes - (room() - FragmentBeginRecord::kBytes));
  }
  if (record_bytes <= kSegmentRecordBytes) return 1;
  return 1 + pieces_for(record_bytes - kFirstPieceRoom);
}

bool LogSegmentWriter::fits_empty(std::size_t record_bytes) const noexcept {
  const std::uint32_t all = file_segments_ - 2u;
  return record_bytes <= kSegmentRecordBytes
             ? all >= 1
             : 1 + pieces_for(record_bytes - kFirstPieceRoom) <= all;
}

void LogSegmentWriter::open_segment(LogTime now) {
  Segment segment;
  segment.isec = next_isec_++;
  segment.started = now;
  segment.bytes.resize(kLogSegmentBytes);
  segments_.push_back(std::move(segment));
}

void LogSegmentWriter::put(Bytes bytes) {
  Segment& segment = current();
  std::copy(bytes.begin(), bytes.end(),
            segment.bytes.begin() + static_cast<std::ptrdiff_t>(segment.used));
  segment.used += bytes.size();
}

void LogSegmentWriter::put_pieces(Bytes record, LogTime now) {
  FragmentBeginRecord begin;
  begin.whole_bytes = static_cast<std::uint32_t>(record.size());
  const std::size_t first = room() - FragmentBeginRecord::kBytes;
  put(encode_record(begin, {record.first(first)}));
  for (record = record.subspan(first); !record.empty();) {
    open_segment(now);
    const std::size_t piece = std::min(record.size(), kPieceRoom);
    put(encode_record(FragmentRecord{}, {record.first(piece)}));
    record = record.subspan(piece);
  }
}

std::optional<AppendedRecord> LogSegmentWriter::append(Bytes record, LogTime now) {
  const RecordSpan span = measure_record(record);
  STILLFRAME_CHECK(span.read == RecordRead::whole && span.bytes == record.size(),
                   "what is appended to a log is one whole record");
  if (new_segments_for(record.size()) > segments_left()) return std::nullopt;
  const bool cut = record.size() > kPieceRoomMin && record.size() > room();
  // What is left of the segment stays zero, which readers take for padding.
  const bool leave = room() < record.size() && (!cut || room() < kPieceRoomMin);
  if (leave) open_segment(now);
  const Lgpos at = position();
  if (record.size() <= room()) {
    put(record);
  } else {
    put_pieces(record, now);
  }
  dirty_ = true;
  return AppendedRecord{at, position()};
}

Lgpos LogSegmentWriter::position() const noexcept {
  if (segments_.empty() || room() == 0) return {0, next_isec_, generation_};
  const Segment& segment = segments_.back();
  const bool first = segment.used == SegmentHeader::kBytes;
  return {static_cast<std::uint16_t>(first ? 0 : segment.used), segment.isec, generation_};
}

void LogSegmentWriter::pad_with_nop2() {
  if (segments_.empty()) return;
  if (room() >= ExtensibleRecord::kBytes) {
    ExtensibleRecord padding;
    padding.type = RecordType::nop2;
    padding.body_bytes = static_cast<std::uint32_t>(room() - ExtensibleRecord::kBytes);
    std::array<std::byte, ExtensibleRecord::kBytes> head{};
    encode(padding, head);
    put(head);  // its body is zero already
  }
  current().used = kLogSegmentBytes;
}

bool LogSegmentWriter::pad_segment(LogTime now) {
  if (room() == 0) {
    if (segments_left() == 0) return false;
    open_segment(now);
  }
  pad_with_nop2();
  dirty_ = true;
  return true;
}

// The segment behind the last one that may be written together with that at `begin`.
std::size_t LogSegmentWriter::end_of_step(std::size_t begin) const {
  // The next write may destroy its copy, so the segment itself must be durable before that.
  if (segments_[begin].shadowed) return begin + 1;
  // A copy of the segment before may be where it goes: what is torn there does not begin with
  // zeros.
  const bool zeros = segments_[begin].isec >= zeros_from_;
  return std::min(segments_.size(), begin + (zeros ? kLongStepSegmentsMax : kStepSegmentsMax));
}

// Every segment at its place, and the last one's copy behind it unless it is full. A copy that is
// there already is replaced by a step of its own.
LogWrite LogSegmentWriter::write_of(std::size_t begin, std::size_t end) const {
  LogWrite write{offset_of(segments_[begin].isec), {}};
  write.bytes.reserve((end - begin + 1) * kLogSegmentBytes);
  const auto add = [&](const Segment& segment) {
    write.bytes.insert(write.bytes.end(), segment.bytes.begin(), segment.bytes.end());
  };
  for (std::size_t i = begin; i < end; ++i) add(segments_[i]);
  const bool last = end == segments_.size() && room() > 0;
  if (last && !segments_[begin].shadowed) add(segments_.back());
  return write;
}

std::vector<LogWriteStep> LogSegmentWriter::flush(FlushMode mode) {
  const bool closing = mode == FlushMode::close && room() > 0;
  if (!dirty_ && !closing) return {};
  if (mode == FlushMode::close) pad_with_nop2();
  for (Segment& segment : segments_) seal(segment);
  std::vector<LogWriteStep> steps;
  for (std::size_t at = 0; at < segments_.size();) {
    const std::size_t end = end_of_step(at);
    LogWrite write = write_of(at, end);
    if (end - at <= kStepSegmentsMax) {
      steps.push_back({std::move(write)});
    } else {
      const auto first = write.bytes.begin(), behind = first + kLogSectorBytes;
      LogWrite head{write.offset, {first, behind}};
      std::fill(first, behind, std::byte{0});
      steps.push_back({std::move(write)});
      steps.push_back({std::move(head)});
    }
    at = end;
  }
  if (room() > 0 && current().shadowed) {
    steps.push_back({{offset_of(current().isec + 1u), current().bytes}});
  }
  const bool open = room() > 0;
  const std::size_t done = segments_.size() - (open ? 1 : 0);
  for (std::size_t i = 0; i < done; ++i) {
    checksums_ ^= load_le<std::uint64_t>(segments_[i].bytes.data());
  }
  segments_.erase(segments_.begin(), segments_.begin() + static_cast<std::ptrdiff_t>(done));
  if (open) current().shadowed = true;
  // Where the copy lies the next segment goes.
  zeros_from_ = std::max(zeros_from_, static_cast<std::uint16_t>(next_isec_ + (open ? 1 : 0)));
  dirty_ = false;
  return steps;
}

void LogSegmentWriter::seal(Segment& segment) {
  seal_segment(segment.bytes, {0, segment.isec, generation_}, segment.started);
}

std::uint64_t LogSegmentWriter::checksums() const {
  STILLFRAME_CHECK(!dirty_, "a generation is chained before all of it is flushed");
  if (segments_.empty()) return checksums_;
  return checksums_ ^ load_le<std::uint64_t>(segments_.back().bytes.data());
}

LogFileHeader next_log_header(const LogFileHeader& current, std::uint64_t checksums, LogTime now,
                              Lgpos checkpoint, std::vector<Attachment> attachments) {
  LogFileHeader next = current;
  LogHeader& h = next.fields;
  h.checksum = 0;
  h.generation = Generation{static_cast<std::int32_t>(h.generation) + 1};
  h.created_previous = current.fields.created;
  h.created = now;
  h.checkpoint = checkpoint;
  h.previous_segments = h.chains_checksums() ? checksums : 0;
  h.flags = static_cast<std::uint8_t>(h.flags & ~LogHeader::kFromReserve);
  next.attachments = std::move(attachments);
  return next;
}

namespace {

std::uint64_t checksums_before(const LogGeneration& log, std::uint32_t end) {
  std::uint64_t sum = 0;
  for (std::uint32_t isec = log.header().fields.header_segments; isec < end; ++isec) {
    sum ^= load_le<std::uint64_t>(log.segment(static_cast<std::uint16_t>(isec)).data());
  }
  return sum;
}

std::vector<std::uint16_t> written_segments(const LogGeneration& log, std::uint32_t begin) {
  std::vector<std::uint16_t> written;
  for (std::uint32_t isec = begin; isec < log.header().fields.file_segments; ++isec) {
    const auto number = static_cast<std::uint16_t>(isec);
    if (!log.has_segment(number)) break;
    const auto look = look_at_segment(log.segment(number), log.generation(), number);
    if (look != SegmentLook::zeros) written.push_back(number);
  }
  return written;
}

// One write of `bytes_of` a segment each, the last segments first: what is still good behind a
// segment that a step tears is then no further away than a torn write reaches.
template <class BytesOf>
void add_from_behind(std::vector<LogWriteStep>& steps, const std::vector<std::uint16_t>& segments,
                     const BytesOf& bytes_of) {
  std::uint32_t reach = 0;  // the step holds segments above this
  LogWriteStep step;
  for (std::size_t i = segments.size(); i-- > 0;) {
    if (!step.empty() && segments[i] + kStepSegmentsMax <= reach) {
      steps.push_back(std::exchange(step, {}));
    }
    if (step.empty()) reach = segments[i];
    step.push_back({offset_of(segments[i]), bytes_of(segments[i])});
  }
  if (!step.empty()) steps.push_back(std::move(step));
}

// Zeros from `begin` on. First over the headers alone: zeros over part of a torn segment could be
// the very bytes that it lacks, and complete it. A segment without its header cannot become good.
void add_clearing(std::vector<LogWriteStep>& steps, const LogGeneration& log, std::uint32_t begin) {
  const std::vector<std::uint16_t> written = written_segments(log, begin);
  add_from_behind(steps, written, [&](std::uint16_t isec) {
    const Bytes old_bytes = log.segment(isec);
    std::vector<std::byte> bytes(old_bytes.begin(), old_bytes.end());
    std::fill_n(bytes.begin(), kLogSectorBytes, std::byte{0});
    return bytes;
  });
  add_from_behind(steps, written,
                  [](std::uint16_t) { return std::vector<std::byte>(kLogSegmentBytes); });
}

// The segment of `torn` without what begins there.
std::vector<std::byte> segment_up_to(const LogGeneration& log, Lgpos torn) {
  const Bytes old_bytes = log.segment(torn.isec);
  STILLFRAME_CHECK(torn.ib <= old_bytes.size(), "a record lies outside its segment");
  const Bytes kept = old_bytes.first(torn.ib);
  std::vector<std::byte> bytes(kept.begin(), kept.end());
  bytes.resize(kLogSegmentBytes);
  seal_segment(bytes, {0, torn.isec, torn.generation}, decode<SegmentHeader>(old_bytes).started);
  return bytes;
}

}  // namespace

// The order matters where a segment with durable records is rewritten: its copy must be durable
// first, and for that nothing behind it may be of use any more.
LogTailRepair plan_tail_repair(const LogGeneration& log, std::optional<Lgpos> torn) {
  LogTailRepair repair;
  const std::uint16_t end = log.end_position().isec;
  if (log.end() == LogEnd::restored) {
    const Bytes last = log.segment(static_cast<std::uint16_t>(end - 1));
    repair.steps.push_back({{offset_of(end - 1u), {last.begin(), last.end()}}});
  }
  const bool here = torn && torn->generation == log.generation();
  const bool rewrite = here && torn->ib != 0;
  repair.begin = here ? static_cast<std::uint16_t>(torn->isec + (rewrite ? 1 : 0)) : end;
  add_clearing(repair.steps, log, repair.begin);
  repair.checksums = checksums_before(log, here ? torn->isec : end);
  if (rewrite) {
    const std::vector<std::byte> bytes = segment_up_to(log, *torn);
    repair.steps.push_back({{offset_of(torn->isec + 1u), bytes}});
    repair.steps.push_back({{offset_of(torn->isec), bytes}});
    repair.checksums ^= load_le<std::uint64_t>(bytes.data());
  }
  return repair;
}

}  // namespace stillframe::ese
