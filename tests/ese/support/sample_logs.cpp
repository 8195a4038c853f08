#include "tests/ese/support/sample_logs.hpp"

#include <algorithm>

#include "framework/base/check.hpp"
#include "writers/ese/format/log_writer.hpp"
#include "writers/ese/format/record_page.hpp"
#include "writers/ese/format/record_transaction.hpp"

namespace stillframe::ese::tests {

namespace {

LogFileHeader first_header(std::int32_t generation) {
  LogFileHeader header;
  LogHeader& h = header.fields;
  h.generation = Generation{generation};
  h.segment_bytes = kLogSegmentBytes;
  h.header_segments = 1;
  h.file_segments = kSampleLogSegments;
  h.page_bytes = 4096;
  h.created = sample_day(generation);
  h.created_previous = sample_day(generation - 1);
  h.major = 8;
  h.minor = 4000;
  h.update_major = 5;
  h.update_minor = 16;
  h.log = sample_sequence();
  h.file_type = FileType::log;
  return header;
}

std::vector<std::byte> insert_record(std::int32_t generation) {
  InsertRecord insert;
  insert.node.page.procid = Procid{5};
  insert.node.page.page = Pgno{100 + static_cast<std::uint32_t>(generation)};
  insert.suffix_bytes = 1;
  insert.data_bytes = 2;
  const std::vector<std::byte> key(1, std::byte{'k'}), data(2, std::byte{'d'});
  return encode_record(insert, {Bytes(), Bytes(key), Bytes(data)});
}

void fill(LogSegmentWriter& writer, std::int32_t generation) {
  STILLFRAME_CHECK(writer.append(insert_record(generation), {}).has_value(), "a log has room");
  const std::vector<std::byte> text(1500, std::byte{'t'});
  NoteRecord trace;
  trace.procid = Procid{6};
  while (writer.append(encode_record(trace, {Bytes(text)}), {})) {
  }
}

}  // namespace

Signature sample_sequence(std::uint32_t random) {
  Signature signature;
  signature.random = random;
  return signature;
}

LogTime sample_day(std::int32_t day) {
  LogTime time;
  time.day = static_cast<std::uint8_t>(day);
  time.month = 1;
  time.years_since_1900 = 126;
  return time;
}

std::vector<SampleLog> sample_logs(std::int32_t first, std::int32_t last) {
  std::vector<SampleLog> logs;
  LogFileHeader header = first_header(first);
  for (std::int32_t g = first; g <= last; ++g) {
    SampleLog sample;
    const auto sealed = encode_log_header(header);
    STILLFRAME_CHECK(sealed.ok(), "the sample's headers are possible");
    sample.file = sealed.value();
    sample.file.resize(header.fields.file_bytes());
    LogSegmentWriter writer(Generation{g}, kSampleLogSegments);
    fill(writer, g);
    for (const LogWriteStep& step : writer.flush(FlushMode::close)) {
      for (const LogWrite& write : step) {
        std::copy(write.bytes.begin(), write.bytes.end(),
                  sample.file.begin() + static_cast<std::ptrdiff_t>(write.offset));
      }
    }
    sample.log = {archived_log_name("edb", Generation{g}, LogExtensions::log_chk),
                  {LogFileKind::archived, LogExtensions::log_chk, Generation{g}, 5},
                  header};
    header = next_log_header(header, writer.checksums(), sample_day(g + 1), {}, {});
    logs.push_back(std::move(sample));
  }
  return logs;
}

}  // namespace stillframe::ese::tests
