#include "tests/ese/support/log_image.hpp"

#include <algorithm>

#include "writers/ese/format/record_transaction.hpp"

namespace stillframe::ese::tests {

LogFileHeader header_of(Generation generation, std::uint16_t file_segments) {
  LogFileHeader header;
  LogHeader& h = header.fields;
  h.generation = generation;
  h.segment_bytes = kLogSegmentBytes;
  h.header_segments = 1;
  h.file_segments = file_segments;
  h.page_bytes = 8192;
  h.created.day = static_cast<std::uint8_t>(generation);
  h.major = 8;
  h.minor = 4000;
  h.update_major = 5;
  h.update_minor = 16;
  h.log.random = 1;
  h.file_type = FileType::log;
  return header;
}

Image empty_file(const LogFileHeader& header) {
  Image image = encode_log_header(header).value();
  image.resize(header.fields.file_bytes());
  return image;
}

void carry_out(const std::vector<LogWriteStep>& steps, Image& image) {
  for (const LogWriteStep& step : steps) {
    for (const LogWrite& write : step) {
      std::copy(write.bytes.begin(), write.bytes.end(),
                image.begin() + static_cast<std::ptrdiff_t>(write.offset));
    }
  }
}

RecordBytes trace_of(std::size_t text_bytes, std::mt19937_64& random) {
  RecordBytes text(text_bytes);
  for (std::byte& b : text) b = static_cast<std::byte>(random());
  return encode_record(NoteRecord{}, {Bytes(text)});
}

ReadBack read_back(const std::vector<Image>& files) {
  const auto open = [&](Generation generation, bool last) {
    const auto index = static_cast<std::size_t>(generation) - 1;
    return LogGeneration::read(files[index], "edb.log", {.complete = !last});
  };
  LogReader reader(open, Generation{1}, Generation{static_cast<std::int32_t>(files.size())});
  ReadBack back;
  for (;;) {
    auto record = reader.next();
    if (!record.ok()) {
      back.error = record.error();
      return back;
    }
    if (!record.value()) break;
    back.records.emplace_back(record.value()->bytes.begin(), record.value()->bytes.end());
    back.positions.push_back(record.value()->at);
  }
  back.end = reader.end();
  return back;
}

Image torn_by(const LogWriteStep& step, const Image& before, std::mt19937_64& random) {
  Image image = before;
  for (const LogWrite& write : step) {
    for (std::size_t at = 0; at < write.bytes.size(); at += kSector) {
      const auto to = image.begin() + static_cast<std::ptrdiff_t>(write.offset + at);
      const auto choice = random() % 3;
      if (choice == 0) continue;
      const auto from = write.bytes.begin() + static_cast<std::ptrdiff_t>(at);
      std::copy_n(from, kSector, to);
    }
  }
  return image;
}

}  // namespace stillframe::ese::tests
