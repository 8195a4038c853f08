// link: stillframe_ese_log
// A whole log file of either framing. Whatever its header says, reading ends, and every record that
// is given can be shown.
#include <cstdint>

#include "framework/base/check.hpp"
#include "writers/ese/format/checksum.hpp"
#include "writers/ese/format/log_lint.hpp"
#include "writers/ese/format/log_reader.hpp"
#include "writers/ese/format/log_writer.hpp"
#include "writers/ese/format/record_show.hpp"

using namespace stillframe;
using namespace stillframe::ese;

// Without right checksums little of a reader is reached, so they are put right first.
static std::vector<std::byte> sealed(const std::uint8_t* data, std::size_t size) {
  const auto* begin = reinterpret_cast<const std::byte*>(data);
  std::vector<std::byte> bytes(begin, begin + size);
  if (bytes.size() < LogHeader::kFileBytes) return bytes;
  store_le(bytes.data(), xor_checksum(Bytes(bytes).first(LogHeader::kFileBytes)));
  for (std::size_t at = kLogSegmentBytes; at + kLogSegmentBytes <= bytes.size();
       at += kLogSegmentBytes) {
    if (bytes[at] == std::byte{0xFF}) continue;  // this one stays as it is
    const Bytes segment = Bytes(bytes).subspan(at, kLogSegmentBytes);
    const auto isec = load_le<std::uint16_t>(segment.data() + 10);
    store_le(bytes.data() + at, ecc_checksum(segment, isec, true));
  }
  return bytes;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto log = LogGeneration::read(sealed(data, size), "fuzz.log");
  if (!log.ok()) return 0;
  const Generation only = log.value().generation();
  const LogGeneration& read = log.value();
  LogReader reader([&](Generation, bool) { return Result<LogGeneration>(read); }, only, only);
  LogLinter linter;
  std::size_t shown = 0;
  for (;;) {
    auto record = reader.next();
    if (!record.ok()) return 0;
    if (!record.value()) break;
    linter.add(*record.value());
    show_record(record.value()->bytes, [&](std::string_view, const FieldValue&) { ++shown; });
  }
  STILLFRAME_CHECK(linter.counts().records == 0 || shown < size * 16, "records grew");
  if (read.header().fields.framing() == LogFraming::segments) {
    (void)plan_tail_repair(read, reader.end().torn);
  }
  return 0;
}
