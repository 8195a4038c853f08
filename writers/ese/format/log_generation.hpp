// One log file, read whole: which of its bytes are records, and how it ends. Both framings look the
// same from here on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <stillframe/result.hpp>

#include "writers/ese/format/bytes.hpp"
#include "writers/ese/format/log_header.hpp"
#include "writers/ese/format/record_types.hpp"
#include "writers/ese/format/small_types.hpp"

namespace stillframe::ese {

// Record bytes that lie together in the file.
struct RecordRun {
  std::size_t offset = 0;
  std::size_t bytes = 0;
  // The writer died at its end (framing before Windows 8): a record that the end cuts was never
  // written whole.
  bool torn = false;
};

enum class LogEnd {
  full,      // every data segment is valid
  unused,    // what follows was never written, or is left of an older log
  shadow,    // what follows is the copy of the last segment
  restored,  // the last segment was taken from its copy
  torn,      // the write that was under way when the writer died reached the disk in part
};

std::string_view to_string(LogEnd end) noexcept;

struct LogReadRules {
  // A newer generation was begun, so this one had been written to its end: a torn one is an error.
  // It need not be full: when a record does not fit into what is left, its file is left early.
  bool complete = false;
  // How many segments one write may cover. Good segments at most this far behind a damaged one may
  // belong to the same torn write; any further ones prove that the damage came later.
  std::uint16_t write_segments_max = 16;
  // The same when the first segment of the write was held back until the others were durable
  // (framing since Windows 8): they may be good as far as this behind its first sector of zeros.
  std::uint16_t held_back_segments_max = 256;
};

class LogGeneration {
 public:
  // Takes the bytes of the whole file; `file` names it in errors. A file that is shorter than its
  // header says ends early, like one that is torn. Errors: those of decode_log_header();
  // log_corrupted when the bytes lie, or when a complete generation is torn.
  static Result<LogGeneration> read(std::vector<std::byte> bytes, std::string file,
                                    const LogReadRules& rules = {});

  const std::string& file() const noexcept { return file_; }
  const LogFileHeader& header() const noexcept { return header_; }
  Generation generation() const noexcept { return header_.fields.generation; }
  LogEnd end() const noexcept { return end_; }
  // The position behind the last valid byte.
  Lgpos end_position() const noexcept { return end_position_; }
  // Good segments behind a torn one. Nobody was told that they are durable, and they are not read.
  std::uint32_t abandoned() const noexcept { return abandoned_; }
  std::uint32_t segments() const noexcept {
    return segments_;
  }  // valid ones, ranges in the old era
  // The XOR of the checksums of all valid segments, which the next generation's header repeats.
  std::uint64_t checksums() const noexcept { return checksums_; }

  const std::vector<RecordRun>& runs() const noexcept { return runs_; }
  Bytes bytes_of(const RecordRun& run) const {
    return Bytes(bytes_).subspan(run.offset, run.bytes);
  }
  // How many bytes of records could have been added behind end_position() (new framing).
  std::size_t room() const;
  // The position of the record that begins `within` bytes into `run`.
  Lgpos position(const RecordRun& run, std::size_t within) const;
  // The checksum-covered image of a data segment (new framing); restored ones show as restored.
  Bytes segment(std::uint16_t isec) const;
  bool has_segment(std::uint16_t isec) const;  // a cut file lacks its last ones
  // The whole file, a restored segment as restored.
  std::vector<std::byte> take_bytes() && { return std::move(bytes_); }

 private:
  friend class SegmentScan;
  friend class RangeScan;
  LogGeneration() = default;

  std::string file_;
  LogFileHeader header_;
  std::vector<std::byte> bytes_;
  std::vector<RecordRun> runs_;
  LogEnd end_ = LogEnd::full;
  Lgpos end_position_;
  std::uint32_t abandoned_ = 0;
  std::uint32_t segments_ = 0;
  std::uint64_t checksums_ = 0;
};

// A record as it lies in a generation. `bytes` lives as long as the generation.
struct RawRecord {
  Lgpos at;
  Bytes bytes;
  RecordType type() const { return static_cast<RecordType>(bytes[0]); }
};

// Walks the records of one generation, fragments as they are, padding left out.
class RawRecords {
 public:
  explicit RawRecords(const LogGeneration& generation) : generation_(&generation) {}

  // The next record; none at the end. An error for a record that is unknown or does not fit where
  // it lies. In the old framing, where records cross sectors, one that is cut by the end is torn.
  Result<std::optional<RawRecord>> next();

  // Where the next record can begin.
  Lgpos position() const;
  // How many bytes were padding: NOP and NOP2.
  std::uint64_t padding_bytes() const noexcept { return padding_; }
  // Where the record lies that the end of an old log cut; none if it ended between two.
  std::optional<Lgpos> torn_record() const noexcept { return torn_; }

 private:
  const LogGeneration* generation_;
  std::size_t run_ = 0;
  std::size_t within_ = 0;
  std::uint64_t padding_ = 0;
  std::optional<Lgpos> torn_;
};

}  // namespace stillframe::ese
