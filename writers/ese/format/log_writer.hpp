// Lays records out in the segments of one generation, the inverse of log_generation.hpp and
// log_reader.hpp: whatever has been flushed, every reader finds again after a crash.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include <stillframe/result.hpp>

#include "writers/ese/format/bytes.hpp"
#include "writers/ese/format/log_generation.hpp"
#include "writers/ese/format/log_header.hpp"
#include "writers/ese/format/log_segments.hpp"
#include "writers/ese/format/small_types.hpp"

namespace stillframe::ese {

// Bytes for one place of the log file.
struct LogWrite {
  std::uint64_t offset = 0;
  std::vector<std::byte> bytes;
};

// Writes that may reach the disk in any order and in part; all of them must be durable before the
// first write of the next step is begun. A step covers LogReadRules::write_segments_max segments at
// most, so that a reader can tell what one torn step leaves from damage. A longer one, up to
// held_back_segments_max, leaves out the first sector of its first segment, which is a step of its
// own behind it: until that is written, none of it counts.
using LogWriteStep = std::vector<LogWrite>;

enum class FlushMode {
  // Keep the rest of the last segment for later records. The segment is written twice, beside
  // itself, so that rewriting it can never destroy what is durable; each flush into the same
  // segment
  // costs one more step.
  keep_open,
  // Fill the last segment up. One step, and up to a segment of the file.
  close,
};

struct AppendedRecord {
  Lgpos at;
  Lgpos behind;  // where the next record can begin; flushed up to here, this one is durable
};

// Not thread-safe: the owner of a log serializes what it appends and flushes.
class LogSegmentWriter {
 public:
  // For an empty generation whose file holds nothing valid behind its header, or for one that has
  // valid segments up to `begin`, with `checksums` their XOR.
  LogSegmentWriter(Generation generation, std::uint16_t file_segments, std::uint16_t begin = 1,
                   std::uint64_t checksums = 0);

  // The file may hold anything, not zeros: every step is a short one.
  void distrust_file() noexcept { zeros_from_ = file_segments_; }

  // Adds a whole record of at most kRecordBytesMax. None, with nothing done, when it does not fit
  // into the generation any more: the caller flushes and begins the next one. A record that would
  // not fit into an empty generation never will; fits_empty() says so beforehand.
  // `now` counts only if opens_segment() says so.
  std::optional<AppendedRecord> append(Bytes record, LogTime now);
  bool opens_segment(std::size_t record_bytes) const noexcept {
    return new_segments_for(record_bytes) > 0;
  }
  bool fits_empty(std::size_t record_bytes) const noexcept;
  // Fills the segment that the next record would go to with padding; false when the generation has
  // none left.
  bool pad_segment(LogTime now);

  // What to write so that every appended record is durable; nothing when all is already. The caller
  // carries out every step in order. After an error it has to give up the generation: nothing is
  // known of what reached the disk.
  std::vector<LogWriteStep> flush(FlushMode mode);

  // Where the next record can begin.
  Lgpos position() const noexcept;
  Generation generation() const noexcept { return generation_; }
  // How many segments the next flush writes, the copy of the last one left out.
  std::size_t segments_to_flush() const noexcept { return dirty_ ? segments_.size() : 0; }
  // The XOR of all segments' checksums, for the next generation's header. All is flushed.
  std::uint64_t checksums() const;

 private:
  // A segment that is not full, or not flushed yet.
  struct Segment {
    std::uint16_t isec = 0;
    LogTime started;
    std::size_t used = SegmentHeader::kBytes;
    bool shadowed = false;  // a flushed state of it is on disk, twice
    std::vector<std::byte> bytes;
  };

  Segment& current() { return segments_.back(); }
  std::size_t room() const noexcept;
  std::uint32_t segments_left() const noexcept;
  std::uint32_t new_segments_for(std::size_t record_bytes) const noexcept;
  void open_segment(LogTime now);
  void put(Bytes bytes);
  void put_pieces(Bytes record, LogTime now);
  void pad_with_nop2();
  void seal(Segment& segment);
  std::size_t end_of_step(std::size_t begin) const;
  LogWrite write_of(std::size_t begin, std::size_t end) const;

  Generation generation_;
  std::uint16_t file_segments_;
  std::uint16_t next_isec_;
  std::uint16_t zeros_from_;     // places from this one on have never been written
  std::uint64_t checksums_ = 0;  // of segments that will not change any more
  bool dirty_ = false;
  std::vector<Segment> segments_;  // ascending; the last one may be open
};

// The header of the generation behind `current`, which is flushed, with `checksums` the XOR of its
// segments. The caller prepares a file with it and sets what else it wants to.
LogFileHeader next_log_header(const LogFileHeader& current, std::uint64_t checksums, LogTime now,
                              Lgpos checkpoint, std::vector<Attachment> attachments);

// How to make the end of a generation that was read fit to be continued.
struct LogTailRepair {
  // After a crash in any of them a reader shows what it showed before, no less and no more, and
  // the repair is planned anew.
  std::vector<LogWriteStep> steps;
  std::uint16_t begin = 1;      // for LogSegmentWriter
  std::uint64_t checksums = 0;  // likewise
};

// Restores the last segment if only its copy was good, takes out the beginning of a record whose
// rest was never written, at `torn` (LogStreamEnd::torn), and puts zeros over what a torn write or
// an older log left. A file that was cut short has to be made as long as its header says first. Of
// the framing since Windows 8 only.
LogTailRepair plan_tail_repair(const LogGeneration& log, std::optional<Lgpos> torn);

}  // namespace stillframe::ese
