#include "writers/ese/format/log_header.hpp"

#include <algorithm>
#include <bit>
#include <string>
#include <tuple>

#include "writers/ese/format/checksum.hpp"
#include "writers/ese/format/ese_error.hpp"
#include "writers/ese/format/layout.hpp"

namespace stillframe::ese {

namespace {

constexpr std::uint32_t kOldMajor = 7, kOldMinor = 3704;
constexpr std::uint32_t kNewMajor = 8, kNewMinor = 4000;
constexpr std::uint16_t kSegmentBytes = 4096;  // of the new framing
constexpr std::size_t kLogAttachmentsAt = LogHeader::kBytes;

Error bad_log(std::string_view file, const std::string& why) {
  return ese_error(EseErr::log_file_corrupt, "log '" + std::string(file) + "': its header " + why +
                                                 "; get the file again from where it was copied");
}

std::string version_text(const LogHeader& h) {
  return std::to_string(h.major) + "." + std::to_string(h.minor) + "." +
         std::to_string(h.update_major) + "." + std::to_string(h.update_minor);
}

bool known_version(const LogHeader& h) {
  return (h.major == kOldMajor && h.minor == kOldMinor) ||
         (h.major == kNewMajor && h.minor == kNewMinor);
}

// The segments of a header and two more: one for records and, in the new framing, one for the
// shadow of the last.
bool sizes_fit(const LogHeader& h) {
  const bool segment = h.framing() == LogFraming::segments
                           ? h.segment_bytes == kSegmentBytes
                           : std::has_single_bit(h.segment_bytes) && h.segment_bytes >= 512 &&
                                 h.segment_bytes <= kSegmentBytes;
  return segment && h.header_segments * std::uint32_t{h.segment_bytes} == LogHeader::kFileBytes &&
         h.file_segments >= h.header_segments + 2;
}

}  // namespace

bool LogHeader::chains_checksums() const {
  return std::tie(major, update_major, update_minor) >= std::tuple(kNewMajor, 5u, 13u);
}

Status check_log_header(const LogHeader& h, std::string_view file) {
  if (h.file_type != FileType::log && h.file_type != FileType::unset) {
    return bad_log(file, "is that of another kind of file");
  }
  if (!known_version(h)) {
    return ese_error(EseErr::bad_log_version,
                     "log '" + std::string(file) + "': its version " + version_text(h) +
                         " is not one of 7.3704 or 8.4000, the only ones that are understood");
  }
  if (h.generation <= Generation::none) return bad_log(file, "has no generation");
  if (!sizes_fit(h)) return bad_log(file, "has impossible segment sizes or counts");
  if (!is_page_size(h.page_size())) return bad_log(file, "has an impossible page size");
  return Ok{};
}

Result<LogFileHeader> decode_log_header(Bytes bytes, std::string_view file) {
  if (bytes.size() < LogHeader::kFileBytes) return bad_log(file, "is cut short");
  bytes = bytes.first(LogHeader::kFileBytes);
  LogFileHeader header{decode<LogHeader>(bytes), {}};
  if (header.fields.checksum != xor_checksum(bytes)) {
    return bad_log(file, "does not match its checksum");
  }
  if (Status s = check_log_header(header.fields, file); !s.ok()) return s.error();
  auto attachments = decode_attachments(bytes.subspan(kLogAttachmentsAt, kAttachmentsBytes),
                                        bad_log(file, "has an attachment that does not end"));
  if (!attachments.ok()) return attachments.error();
  header.attachments = std::move(attachments).value();
  return header;
}

Result<std::vector<std::byte>> encode_log_header(const LogFileHeader& header) {
  if (Status s = check_log_header(header.fields, "to be written"); !s.ok()) {
    return Error(Errc::invalid_argument, s.error().what());
  }
  std::vector<std::byte> bytes(LogHeader::kFileBytes);
  encode(header.fields, bytes);
  if (!encode_attachments(header.attachments,
                          MutableBytes(bytes).subspan(kLogAttachmentsAt, kAttachmentsBytes))) {
    return Error(Errc::invalid_argument,
                 "the attached databases' paths do not fit into a log's header");
  }
  store_le(bytes.data(), xor_checksum(bytes));
  return bytes;
}

}  // namespace stillframe::ese
