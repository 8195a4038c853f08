// Log files in memory, as LogSegmentWriter makes them and a crash leaves them.
#pragma once

#include <cstdint>
#include <optional>
#include <random>
#include <vector>

#include "writers/ese/format/log_reader.hpp"
#include "writers/ese/format/log_writer.hpp"

namespace stillframe::ese::tests {

using Image = std::vector<std::byte>;
using RecordBytes = std::vector<std::byte>;
inline constexpr std::size_t kSector = 512;

LogFileHeader header_of(Generation generation, std::uint16_t file_segments);
// The whole file, with nothing behind its header.
Image empty_file(const LogFileHeader& header);

void carry_out(const std::vector<LogWriteStep>& steps, Image& image);
// The step was under way when the machine stopped: every sector of it reached the disk or not.
Image torn_by(const LogWriteStep& step, const Image& before, std::mt19937_64& random);

RecordBytes trace_of(std::size_t text_bytes, std::mt19937_64& random);

struct ReadBack {
  std::vector<RecordBytes> records;
  std::vector<Lgpos> positions;
  LogStreamEnd end;
  std::optional<Error> error;
};
// What a reader makes of files of generations 1, 2 and so on.
ReadBack read_back(const std::vector<Image>& files);

}  // namespace stillframe::ese::tests
