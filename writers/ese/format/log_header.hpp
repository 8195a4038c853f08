// The first 4096 bytes of a log file. docs/formats/log-files.md has the bytes.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include <stillframe/result.hpp>

#include "writers/ese/format/bytes.hpp"
#include "writers/ese/format/database_header.hpp"
#include "writers/ese/format/log_attachments.hpp"
#include "writers/ese/format/small_types.hpp"

namespace stillframe::ese {

// How records lie in the file: since Windows 8 in segments of 4 KiB with a checksum each, before in
// ranges that a checksum record describes.
enum class LogFraming { segments, ranges };

struct LogHeader {
  static constexpr std::size_t kBytes = 671;
  static constexpr std::size_t kFileBytes = 4096;
  static constexpr std::uint8_t kFromReserve = 1, kCircular = 2, kCircularHistory = 4;

  std::uint32_t checksum = 0;
  Generation generation = Generation::none;
  std::uint16_t segment_bytes = 0, header_segments = 0, file_segments = 0;
  std::uint16_t page_bytes = 0;  // 0 means 4096: see page_size()
  LogTime created, created_previous;
  std::uint32_t major = 0, minor = 0, update_major = 0;
  Signature log;
  LogEnvironment environment;
  std::uint8_t flags = 0;
  Lgpos checkpoint;
  std::uint32_t update_minor = 0;
  std::uint8_t sector_mismatch = 0;
  std::uint64_t previous_segments = 0;  // XOR of the previous generation's checksums; 0: unknown
  std::uint32_t engine_version = 0;
  FileType file_type = FileType::unset;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    visit(0, "checksum", self.checksum);
    visit(4, "generation", self.generation);
    visit(8, "segment_bytes", self.segment_bytes);
    visit(10, "header_segments", self.header_segments);
    visit(12, "file_segments", self.file_segments);
    visit(14, "page_bytes", self.page_bytes);
    visit(16, "created", self.created);
    visit(24, "created_previous", self.created_previous);
    visit(32, "major", self.major);
    visit(36, "minor", self.minor);
    visit(40, "update_major", self.update_major);
    visit(44, "sign_log", self.log);
    visit(72, "environment", self.environment);
    visit(639, "flags", self.flags);
    visit(640, "lgpos_checkpoint", self.checkpoint);
    visit(648, "update_minor", self.update_minor);
    visit(652, "sector_mismatch", self.sector_mismatch);
    visit(653, "previous_segments", self.previous_segments);
    visit(661, "engine_version", self.engine_version);
    visit(667, "file_type", self.file_type);
  }

  std::uint64_t file_bytes() const { return std::uint64_t{segment_bytes} * file_segments; }
  std::uint32_t page_size() const { return page_bytes == 0 ? 4096 : page_bytes; }
  LogFraming framing() const { return major >= 8 ? LogFraming::segments : LogFraming::ranges; }
  // From 8.4000.5.13 on previous_segments is kept.
  bool chains_checksums() const;

  friend bool operator==(const LogHeader&, const LogHeader&) = default;
};

struct LogFileHeader {
  LogHeader fields;
  std::vector<Attachment> attachments;  // as of the beginning of this generation

  friend bool operator==(const LogFileHeader&, const LogFileHeader&) = default;
};

// Reads and checks a header. `bytes` begins the file; `file` names it in errors: log_file_corrupt
// for bytes that lie or are too few, bad_log_version for a version of which nothing is known.
Result<LogFileHeader> decode_log_header(Bytes bytes, std::string_view file);

// The 4096 bytes of a header, with their checksum. Refuses (invalid_argument) what decoding would,
// and attachments that do not fit.
Result<std::vector<std::byte>> encode_log_header(const LogFileHeader& header);

// The fields' values that no log may have, whatever its checksum says.
Status check_log_header(const LogHeader& header, std::string_view file);

}  // namespace stillframe::ese
